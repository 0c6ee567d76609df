//! Which paths require a token.

use super::dashboard::GUARDED;

/// Whether a path requires a token, where one is set: all that knows prices or models does.
pub(super) fn is_guarded(path: &str) -> bool {
    let first = ["/predict", "/v2", "/models", "/features", "/quality/"];
    let mut parts = first.iter().chain(&GUARDED);
    parts.any(|part| path.starts_with(part))
}
