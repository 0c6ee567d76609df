//! Numbers for people: grouped digits, and the unit of the schema's target.

/// A number without decimals, its thousands separated.
pub(crate) fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 && digits != "0" {
        grouped.insert(0, '-');
    }
    grouped
}

/// What is predicted: large ones without decimals, small ones with as many as tell them apart.
pub(crate) fn amount(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => value.to_string(),
        size if size >= 1000.0 => whole(value),
        size if size >= 1.0 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// A prediction with its range, such as `8,449,000 ₽ (6,580,000 to 10,840,000)`.
pub(crate) fn range(prediction: f64, low: f64, high: f64, unit: Option<&str>) -> String {
    let unit = unit.map(|unit| format!(" {unit}")).unwrap_or_default();
    format!(
        "{}{unit} ({} to {})",
        amount(prediction),
        amount(low),
        amount(high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_and_small_values_keep_their_decimals() {
        for (value, expected) in [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (8_449_123.4, "8,449,123"),
            (-1_234_567.0, "-1,234,567"),
            (-0.2, "0"),
        ] {
            assert_eq!(whole(value), expected);
        }
        for (value, expected) in [
            (8_449_123.4, "8,449,123"),
            (12.5, "12.50"),
            (0.1234, "0.1234"),
            (0.0, "0.00"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(amount(value), expected);
        }
        assert_eq!(
            range(8_449_000.0, 6_580_000.0, 10_840_000.0, Some("₽")),
            "8,449,000 ₽ (6,580,000 to 10,840,000)"
        );
        assert_eq!(range(0.5, 0.25, 0.75, None), "0.5000 (0.2500 to 0.7500)");
    }
}
