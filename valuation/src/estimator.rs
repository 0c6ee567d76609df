//! Everything that turns a record into a log price and its uncertainty: features, members, their
//! weights, the stretch and the spread.

pub(crate) mod bound;
mod check;
pub(crate) mod estimates;
pub(crate) mod plan;

use std::borrow::Cow;

use arrow_array::RecordBatch;

use self::plan::Plan;
use crate::binding::{Bindings, Places};
use crate::boosted::{Boosted, Cached};
use crate::comparables::Comparables;
use crate::members::{Fitted as _, Member};
use crate::name_tables::NameTables;
use crate::neighbours::Neighbours;
use crate::tree_features::TreeFeatures;

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

impl Estimator {
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
}
