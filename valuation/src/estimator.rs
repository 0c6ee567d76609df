//! Everything that turns a record into a log price and its uncertainty: features, members, their
//! weights, the stretch and the spread.

use std::borrow::Cow;
use std::cell::RefCell;

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::Schema;
use serde::{Deserialize, Serialize};

use crate::binding::{Bindings, Places, position};
use crate::boosted::{Boosted, Codes};
use crate::cells::{Cell, Cells};
use crate::clustering::segments::Segments;
use crate::comparables::{ByField, Comparables};
use crate::equity::Equity;
use crate::kd_tree::Near;
use crate::known::{BoundKnown, Known};
use crate::linear::SparseRow;
use crate::linear_design::LinearDesign;
use crate::link::Link;
use crate::members::{Fitted as _, InputWidths, Member};
use crate::mondrian::Widths;
use crate::neighbours::Neighbours;
use crate::part_error::PartError;
use crate::tree_features::{BoundTreeFeatures, TreeFeatures};
use crate::widths_by_estimate::WidthsByEstimate;

/// Rows estimated side by side: enough to keep a core busy, few enough to stay in its cache.
const CHUNK_ROWS: usize = 1024;

/// What `model.json` says of a member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MemberHead {
    /// Its name, and its file's.
    pub(crate) name: String,
    /// Suffix of the file's name, which identifies the format.
    pub(crate) extension: String,
    /// Its weight: above 0, all together 1.
    pub(crate) weight: f64,
}

impl MemberHead {
    /// The name of the member's file.
    pub(crate) fn file(&self) -> String {
        format!("member-{}.{}", self.name, self.extension)
    }
}

/// The estimator in `model.json`. Large parts have files of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// What is estimated of the target, and so the way back to it; the logarithm in artifacts that do
    /// not say.
    #[serde(default, skip_serializing_if = "Link::is_log")]
    pub(crate) link: Link,
    /// The linear design; none where no member reads it.
    #[serde(rename = "features")]
    pub(crate) linear_design: Option<LinearDesign>,
    /// The columns of the trees; none where no member reads them.
    #[serde(rename = "frame")]
    pub(crate) tree_features: Option<TreeFeatures>,
    /// By member.
    pub(crate) members: Vec<MemberHead>,
    /// Corrects the bias of trees for expensive homes.
    pub(crate) equity: Equity,
    /// How far off estimates usually are where no record says more, in log price.
    pub(crate) spread: f64,
    /// Times the spread: half the interval, in log price.
    pub(crate) quantile: f64,
    /// Segments whose ranges are wider or narrower than that; none where one width fits all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) widths: Option<Widths>,
    /// The same by what a record is estimated at; none where one width fits all, and in artifacts of releases
    /// that did not ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) widths_by_estimate: Option<WidthsByEstimate>,
    /// What was learned of each field, and what lies outside costs; none in artifacts of releases that did
    /// not write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known: Option<Known>,
    /// Market segments as a further category, if the options ask for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) segments: Option<Segments>,
}

/// A fitted estimator.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Estimator {
    pub(crate) plan: Plan,
    /// In the order of the plan's.
    pub(crate) members: Vec<Member>,
    /// Past records by place; empty where the schema has no place.
    pub(crate) neighbours: Vec<Neighbours>,
    /// Past records by likeness, to be shown; none of classes, and of artifacts of releases that kept none of a
    /// line.
    pub(crate) comparables: Option<Comparables>,
    /// How far off estimates of a row's kind are, in log price.
    pub(crate) spread: Option<Boosted>,
    /// The places of the columns in batches that have come by.
    pub(crate) bindings: Bindings,
}

thread_local! {
    /// Buffers for single rows, which would otherwise spend most of the time on allocations.
    static ALONE: RefCell<Scratch> = RefCell::default();
}

/// What is known of a row's price, in logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    /// The estimate.
    pub(crate) log: f64,
    /// How far off it usually is.
    pub(crate) spread: f64,
}

/// One row on its way through the estimator; kept between rows to save allocations.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    design: SparseRow,
    tree_features: Vec<f32>,
    near: Vec<Near>,
    /// What the neighbours add to the frame.
    beside: Vec<f32>,
    /// The row as trees read it.
    codes: Codes,
}

impl Estimator {
    /// Estimates every row of a batch: rows side by side on all cores, the same bits as one by one.
    pub(crate) fn batch(&self, batch: &RecordBatch) -> Vec<Estimate> {
        let batch = self.complete(batch);
        let bound = self.bind(&batch);
        let rows: Vec<usize> = (0..batch.num_rows()).collect();
        match rows.as_slice() {
            [] => Vec::new(),
            [row] => vec![bound.alone(*row)],
            rows => rows
                .par_chunks(CHUNK_ROWS)
                .flat_map_iter(|rows| bound.rows(rows))
                .collect(),
        }
    }

    /// The batch with what is computed before anything is read: the segments.
    pub(crate) fn complete<'a>(&self, batch: &'a RecordBatch) -> Cow<'a, RecordBatch> {
        match &self.plan.segments {
            Some(segments) => segments.extend(batch),
            None => Cow::Borrowed(batch),
        }
    }

    /// Whether a field of a record is read.
    pub(crate) fn reads(&self, field: &str) -> bool {
        let linear = self.plan.linear_design.as_ref();
        let tree_features = self.plan.tree_features.as_ref();
        let segments = self.plan.segments.as_ref();
        linear.is_some_and(|linear_design| linear_design.reads(field))
            || segments.is_some_and(|segments| segments.reads(field))
            || tree_features.is_some_and(|tree_features| tree_features.reads(field))
            || self
                .plan
                .widths
                .as_ref()
                .is_some_and(|widths| widths.field == field)
    }

    /// Of a batch that is [`Estimator::complete`].
    pub(crate) fn bind<'a>(&'a self, batch: &'a RecordBatch) -> BoundEstimator<'a> {
        let schema = batch.schema_ref();
        let find = || self.places(&|name| position(batch, name));
        let places = self.bindings.places(schema, find);
        self.bind_at(&places, &|place| Cells::from(batch.column(place)))
    }

    /// The place of each column that is read, by the field's name.
    pub(crate) fn places(&self, find: &dyn Fn(&str) -> Option<usize>) -> Places {
        let Plan {
            linear_design,
            tree_features,
            widths,
            known,
            ..
        } = &self.plan;
        let linear_design = linear_design
            .as_ref()
            .map(|linear_design| linear_design.places(find));
        let tree_features = tree_features
            .as_ref()
            .map(|tree_features| tree_features.places(find));
        Places {
            linear_design: linear_design.unwrap_or_default(),
            tree_features: tree_features.unwrap_or_default(),
            widths: widths.as_ref().and_then(|widths| find(&widths.field)),
            known: known
                .as_ref()
                .map_or_else(Vec::new, |known| known.places(find)),
        }
    }

    fn bind_at<'a>(
        &'a self,
        places: &Places,
        cells: &dyn Fn(usize) -> Cells<'a>,
    ) -> BoundEstimator<'a> {
        let Plan {
            linear_design,
            tree_features,
            widths,
            known,
            ..
        } = &self.plan;
        let of_widths = places.widths.map_or(Cells::Absent, cells);
        BoundEstimator {
            estimator: self,
            linear_design: linear_design
                .as_ref()
                .map(|linear_design| linear_design.bind_at(&places.linear_design, cells)),
            tree_features: tree_features
                .as_ref()
                .map(|tree_features| tree_features.bind_at(&places.tree_features, cells)),
            widths: widths.as_ref().map(|widths| (widths, of_widths)),
            known: known
                .as_ref()
                .map(|known| known.bind_at(&places.known, cells)),
        }
    }

    /// Estimates one record, given by its cells at these places; the same bits as from a batch. Not of an
    /// estimator with segments, which are computed by batch.
    pub(crate) fn record(&self, places: &Places, cells: &[Cell]) -> Estimate {
        let cell = |place: usize| Cells::One(cells.get(place).copied().unwrap_or(Cell::Null));
        self.bind_at(places, &cell).alone(0)
    }

    /// All ensembles of trees: the members', and the spread last.
    pub(crate) fn ensembles(&self) -> impl Iterator<Item = &Boosted> {
        let members = self.members.iter().filter_map(Member::ensemble);
        members.chain(&self.spread)
    }

    /// Drops the columns that no member reads.
    pub(crate) fn prune(&mut self) {
        if !self.members.iter().any(Member::reads_design) {
            self.plan.linear_design = None;
        }
    }

    /// Lets the ensembles share what is computed of a row for them; asked for whenever the members are
    /// new.
    pub(crate) fn share(&mut self) {
        let members = self.members.iter_mut().filter_map(Member::ensemble_mut);
        Boosted::share(&mut members.chain(&mut self.spread).collect::<Vec<_>>());
    }

    /// Values of a row as the trees read it, neighbours included.
    pub(crate) fn width(&self) -> usize {
        let tree_features = self
            .plan
            .tree_features
            .as_ref()
            .map_or(0, TreeFeatures::width);
        tree_features + self.neighbours.iter().map(Neighbours::width).sum::<usize>()
    }

    /// Checks that the parts of an artifact belong to each other.
    ///
    /// # Errors
    /// States which part does not.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), (String, PartError)> {
        let at = |file: &str| {
            let file = file.to_owned();
            move |error: PartError| (file, error)
        };
        let plan = |error: PartError| ("model.json".to_owned(), error);
        let extended = match &self.plan.segments {
            Some(segments) => {
                segments.check(schema).map_err(plan)?;
                Cow::Owned(segments.schema(schema))
            }
            None => Cow::Borrowed(schema),
        };
        let schema: &Schema = &extended;
        let weights: f64 = self.plan.members.iter().map(|member| member.weight).sum();
        let each = self.plan.members.iter().map(|member| member.weight);
        if (weights - 1.0).abs() > 1e-9 || !each.clone().all(|weight| weight > 0.0) {
            return Err(plan(PartError::Misfit(format!(
                "weights {:?}, expected above 0 and 1 in all",
                each.collect::<Vec<_>>()
            ))));
        }
        for (name, value, least) in [
            ("spread", self.plan.spread, 0.0),
            ("quantile", self.plan.quantile, 0.0),
            ("centre", self.plan.equity.centre, f64::MIN),
            ("slope", self.plan.equity.slope, 0.0),
            ("shift", self.plan.equity.shift, f64::MIN),
        ] {
            if !value.is_finite() || value < least {
                return Err(plan(PartError::Misfit(format!(
                    "{name} {value}, expected a finite number not below {least}"
                ))));
            }
        }
        if let Some(tree_features) = &self.plan.tree_features {
            tree_features.check(schema).map_err(plan)?;
        }
        if let Some(widths) = &self.plan.widths {
            widths.check(schema).map_err(plan)?;
        }
        if let Some(widths) = &self.plan.widths_by_estimate {
            widths.check().map_err(plan)?;
        }
        if let Some(known) = &self.plan.known {
            known.check(schema).map_err(plan)?;
        }
        let frame_width = self
            .plan
            .tree_features
            .as_ref()
            .map_or(0, TreeFeatures::width);
        for neighbours in &self.neighbours {
            let checked = neighbours.check(frame_width);
            checked.map_err(at("neighbours.json"))?;
        }
        let of_trees = self.comparables.as_ref().filter(|own| !own.by_line);
        if let Some(comparables) = of_trees {
            let checked = comparables.check(frame_width);
            checked.map_err(at("comparables.json"))?;
        }
        // Checks the members first: the features need the right width.
        let widths = InputWidths {
            design: self.plan.linear_design.as_ref().map(LinearDesign::width),
            tree_features: frame_width,
            trees: self.width(),
        };
        for (head, member) in self.plan.members.iter().zip(&self.members) {
            member.check(widths).map_err(at(&head.file()))?;
        }
        if let Some(spread) = &self.spread {
            let checked = spread.check_columns(self.width());
            checked.map_err(|error| at("spread.trees")(error.into()))?;
        }
        if let Some(linear_design) = &self.plan.linear_design {
            linear_design.check(schema).map_err(plan)?;
        }
        // Behind the design, whose columns are then known to be right.
        match self.comparables.as_ref().filter(|own| own.by_line) {
            Some(comparables) => {
                let design = self.plan.linear_design.as_ref();
                let width = design.map_or(0, |design| ByField::of(design).width());
                let checked = comparables.check(width);
                checked.map_err(at("comparables-by-line.json"))
            }
            None => Ok(()),
        }
    }
}

/// The estimator's columns in one batch.
pub(crate) struct BoundEstimator<'a> {
    estimator: &'a Estimator,
    linear_design: Option<crate::linear_design::Bound<'a>>,
    tree_features: Option<BoundTreeFeatures<'a>>,
    widths: Option<(&'a Widths, Cells<'a>)>,
    known: Option<BoundKnown<'a>>,
}

impl BoundEstimator<'_> {
    /// A row as the trees read it.
    pub(crate) fn frame_row(&self, row: usize) -> Vec<f32> {
        let mut scratch = Scratch::default();
        self.write_frame(row, &mut scratch);
        scratch.tree_features
    }

    /// Reads a row's cells into both kinds of columns, for benchmarks; returns a sum so that the work is not optimised away.
    pub(crate) fn columns(&self, row: usize, scratch: &mut Scratch) -> f64 {
        scratch.tree_features.clear();
        if let Some(columns) = &self.tree_features {
            columns.write(row, &mut scratch.tree_features);
        }
        if let Some(linear_design) = &self.linear_design {
            linear_design.write(row, &mut scratch.design);
        }
        scratch.tree_features.len() as f64
            + scratch.design.iter().map(|(_, value)| value).sum::<f64>()
    }

    /// What a row's fields add that lie beyond what was learned: by field, in log price.
    pub(crate) fn carried(&self, row: usize) -> Vec<(&str, f64)> {
        let known = self.known.as_ref();
        known.map_or_else(Vec::new, |known| known.carried(row).collect())
    }

    /// A row as the linear member reads it.
    pub(crate) fn design_row(&self, row: usize) -> SparseRow {
        let mut design = SparseRow::new();
        if let Some(linear_design) = &self.linear_design {
            linear_design.write(row, &mut design);
        }
        design
    }

    fn write_frame(&self, row: usize, scratch: &mut Scratch) {
        let Scratch {
            tree_features,
            near,
            beside,
            ..
        } = scratch;
        tree_features.clear();
        if let Some(columns) = &self.tree_features {
            columns.write(row, tree_features);
            beside.clear();
            for neighbours in &self.estimator.neighbours {
                neighbours.write(tree_features, None, near, beside);
            }
            tree_features.extend_from_slice(beside);
        }
    }

    /// A row that comes by itself.
    fn alone(&self, row: usize) -> Estimate {
        ALONE.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => {
                let estimate = self.row(row, &mut scratch);
                // Nothing of a model is held on to.
                scratch.codes.clear();
                estimate
            }
            Err(_) => self.row(row, &mut Scratch::default()),
        })
    }

    fn row(&self, row: usize, scratch: &mut Scratch) -> Estimate {
        self.write_frame(row, scratch);
        if let Some(linear_design) = &self.linear_design {
            linear_design.write(row, &mut scratch.design);
        }
        let Scratch {
            design,
            tree_features,
            codes,
            ..
        } = scratch;
        codes.clear();
        let Estimator {
            plan,
            members,
            spread,
            ..
        } = self.estimator;
        let log = plan
            .members
            .iter()
            .zip(members)
            .map(|(head, member)| head.weight * member.row(design, tree_features, codes))
            .sum();
        let spread = spread
            .as_ref()
            .map(|spread| spread.row(tree_features, codes));
        self.estimate(row, log, spread)
    }

    fn rows(&self, rows: &[usize]) -> Vec<Estimate> {
        let mut scratch = Scratch::default();
        let mut values = Vec::with_capacity(rows.len() * self.estimator.width());
        let mut design = Vec::new();
        for row in rows {
            self.write_frame(*row, &mut scratch);
            values.extend_from_slice(&scratch.tree_features);
            if let Some(linear_design) = &self.linear_design {
                let mut row_design = SparseRow::new();
                linear_design.write(*row, &mut row_design);
                design.push(row_design);
            }
        }
        let Estimator {
            plan,
            members,
            spread,
            ..
        } = self.estimator;
        let ensembles: Vec<&Boosted> = self.estimator.ensembles().collect();
        let mut of_trees = Boosted::rows(&ensembles, &values).into_iter();
        let mut logs = vec![0.0; rows.len()];
        for (head, member) in plan.members.iter().zip(members) {
            let next = || of_trees.next().unwrap_or_default();
            for (log, value) in logs.iter_mut().zip(member.rows(&design, &values, next)) {
                *log += head.weight * value;
            }
        }
        // The last of the ensembles.
        let spreads = spread.as_ref().and_then(|_| of_trees.next());
        logs.into_iter()
            .enumerate()
            .map(|(at, log)| self.estimate(rows[at], log, spreads.as_ref().map(|all| all[at])))
            .collect()
    }
}

impl BoundEstimator<'_> {
    fn estimate(&self, row: usize, log: f64, spread: Option<f64>) -> Estimate {
        let Plan {
            link,
            equity,
            spread: usual,
            widths_by_estimate,
            ..
        } = &self.estimator.plan;
        let widths = self.widths.as_ref();
        let factor = widths.map_or(1.0, |(widths, cells)| widths.of(*cells, row));
        let known = self.known.as_ref();
        let factor = factor * known.map_or(1.0, |known| known.factor(row));
        let carried = known.map(|known| known.carried(row).map(|(_, log)| log).sum());
        let log = link.hold(equity.apply(log + carried.unwrap_or(0.0)));
        let factor = match widths_by_estimate {
            None => factor,
            Some(widths) => factor * widths.of(log),
        };
        Estimate {
            log,
            spread: factor * bounded(spread.unwrap_or(*usual), *usual),
        }
    }
}

/// A row's spread, held near the usual one: what a few trees say of a rare kind is not believed
/// without bound.
pub(crate) fn bounded(spread: f64, usual: f64) -> f64 {
    spread.clamp(0.25 * usual, 6.0 * usual)
}
