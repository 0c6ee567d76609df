//! Whether the parts of an artifact belong to each other.

use std::borrow::Cow;

use records::Schema;

use super::Estimator;
use crate::comparables::ByField;
use crate::linear_design::LinearDesign;
use crate::members::{Fitted as _, InputWidths};
use crate::part_error::PartError;
use crate::tree_features::TreeFeatures;

impl Estimator {
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
