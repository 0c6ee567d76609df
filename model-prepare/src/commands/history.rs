//! `history`: who promoted what, when, why.

use registry::Registry;
use serde_json::json;

use super::Shown;
use super::show::decision;

/// All decisions, the oldest first.
///
/// # Errors
/// When the registry cannot be read.
pub fn history(registry: &dyn Registry) -> anyhow::Result<Shown> {
    let changes = registry.history()?;
    let lines: Vec<String> = changes.iter().map(decision).collect();
    Ok(Shown {
        text: match lines.is_empty() {
            true => format!("nothing was decided yet in {}", registry.place()),
            false => lines.join("\n"),
        },
        json: json!({ "place": registry.place(), "history": changes }),
    })
}
