//! How a field's times are written, where the schema says so.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::{in_range, month_names};

const DAY_US: f64 = 24.0 * 3600.0 * 1e6;
/// 1899-12-30, from which spreadsheets count days, in days since 1970.
const SPREADSHEET_DAY: f64 = -25_569.0;

/// One way to write a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Days since 1970.
    EpochDays,
    /// Seconds since 1970, however few.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Microseconds since 1970.
    EpochMicroseconds,
    /// Days since 1899-12-30 and a part of a day, as Excel has them.
    Excel,
    /// By the conversions of `strftime`, such as `%d/%m/%Y`.
    Written(String),
}

impl Form {
    /// Reads `format` of a field.
    ///
    /// # Errors
    /// What is wrong with it, and what was expected.
    pub fn parse(text: &str) -> Result<Form, String> {
        Ok(match text {
            "epoch-days" => Form::EpochDays,
            "epoch-seconds" => Form::EpochSeconds,
            "epoch-milliseconds" => Form::EpochMilliseconds,
            "epoch-microseconds" => Form::EpochMicroseconds,
            "excel" => Form::Excel,
            text => {
                let is_known = StrftimeItems::new(text).all(|item| item != Item::Error);
                let has_year = ["%Y", "%y", "%D", "%F", "%x", "%c", "%+", "%G", "%s"]
                    .iter()
                    .any(|part| text.contains(part));
                if !is_known || !has_year {
                    return Err(format!(
                        "format = {text:?}: expected conversions of strftime with a year, such as \
                         \"%d/%m/%Y\", or epoch-days, epoch-seconds, epoch-milliseconds, \
                         epoch-microseconds, excel"
                    ));
                }
                Form::Written(text.to_owned())
            }
        })
    }

    fn text(&self, text: &str) -> Option<i64> {
        let Form::Written(format) = self else {
            return self.number(text.parse().ok()?);
        };
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return in_range(time.timestamp_micros());
        }
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return in_range(time.and_utc().timestamp_micros());
        }
        let date = NaiveDate::parse_from_str(text, format);
        // A month or a year alone: its first day.
        let date = date
            .or_else(|_| NaiveDate::parse_from_str(&format!("{text} 1"), &format!("{format} %d")));
        let date = date.or_else(|_| {
            NaiveDate::parse_from_str(&format!("{text} 1 1"), &format!("{format} %m %d"))
        });
        in_range(
            date.ok()?
                .and_hms_opt(0, 0, 0)?
                .and_utc()
                .timestamp_micros(),
        )
    }

    fn number(&self, number: f64) -> Option<i64> {
        let us = match self {
            Form::EpochDays => number * DAY_US,
            Form::EpochSeconds => number * 1e6,
            Form::EpochMilliseconds => number * 1e3,
            Form::EpochMicroseconds => number,
            // Whole seconds: a part of a day has no exact float.
            Form::Excel => ((number + SPREADSHEET_DAY) * 86_400.0).round() * 1e6,
            Form::Written(_) if number.fract() == 0.0 => return self.text(&number.to_string()),
            Form::Written(_) => return None,
        };
        match us.is_finite() {
            true => in_range(us as i64),
            false => None,
        }
    }
}

/// The ways in which a field's times may be written; none but the usual ones where the schema names none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forms(Vec<Form>);

impl Forms {
    /// Those of a field; what is not a form was refused with the schema.
    pub fn of(formats: &[String]) -> Forms {
        Forms(
            formats
                .iter()
                .filter_map(|format| Form::parse(format).ok())
                .collect(),
        )
    }

    /// Reads a text by the first form that it has, else as usual; months may have the names of twelve other
    /// languages.
    pub fn read(&self, text: &str) -> Option<i64> {
        self.written(text)
            .or_else(|| match text.parse::<f64>() {
                Ok(number) if self.0.is_empty() => super::from_number(number),
                _ => None,
            })
            .or_else(|| self.written(&month_names::in_english(text)?))
    }

    fn written(&self, text: &str) -> Option<i64> {
        let time = self.0.iter().find_map(|form| form.text(text));
        time.or_else(|| super::parse(text))
    }

    /// Reads a number as its text is read.
    pub fn number(&self, number: f64) -> Option<i64> {
        if self.0.is_empty() {
            return super::from_number(number);
        }
        let time = self.0.iter().find_map(|form| form.number(number));
        let is_whole = number.fract() == 0.0;
        time.or_else(|| {
            is_whole
                .then(|| super::parse(&number.to_string()))
                .flatten()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> Forms {
        Form::parse(text).expect("a form");
        Forms::of(&[text.to_owned()])
    }

    #[test]
    fn the_schema_says_how_times_are_written() {
        const DAY: Option<i64> = Some(1_480_723_200_000_000);
        for (form, text) in [
            ("%d/%m/%Y", "3/12/2016"),
            ("%d/%m/%Y", "03/12/2016"),
            ("%d/%m/%Y", "2016-12-03"),
            ("%m/%d/%y", "12/3/16"),
            ("%d.%m.%Y", "03.12.2016"),
            ("%d %B %Y", "3 December 2016"),
            ("%d %B %Y", "3 декабря 2016"),
            ("%d/%m/%Y", "3. Dezember 2016"),
            ("%d/%m/%Y %H:%M", "03/12/2016 00:00"),
            ("epoch-days", "17138"),
            ("excel", "42707"),
            ("%Y%m%d", "20161203"),
        ] {
            assert_eq!(forms(form).read(text), DAY, "{form} {text}");
        }
        assert_eq!(forms("epoch-days").number(17_138.0), DAY);
        assert_eq!(forms("%Y%m%d").number(20_161_203.0), DAY);
        assert_eq!(
            forms("excel").number(42_707.5),
            DAY.map(|us| us + 43_200_000_000)
        );
        let year = Some(883_612_800_000_000);
        assert_eq!(
            (forms("%Y").read("1998"), forms("%Y").number(1998.0)),
            (year, year)
        );
        assert_eq!(forms("%m/%Y").read("01/1998"), year);
        assert_eq!(forms("epoch-seconds").number(60.0), Some(60_000_000));
        // A year that was cut is none of the first century.
        assert_eq!(forms("%d/%m/%Y").read("3/12/16"), None);
        assert_eq!(forms("%d/%m/%Y").read("12/31/2016"), None);
        assert_eq!(forms("%d/%m/%Y").number(1.7e9), None);
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for text in ["%d/%m", "%Q %Y", "days", ""] {
            assert!(Form::parse(text).is_err(), "{text}");
        }
    }
}
