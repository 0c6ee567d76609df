//! Whether the parts of a schema fit together.

mod class;
mod crawl;
mod written;

use std::collections::BTreeSet;

use super::{Kind, PLACE, Schema, Task, Tombstone, reserved};
use crate::limits::{KEY_BYTES, TEXT_BYTES};

impl Schema {
    /// What does not fit is reported with what was expected.
    pub(super) fn check(&self) -> Result<(), String> {
        is_identifier(&self.table).map_err(|why| format!("table {:?} {why}", self.table))?;
        reserved::check_table(&self.table)?;
        let mut seen = BTreeSet::new();
        for field in &self.fields {
            is_identifier(&field.name).map_err(|why| format!("field {:?} {why}", field.name))?;
            reserved::check_field(&field.name)?;
            let (most, why) = match field.name == self.key {
                true => (KEY_BYTES, "the key of a record"),
                false => (TEXT_BYTES, "a text"),
            };
            if let Some(length) = field.max_length
                && length > most
            {
                return Err(format!(
                    "field {:?}: max_length is {length}; expected at most {most} bytes of {why}",
                    field.name
                ));
            }
            if !seen.insert(&field.name) {
                return Err(format!("field {:?} occurs twice", field.name));
            }
            if let (Some(min), Some(max)) = (field.min, field.max)
                && min > max
            {
                return Err(format!(
                    "field {:?}: min {min} is above max {max}",
                    field.name
                ));
            }
            if (field.min.is_some() || field.max.is_some())
                && !matches!(field.kind, Kind::Number | Kind::Integer)
            {
                return Err(format!(
                    "field {:?}: min and max are for numbers and integers",
                    field.name
                ));
            }
            if field.missing_as.is_some() {
                let is_filled = matches!(field.kind, Kind::Number | Kind::Integer | Kind::Boolean);
                if !is_filled || self.task != Task::Clustering {
                    return Err(format!(
                        "field {:?}: missing_as is for numbers, integers and booleans of a schema of \
                         task = \"clustering\"",
                        field.name
                    ));
                }
            }
            if field.monotone.is_some() {
                let is_measure = matches!(field.kind, Kind::Number | Kind::Integer) && field.learn;
                let is_target = self.target.as_ref() == Some(&field.name);
                if !is_measure || is_target || self.task != Task::Regression {
                    return Err(format!(
                        "field {:?}: monotone is for numbers and integers that a model of task = \
                         \"regression\" learns from",
                        field.name
                    ));
                }
            }
            field.check_written()?;
            if !field.spellings.is_empty() && !field.is_measured() {
                return Err(format!(
                    "field {:?}: spellings are other names of its unit; expected a unit, and kind \
                     number or integer",
                    field.name
                ));
            }
            // Read as a part of the number, or not at all.
            let is_unreadable = |spelling: &String| {
                let first = spelling.chars().next();
                spelling.trim() != spelling
                    || first.is_none_or(|first| first.is_ascii_digit() || ",.".contains(first))
            };
            if let Some(spelling) = field
                .spellings
                .iter()
                .find(|spelling| is_unreadable(spelling))
            {
                return Err(format!(
                    "field {:?}: spellings = [{spelling:?}]: expected a unit's name, such as \"mi\"",
                    field.name
                ));
            }
        }
        let marks = self.fields.iter().flat_map(|field| &field.missing);
        for mark in self.missing.iter().chain(marks) {
            // As a number of JSON it would be one nevertheless.
            if mark.parse::<f64>().is_ok_and(f64::is_finite) || mark.trim() != mark {
                return Err(format!(
                    "missing = [{mark:?}]: expected texts that are not numbers and have no space \
                     around them, such as \"--\"; min and max bound numbers"
                ));
            }
        }
        if self.missing_as.is_some() && self.task != Task::Clustering {
            return Err(format!(
                "missing_as is for task = \"clustering\", found {:?}: other models handle gaps \
                 themselves",
                self.task
            ));
        }
        let role = |role: &str, name: &str, kinds: &[Kind]| match self.field(name) {
            None => Err(format!("{role} = {name:?} is not a field")),
            Some(field) if !kinds.contains(&field.kind) => Err(format!(
                "{role} = {name:?} is of kind {:?}, expected one of {kinds:?}",
                field.kind
            )),
            Some(_) => Ok(()),
        };
        role("key", &self.key, &[Kind::Text, Kind::Category])?;
        if let Some(time) = &self.time {
            role("time", time, &[Kind::Timestamp])?;
        }
        if let Some(area) = &self.area {
            role("area", area, &[Kind::Number, Kind::Integer])?;
        }
        for place in &self.place {
            role("place", place, &[Kind::Number, Kind::Integer])?;
        }
        self.check_class()?;
        self.check_crawl()?;
        self.check_delisting()?;
        match (&self.target, self.task) {
            (Some(target), Task::Regression) => {
                role("target", target, &[Kind::Number, Kind::Integer])
            }
            (Some(target), Task::Classification) => role(
                "target",
                target,
                &[Kind::Number, Kind::Integer, Kind::Boolean, Kind::Category],
            ),
            (None, Task::Clustering) => Ok(()),
            (Some(_), Task::Clustering) => Err("task clustering has no target".to_owned()),
            (None, task) => Err(format!("task {task:?} needs a target")),
        }
    }

    /// Whether `[delisting]` fits the key.
    fn check_delisting(&self) -> Result<(), String> {
        match self.delisting.tombstone {
            Tombstone::Mark | Tombstone::Delete if self.key == PLACE => Err(
                "[delisting] needs a key: expected key = \"...\", the field for the key of a \
                 tombstone"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

/// Names go into JSON, metric labels and SQL: they are alike everywhere, whatever folds letters.
fn is_identifier(name: &str) -> Result<(), &'static str> {
    let mut letters = name.chars();
    let starts_well = letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first == '_');
    let goes_on_well = letters
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if !starts_well || !goes_on_well {
        return Err(
            "must be lower-case letters, digits and underscores, not starting with a digit",
        );
    }
    if name.len() > 63 {
        return Err("is longer than the 63 bytes PostgreSQL allows");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_fit_are_named() {
        let base = "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntarget='y'\n";
        let fields = "[[field]]\nname='id'\nkind='text'\n[[field]]\nname='y'\nkind='number'\n";
        assert!(Schema::parse(&format!("{base}{fields}"), "x").is_ok());
        for (text, expected) in [
            (
                format!("{base}{fields}[[field]]\nname='y'\nkind='number'\n"),
                "occurs twice",
            ),
            (
                format!("{base}[[field]]\nname='id'\nkind='text'\n"),
                "is not a field",
            ),
            (
                format!("{base}{fields}[[field]]\nname='z; drop'\nkind='text'\n"),
                "must be lower-case",
            ),
            (
                format!("{base}{fields}[[field]]\nname='z'\nkind='number'\nmin=2\nmax=1\n"),
                "above max",
            ),
            (
                format!("{base}{fields}").replace("table='x'", "table='rejects'"),
                "table \"rejects\" is a table of the services",
            ),
            (
                format!("{base}{fields}").replace("table='x'", "table='hedonic_incoming'"),
                "as temporary tables of the services do",
            ),
            (
                format!("{base}{fields}[[field]]\nname='stored_at'\nkind='timestamp'\n"),
                "a column that the loader adds",
            ),
            (
                format!("{base}{fields}[[field]]\nname='delisted_at'\nkind='timestamp'\n"),
                "a column that the loader adds",
            ),
            (
                format!("{base}{fields}[[field]]\nname='ctid'\nkind='text'\n"),
                "every table of PostgreSQL has",
            ),
            (
                format!("{base}[delisting]\ntombstone='bury'\n{fields}"),
                "unknown variant `bury`",
            ),
            (
                format!("{base}[delisting]\ntombstone='mark'\n{fields}").replace("key='id'", ""),
                "[delisting] needs a key",
            ),
            (
                format!("{base}{fields}max_length=3\n")
                    .replace("kind='text'", "kind='text'\nmax_length=2000"),
                "expected at most 1024 bytes of the key",
            ),
            (
                format!("{base}{fields}colour='red'\n"),
                "unknown field `colour`",
            ),
            (
                format!("{base}{fields}[[field]]\nname='z'\nkind='number'\nspellings=['mi']\n"),
                "expected a unit",
            ),
            (
                format!(
                    "{base}{fields}[[field]]\nname='z'\nkind='number'\nunit='mi'\n\
                     spellings=['5 mi']\n"
                ),
                "expected a unit's name",
            ),
            (
                format!("{base}missing=['-999']\n{fields}"),
                "expected texts that are not numbers",
            ),
            (
                format!("{base}missing_as='zero'\n{fields}"),
                "missing_as is for task",
            ),
            (
                format!("{base}{fields}[[field]]\nname='z'\nkind='number'\nmissing_as='zero'\n"),
                "missing_as is for numbers",
            ),
            (
                format!("{base}{fields}[[field]]\nname='z'\nkind='number'\nmonotone='up'\n"),
                "unknown variant `up`",
            ),
            (
                format!(
                    "{base}{fields}[[field]]\nname='z'\nkind='category'\nmonotone='increasing'\n"
                ),
                "monotone is for numbers and integers",
            ),
            (
                format!(
                    "{base}{fields}[[field]]\nname='z'\nkind='number'\nlearn=false\n\
                     monotone='decreasing'\n"
                ),
                "monotone is for numbers and integers",
            ),
            (
                format!("{base}{fields}monotone='increasing'\n"),
                "monotone is for numbers and integers",
            ),
            (
                format!("{base}{fields}[[field]]\nname='z'\nkind='colour'\n"),
                "unknown variant `colour`",
            ),
        ] {
            let error = Schema::parse(&text, "x").expect_err(expected).to_string();
            assert!(
                error.contains(expected),
                "{error} does not say {expected:?}"
            );
        }
    }
}
