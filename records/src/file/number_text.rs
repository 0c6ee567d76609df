//! Numbers as texts.

/// A number that is written so that it cannot be meant in two ways: three decimals may be thousands, four
/// may not.
pub(super) fn number_text(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    let mut text = value.to_string();
    if text
        .split_once('.')
        .is_some_and(|(_, decimals)| decimals.len() == 3)
    {
        text.push('0');
    }
    text
}
