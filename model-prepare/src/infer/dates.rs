//! How a column writes times: decided from all of its cells.

use records::timestamp::Forms;

use super::calendars::foreign;
use super::column::Column;
use super::{column, name_words};

const DAY_US: i64 = 24 * 3600 * 1_000_000;
/// Share of the cells that must be times.
const SHARE: f64 = 0.98;
/// First and last of the days that spreadsheets call 20000 and 60000: 1954 to 2064.
const SPREADSHEET: std::ops::RangeInclusive<f64> = 20_000.0..=60_000.0;
/// Days since 1970 of the years 1986 to 2064.
const EPOCH_DAYS: std::ops::RangeInclusive<f64> = 6_000.0..=34_700.0;

/// What a column's times are written like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Times {
    /// No times.
    None,
    /// As any reader reads them.
    Usual,
    /// By a form of the schema, and why by this one.
    Form(String, String),
    /// Day and month may be meant in both orders: two forms.
    Either(String, String),
    /// Dates of another calendar, by its name.
    Foreign(&'static str),
}

/// The forms with the day first, with the month first where there is a choice.
const PAIRS: [(&str, &str); 6] = [
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d-%m-%Y", "%m-%d-%Y"),
    ("%d.%m.%Y", "%m.%d.%Y"),
    ("%d/%m/%y", "%m/%d/%y"),
    ("%d-%m-%y", "%m-%d-%y"),
    ("%d.%m.%y", "%m.%d.%y"),
];
/// Times of day behind a date.
const CLOCKS: [&str; 11] = [
    "",
    " %H:%M",
    " %H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %H:%M",
    ", %H:%M:%S",
    ", %I:%M %p",
    ", %I:%M:%S %p",
    " %H:%M:%S%.f",
    "T%H:%M:%S%.f",
];
/// Forms without a choice.
const OTHERS: [&str; 13] = [
    "%m/%Y",
    "%B %Y",
    "%B-%y",
    "%d-%B-%y",
    "%d-%B-%Y %H:%M:%S",
    "%d%B%Y:%H:%M:%S",
    "%A, %d %B %Y",
    "%A, %B %d, %Y",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y年%m月%d日",
    "%Y年%m月",
    "%Y년 %m월 %d일",
    "%Y-%d-%m",
];
/// Whole numbers whose digits are a time, by their length.
const DIGITS: [(usize, &str); 3] = [(6, "%Y%m"), (12, "%Y%m%d%H%M"), (14, "%Y%m%d%H%M%S")];
/// Cells that show whether a form is worth to be tried on all.
const SAMPLE: usize = 200;

/// Rows whose cell a form reads.
fn count(column: &Column, form: &str) -> usize {
    let forms = match form {
        "" => Forms::default(),
        form => Forms::of(&[form.to_owned()]),
    };
    let read = column
        .values()
        .filter(|cell| forms.read(&cell.text).is_some());
    read.map(|cell| cell.count).sum()
}

/// Whether a form reads most cells of a sample: a long column of texts is not read by all forms.
fn is_likely(column: &Column, form: &str) -> bool {
    let forms = match form {
        "" => Forms::default(),
        form => Forms::of(&[form.to_owned()]),
    };
    let step = column.levels().div_ceil(SAMPLE).max(1);
    let (mut read, mut all) = (0, 0);
    for cell in column.values().step_by(step) {
        all += cell.count;
        read += match forms.read(&cell.text) {
            Some(_) => cell.count,
            None => 0,
        };
    }
    read * 10 >= all * 9
}

/// Whether more rows than a slip or two have a time that is to come: `now_us` is the present.
pub(super) fn are_ahead(column: &Column, times: &Times, now_us: i64) -> bool {
    let forms = match times {
        Times::Usual => Forms::default(),
        Times::Form(form, _) => Forms::of(std::slice::from_ref(form)),
        Times::None | Times::Either(..) | Times::Foreign(_) => return false,
    };
    let is_ahead = |text: &str| forms.read(text).is_some_and(|us| us > now_us + DAY_US);
    let ahead = column.values().filter(|cell| is_ahead(&cell.text));
    let rows: usize = ahead.map(|cell| cell.count).sum();
    rows as f64 > (1.0 - SHARE) * column.filled() as f64
}

impl Times {
    /// `days_first` is what the user, or another column of the file, says.
    pub(super) fn of(column: &Column, days_first: Option<bool>) -> Times {
        let filled = column.filled();
        let is_all = |rows: usize| filled > 0 && rows as f64 >= SHARE * filled as f64;
        if column.values().all(|cell| cell.text.parse::<f64>().is_ok()) {
            return Times::of_numbers(column);
        }
        if let Some(calendar) = foreign(column, SHARE) {
            return Times::Foreign(calendar);
        }
        if is_likely(column, "") && is_all(count(column, "")) {
            return Times::Usual;
        }
        for clock in CLOCKS {
            for (days, months) in PAIRS {
                let (days, months) = (format!("{days}{clock}"), format!("{months}{clock}"));
                if !is_likely(column, &days) && !is_likely(column, &months) {
                    continue;
                }
                let read = (count(column, &days), count(column, &months));
                let proof = |form: String, lacking: usize| {
                    let rows = filled - lacking;
                    Times::Form(form, format!("{rows} cells have a day over 12"))
                };
                match (is_all(read.0), is_all(read.1)) {
                    (false, false) => {}
                    (true, false) => return proof(days, read.1),
                    (false, true) => return proof(months, read.0),
                    (true, true) => return Times::choice(column, days, months, days_first),
                }
            }
        }
        let is_other = |form: &&&str| is_likely(column, form) && is_all(count(column, form));
        let other = OTHERS.iter().find(is_other);
        match other {
            Some(form) => Times::Form((*form).to_owned(), "the only form that reads it".to_owned()),
            None => Times::None,
        }
    }

    fn choice(column: &Column, days: String, months: String, days_first: Option<bool>) -> Times {
        if let Some(is_first) = days_first {
            let form = if is_first { days } else { months };
            return Times::Form(
                form,
                "by --dates, or as another column of the file".to_owned(),
            );
        }
        if days.contains('.') {
            return Times::Form(days, "with full stops the day comes first".to_owned());
        }
        // Months that all begin on their first: the part that is always 1 is the day.
        let part = |place: usize| {
            let split = |text: &str| {
                let mut parts = text.split(['/', '-']);
                parts
                    .nth(place)
                    .and_then(|part| part.trim().parse::<u32>().ok())
            };
            let values = column.values().map(|cell| split(&cell.text));
            values.collect::<std::collections::BTreeSet<_>>()
        };
        let is_one = |place: usize| part(place) == [Some(1)].into();
        match (is_one(0), is_one(1)) {
            (true, false) => Times::Form(days, "the first part is always 1".to_owned()),
            (false, true) => Times::Form(months, "the second part is always 1".to_owned()),
            _ => Times::Either(days, months),
        }
    }

    /// Whole numbers are times only where the column is called so.
    fn of_numbers(column: &Column) -> Times {
        let name = &column.name;
        // "listing_id", "sale_price".
        let is_other = name_words::is_year(name)
            || name_words::is_id(name)
            || name_words::is_price(name)
            || name_words::has(name, &["amount", "value", "cost", "count"]);
        let is_called = name_words::has(name, &name_words::TIMES) && !is_other;
        let numbers: Vec<f64> = column
            .values()
            .filter_map(|cell| cell.text.parse().ok())
            .collect();
        let are = |range: std::ops::RangeInclusive<f64>| {
            numbers.len() > 1 && numbers.iter().all(|number| range.contains(number))
        };
        if !is_called || numbers.is_empty() {
            return Times::None;
        }
        let is_usual = |number: &f64| records::timestamp::from_number(*number).is_some();
        // Before seconds and their parts: 20240131103000 milliseconds are in the year 2611.
        let is_of_digits = |(length, form): &&(usize, &str)| {
            let forms = Forms::of(&[(*form).to_owned()]);
            column
                .values()
                .all(|cell| cell.text.len() == *length && is_near(&forms, &cell.text))
        };
        if let Some((_, form)) = DIGITS.iter().find(is_of_digits) {
            Times::Form((*form).to_owned(), "the digits of a time".to_owned())
        } else if numbers.iter().all(is_usual) {
            Times::Usual
        } else if are(SPREADSHEET) && !are(EPOCH_DAYS) {
            Times::Form(
                "excel".to_owned(),
                "numbers of days as spreadsheets have them".to_owned(),
            )
        } else if are(SPREADSHEET) || are(EPOCH_DAYS) {
            let is_sheet = numbers.iter().sum::<f64>() / numbers.len() as f64 > 34_700.0;
            let form = if is_sheet { "excel" } else { "epoch-days" };
            Times::Form(form.to_owned(), "numbers of days".to_owned())
        } else {
            Times::None
        }
    }

    /// What the column proves of day and month.
    pub(super) fn days_first(&self) -> Option<bool> {
        match self {
            Times::Form(form, _) if form.starts_with("%d/") || form.starts_with("%d-%m") => {
                Some(true)
            }
            Times::Form(form, _) if form.starts_with("%m/%d") || form.starts_with("%m-%d") => {
                Some(false)
            }
            _ => None,
        }
    }
}

/// Whether a text is a time of the years 1900 to 2100.
fn is_near(forms: &Forms, text: &str) -> bool {
    let years = -2_208_988_800_000_000..4_133_980_800_000_000;
    forms.read(text).is_some_and(|us| years.contains(&us))
}

/// Whether a column has texts with digits that look like dates, though no form reads them.
pub(super) fn look_like_dates(column: &Column) -> bool {
    let is_like = |text: &str| {
        let parts: Vec<&str> = text.split(['/', '-', '.', ' ']).collect();
        parts.len() >= 3
            && parts
                .iter()
                .filter(|part| part.parse::<u32>().is_ok())
                .count()
                >= 2
            && !column::is_value(text)
    };
    let like: usize = column
        .values()
        .filter(|value| is_like(&value.text))
        .map(|value| value.count)
        .sum();
    like > 0
        && name_words::has(&column.name, &name_words::TIMES)
        && like * 10 >= column.filled() * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(name: &str, cells: &[&str]) -> Times {
        let mut column = Column::new(name, 0);
        for (line, cell) in cells.iter().enumerate() {
            column.add(cell, line as u64 + 2);
        }
        Times::of(&column, None)
    }

    #[test]
    fn times_to_come_are_told_from_those_of_listings() {
        for (cells, is_ahead) in [
            (&["2024-01-01", "2024-05-01", "2027-01-01"][..], true),
            (&["2024-01-01", "2024-05-01"], false),
            (&["31/01/2031", "05/12/2032"], true),
        ] {
            let mut column = Column::new("date", 0);
            for (line, cell) in cells.iter().enumerate() {
                column.add(cell, line as u64 + 2);
            }
            let times = Times::of(&column, None);
            // 2025-01-01
            let found = are_ahead(&column, &times, 1_735_689_600_000_000);
            assert_eq!(found, is_ahead, "{cells:?}");
        }
    }

    fn form(times: Times) -> String {
        match times {
            Times::Form(form, _) => form,
            Times::Usual => "usual".to_owned(),
            Times::Either(one, _) => format!("{one}?"),
            Times::Foreign(calendar) => calendar.to_owned(),
            Times::None => String::new(),
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_decided_from_the_whole_column() {
        for (name, cells, expected) in [
            ("date", &["3/12/2016", "13/08/2016"][..], "%d/%m/%Y"),
            ("date", &["12/3/16", "12/19/21"], "%m/%d/%y"),
            ("date", &["3/12/2016", "4/2/2016"], "%d/%m/%Y?"),
            ("date", &["01/03/2016", "01/04/2016"], "%d/%m/%Y"),
            ("date", &["19.02.2018", "01.02.2018"], "%d.%m.%Y"),
            (
                "date",
                &["13/08/2016 10:30", "14/08/2016 11:00"],
                "%d/%m/%Y %H:%M",
            ),
            ("month", &["2018-03", "2018-04"], "usual"),
            (
                "listed",
                &["2026-11-25 07:24:02.27+00", "2026-11-25 07:24:02+00"],
                "usual",
            ),
            ("date", &["43831", "43832"], "excel"),
            ("date", &["20254", "20255"], "epoch-days"),
            ("date", &["20260131", "20260201"], "usual"),
            ("created", &["1769860800", "1769860900"], "usual"),
            ("period", &["201803", "201804"], "%Y%m"),
            ("date", &["Jan-16", "Feb-16"], "%B-%y"),
            ("rooms", &["20254", "20255"], ""),
            ("sale_price", &["20254", "20255"], ""),
            ("listing_id", &["20254", "20255"], ""),
            ("date", &["5 марта 2023", "7 мая 2023"], "usual"),
            ("datum", &["1. März 2023", "3. Mai 2023"], "usual"),
            ("availability", &["19-Dec", "Ready To Move"], ""),
            (
                "date",
                &["20240131103000", "20240201093000"],
                "%Y%m%d%H%M%S",
            ),
            ("date", &["202401311030", "202402010930"], "%Y%m%d%H%M"),
            ("listing_id", &["20240131103000", "20240201093000"], ""),
            (
                "date",
                &["1/31/2024 10:30:05 AM", "12/3/2024 1:05:59 PM"],
                "%m/%d/%Y %I:%M:%S %p",
            ),
            (
                "date",
                &["31/01/2024, 10:30:05", "01/12/2024, 13:05:59"],
                "%d/%m/%Y, %H:%M:%S",
            ),
            (
                "date",
                &["31/01/2024 10:30:05.250", "01/12/2024 13:05:59.000"],
                "%d/%m/%Y %H:%M:%S%.f",
            ),
            ("date", &["2024年1月31日", "2024年12月3日"], "%Y年%m月%d日"),
            ("date", &["1403/05/31", "1402/11/30"], "Persian or Islamic"),
            ("date", &["۱۴۰۳/۰۵/۳۱", "۱۴۰۲/۱۱/۳۰"], "Persian or Islamic"),
            ("date", &["31/01/2567", "05/12/2566"], "Buddhist"),
        ] {
            assert_eq!(form(times(name, cells)), expected, "{cells:?}");
        }
    }
}
