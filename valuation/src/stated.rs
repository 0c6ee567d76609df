//! How exactly an answer states a price: the one place where its numbers are rounded, whatever way they go.

/// Digits that a small number keeps.
const DIGITS: i32 = 6;
/// Decimals of a large one: a hundredth.
const DECIMALS: i32 = 2;
/// Beyond it a float has no hundredths to be rounded.
const EXACT: f64 = 9e13;

/// A number to a hundredth, and to six digits where those are finer: 7222999.999999995 is 7223000, and
/// 0.0123456789 is 0.0123457.
pub(crate) fn stated(value: f64) -> f64 {
    let size = value.abs();
    if !(f64::MIN_POSITIVE..EXACT).contains(&size) {
        return value;
    }
    let before = size.log10().floor() as i32 + 1;
    let decimals = (DIGITS - before).max(DECIMALS);
    if decimals > 22 {
        return value;
    }
    // Up to the 22nd a power of ten is exact, so that the quotient is the float next to the decimal number.
    let scale = 10_f64.powi(decimals);
    let scaled = (value * scale).round() / scale;
    match scaled.is_finite() {
        true => scaled,
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_hundredths_or_six_digits() {
        for (value, expected) in [
            (7_222_999.999_999_995, "7223000"),
            (7_222_999.126, "7222999.13"),
            (1_234.567_89, "1234.57"),
            (999.999_96, "1000"),
            (12.345_678_9, "12.3457"),
            (1.0, "1"),
            (0.012_345_678_9, "0.0123457"),
            (-0.5, "-0.5"),
            (-1_234.567, "-1234.57"),
            (0.0, "0"),
            (1e-30, "0.000000000000000000000000000001"),
            (1e20, "100000000000000000000"),
        ] {
            assert_eq!(stated(value).to_string(), expected);
            assert_eq!(stated(stated(value)), stated(value), "{value}");
        }
        assert!(stated(f64::NAN).is_nan());
        assert_eq!(stated(f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn the_order_stays() {
        let mut last = 0.0;
        let mut value = 1e-3;
        while value < 1e8 {
            let own = stated(value);
            assert!(own >= last, "{value}");
            assert!((own / value - 1.0).abs() < 1e-5, "{value}");
            (last, value) = (own, value * 1.000_37);
        }
    }
}
