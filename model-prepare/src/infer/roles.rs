//! Which column is the key, the time, the size, and where the thing is.

use std::collections::HashSet;

use records::Kind;

use super::study::{Studied, Study};
use super::{dates, name_words};

/// A role's column, how sure it is, and why.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) column: usize,
    pub(super) sure: &'static str,
    pub(super) why: String,
}

/// Proven by the file.
pub(super) const CERTAIN: &str = "certain";
/// By a name that hardly means anything else.
pub(super) const LIKELY: &str = "likely";
/// To be checked.
pub(super) const GUESS: &str = "a guess";

/// Rows that a size may lack.
const AREA_FILLED: f64 = 0.4;

/// Why a column of times is not that of a listing.
pub(super) fn why_no_time(column: &Studied<'_>) -> Option<&'static str> {
    if name_words::has(column.name(), &name_words::NOT_TIMES) {
        return Some("is not that of a listing, by its name");
    }
    let now_us = records::timestamp::now_us();
    dates::are_ahead(column.column, &column.times, now_us)
        .then_some("has times to come, and that of a listing has passed")
}

impl Study<'_> {
    fn role(&self, column: usize, sure: &'static str, why: impl Into<String>) -> Role {
        Role {
            column,
            sure,
            why: why.into(),
        }
    }

    /// The column that tells rows apart: only one that does so in this file.
    pub(super) fn key(&self, target: usize) -> Option<Role> {
        let rows = self.rows;
        let is_unique =
            |column: &Studied| column.column.filled() == rows && column.column.levels() == rows;
        let all: Vec<usize> = (0..self.columns.len())
            .filter(|index| *index != target && is_unique(&self.columns[*index]))
            .filter(|index| self.columns[*index].column.longest() <= records::limits::KEY_BYTES)
            .collect();
        let is_called = |index: &usize| {
            let column = self.columns[*index].column;
            name_words::is_id(&column.name) || column.header.is_empty()
        };
        let is_plain = |index: &&usize| self.columns[**index].name() == "id";
        let called = all
            .iter()
            .find(is_plain)
            .or_else(|| all.iter().find(|index| is_called(index)));
        if let Some(index) = called {
            return Some(self.role(
                *index,
                CERTAIN,
                format!("another value in each of {rows} rows"),
            ));
        }
        // Texts without a space that are all different; of a few rows all are.
        let is_label = |index: &&usize| {
            let column = &self.columns[**index];
            let has_digit = |text: &str| text.contains(|letter: char| letter.is_ascii_digit());
            column.kind == Kind::Text
                && column
                    .column
                    .values()
                    .all(|cell| !cell.text.contains(' ') && has_digit(&cell.text))
        };
        let label = all.iter().find(is_label)?;
        Some(self.role(
            *label,
            LIKELY,
            format!("another value in each of {rows} rows"),
        ))
    }

    /// Columns that are called as keys are, but repeat: how many values they have.
    pub(super) fn repeating_ids(&self) -> impl Iterator<Item = (&str, usize)> {
        let named = self
            .columns
            .iter()
            .filter(|column| name_words::is_id(column.name()));
        named
            .filter(|column| column.column.levels() < self.rows)
            .map(|column| (column.name(), column.column.levels()))
    }

    /// A column that is called as keys are and repeats, and another with which it tells rows apart, such as the
    /// day of a snapshot.
    pub(super) fn key_pair(&self, target: usize) -> Option<(&str, &str)> {
        let is_whole = |column: &&Studied| column.column.filled() == self.rows && column.varies();
        let all: Vec<&Studied> = self
            .columns
            .iter()
            .enumerate()
            .filter(|(index, column)| *index != target && column.kind != Kind::Number)
            .map(|(_, column)| column)
            .filter(is_whole)
            .collect();
        let tell = |one: &Studied, other: &Studied| {
            let mut seen = HashSet::with_capacity(self.rows);
            let mut rows = one.column.rows.iter().zip(&other.column.rows);
            one.name() != other.name() && rows.all(|pair| seen.insert(pair))
        };
        let ids = all.iter().filter(|column| name_words::is_id(column.name()));
        for id in ids {
            if let Some(other) = all.iter().find(|other| tell(id, other)) {
                return Some((id.name(), other.name()));
            }
        }
        None
    }

    /// The time of a listing: not that of its last review.
    pub(super) fn time(&self) -> Option<Role> {
        let of_listing = |index: &usize| {
            let column = &self.columns[*index];
            let is_time = column.kind == Kind::Timestamp && column.varies();
            is_time && why_no_time(column).is_none()
        };
        let all: Vec<usize> = (0..self.columns.len()).filter(of_listing).collect();
        let is_called =
            |index: &&usize| name_words::has(self.columns[**index].name(), &name_words::TIMES);
        match all.iter().find(is_called) {
            Some(index) => Some(self.role(*index, LIKELY, "called as a listing's time")),
            None => all
                .first()
                .map(|index| self.role(*index, GUESS, "the first column of times")),
        }
    }

    /// The size of the thing itself: living before lot.
    pub(super) fn area(&self, target: usize) -> Option<Role> {
        let rank = |index: &usize| {
            let column = &self.columns[*index];
            let name = column.name();
            let is_size = column.is_number() && column.varies() && name_words::is_area(name);
            let is_filled = column.column.filled() as f64 >= AREA_FILLED * self.rows as f64;
            let is_other = name_words::is_other_area(name)
                || name_words::is_price(name)
                || name_words::has(name, &name_words::LEAKS);
            if *index == target || !is_size || !is_filled || is_other {
                return None;
            }
            let is_living = name_words::is_living_area(name);
            // "Size" may be that of anything, such as of "2 BHK".
            let is_vague = name_words::words(name).all(|word| word == "size");
            let is_plain = name_words::words(name).count() == 1 && !is_vague;
            Some(u8::from(is_living) * 2 + u8::from(is_plain))
        };
        let ranked = (0..self.columns.len()).filter_map(|index| Some((rank(&index)?, index)));
        // The first of equals: reversed, as `max_by_key` takes the last.
        let best = ranked.rev().max_by_key(|(rank, _)| *rank)?;
        let column = &self.columns[best.1];
        let gaps = self.rows - column.column.filled();
        let why = match gaps {
            0 => "called as sizes are".to_owned(),
            gaps => format!("called as sizes are; {gaps} of {} rows lack it", self.rows),
        };
        Some(self.role(best.1, if best.0 > 0 { LIKELY } else { GUESS }, why))
    }

    /// Latitude and longitude, by name and range; and whether they are swapped.
    pub(super) fn place(&self) -> Option<(usize, usize, bool)> {
        let find = |is: fn(&str) -> bool| {
            self.columns
                .iter()
                .position(|column| column.is_number() && column.varies() && is(column.name()))
        };
        let (latitude, longitude) = (
            find(name_words::is_latitude)?,
            find(name_words::is_longitude)?,
        );
        let reach = |index: usize| {
            let numbers = &self.columns[index].numbers;
            numbers.greatest.abs().max(numbers.least.abs())
        };
        let is_either = reach(latitude) <= 90.0 || reach(longitude) <= 90.0;
        if latitude == longitude
            || reach(longitude) > 180.0
            || reach(latitude) > 180.0
            || !is_either
        {
            return None;
        }
        Some((latitude, longitude, reach(latitude) > 90.0))
    }
}
