//! A member in other programs' formats.

use std::fmt::Write as _;

use arrow_array::RecordBatch;
use records::file::Formulas;

use crate::boosted::Codes;
use crate::member::Member;
use crate::model::{Model, PredictError};

/// Why a member could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No member of this name and kind.
    #[error(
        "expected a member {wanted}, found {found}: give one with --member, or another --format"
    )]
    NoMember {
        /// What was asked for.
        wanted: String,
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
        let found = members.find(|(head, member)| {
            let fits = match member {
                Member::Boosted(_) => trees,
                Member::Linear(_) => !trees,
                Member::Comparison(_) | Member::Shares(_) => false,
            };
            fits && name.is_none_or(|name| name == head.name)
        });
        let Some((head, member)) = found else {
            let kind = if trees { "of trees" } else { "that is linear" };
            let names: Vec<&str> = plan.members.iter().map(|head| head.name.as_str()).collect();
            return Err(ExportError::NoMember {
                wanted: name.map_or(kind.to_owned(), |name| format!("{name} {kind}")),
                found: names.join(", "),
            });
        };
        let bytes = match member {
            Member::Comparison(_) | Member::Shares(_) => {
                Err("it has no format of others".to_owned())
            }
            Member::Boosted(boosted) => boosted.to_xgboost(),
            Member::Linear(linear) => {
                let fields = plan
                    .features
                    .as_ref()
                    .map_or_else(Vec::new, |own| own.fields());
                let mut text = format!("column,field,weight\n,(intercept),{}\n", linear.intercept);
                for (column, weight) in linear.weights.iter().enumerate() {
                    let field = fields.get(column).copied().unwrap_or_default();
                    // Writing to a String cannot fail.
                    let _ = writeln!(text, "{column},{},{weight}", quoted(field));
                }
                Ok(text.into_bytes())
            }
        };
        let name = head.name.clone();
        match bytes {
            Ok(bytes) => Ok((name, bytes)),
            Err(detail) => Err(ExportError::Content { name, detail }),
        }
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
            let said = member.map_or(f64::NAN, |own| {
                own.row(&bound.design_row(row), &values, &mut Codes::default())
            });
            (values, said)
        });
        let names = (0..self.estimator.width()).map(|value| format!("f{value}"));
        Ok((names.collect(), rows.collect()))
    }
}
