//! What trees learn from, fitted before any of them: their columns, what neighbours cost, and past
//! records to be shown.

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::Schema;

use crate::boosted::{Boosted, BoostedOptions, Direction, Growth, Table, TreeError};
use crate::cells::Cells;
use crate::comparables::{Comparables, MOST_RECORDS, Past, PastValues};
use crate::kd_tree::{KdTree, Near};
use crate::link::Link;
use crate::neighbours::Neighbours;
use crate::tree_features::{LevelTargets, TreeFeatures, residuals};

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
    names: None,
    neighbours: None,
    fits_size: false,
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
pub(crate) struct TreeInputs {
    pub(crate) tree_features: TreeFeatures,
    pub(crate) neighbours: Vec<Neighbours>,
    pub(crate) comparables: Option<Comparables>,
    /// What boosted trees learn from: of a class by the logistic loss.
    pub(crate) table: Table,
    /// The same by squared error, where that is another.
    squared: Option<Table>,
    /// What makes sales comparable, by value of the frame: place and a little likeness; without a
    /// place, what matters most.
    nearness: Vec<f64>,
}

impl TreeInputs {
    /// Values of a row.
    pub(crate) fn width(&self) -> usize {
        self.table.values().len() / self.table.rows().max(1)
    }

    /// What forests learn from.
    pub(crate) fn squared(&self) -> &Table {
        self.squared.as_ref().unwrap_or(&self.table)
    }

    /// Some of the rows as points where comparable sales are near; none where nothing distinguishes them.
    pub(crate) fn sales(&self, rows: &[usize]) -> Option<KdTree> {
        let width = self.width();
        let mut weights = self.nearness.clone();
        weights.resize(width, 0.0);
        KdTree::new(&self.rows(rows), width, &weights)
    }

    /// The values of some of the rows, row-major.
    pub(crate) fn rows(&self, rows: &[usize]) -> Vec<f32> {
        let (values, width) = (self.table.values(), self.width());
        let chosen = rows
            .iter()
            .flat_map(|row| &values[row * width..(row + 1) * width]);
        chosen.copied().collect()
    }

    /// The table of some of the rows, with other targets, where levels are known by their means and
    /// all else.
    ///
    /// # Errors
    /// When there are too many of them.
    pub(crate) fn part(&self, rows: &[usize], targets: Vec<f64>) -> Result<Table, TreeError> {
        Table::new(self.rows(rows), &[], targets)
    }
}

/// Rows to learn from.
pub(crate) struct TreeSource<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) batch: &'a RecordBatch,
    pub(crate) rows: &'a [usize],
    /// By position among the rows.
    pub(crate) targets: &'a [f64],
    /// The field of the groups.
    pub(crate) group: Option<&'a str>,
    /// How many neighbours each mean of their prices is over.
    pub(crate) counts: &'a [usize],
    pub(crate) seed: u64,
}

/// The rows' values, `width` each, with what `neighbours` say of each row beside them, the row itself left out.
fn with_neighbours(mut values: Vec<f32>, width: usize, neighbours: &[Neighbours]) -> Vec<f32> {
    let added: usize = neighbours.iter().map(Neighbours::width).sum();
    if added == 0 {
        return values;
    }
    let (rows, wide) = (values.len() / width, width + added);
    // In place, from the last row on: the values are never in memory twice.
    values.resize(rows * wide, 0.0);
    for row in (0..rows).rev() {
        values.copy_within(row * width..(row + 1) * width, row * wide);
    }
    values.par_chunks_exact_mut(wide).enumerate().for_each_init(
        <(Vec<Near>, Vec<f32>)>::default,
        |(near, beside), (position, row)| {
            let (inputs, to) = row.split_at_mut(width);
            beside.clear();
            for neighbours in neighbours {
                neighbours.write(inputs, Some(position), near, beside);
            }
            to.copy_from_slice(beside);
        },
    );
    values
}

impl TreeSource<'_> {
    /// The frame of the rows of a class: without neighbours, which are of prices.
    ///
    /// # Errors
    /// When there are too many rows or values.
    pub(crate) fn of_classes(&self) -> Result<TreeInputs, TreeError> {
        let (schema, batch, rows) = (self.schema, self.batch, self.rows);
        let (tree_features, values) = TreeFeatures::fit(
            schema,
            batch,
            rows,
            LevelTargets::of_logs(self.targets),
            self.group,
        );
        let table = || {
            Table::new(
                values.clone(),
                &tree_features.levels(),
                self.targets.to_vec(),
            )
        };
        Ok(TreeInputs {
            squared: Some(table()?),
            table: table()?.of_classes(),
            tree_features,
            neighbours: Vec::new(),
            comparables: None,
            nearness: Vec::new(),
        })
    }

    /// The frame of the rows, with neighbours that are never the row itself; `None` where no field
    /// distinguishes rows.
    ///
    /// # Errors
    /// When there are too many rows or values.
    pub(crate) fn of_prices(&self) -> Result<Option<TreeInputs>, TreeError> {
        let targets = self.targets;
        let residuals = residuals(self.schema, self.batch, self.rows, targets);
        let of_levels = LevelTargets {
            logs: targets,
            residuals: residuals.as_deref(),
        };
        let (tree_features, values) =
            TreeFeatures::fit(self.schema, self.batch, self.rows, of_levels, self.group);
        drop(residuals);
        let width = tree_features.width();
        if width == 0 {
            return Ok(None);
        }
        let levels = tree_features.levels();
        let plain = Table::new(values, &[], targets.to_vec())?;
        let likeness = Boosted::fit(&plain, &LIKENESS, LIKENESS.rounds, self.seed)?;
        // Not twice in memory.
        let values = plain.into_values();
        let importance = likeness.importance();
        let comparables = self.comparables(&tree_features, &values, &importance);
        let directions = tree_features.directions(self.schema);
        let nearness = self.nearness(&tree_features, &importance, &directions);
        let neighbours = self.neighbours(&values, &nearness, targets);
        let values = with_neighbours(values, width, &neighbours);
        let table = Table::new(values, &levels, targets.to_vec())?.beside(width);
        let table = table.along(directions);
        Ok(Some(TreeInputs {
            tree_features,
            neighbours,
            comparables,
            table,
            squared: None,
            nearness: match nearness {
                Some(Nearness { by_both, .. }) => by_both,
                None => importance.iter().map(|share| share.sqrt()).collect(),
            },
        }))
    }

    /// What makes records near, by value of the frame; none where the schema has no place. What a price goes
    /// with in one direction does not choose neighbours, whose prices go in any.
    fn nearness(
        &self,
        tree_features: &TreeFeatures,
        importance: &[f64],
        directions: &[Direction],
    ) -> Option<Nearness> {
        let is_free = |value: &usize| directions[*value] == Direction::Free;
        let places: Vec<usize> = self
            .schema
            .places()
            .into_iter()
            .filter_map(|place| tree_features.position(place))
            .filter(is_free)
            .collect();
        if places.len() < 2 {
            return None;
        }
        let width = tree_features.width();
        let mut weights = vec![0.0; width];
        for place in &places {
            weights[*place] = PLACE_WEIGHT;
        }
        let by_place = weights.clone();
        // What is not made of places, and matters most.
        let fields = tree_features.fields();
        let of_place = |value: usize| self.schema.places().contains(&fields[value]);
        let mut others: Vec<usize> = (0..width)
            .filter(|value| !of_place(*value) && importance[*value] > 0.0)
            .filter(is_free)
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

    /// The spaces that state what a place is worth; none where there is no place, or the settings name
    /// no counts.
    fn neighbours(
        &self,
        values: &[f32],
        nearness: &Option<Nearness>,
        targets: &[f64],
    ) -> Vec<Neighbours> {
        let counts = self.counts;
        let Some(Nearness { by_place, by_both }) = nearness.as_ref().filter(|_| !counts.is_empty())
        else {
            return Vec::new();
        };
        let worth = self.worth(targets);
        let spaces = [("by place", by_place), ("by place and likeness", by_both)];
        spaces
            .into_iter()
            .filter_map(|(name, weights)| {
                let space = KdTree::new(values, weights.len(), weights)?;
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

    fn comparables(
        &self,
        tree_features: &TreeFeatures,
        values: &[f32],
        importance: &[f64],
    ) -> Option<Comparables> {
        let width = tree_features.width();
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
        let mut weights: Vec<f64> = importance.iter().map(|share| share.sqrt()).collect();
        // Near ones first: place counts as much as what matters most.
        let most = weights.iter().copied().fold(0.0, f64::max);
        let places = self.schema.places();
        for place in places
            .iter()
            .filter_map(|place| tree_features.position(place))
        {
            weights[place] = most;
        }
        let rows: Vec<f32> = kept
            .iter()
            .flat_map(|position| &values[position * width..(position + 1) * width])
            .copied()
            .collect();
        let link = Link::of(self.schema);
        let prices = self.schema.target.as_deref();
        let prices = prices.map_or(Cells::Absent, |target| Cells::of(self.batch, target));
        let keys = Cells::of(self.batch, &self.schema.key);
        let past = kept.iter().map(|position| {
            let row = self.rows[*position];
            Past {
                id: keys.text(row).unwrap_or_default().to_owned(),
                // As it was given: the way back from its logarithm is not exact.
                price: prices
                    .number(row)
                    .unwrap_or_else(|| link.target(self.targets[*position])),
                time_us: times.time_us(row),
                estimate: None,
            }
        });
        let past = past.collect();
        let fields = tree_features.fields();
        let importance = |field: &str| {
            let own = fields
                .iter()
                .zip(&weights)
                .filter(|(own, _)| **own == field);
            own.map(|(_, weight)| *weight).fold(0.0, f64::max)
        };
        let kept: Vec<usize> = kept.iter().map(|position| self.rows[*position]).collect();
        Some(Comparables {
            space: KdTree::new(&rows, width, &weights)?,
            past,
            by_line: false,
            values: Some(PastValues::of(self.schema, self.batch, &kept, importance)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_written_beside_the_values_in_place() {
        let width = 3;
        let values: Vec<f32> = (0..60 * width).map(|at| ((at * 37) % 53) as f32).collect();
        let targets: Vec<f64> = (0..60).map(|row| f64::from(row % 7)).collect();
        let space = |weights: &[f64]| KdTree::new(&values, width, weights).unwrap();
        let neighbours = [
            Neighbours::new("by place", space(&[1.0, 1.0, 0.0]), &targets, &[3, 5]),
            Neighbours::new("by all", space(&[1.0, 1.0, 0.5]), &targets, &[4]),
        ];
        let (mut near, mut expected) = (Vec::new(), Vec::new());
        for (position, row) in values.chunks_exact(width).enumerate() {
            expected.extend_from_slice(row);
            for of_space in &neighbours {
                of_space.write(row, Some(position), &mut near, &mut expected);
            }
        }
        assert_eq!(
            with_neighbours(values.clone(), width, &neighbours),
            expected
        );
        assert_eq!(with_neighbours(values.clone(), width, &[]), values);
    }
}
