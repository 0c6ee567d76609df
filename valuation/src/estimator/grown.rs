//! What trees learn from, fitted before any of them: the frame, what neighbours cost, and past
//! records to be shown.

use rayon::prelude::*;

use super::fit::{Wanted, error};
use super::folds;
use crate::boosted::{Boosted, BoostedOptions, Growth, Table};
use crate::cells::Cells;
use crate::comparables::{Comparables, MOST_RECORDS, Past};
use crate::frame::{Frame, Level};
use crate::link::Link;
use crate::neighbours::Neighbours;
use crate::space::Space;

/// A few trees, to see whether trees find anything that a line does not.
const TRIAL: BoostedOptions = BoostedOptions {
    rounds: 50,
    rate: 0.15,
    ..LIKENESS
};
/// A line whose error is below this share of the trial's is taken for the whole truth: ten times
/// the trees would not catch it up. On real listings the line is above it.
const WELL_BEATEN: f64 = 0.9;
/// Trees that say which values matter for likeness.
const LIKENESS: BoostedOptions = BoostedOptions {
    growth: Growth::LeafWise,
    rounds: 40,
    rate: 0.2,
    leaves: 32,
    depth: 0,
    leaf_rows: 10.0,
    row_share: 1.0,
    column_share: 1.0,
    penalty: 1.0,
    trusted: 1.0,
    patience: 0,
};
/// How much a place weighs among neighbours, and how much what is like it does.
const PLACE_WEIGHT: f64 = 0.5;
const LIKE_WEIGHT: f64 = 0.1;
/// Values that make records alike.
const LIKE_VALUES: usize = 3;

/// How much each value of the frame weighs among what makes records near.
struct Nearness {
    by_place: Vec<f64>,
    /// By place and a little by likeness.
    by_both: Vec<f64>,
}

/// Everything fitted on the rows' frame.
pub(super) struct Grown {
    pub(super) frame: Frame,
    pub(super) neighbours: Vec<Neighbours>,
    pub(super) comparables: Option<Comparables>,
    pub(super) table: Table,
    /// What makes sales comparable, by value of the frame: place and a little likeness; without a
    /// place, what matters most.
    nearness: Vec<f64>,
}

impl Grown {
    /// Values of a row.
    pub(super) fn width(&self) -> usize {
        self.table.values().len() / self.table.rows().max(1)
    }

    /// Some of the rows as points where comparable sales are near; none where nothing tells.
    pub(super) fn sales(&self, rows: &[usize]) -> Option<Space> {
        let width = self.width();
        let mut weights = self.nearness.clone();
        weights.resize(width, 0.0);
        Space::new(&self.rows(rows), width, &weights)
    }

    /// The values of some of the rows, row-major.
    pub(super) fn rows(&self, rows: &[usize]) -> Vec<f32> {
        let (values, width) = (self.table.values(), self.width());
        let own = rows
            .iter()
            .flat_map(|row| &values[row * width..(row + 1) * width]);
        own.copied().collect()
    }

    /// The table of some of the rows, with other targets, where levels are known by their means and
    /// all else.
    pub(super) fn part(&self, rows: &[usize], targets: Vec<f64>) -> Result<Table, String> {
        Table::new(self.rows(rows), &[], targets)
    }
}

impl Wanted<'_> {
    /// The frame of the rows, with neighbours that are never the row itself; `None` where no field
    /// tells rows apart, or where a line (of the log error `line`) leaves nothing for trees to find;
    /// a line that is not known leaves everything.
    pub(super) fn grow(&self, targets: &[f64], line: f64) -> Result<Option<Grown>, String> {
        let (frame, values) = Frame::fit(self.schema, self.batch, self.rows, targets, self.group);
        let width = frame.width();
        if width == 0 {
            return Ok(None);
        }
        let levels = frame.levels();
        // Names are no measure of likeness: levels by their means alone.
        let by_means: Vec<Level> = levels
            .iter()
            .map(|own| Level {
                numbered: false,
                ..*own
            })
            .collect();
        let first = Table::new(values.clone(), &by_means, targets.to_vec())?;
        if line.is_finite() {
            let halves = folds::all(targets.len(), 2, self.options.seed);
            let (tried, _) = Boosted::out_of_fold(&first, &halves, &TRIAL, 1.0, self.options.seed);
            if line < error(&tried, targets) * WELL_BEATEN {
                return Ok(None);
            }
        }
        let likeness = Boosted::fit(
            &Table::new(values.clone(), &[], targets.to_vec())?,
            &LIKENESS,
            LIKENESS.rounds,
            self.options.seed,
        )?;
        let importance = likeness.importance();
        let comparables = self.comparables(&values, width, &importance);
        let nearness = self.nearness(&frame, &importance);
        let neighbours = self.neighbours(&values, &nearness, targets);
        let values: Vec<f32> = values
            .par_chunks_exact(width)
            .enumerate()
            .map_init(Vec::new, |near, (position, own)| {
                let mut row = own.to_vec();
                for neighbours in &neighbours {
                    neighbours.write(own, Some(position), near, &mut row);
                }
                row
            })
            .flatten_iter()
            .collect();
        let table = Table::new(values, &levels, targets.to_vec())?;
        Ok(Some(Grown {
            frame,
            neighbours,
            comparables,
            table,
            nearness: match nearness {
                Some(Nearness { by_both, .. }) => by_both,
                None => importance.iter().map(|share| share.sqrt()).collect(),
            },
        }))
    }

    /// What makes records near, by value of the frame; none where the schema has no place.
    fn nearness(&self, frame: &Frame, importance: &[f64]) -> Option<Nearness> {
        let places: Vec<usize> = self
            .schema
            .places()
            .into_iter()
            .filter_map(|place| frame.position(place))
            .collect();
        if places.len() < 2 {
            return None;
        }
        let width = frame.width();
        let mut weights = vec![0.0; width];
        for place in &places {
            weights[*place] = PLACE_WEIGHT;
        }
        let by_place = weights.clone();
        // What is not made of places, and matters most.
        let fields = frame.fields();
        let of_place = |value: usize| self.schema.places().contains(&fields[value]);
        let mut others: Vec<usize> = (0..width)
            .filter(|value| !of_place(*value) && importance[*value] > 0.0)
            .collect();
        others.sort_by(|one, other| importance[*other].total_cmp(&importance[*one]));
        for value in others.into_iter().take(LIKE_VALUES) {
            weights[value] = LIKE_WEIGHT;
        }
        Some(Nearness {
            by_place,
            by_both: weights,
        })
    }

    /// The spaces that say what a place is worth; none where there is no place, or the settings name
    /// no counts.
    fn neighbours(
        &self,
        values: &[f32],
        nearness: &Option<Nearness>,
        targets: &[f64],
    ) -> Vec<Neighbours> {
        let counts = &self.options.neighbours;
        let Some(Nearness { by_place, by_both }) = nearness.as_ref().filter(|_| !counts.is_empty())
        else {
            return Vec::new();
        };
        let worth = self.worth(targets);
        let spaces = [("by place", by_place), ("by place and likeness", by_both)];
        spaces
            .into_iter()
            .filter_map(|(name, weights)| {
                let space = Space::new(values, weights.len(), weights)?;
                Some(Neighbours::new(name, space, &worth, counts))
            })
            .collect()
    }

    /// Log targets per area, where the schema names one that every row has.
    fn worth(&self, targets: &[f64]) -> Vec<f64> {
        let areas = match self.schema.area() {
            Some(area) => Cells::of(self.batch, area),
            None => return targets.to_vec(),
        };
        let logs: Vec<f64> = self
            .rows
            .iter()
            .map(|row| areas.number(*row).map_or(f64::NAN, f64::ln))
            .collect();
        match logs.iter().all(|log| log.is_finite()) {
            true => targets
                .iter()
                .zip(&logs)
                .map(|(target, log)| target - log)
                .collect(),
            false => targets.to_vec(),
        }
    }

    fn comparables(&self, values: &[f32], width: usize, importance: &[f64]) -> Option<Comparables> {
        let times = self.schema.time.as_deref();
        let times = times.map_or(Cells::Absent, |time| Cells::of(self.batch, time));
        let mut kept: Vec<usize> = (0..self.rows.len()).collect();
        if kept.len() > MOST_RECORDS {
            kept.sort_by_key(|position| {
                let row = self.rows[*position];
                std::cmp::Reverse((times.time_us(row), row))
            });
            kept.truncate(MOST_RECORDS);
            kept.sort_unstable();
        }
        let weights: Vec<f64> = importance.iter().map(|share| share.sqrt()).collect();
        let rows: Vec<f32> = kept
            .iter()
            .flat_map(|position| &values[position * width..(position + 1) * width])
            .copied()
            .collect();
        let link = Link::of(self.schema);
        let keys = Cells::of(self.batch, &self.schema.key);
        let past = kept.iter().map(|position| {
            let row = self.rows[*position];
            Past {
                id: keys.text(row).unwrap_or_default().to_owned(),
                price: link.target(self.logs[row]),
                time_us: times.time_us(row),
            }
        });
        Some(Comparables {
            space: Space::new(&rows, width, &weights)?,
            past: past.collect(),
        })
    }
}
