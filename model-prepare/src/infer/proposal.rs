//! The schema that is proposed, with what was noticed as comments.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, ensure};
use records::schema::reserved::free_table;
use records::{Kind, Scale, Schema};

use super::account::{self, Account, Guess};
use super::column::{Column, identifier};
use super::dates::{Times, look_like_dates};
use super::options::InferOptions;
use super::roles::{CERTAIN, GUESS, LIKELY, Role};
use super::study::{Studied, Study};
use super::{leak, words};

/// Longest text of a category and of a text, in bytes, unless the schema says more.
const USUAL_LENGTHS: [usize; 2] = [256, 4096];
/// Share of zeros from which a column is asked about.
const ZEROS: f64 = 0.01;

/// A schema that is proposed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Proposal {
    /// The schema file.
    pub schema: String,
    /// What it does with the file's rows, and how sure it is.
    pub account: Account,
}

/// Rows that are left out: how many, and what is wrong with the first.
#[derive(Debug, Default)]
pub(super) struct Ragged {
    pub(super) rows: usize,
    pub(super) first: Option<String>,
}

/// What was seen of a file.
pub(super) struct Seen<'a> {
    /// The file as people know it.
    pub(super) shown: &'a str,
    /// Its name without the ending: the schema's.
    pub(super) name: &'a str,
    /// What was found of the file as a whole.
    pub(super) notes: &'a [String],
    /// Rows of other lengths than the header.
    pub(super) ragged: &'a Ragged,
    pub(super) study: &'a Study<'a>,
    /// The columns of a file without a header.
    pub(super) headers: &'a [String],
}

/// Which column has which role.
struct Roles {
    target: usize,
    target_kind: Kind,
    key: Option<Role>,
    time: Option<Role>,
    area: Option<Role>,
    place: Option<(usize, usize, bool)>,
    leaks: Vec<Option<String>>,
}

/// A text as TOML has it: its escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A comment of one line.
fn comment(text: &mut String, line: &str) {
    let line: String = line
        .chars()
        .map(|own| if own.is_control() { ' ' } else { own })
        .collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# {line}");
}

impl Seen<'_> {
    /// The schema file and the account of it.
    pub(super) fn propose(&self, options: &InferOptions) -> anyhow::Result<Proposal> {
        let study = self.study;
        let target = study.target(self.shown, options.target.as_deref())?;
        let target_kind = study.columns[target].target_kind(self.shown)?;
        let area = study.area(target);
        let roles = Roles {
            target,
            target_kind,
            key: study.key(target),
            time: study.time(),
            leaks: leak::leaks(study, target, area.as_ref().map(|own| own.column)),
            area,
            place: study.place(),
        };
        let mut text = self.head(&roles);
        for index in 0..study.columns.len() {
            self.field(index, &roles, &mut text);
        }
        // What is proposed must be a schema.
        let schema = Schema::parse(&text, self.name)
            .with_context(|| format!("the schema that was made for {} is none", self.shown))?;
        let account = account::of(
            &options.file,
            &schema,
            study,
            roles.key.as_ref(),
            self.guesses(&roles),
        )?;
        let own = &study.columns[target];
        // A schema that refuses them asks; one that would read them as they stand must not be.
        ensure!(
            !own.is_undecided() || account.taken + own.numbers.ambiguous <= study.rows,
            "{}: {}",
            self.shown,
            own.question()
        );
        text.push('\n');
        for line in account.to_string().lines() {
            comment(&mut text, line);
        }
        Ok(Proposal {
            schema: text,
            account,
        })
    }

    fn head(&self, roles: &Roles) -> String {
        let study = self.study;
        let name_of = |role: &Role| study.columns[role.column].name().to_owned();
        let task = match roles.target_kind {
            Kind::Boolean => "classification",
            _ => "regression",
        };
        let mut text = format!(
            "# Proposed from {} rows of {}; read it, and change what is not so.\n\
             # Units help: measures of the area's unit are also learned from as its shares.\n",
            study.rows, self.name
        );
        for note in self.notes {
            comment(&mut text, &format!("The file: {note}."));
        }
        if let Some(first) = &self.ragged.first {
            comment(
                &mut text,
                &format!(
                    "{} rows are left out, here and in training: {first}.",
                    self.ragged.rows
                ),
            );
        }
        let _ = write!(
            text,
            "name = {}\nversion = 1\ntask = {task:?}\ntable = {:?}\n",
            quoted(self.name),
            free_table(identifier(self.name, 0)),
        );
        match &roles.key {
            Some(key) => {
                let _ = writeln!(text, "key = {:?}", name_of(key));
            }
            None => {
                comment(
                    &mut text,
                    "No key: no column has another value in every row.",
                );
                for (name, levels) in study.repeating_ids() {
                    comment(
                        &mut text,
                        &format!(
                            "As a key {name:?} would keep {levels} of {} rows: it has so many values.",
                            study.rows
                        ),
                    );
                }
            }
        }
        if let Some(time) = &roles.time {
            let _ = writeln!(text, "time = {:?}", name_of(time));
        } else {
            let other = study.columns.iter().find(|own| own.kind == Kind::Timestamp);
            if let Some(other) = other {
                comment(
                    &mut text,
                    &format!(
                        "No time: {:?} is not that of a listing, by its name.",
                        other.name()
                    ),
                );
            }
        }
        let _ = writeln!(text, "target = {:?}", study.columns[roles.target].name());
        if let Some(area) = &roles.area {
            let _ = writeln!(text, "area = {:?}", name_of(area));
        }
        if let Some((latitude, longitude, is_swapped)) = roles.place {
            let (latitude, longitude) = (
                study.columns[latitude].name(),
                study.columns[longitude].name(),
            );
            if is_swapped {
                comment(
                    &mut text,
                    &format!("{latitude} goes beyond 90: are {latitude} and {longitude} swapped?"),
                );
            }
            let _ = writeln!(text, "place = [{latitude:?}, {longitude:?}]");
        }
        if !self.headers.is_empty() {
            let names: Vec<String> = self.headers.iter().map(|own| quoted(own)).collect();
            let _ = writeln!(text, "columns = [{}]", names.join(", "));
        }
        let marks = self.marks();
        if !marks.is_empty() {
            let counts: Vec<String> = marks
                .iter()
                .map(|(mark, rows)| format!("{} ({rows})", quoted(mark)))
                .collect();
            comment(
                &mut text,
                &format!(
                    "Texts that stand for no value, and their cells: {}.",
                    counts.join(", ")
                ),
            );
            let marks: Vec<String> = marks.keys().map(|own| quoted(own)).collect();
            let _ = writeln!(text, "missing = [{}]", marks.join(", "));
        }
        text
    }

    /// What stands for no value, in how many cells.
    fn marks(&self) -> BTreeMap<&str, usize> {
        let mut all: BTreeMap<&str, usize> = BTreeMap::new();
        for own in &self.study.columns {
            for cell in own.column.marks() {
                // NaN is no value to any reader of numbers.
                *all.entry(&cell.text).or_default() += cell.count;
            }
        }
        all
    }

    fn field(&self, index: usize, roles: &Roles, text: &mut String) {
        let (study, own) = (self.study, &self.study.columns[index]);
        let (column, filled) = (own.column, own.column.filled());
        let is_key = roles.key.as_ref().is_some_and(|key| key.column == index);
        let is_target = roles.target == index;
        if !own.varies() && !is_key && !is_target {
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
            _ => own.kind,
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
            self.unit(own, text);
        }
        match filled == study.rows {
            true => text.push_str("required = true\n"),
            false => comment(
                text,
                &format!("{} of {} rows have none.", study.rows - filled, study.rows),
            ),
        }
        if is_target && own.is_undecided() {
            comment(
                text,
                &format!("{}: they are refused until then.", own.question()),
            );
        }
        if is_number {
            self.custom(own, is_target, text);
        }
        if let (Times::Form(form, why), Kind::Timestamp) = (&own.times, kind) {
            comment(text, &format!("Its form: {why}."));
            let _ = writeln!(text, "format = {}", quoted(form));
        }
        if let Times::Either(days, months) = &own.times {
            comment(
                text,
                &format!(
                    "These are dates, and nothing says whether the day or the month comes first: make it kind = \
                     \"timestamp\" with format = {days:?} or {months:?}, or say --dates dmy or mdy."
                ),
            );
        } else if !is_number && kind != Kind::Timestamp && look_like_dates(column) {
            comment(
                text,
                "These look like dates that cannot be read: kind = \"timestamp\" with format = \"%d/%m/%Y\" or another \
                 says how.",
            );
        }
        if matches!(kind, Kind::Category | Kind::Text) {
            self.text(own, kind, is_key, text);
        }
        if let Some(why) = roles.leaks[index].as_ref().filter(|_| !is_key) {
            comment(
                text,
                &format!("It tells the target ({why}): not learned from; true takes it back."),
            );
            text.push_str("learn = false\n");
        }
    }

    /// The unit, and what other cells say.
    fn unit(&self, own: &Studied<'_>, text: &mut String) {
        let field = &own.numbers.field;
        if let Some(unit) = &field.unit {
            let _ = writeln!(text, "unit = {}", quoted(unit));
            if !field.spellings.is_empty() {
                let all: Vec<String> = field.spellings.iter().map(|own| quoted(own)).collect();
                let _ = writeln!(text, "spellings = [{}]", all.join(", "));
            }
        }
        for (other, rows) in own.numbers.others.iter().take(8) {
            let line = match &field.unit {
                Some(unit) => format!(
                    "{rows} rows say {other:?}: if that is {unit:?} too, add it to spellings = [...], else they are \
                     refused."
                ),
                None => format!(
                    "{rows} rows say {other:?}, most say nothing: another unit? They are refused."
                ),
            };
            comment(text, &line);
        }
    }

    /// How its texts write numbers, and which of them are none.
    fn custom(&self, own: &Studied<'_>, is_target: bool, text: &mut String) {
        let (numbers, field) = (&own.numbers, &own.numbers.field);
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
                "Of a range its middle; take a pattern away, and its rows are refused.",
            );
            let all: Vec<String> = field.pattern.iter().map(|own| quoted(own)).collect();
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
        let (zeros, rows) = (numbers.zeros, numbers.readable);
        let others_positive = numbers.least >= 0.0 && numbers.greatest > 0.0;
        if zeros as f64 > ZEROS * rows as f64 && others_positive {
            let name = own.name();
            let is_impossible = words::is_year(name)
                || words::has(name, &words::AREAS)
                || words::is_latitude(name)
                || words::is_longitude(name);
            if is_impossible && !is_target {
                comment(
                    text,
                    &format!("{zeros} of {rows} rows are 0: taken for \"not known\"."),
                );
                text.push_str("zero_is_missing = true\n");
            } else if !is_target && zeros * 2 < rows {
                comment(
                    text,
                    &format!(
                        "{zeros} of {rows} rows are 0: if that means \"not known\", say zero_is_missing = true."
                    ),
                );
            }
        }
    }

    fn text(&self, own: &Studied<'_>, kind: Kind, is_key: bool, text: &mut String) {
        let (column, numbers) = (own.column, &own.numbers);
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
                    "{} cells may be thousands or decimals, and nothing in the file says which: not learned from. Make \
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

    /// What was guessed, and how sure that is.
    fn guesses(&self, roles: &Roles) -> Vec<Guess> {
        let study = self.study;
        let mut all = Vec::new();
        let mut add = |what: &'static str, value: &str, sure: &'static str, why: String| {
            all.push(Guess {
                what,
                value: value.to_owned(),
                sure,
                why,
            });
        };
        for (what, role) in [
            ("key", &roles.key),
            ("time", &roles.time),
            ("area", &roles.area),
        ] {
            match role {
                Some(role) => add(
                    what,
                    study.columns[role.column].name(),
                    role.sure,
                    role.why.clone(),
                ),
                None => add(what, "none", GUESS, format!("no column serves as {what}")),
            }
        }
        for own in &study.columns {
            if own.is_number()
                && let Some(why) = &own.numbers.why
            {
                let sure = if why.contains("taken") || why.contains("other columns") {
                    GUESS
                } else {
                    CERTAIN
                };
                add("numbers", own.name(), sure, why.clone());
            }
            if let (Times::Form(form, why), Kind::Timestamp) = (&own.times, own.kind) {
                let sure = if why.contains("over 12") {
                    CERTAIN
                } else {
                    LIKELY
                };
                add("dates", own.name(), sure, format!("{form}: {why}"));
            }
        }
        for (own, leak) in study.columns.iter().zip(&roles.leaks) {
            if let Some(why) = leak {
                add("leak", own.name(), LIKELY, why.clone());
            }
        }
        all
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
            .filter(|own| records::measure::digit(*own).is_some())
            .count();
    }
    digits * 2 > all
}
