//! Numbers as text.

/// An amount of the target, which may be the price of a house or the score of a wine.
pub fn amount(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        // Not "-0.0000".
        size if size < 5e-5 => "0.0000".to_owned(),
        _ => format!("{value:.4}"),
    }
}
