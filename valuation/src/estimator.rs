//! Everything that turns a record into a log price and its uncertainty: features, members, their
//! weights, the stretch and the spread.

use std::borrow::Cow;
use std::cell::RefCell;

use arrow_array::RecordBatch;
use rayon::prelude::*;
use records::Schema;
use serde::{Deserialize, Serialize};

use crate::assessed::{Outside, UnseenName};
use crate::binding::{Bindings, Places, position};
use crate::boosted::{Boosted, Cached, Codes};
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
use crate::name_codes::{BoundNames, Code};
use crate::name_tables::{NameReaders, NameTables};
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

impl Plan {
    /// The parts that read names.
    pub(crate) fn name_readers(&self) -> NameReaders<'_> {
        NameReaders {
            linear_design: self.linear_design.as_ref(),
            tree_features: self.tree_features.as_ref(),
            widths: self.widths.as_ref(),
            known: self.known.as_ref(),
        }
    }
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
    /// The names of all parts by their numbers, as the plan is when a batch is first bound: forgotten with the
    /// bindings where what reads names changes.
    pub(crate) name_tables: Cached<NameTables>,
}

thread_local! {
    /// Buffers for single rows, which would otherwise spend most of the time on allocations.
    static ALONE: RefCell<Scratch> = RefCell::default();
    /// Buffers for the rows of a chunk; taken while one is estimated.
    static CHUNK: RefCell<ChunkRoom> = RefCell::default();
}

/// What is known of a row's price, in logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    /// The estimate.
    pub(crate) log: f64,
    /// How far off it usually is.
    pub(crate) spread: f64,
}

/// Rows on their way through the estimator; kept between chunks to save allocations.
#[derive(Debug, Default)]
struct ChunkRoom {
    scratch: Scratch,
    /// As the trees read them, row-major.
    values: Vec<f32>,
    /// As the linear members read them: at least as many as there are rows.
    design: Vec<SparseRow>,
    /// The numbers of their names, row-major.
    names: Vec<Code>,
}

/// One row on its way through the estimator; kept between rows to save allocations.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The numbers of its names.
    names: Vec<Code>,
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
        self.each(batch, &|_, estimate| estimate)
    }

    /// The same, and what of each row is not known.
    pub(crate) fn assess(&self, batch: &RecordBatch) -> Vec<(Estimate, Outside)> {
        self.each(batch, &|row, estimate| (estimate, row.outside()))
    }

    fn each<T: Send>(&self, batch: &RecordBatch, take: &Take<T>) -> Vec<T> {
        let batch = self.complete(batch);
        let bound = self.bind(&batch);
        let rows: Vec<usize> = (0..batch.num_rows()).collect();
        match rows.as_slice() {
            [] => Vec::new(),
            [row] => vec![bound.alone(*row, take)],
            rows => rows
                .par_chunks(CHUNK_ROWS)
                .flat_map_iter(|rows| bound.rows(rows, take))
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
            names: self.name_tables().codes.fields().map(find).collect(),
        }
    }

    /// The numbers of all names, made at the first use.
    fn name_tables(&self) -> &NameTables {
        self.name_tables
            .get(|| NameTables::of(self.plan.name_readers()))
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
        let tables = self.name_tables();
        let of_widths = places.widths.map_or(Cells::Absent, cells);
        let of_names = places.names.iter();
        let of_names = of_names.map(|place| place.map_or(Cells::Absent, cells));
        BoundEstimator {
            estimator: self,
            tables,
            names: tables.codes.bind(of_names.collect()),
            linear_design: linear_design
                .as_ref()
                .map(|part| part.bind_at(&places.linear_design, cells, &tables.linear_design)),
            tree_features: tree_features
                .as_ref()
                .map(|part| part.bind_at(&places.tree_features, cells, &tables.tree_features)),
            widths: widths.as_ref().map(|widths| (widths, of_widths)),
            known: known
                .as_ref()
                .map(|part| part.bind_at(&places.known, cells, &tables.known)),
        }
    }

    /// Estimates one record, given by its cells at these places; the same bits as from a batch. Not of an
    /// estimator with segments, which are computed by batch.
    pub(crate) fn record(&self, places: &Places, cells: &[Cell]) -> Estimate {
        self.one(places, cells, &|_, estimate| estimate)
    }

    /// The same, and what of the record is not known.
    pub(crate) fn assess_record(&self, places: &Places, cells: &[Cell]) -> (Estimate, Outside) {
        self.one(places, cells, &|row, estimate| (estimate, row.outside()))
    }

    fn one<T>(&self, places: &Places, cells: &[Cell], take: &Take<T>) -> T {
        let cell = |place: usize| Cells::One(cells.get(place).copied().unwrap_or(Cell::Null));
        self.bind_at(places, &cell).alone(0, take)
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
            (self.bindings, self.name_tables) = Default::default();
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
        tree_features + self.neighbours_width()
    }

    /// Those that neighbours add.
    fn neighbours_width(&self) -> usize {
        self.neighbours.iter().map(Neighbours::width).sum()
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

/// What is made of a row and its estimate.
type Take<T> = dyn Fn(&BoundRow, Estimate) -> T + Sync;

/// A row of a batch.
struct BoundRow<'a> {
    bound: &'a BoundEstimator<'a>,
    row: usize,
    /// The numbers of its names.
    names: &'a [Code],
}

impl BoundRow<'_> {
    /// What of it the estimator knows nothing of.
    fn outside(&self) -> Outside {
        let BoundEstimator {
            tables,
            names,
            known,
            ..
        } = self.bound;
        let known = known.as_ref();
        let unseen = tables
            .unseen
            .iter()
            .filter(|unseen| *unseen.get(self.names));
        let unseen = unseen.filter_map(|unseen| {
            let (field, name) = names.name(unseen.place(), self.row)?;
            Some(UnseenName {
                field: field.to_owned(),
                name: name.to_owned(),
            })
        });
        Outside {
            warnings: known.map_or_else(Vec::new, |known| known.warnings(self.row, self.names)),
            unseen: unseen.collect(),
        }
    }
}

/// The estimator's columns in one batch.
pub(crate) struct BoundEstimator<'a> {
    estimator: &'a Estimator,
    tables: &'a NameTables,
    names: BoundNames<'a>,
    linear_design: Option<crate::linear_design::Bound<'a>>,
    tree_features: Option<BoundTreeFeatures<'a>>,
    widths: Option<(&'a Widths, Cells<'a>)>,
    known: Option<BoundKnown<'a>>,
}

impl BoundEstimator<'_> {
    /// A row as the trees read it.
    pub(crate) fn frame_row(&self, row: usize) -> Vec<f32> {
        let mut scratch = Scratch::default();
        self.read_names(row, &mut scratch);
        let mut values = Vec::with_capacity(self.estimator.width());
        self.write_frame(row, &mut scratch, &mut values);
        values
    }

    /// Reads a row's cells into both kinds of columns, for benchmarks; returns a sum so that the work is not optimised away.
    pub(crate) fn columns(&self, row: usize, scratch: &mut Scratch) -> f64 {
        self.read_names(row, scratch);
        scratch.tree_features.clear();
        if let Some(columns) = &self.tree_features {
            columns.write_named(row, &scratch.names, &mut scratch.tree_features);
        }
        if let Some(linear_design) = &self.linear_design {
            linear_design.write_named(row, &scratch.names, &mut scratch.design);
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
            let mut names = Vec::with_capacity(self.names.width());
            self.names.write(row, &mut names);
            linear_design.write_named(row, &names, &mut design);
        }
        design
    }

    /// Looks the names of a row up: before anything else of it is read.
    fn read_names(&self, row: usize, scratch: &mut Scratch) {
        scratch.names.clear();
        self.names.write(row, &mut scratch.names);
    }

    /// Appends a row as the trees read it.
    fn write_frame(&self, row: usize, scratch: &mut Scratch, out: &mut Vec<f32>) {
        let Some(columns) = &self.tree_features else {
            return;
        };
        let Scratch {
            names,
            near,
            beside,
            ..
        } = scratch;
        let from = out.len();
        columns.write_named(row, names, out);
        beside.clear();
        for neighbours in &self.estimator.neighbours {
            neighbours.write(&out[from..], None, near, beside);
        }
        out.extend_from_slice(beside);
    }

    /// Fills in what the neighbours add to rows as the trees read them: one space after the other, so that each
    /// stays in the processor's cache.
    fn write_neighbours(&self, scratch: &mut Scratch, values: &mut [f32]) {
        let width = self.estimator.width().max(1);
        let from = width - self.estimator.neighbours_width();
        let Scratch { near, beside, .. } = scratch;
        let mut at = from;
        for neighbours in &self.estimator.neighbours {
            for row in values.chunks_exact_mut(width) {
                beside.clear();
                neighbours.write(&row[..from], None, near, beside);
                row[at..at + neighbours.width()].copy_from_slice(beside);
            }
            at += neighbours.width();
        }
    }

    /// A row that comes by itself.
    fn alone<T>(&self, row: usize, take: &Take<T>) -> T {
        let mut of_thread = ALONE.take();
        let estimate = self.row(row, &mut of_thread);
        let taken = take(&self.bound_row(row, &of_thread.names), estimate);
        // Nothing of a model is held on to.
        of_thread.codes.clear();
        ALONE.set(of_thread);
        taken
    }

    fn bound_row<'a>(&'a self, row: usize, names: &'a [Code]) -> BoundRow<'a> {
        BoundRow {
            bound: self,
            row,
            names,
        }
    }

    fn row(&self, row: usize, scratch: &mut Scratch) -> Estimate {
        self.read_names(row, scratch);
        let mut values = std::mem::take(&mut scratch.tree_features);
        values.clear();
        self.write_frame(row, scratch, &mut values);
        scratch.tree_features = values;
        if let Some(linear_design) = &self.linear_design {
            linear_design.write_named(row, &scratch.names, &mut scratch.design);
        }
        let Scratch {
            names,
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
        self.estimate(row, names, log, spread)
    }

    fn rows<T>(&self, rows: &[usize], take: &Take<T>) -> Vec<T> {
        let mut room = CHUNK.take();
        let ChunkRoom {
            scratch,
            values,
            design,
            names,
        } = &mut room;
        values.clear();
        names.clear();
        if design.len() < rows.len() {
            design.resize_with(rows.len(), SparseRow::new);
        }
        for (row, design) in rows.iter().zip(&mut *design) {
            self.read_names(*row, scratch);
            if let Some(columns) = &self.tree_features {
                columns.write_named(*row, &scratch.names, values);
                // Room for what the neighbours add.
                let beside = self.estimator.neighbours_width();
                values.resize(values.len() + beside, f32::NAN);
            }
            if let Some(linear_design) = &self.linear_design {
                linear_design.write_named(*row, &scratch.names, design);
            }
            names.extend_from_slice(&scratch.names);
        }
        self.write_neighbours(scratch, values);
        let design = match &self.linear_design {
            Some(_) => &design[..rows.len()],
            None => &[],
        };
        let Estimator {
            plan,
            members,
            spread,
            ..
        } = self.estimator;
        let ensembles: Vec<&Boosted> = self.estimator.ensembles().collect();
        let mut of_trees = Boosted::rows(&ensembles, values).into_iter();
        let mut logs = vec![0.0; rows.len()];
        for (head, member) in plan.members.iter().zip(members) {
            let next = || of_trees.next().unwrap_or_default();
            for (log, value) in logs.iter_mut().zip(member.rows(design, values, next)) {
                *log += head.weight * value;
            }
        }
        // The last of the ensembles.
        let spreads = spread.as_ref().and_then(|_| of_trees.next());
        let width = self.names.width();
        let taken = rows.iter().zip(logs).enumerate().map(|(at, (row, log))| {
            let names = &names[at * width..(at + 1) * width];
            let spread = spreads.as_ref().map(|all| all[at]);
            let estimate = self.estimate(*row, names, log, spread);
            take(&self.bound_row(*row, names), estimate)
        });
        let taken = taken.collect();
        CHUNK.set(room);
        taken
    }
}

impl BoundEstimator<'_> {
    fn estimate(&self, row: usize, names: &[Code], log: f64, spread: Option<f64>) -> Estimate {
        let Plan {
            link,
            equity,
            spread: usual,
            widths_by_estimate,
            ..
        } = &self.estimator.plan;
        let widths = self.widths.as_ref();
        let factor = widths.map_or(1.0, |(widths, cells)| match &self.tables.widths {
            Some(by_name) => *by_name.get(names),
            None => widths.of(*cells, row),
        });
        let known = self.known.as_ref();
        let factor = factor * known.map_or(1.0, |known| known.factor(row, names));
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
