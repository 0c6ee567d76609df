//! A member in other programs' formats.

use std::fmt::Write as _;

use arrow_array::RecordBatch;
use records::Formulas;

use crate::boosted::Codes;
use crate::linear::Linear;
use crate::linear_design::LinearDesign;
use crate::members::Fitted as _;
use crate::model::Model;
use crate::predict_error::PredictError;

/// Why a member could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No member of this name and kind.
    #[error(
        "expected a member {expected}, found {found}: give one with --member, or another --format"
    )]
    NoMember {
        /// What was requested.
        expected: String,
        /// The members there are.
        found: String,
    },
    /// The format cannot express it.
    #[error("the member {name} cannot be written: {detail}")]
    Content {
        /// Its name.
        name: String,
        /// Why.
        detail: String,
    },
}

/// A record as trees read it, and what they say of it.
pub type MemberRow = (Vec<f32>, f64);

/// A text as a cell of a CSV.
fn quoted(text: &str) -> String {
    let text = Formulas::Neutralise.cell(text);
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into_owned(),
    }
}

impl Model {
    /// A member's name and its bytes: XGBoost's JSON for trees, else a CSV of weights.
    ///
    /// # Errors
    /// When there is no such member.
    pub fn export(
        &self,
        trees: bool,
        name: Option<&str>,
    ) -> Result<(String, Vec<u8>), ExportError> {
        let plan = &self.estimator.plan;
        let mut members = plan.members.iter().zip(&self.estimator.members);
        let written = members.find_map(|(head, member)| {
            if name.is_some_and(|name| name != head.name) {
                return None;
            }
            let bytes = match trees {
                true => member.as_sum_of_trees()?.to_xgboost(),
                false => Ok(self.weights_csv(member.as_line()?)),
            };
            Some((head.name.clone(), bytes))
        });
        match written {
            Some((name, Ok(bytes))) => Ok((name, bytes)),
            Some((name, Err(error))) => Err(ExportError::Content {
                name,
                detail: error.to_string(),
            }),
            None => {
                let kind = if trees { "of trees" } else { "that is linear" };
                let names: Vec<&str> = plan.members.iter().map(|head| head.name.as_str()).collect();
                Err(ExportError::NoMember {
                    expected: name.map_or(kind.to_owned(), |name| format!("{name} {kind}")),
                    found: names.join(", "),
                })
            }
        }
    }

    /// The weights of a line with the fields that they are of.
    fn weights_csv(&self, line: &Linear) -> Vec<u8> {
        let linear_design = self.estimator.plan.linear_design.as_ref();
        let fields = linear_design.map_or_else(Vec::new, LinearDesign::fields);
        let mut text = format!("column,field,weight\n,(intercept),{}\n", line.intercept);
        for (column, weight) in line.weights.iter().enumerate() {
            let field = fields.get(column).copied().unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{column},{},{weight}", quoted(field));
        }
        text.into_bytes()
    }

    /// The names of the values that trees read, and each row of `batch` as those values with what
    /// the member `name` says of it (a log price).
    ///
    /// # Errors
    /// When the batch lacks a column that the model reads.
    pub fn member_rows(
        &self,
        name: &str,
        batch: &RecordBatch,
    ) -> Result<(Vec<String>, Vec<MemberRow>), PredictError> {
        self.check_columns(batch)?;
        let heads = self.estimator.plan.members.iter();
        let mut members = heads.zip(&self.estimator.members);
        let member = members
            .find(|(head, _)| head.name == name)
            .map(|(_, member)| member);
        let batch = self.estimator.complete(batch);
        let bound = self.estimator.bind(&batch);
        let rows = (0..batch.num_rows()).map(|row| {
            let values = bound.frame_row(row);
            let predicted = member.map_or(f64::NAN, |member| {
                member.row(&bound.design_row(row), &values, &mut Codes::default())
            });
            (values, predicted)
        });
        let names = (0..self.estimator.width()).map(|value| format!("f{value}"));
        Ok((names.collect(), rows.collect()))
    }
}
