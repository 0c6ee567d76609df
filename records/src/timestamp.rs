//! Points in time as records carry them, in microseconds since 1970 UTC.
//!
//! Forms that can be meant in one way only are read anywhere. A day before or after its month, a year
//! alone, a spreadsheet's number are read where the schema says so ([`Forms`]).

mod forms;
mod month_names;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

pub use self::forms::{Form, Forms};

/// The earliest time kept: the begin of year 1000. A year of fewer digits is a slip, or one that was cut.
const EARLIEST_US: i64 = -30_610_224_000_000_000;
/// The latest time kept: the end of year 9999, so that every stored time prints in four digits.
const LATEST_US: i64 = 253_402_300_799_999_999;
/// Fewer seconds since 1970 than this (until March 1973) are meant otherwise: years, days, a spreadsheet's
/// numbers.
const LEAST_SECONDS: f64 = 1e8;

/// Reads RFC 3339 and its usual relatives; a date or a time without an offset is taken as UTC.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return in_range(time.timestamp_micros());
    }
    let (text, offset_us) = offset(text);
    let us = |time: NaiveDateTime| in_range(time.and_utc().timestamp_micros() - offset_us);
    // Each begins with the year, or names the month.
    const TIMES: [&str; 12] = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y/%m/%d %H:%M:%S%.f",
        "%Y/%m/%d %H:%M",
        "%Y%m%dT%H%M%S",
        "%d %B %Y %H:%M:%S",
        "%B %d, %Y %H:%M:%S",
        "%a, %d %b %Y %H:%M:%S",
        "%a %b %d %H:%M:%S %Y",
        "%B %d, %Y %I:%M %p",
    ];
    const DATES: [&str; 8] = [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d %B %Y",
        "%d-%B-%Y",
        "%B %d, %Y",
        "%B %d %Y",
        "%d.%B.%Y",
    ];
    let time = |format: &&str| NaiveDateTime::parse_from_str(text, format).ok();
    if let Some(time) = TIMES.iter().find_map(time) {
        return us(time);
    }
    let date = |format: &&str| NaiveDate::parse_from_str(text, format).ok();
    let date = DATES
        .iter()
        .find_map(date)
        .or_else(|| month(text))
        .or_else(|| compact(text));
    us(date?.and_hms_opt(0, 0, 0)?)
}

/// A zone behind a time: `Z`, `UTC`, `GMT`, `+0300`, `+03`, `+03:00`; and the time without it.
fn offset(text: &str) -> (&str, i64) {
    for zone in ["UTC", "GMT", "Z", "z"] {
        if let Some(rest) = text.strip_suffix(zone)
            && rest
                .trim_end()
                .ends_with(|last: char| last.is_ascii_digit())
        {
            return (rest.trim_end(), 0);
        }
    }
    // Behind a time of day only: "2026-05-01" ends in no zone.
    let Some(at) = text
        .rfind(['+', '-', '−'])
        .filter(|at| text[..*at].contains(':'))
    else {
        return (text, 0);
    };
    let (time, zone) = text.split_at(at);
    let sign = if zone.starts_with('+') { 1 } else { -1 };
    let digits: String = zone
        .chars()
        .skip(1)
        .filter(|letter| *letter != ':')
        .collect();
    let is_zone = matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit());
    match (is_zone, digits.get(..2), digits.get(2..)) {
        (true, Some(hours), Some(minutes)) => {
            let number = |text: &str| text.parse::<i64>().unwrap_or(0);
            let seconds = number(hours) * 3600 + number(minutes) * 60;
            (time.trim_end(), sign * seconds * 1_000_000)
        }
        _ => (text, 0),
    }
}

/// `2018-03`: its first day.
fn month(text: &str) -> Option<NaiveDate> {
    let (year, month) = text.split_once(['-', '/'])?;
    let is_month = year.len() == 4 && month.len() == 2;
    let number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())?
    };
    NaiveDate::from_ymd_opt(
        i32::try_from(number(year).filter(|_: &u32| is_month)?).ok()?,
        number(month)?,
        1,
    )
}

/// `20260131`, of the years 1900 to 2100: other eight digits are no date.
fn compact(text: &str) -> Option<NaiveDate> {
    let is_compact = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = is_compact.then(|| text.parse().ok()).flatten()?;
    let is_date = (19_000_101..=21_001_231).contains(&number);
    is_date.then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok())?
}

/// Reads a number since 1970: seconds, milliseconds, microseconds or nanoseconds, distinguished by size
/// (seconds reach 1e11 in the year 5138, milliseconds of 1e11 are in 1973); or a date such as 20260131. One
/// too small for seconds is none: it may be a year, days or a spreadsheet's number.
pub fn from_number(number: f64) -> Option<i64> {
    let size = number.abs();
    if !number.is_finite() {
        return None;
    }
    if size != 0.0 && size < LEAST_SECONDS {
        let is_date = number.fract() == 0.0;
        let date = is_date.then(|| compact(&number.to_string())).flatten()?;
        return in_range(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros());
    }
    let us = if size < 1e11 {
        number * 1e6
    } else if size < 1e14 {
        number * 1e3
    } else if size < 1e17 {
        number
    } else {
        number / 1e3
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

/// A time that is kept.
pub(crate) fn in_range(us: i64) -> Option<i64> {
    (EARLIEST_US..=LATEST_US).contains(&us).then_some(us)
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
            "20260131T120000Z",
            "2026-01-31T12:00",
            "2026-01-31 12:00",
            "2026-01-31T15:00:00+0300",
            "2026-01-31 15:00:00+03",
            "2026-01-31 07:00:00.00-05",
            "2026-01-31 15:00:00 +0300",
            "2026-01-31 12:00:00 UTC",
            "2026-01-31T12:00Z",
            "2026/01/31 12:00:00",
            "Sat, 31 Jan 2026 12:00:00 GMT",
            "31 Jan 2026 12:00:00",
        ] {
            assert_eq!(parse(text), noon, "{text}");
        }
        let day = Some(1_769_817_600_000_000);
        for text in [
            "2026-01-31",
            "2026/01/31",
            "2026.01.31",
            "20260131",
            "31 Jan 2026",
            "31 January 2026",
            "31-Jan-2026",
            "Jan 31, 2026",
        ] {
            assert_eq!(parse(text), day, "{text}");
        }
        assert_eq!(parse("2026-01"), Some(1_767_225_600_000_000));
        assert_eq!(parse("1950-01-01"), Some(-631_152_000_000_000));
        for number in [
            1_769_860_800.0,
            1_769_860_800e3,
            1_769_860_800e6,
            1_769_860_800e9,
        ] {
            assert_eq!(from_number(number), noon, "{number}");
        }
        assert_eq!(from_number(20_260_131.0), day);
        assert_eq!(from_number(-631_152_000.0), Some(-631_152_000_000_000));
        // Years, days, a spreadsheet's number: by a form of the schema only.
        for number in [1998.0, 20_484.0, 46_053.5, f64::NAN] {
            assert_eq!(from_number(number), None, "{number}");
        }
        for text in [
            "yesterday",
            "",
            "2026-02-30",
            "03/12/2016",
            "19-Dec",
            "1998",
            "+262142-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for us in [1_769_860_800_123_456, -631_152_000_000_001] {
            assert_eq!(parse(&format(us)), Some(us));
        }
    }
}
