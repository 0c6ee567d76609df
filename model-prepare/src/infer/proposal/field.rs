//! The section of a field, with what was noticed as comments.

use std::fmt::Write as _;

use records::{Kind, Scale};

use super::seen::{Roles, Seen};
use super::toml_text::{comment, quoted};
use crate::infer::column::Column;
use crate::infer::dates::{Times, look_like_dates};
use crate::infer::name_words;
use crate::infer::study::Studied;

/// Longest text of a category and of a text, in bytes, unless the schema says more.
const USUAL_LENGTHS: [usize; 2] = [256, 4096];
/// Share of zeros from which a column is asked about.
const ZEROS: f64 = 0.01;

/// Writes the section of a column, or a comment where it is left out.
pub(super) fn field(seen: &Seen<'_>, index: usize, roles: &Roles, text: &mut String) {
    let (study, studied) = (seen.study, &seen.study.columns[index]);
    let (column, filled) = (studied.column, studied.column.filled());
    let is_key = roles.key.as_ref().is_some_and(|key| key.column == index);
    let is_target = roles.target == index;
    if !studied.varies() && !is_key && !is_target {
        let why = match filled {
            0 => "has no value at all",
            _ => "has one value only",
        };
        text.push('\n');
        comment(text, &format!("{:?} {why}: left out.", column.header));
        return;
    }
    let kind = match (is_key, is_target) {
        (true, _) => Kind::Text,
        (_, true) => roles.target_kind,
        _ => studied.kind,
    };
    let word = serde_json::to_value(kind).unwrap_or_default();
    let _ = write!(
        text,
        "\n[[field]]\nname = {:?}\nkind = {word}\n",
        column.name
    );
    if column.header != column.name {
        let _ = writeln!(text, "column = {}", quoted(&column.header));
    }
    let is_number = matches!(kind, Kind::Number | Kind::Integer);
    if is_number {
        unit(studied, text);
    }
    let zeros = is_number.then(|| zeros(studied, is_target)).flatten();
    let is_gap = matches!(zeros, Some(Zeros::Gap(_))) && !is_target;
    match (filled == study.rows, is_gap) {
        (true, true) => {}
        (true, false) => text.push_str("required = true\n"),
        (false, _) => comment(
            text,
            &format!("{} of {} rows have none.", study.rows - filled, study.rows),
        ),
    }
    own_marks(column, text);
    if is_target && studied.is_undecided() {
        comment(
            text,
            &format!("{}: they are refused until then.", studied.question()),
        );
    }
    if is_number {
        number_format(studied, text);
        if let Some((mark, rows)) = studied.sentinel() {
            comment(
                text,
                &format!(
                    "{rows} of {} rows are {mark}, far from all others: if that means \"not known\", leave those cells \
                     empty.",
                    studied.numbers.readable
                ),
            );
        }
        if let Some(zeros) = zeros {
            zeros.describe(studied, is_target, text);
        }
    }
    if let (Times::Form(form, why), Kind::Timestamp) = (&studied.times, kind) {
        comment(text, &format!("Its form: {why}."));
        let _ = writeln!(text, "format = {}", quoted(form));
    }
    if let Times::Either(days, months) = &studied.times {
        comment(
            text,
            &format!(
                "These are dates, and nothing shows whether the day or the month comes first: make it kind = \
                 \"timestamp\" with format = {days:?} or {months:?}, or say --dates dmy or mdy."
            ),
        );
    } else if let Times::Foreign(calendar) = &studied.times {
        comment(
            text,
            &format!(
                "These look like dates of the {calendar} calendar, which is not read: write dates such as 2024-05-31."
            ),
        );
    } else if !is_number && kind != Kind::Timestamp && look_like_dates(column) {
        comment(
            text,
            "These look like dates that cannot be read: kind = \"timestamp\" with format = \"%d/%m/%Y\" or another \
             format.",
        );
    }
    if matches!(kind, Kind::Category | Kind::Text) {
        text_hints(studied, kind, is_key, text);
    }
    if studied.is_currency() {
        currencies(column, text);
    }
    if let Some(why) = roles.leaks[index].as_ref().filter(|_| !is_key) {
        comment(
            text,
            &format!("It leaks the target ({why}): left out of the fit; learn = true uses it."),
        );
        text.push_str("learn = false\n");
    } else if !is_key && !is_target && studied.is_row_number() {
        comment(
            text,
            "It counts the rows: left out of the fit; learn = true uses it.",
        );
        text.push_str("learn = false\n");
    }
}

/// How many rows have a price in each currency: nothing is converted.
fn currencies(column: &Column, text: &mut String) {
    const MOST: usize = 6;
    let cells = column.values().take(MOST);
    let counts: Vec<String> = cells
        .map(|cell| format!("{} ({})", cell.text, cell.count))
        .collect();
    comment(
        text,
        &format!(
            "Prices in several currencies: {}. Nothing is converted: keep the rows of one, or write all prices in \
             one.",
            counts.join(", ")
        ),
    );
}

/// Texts that mean "no value" here, and are names in another column.
fn own_marks(column: &Column, text: &mut String) {
    let marks: Vec<String> = column.own_marks.iter().map(|mark| quoted(mark)).collect();
    if !marks.is_empty() {
        let _ = writeln!(text, "missing = [{}]", marks.join(", "));
    }
}

/// The unit, and what other cells say.
fn unit(column: &Studied<'_>, text: &mut String) {
    let field = &column.numbers.field;
    if let Some(unit) = &field.unit {
        let _ = writeln!(text, "unit = {}", quoted(unit));
        if !field.spellings.is_empty() {
            let all: Vec<String> = field
                .spellings
                .iter()
                .map(|spelling| quoted(spelling))
                .collect();
            let _ = writeln!(text, "spellings = [{}]", all.join(", "));
        }
    }
    for (other, rows) in column.numbers.others.iter().take(8) {
        let unit_of = match rows {
            1 => format!("1 row has the unit {other:?}"),
            rows => format!("{rows} rows have the unit {other:?}"),
        };
        let line = match &field.unit {
            Some(unit) => format!(
                "{unit_of}, which is refused: if it means {unit:?}, add it to spellings = [...]."
            ),
            None => format!("{unit_of}, which is refused: most rows have none."),
        };
        comment(text, &line);
    }
}

/// How its texts write numbers, and which of them are none.
fn number_format(column: &Studied<'_>, text: &mut String) {
    let (numbers, field) = (&column.numbers, &column.numbers.field);
    if let Some(why) = &numbers.why {
        comment(text, &format!("Numbers in texts: {why}."));
    }
    if let Some(mark) = field.decimal {
        let _ = writeln!(text, "decimal = \"{mark}\"");
    }
    if let Some(mark) = field.group {
        let _ = writeln!(text, "group = \"{mark}\"");
    }
    if let Some(Scale::Words(words)) = &field.scale {
        let all: Vec<String> = words
            .iter()
            .map(|(word, by)| format!("{} = {by}", quoted(word)))
            .collect();
        let _ = writeln!(text, "scale = {{ {} }}", all.join(", "));
    }
    if !field.pattern.is_empty() {
        comment(
            text,
            match field.pattern.iter().any(|pattern| pattern.contains("{0}")) {
                true => {
                    "Of \"3/9\" the first number; take a pattern away, and its rows are refused."
                }
                false => "Of a range its middle; take a pattern away, and its rows are refused.",
            },
        );
        let all: Vec<String> = field
            .pattern
            .iter()
            .map(|pattern| quoted(pattern))
            .collect();
        let _ = writeln!(text, "pattern = [{}]", all.join(", "));
    }
    if let Some(slip) = &numbers.slip {
        comment(
            text,
            &format!(
                "{} rows have no number here and will be refused, the first at line {}: {:?}.",
                numbers.slips, slip.line, slip.text
            ),
        );
    }
}

/// What rows that are 0 may mean; how many they are.
#[derive(Debug, Clone, Copy)]
enum Zeros {
    /// Nothing can be so: not known.
    Gap(usize),
    /// To be decided by people.
    Question(usize),
}

/// What the zeros of a column of numbers that are not below 0 may mean.
fn zeros(column: &Studied<'_>, is_target: bool) -> Option<Zeros> {
    let numbers = &column.numbers;
    let (zeros, rows) = (numbers.zeros, numbers.readable);
    let others_positive = numbers.least >= 0.0 && numbers.greatest > 0.0;
    let name = column.name();
    // One listing at a price of 0 spoils the logarithms of all.
    if is_target {
        let is_gap = zeros > 0 && others_positive && zeros * 2 < rows;
        return (is_gap && name_words::is_price(name)).then_some(Zeros::Gap(zeros));
    }
    let is_place = name_words::is_latitude(name) || name_words::is_longitude(name);
    if zeros as f64 <= ZEROS * rows as f64 || !(others_positive || is_place) {
        return None;
    }
    // A house without a basement has one of 0 m².
    let is_living = name_words::is_area(name) && !name_words::is_other_area(name);
    let is_impossible = name_words::is_year(name) || is_living || is_place;
    match is_impossible {
        true => Some(Zeros::Gap(zeros)),
        false => (zeros * 2 < rows).then_some(Zeros::Question(zeros)),
    }
}

impl Zeros {
    fn describe(self, column: &Studied<'_>, is_target: bool, text: &mut String) {
        let rows = column.numbers.readable;
        let (line, is_gap) = match self {
            Zeros::Gap(zeros) if is_target => (
                format!("{zeros} of {rows} rows are 0, which is not a price: they are refused."),
                true,
            ),
            Zeros::Gap(zeros) => (
                format!("{zeros} of {rows} rows are 0: taken for \"not known\"."),
                true,
            ),
            Zeros::Question(zeros) => (
                format!(
                    "{zeros} of {rows} rows are 0: if that means \"not known\", say zero_is_missing = true."
                ),
                false,
            ),
        };
        comment(text, &line);
        if is_gap {
            text.push_str("zero_is_missing = true\n");
        }
    }
}

/// The length of texts, and hints that they may be numbers.
fn text_hints(column: &Studied<'_>, kind: Kind, is_key: bool, text: &mut String) {
    let (column, numbers) = (column.column, &column.numbers);
    let longest = column.longest();
    let usual = USUAL_LENGTHS[usize::from(kind == Kind::Text)];
    if longest > usual && !is_key {
        comment(text, &format!("The longest has {longest} bytes."));
        let room = longest.next_power_of_two().min(records::limits::TEXT_BYTES);
        let _ = writeln!(text, "max_length = {room}");
    }
    if kind == Kind::Category {
        comment(text, &format!("{} levels.", column.levels()));
    }
    if numbers.ambiguous * 2 > column.filled() {
        comment(
            text,
            &format!(
                "{} cells may be thousands or decimals, and nothing in the file decides: not learned from. Make \
                 it kind = \"number\" with group = \".\" or decimal = \".\".",
                numbers.ambiguous
            ),
        );
    } else if !is_key && numbers.share() >= 0.5 && numbers.slips > 0 {
        let slip = numbers.slip.as_ref();
        let (line, first) = slip.map_or((0, ""), |slip| (slip.line, slip.text.as_str()));
        comment(
            text,
            &format!(
                "{} cells are numbers, {} are not, the first at line {line}: {first:?}. Make it a number if those \
                 may be refused.",
                numbers.readable, numbers.slips
            ),
        );
    } else if !is_key && numbers.share() < 0.5 {
        let hint = numbers.hint().filter(|_| is_mostly_digits(column));
        if let Some(hint) = hint {
            let first = numbers.slip.as_ref().map_or("", |slip| slip.text.as_str());
            comment(text, &format!("{first:?}, {hint}: is it a number?"));
        }
    }
}

/// Whether most of its letters are digits: a number that was written with something.
fn is_mostly_digits(column: &Column) -> bool {
    let (mut digits, mut all) = (0_usize, 0_usize);
    for cell in column.values() {
        all += cell.text.chars().count();
        digits += cell
            .text
            .chars()
            .filter(|letter| records::measure::digit(*letter).is_some())
            .count();
    }
    digits * 2 > all
}
