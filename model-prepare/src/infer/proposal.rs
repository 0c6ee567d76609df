//! The schema that is proposed, with what was noticed as comments.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{bail, ensure};
use records::schema::reserved::free_table;

use super::Ragged;
use super::column::{Column, identifier};

/// What was seen of a file.
pub(super) struct Seen<'a> {
    /// The file as people know it.
    pub(super) shown: &'a str,
    /// Its name without the ending: the schema's.
    pub(super) name: &'a str,
    /// Rows with as many cells as the header.
    pub(super) rows: usize,
    /// The others.
    pub(super) ragged: &'a Ragged,
    pub(super) columns: &'a [Column],
}

impl Seen<'_> {
    /// The text of the schema file.
    pub(super) fn schema(&self, target: &str) -> anyhow::Result<String> {
        let goal = self.target(target)?;
        let key = self.key(goal);
        let is_key = |column: &Column| key.is_some_and(|key| key.name == column.name);
        let task = match goal.kind_of_target() {
            "integer" | "number" => "regression",
            _ => "classification",
        };
        let (rows, columns) = (self.rows, self.columns);
        let time = columns.iter().find(|column| column.kind() == "timestamp");
        let area = columns.iter().find(|column| {
            let is_area = ["area", "sqft", "square", "m2"]
                .iter()
                .any(|part| column.name.contains(part));
            is_area && column.filled == rows && matches!(column.kind(), "number" | "integer")
        });
        let mut text = format!(
            "# Proposed from {rows} rows of {name}; read it, and change what is not so.\n\
             # Units help: measures of the area's unit are also learned from as its shares.\n",
            name = self.name
        );
        // Writing to a String cannot fail.
        if let Some(first) = &self.ragged.first {
            let _ = writeln!(
                text,
                "# {} rows are left out, here and in training: {first}.",
                self.ragged.rows
            );
        }
        let _ = write!(
            text,
            "name = {:?}\nversion = 1\ntask = {task:?}\ntable = {:?}\n",
            self.name,
            free_table(identifier(self.name, 0)),
        );
        let _ = match key {
            Some(key) => writeln!(text, "key = {:?}", key.name),
            None => writeln!(text, "# No key: no column has another value in every row."),
        };
        if let Some(time) = time {
            let _ = writeln!(text, "time = {:?}", time.name);
        }
        let _ = writeln!(text, "target = {:?}", goal.name);
        if let Some(area) = area {
            let _ = writeln!(text, "area = {:?}", area.name);
        }
        let marks: BTreeSet<&str> = columns
            .iter()
            .flat_map(|own| own.marks.iter().copied())
            .collect();
        if !marks.is_empty() {
            let marks = Vec::from_iter(marks);
            let _ = writeln!(
                text,
                "# Texts that stand for no value.\nmissing = {marks:?}"
            );
        }
        for column in columns {
            let kind = match column.name == goal.name {
                true => column.kind_of_target(),
                false if is_key(column) => "text",
                false => column.kind(),
            };
            let is_role = is_key(column) || column.name == goal.name;
            if column.levels.len() <= 1 && !is_role {
                let why = match column.filled {
                    0 => "has no value at all",
                    _ => "has one value only",
                };
                let _ = writeln!(text, "\n# {:?} {why}: left out.", column.header);
                continue;
            }
            self.field(column, kind, &mut text);
        }
        // What is proposed must be a schema.
        records::Schema::parse(&text, self.name)?;
        Ok(text)
    }

    fn field(&self, column: &Column, kind: &str, text: &mut String) {
        let _ = write!(
            text,
            "\n[[field]]\nname = {:?}\nkind = {kind:?}\n",
            column.name
        );
        if column.header != column.name {
            let _ = writeln!(text, "column = {:?}", column.header);
        }
        let is_number = matches!(kind, "number" | "integer");
        if let Some(unit) = column.unit().filter(|_| is_number) {
            let _ = writeln!(text, "unit = {unit:?}");
            for (other, rows) in column.other_units() {
                let _ = writeln!(
                    text,
                    "# {rows} rows say {other:?}: if that is {unit:?} too, add it to \
                     spellings = [...], else they are refused."
                );
            }
        }
        if column.filled == self.rows {
            let _ = writeln!(text, "required = true");
        } else {
            let gaps = self.rows - column.filled;
            let _ = writeln!(text, "# {gaps} of {} rows have none.", self.rows);
        }
        if kind == "category" {
            let _ = writeln!(text, "# {} levels.", column.levels.len());
        }
        if let (Some(slip), "number" | "integer") = (&column.slip, kind) {
            let _ = writeln!(
                text,
                "# {} rows have no number here and will be refused, the first at line {}: {:?}.",
                column.slips(),
                slip.line,
                slip.text
            );
        }
    }

    /// The column to be predicted.
    fn target(&self, target: &str) -> anyhow::Result<&Column> {
        let (shown, rows) = (self.shown, self.rows);
        let goal = self
            .columns
            .iter()
            .find(|column| column.header == target || column.name == target);
        let Some(goal) = goal else {
            let mut headers = self.columns.iter().map(|column| &column.header);
            ensure!(
                !headers.all(|header| header.parse::<f64>().is_ok()),
                "{shown}, line 1: expected a header, found only numbers; put a line with the \
                 columns' names above"
            );
            let names = self.columns.iter().map(|column| column.header.as_str());
            bail!(
                "{shown} has no column {target:?}; its columns are: {}; give one with --target",
                names.collect::<Vec<_>>().join(", ")
            );
        };
        ensure!(
            goal.filled > 0,
            "{shown}: expected values in the target {target:?}, found none in {rows} rows"
        );
        ensure!(
            goal.levels.len() > 1,
            "{shown}: expected the target {target:?} to vary, found one value in all of {} rows: \
             there is nothing to learn",
            goal.filled
        );
        Ok(goal)
    }

    /// The column that tells rows apart; without one, a row's place in its file does.
    fn key(&self, goal: &Column) -> Option<&Column> {
        let rows = self.rows;
        let tells_apart = |column: &&Column| {
            column.filled == rows && column.levels.len() == rows && column.name != goal.name
        };
        let called = |column: &&Column| {
            ["id", "key", "uuid"].contains(&column.name.as_str())
                || column.header.is_empty()
                || column.name.ends_with("_id")
        };
        let whole = |column: &&Column| column.kind() != "number";
        let key = self
            .columns
            .iter()
            .find(|column| called(column) && column.filled == rows);
        key.or_else(|| self.columns.iter().filter(whole).find(tells_apart))
    }
}
