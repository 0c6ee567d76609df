//! The head of the schema file: name, task, key, time, target, place, marks for no value.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use records::Kind;
use records::schema::reserved::free_table;

use super::seen::{Roles, Seen};
use super::toml_text::{comment, quoted};
use crate::infer::column::identifier;
use crate::infer::roles::{Role, why_no_time};

/// The text of the head.
pub(super) fn head(seen: &Seen<'_>, roles: &Roles) -> String {
    let study = seen.study;
    let name_of = |role: &Role| study.columns[role.column].name().to_owned();
    let task = match roles.target_kind {
        Kind::Boolean | Kind::Category => "classification",
        _ => "regression",
    };
    let mut text = format!(
        "# Proposed from {} rows of {}; read it, and change what is not so.\n\
         # Units help: measures of the area's unit are also learned from as its shares.\n",
        study.rows, seen.name
    );
    for note in seen.notes {
        comment(&mut text, &format!("The file: {note}."));
    }
    if let Some(first) = &seen.ragged.first {
        comment(
            &mut text,
            &format!(
                "{} rows are left out, here and in training: {first}.",
                seen.ragged.rows
            ),
        );
    }
    let _ = write!(
        text,
        "name = {}\nversion = 1\ntask = {task:?}\ntable = {:?}\n",
        quoted(seen.name),
        free_table(identifier(seen.name, 0)),
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
            if let Some((one, other)) = study.key_pair(roles.target) {
                comment(
                    &mut text,
                    &format!(
                        "{one:?} and {other:?} together have another value in every row: write both into one \
                         column for a key."
                    ),
                );
            }
        }
    }
    if let Some(time) = &roles.time {
        let _ = writeln!(text, "time = {:?}", name_of(time));
    } else {
        let mut times = study
            .columns
            .iter()
            .filter(|column| column.kind == Kind::Timestamp);
        if let Some((other, why)) = times.find_map(|other| Some((other, why_no_time(other)?))) {
            comment(&mut text, &format!("No time: {:?} {why}.", other.name()));
        }
    }
    let _ = writeln!(text, "target = {:?}", study.columns[roles.target].name());
    if roles.target_kind == Kind::Category {
        comment(
            &mut text,
            "Its levels are the classes: which of them a record has is predicted. For one of them alone add [class] with a \
             name and a level, after these lines.",
        );
    }
    if let Some(area) = &roles.area {
        let _ = writeln!(text, "area = {:?}", name_of(area));
    }
    if let Some((latitude, longitude, is_swapped)) = roles.place {
        let (latitude, longitude) = (
            study.columns[latitude].name(),
            study.columns[longitude].name(),
        );
        let place = match is_swapped {
            true => {
                comment(
                    &mut text,
                    &format!(
                        "{latitude:?} goes beyond 90, {longitude:?} does not: they are swapped, and \
                         {longitude:?} is taken for the latitude."
                    ),
                );
                [longitude, latitude]
            }
            false => [latitude, longitude],
        };
        let _ = writeln!(text, "place = {place:?}");
    }
    if !seen.headers.is_empty() {
        let names: Vec<String> = seen.headers.iter().map(|header| quoted(header)).collect();
        let _ = writeln!(text, "columns = [{}]", names.join(", "));
    }
    if let Some((line, word)) = study.total() {
        comment(
            &mut text,
            &format!(
                "The last row, at line {line}, says {word:?} and lacks values that the others have: a sum, and no \
                 record? Then delete it."
            ),
        );
    }
    let marks = marks(seen);
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
        let marks: Vec<String> = marks.keys().map(|mark| quoted(mark)).collect();
        let _ = writeln!(text, "missing = [{}]", marks.join(", "));
    }
    text
}

/// What stands for no value, in how many cells.
fn marks<'a>(seen: &Seen<'a>) -> BTreeMap<&'a str, usize> {
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for column in &seen.study.columns {
        let own = &column.column.own_marks;
        for cell in column.column.marks() {
            if own.contains(&cell.text) {
                continue;
            }
            // NaN is not a value to any reader of numbers.
            *all.entry(&cell.text).or_default() += cell.count;
        }
    }
    all
}
