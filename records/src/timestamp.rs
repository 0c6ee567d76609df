//! Points in time as records carry them, in microseconds since 1970 UTC.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// The latest time kept: the end of year 9999, so that every stored time prints in four digits.
const LATEST_US: i64 = 253_402_300_799_999_999;

/// Reads RFC 3339, or a date or date and time without an offset, taken as UTC.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return in_range(time.timestamp_micros());
    }
    for format in [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y%m%dT%H%M%S",
    ] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return in_range(time.and_utc().timestamp_micros());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    in_range(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

/// Reads a number since 1970: seconds, milliseconds or microseconds, told apart by size
/// (seconds reach 1e11 in the year 5138, milliseconds of 1e11 are in 1973).
pub fn from_number(number: f64) -> Option<i64> {
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    let us = if number < 1e11 {
        number * 1e6
    } else if number < 1e14 {
        number * 1e3
    } else {
        number
    };
    in_range(us as i64)
}

/// Writes RFC 3339 in UTC with microseconds: `2026-01-31T12:00:00.000000Z`.
pub fn format(us: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(us)
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
        .unwrap_or_else(|| us.to_string())
}

/// The present, in microseconds since 1970.
pub fn now_us() -> i64 {
    Utc::now().timestamp_micros()
}

fn in_range(us: i64) -> Option<i64> {
    (0..=LATEST_US).contains(&us).then_some(us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        let noon = Some(1_769_860_800_000_000);
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T15:00:00+03:00",
            "2026-01-31 12:00:00",
            "2026-01-31T12:00:00.000000",
            "20260131T120000",
        ] {
            assert_eq!(parse(text), noon, "{text}");
        }
        assert_eq!(parse("2026-01-31"), Some(1_769_817_600_000_000));
        for number in [1_769_860_800.0, 1_769_860_800e3, 1_769_860_800e6] {
            assert_eq!(from_number(number), noon, "{number}");
        }
        for text in [
            "yesterday",
            "",
            "2026-02-30",
            "1950-01-01",
            "+262142-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(
            parse(&format(1_769_860_800_123_456)),
            Some(1_769_860_800_123_456)
        );
    }
}
