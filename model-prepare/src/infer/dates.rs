//! How a column writes times: decided from all of its cells.

use records::timestamp::Forms;

use super::column::Column;
use super::{column, name_words};

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
const CLOCKS: [&str; 4] = ["", " %H:%M", " %H:%M:%S", " %I:%M %p"];
/// Forms without a choice.
const OTHERS: [&str; 4] = ["%m/%Y", "%B %Y", "%B-%y", "%d-%B-%y"];

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

impl Times {
    /// `days_first` is what the user, or another column of the file, says.
    pub(super) fn of(column: &Column, days_first: Option<bool>) -> Times {
        let filled = column.filled();
        let is_all = |rows: usize| filled > 0 && rows as f64 >= SHARE * filled as f64;
        if column.values().all(|cell| cell.text.parse::<f64>().is_ok()) {
            return Times::of_numbers(column);
        }
        if is_all(count(column, "")) {
            return Times::Usual;
        }
        for clock in CLOCKS {
            for (days, months) in PAIRS {
                let (days, months) = (format!("{days}{clock}"), format!("{months}{clock}"));
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
        let other = OTHERS.iter().find(|form| is_all(count(column, form)));
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
        let is_month =
            |text: &str| text.len() == 6 && Forms::of(&["%Y%m".to_owned()]).read(text).is_some();
        if numbers.iter().all(is_usual) {
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
        } else if column.values().all(|cell| is_month(&cell.text)) {
            Times::Form("%Y%m".to_owned(), "years and months".to_owned())
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

    fn form(times: Times) -> String {
        match times {
            Times::Form(form, _) => form,
            Times::Usual => "usual".to_owned(),
            Times::Either(one, _) => format!("{one}?"),
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
        ] {
            assert_eq!(form(times(name, cells)), expected, "{cells:?}");
        }
    }
}
