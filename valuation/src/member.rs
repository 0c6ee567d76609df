//! A member of the ensemble, whatever it is: the seam a new kind of estimator goes through.

use serde::{Deserialize, Serialize};

use crate::boosted::{Boosted, BoostedOptions, ForestOptions};
use crate::comparison::{ComparablesOptions, Comparison, Room};
use crate::json;
use crate::linear::{ElasticNetOptions, Linear, SparseRow};

/// What a member is and how it is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum MemberOptions {
    /// Least squares on the linear design.
    Linear,
    /// The same with weights drawn to 0 where that helps.
    ElasticNet(ElasticNetOptions),
    /// The nearest past sales, adjusted by a line.
    Comparables(ComparablesOptions),
    /// Boosted trees on the frame.
    Boosted(BoostedOptions),
    /// The mean of trees on the frame.
    Forest(ForestOptions),
}

impl MemberOptions {
    /// Whether it is fitted on the linear design alone.
    pub(crate) fn is_linear(&self) -> bool {
        matches!(self, MemberOptions::Linear | MemberOptions::ElasticNet(_))
    }

    /// Whether it can be fitted so.
    ///
    /// # Errors
    /// The option, what is expected of it, and what it is.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str, f64)> {
        match self {
            MemberOptions::Linear => Ok(()),
            MemberOptions::ElasticNet(options) => options.check(),
            MemberOptions::Comparables(options) => options.check(),
            MemberOptions::Boosted(options) => options.check(),
            MemberOptions::Forest(options) => options.check(),
        }
    }
}

/// A member by its name, which is also its file's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedMember {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// What it is.
    pub options: MemberOptions,
}

/// A fitted member: a log price for a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Member {
    Linear(Linear),
    Comparison(Box<Comparison>),
    Boosted(Box<Boosted>),
}

impl Member {
    /// Ending of its file's name.
    pub(crate) fn extension(&self) -> &'static str {
        match self {
            Member::Linear(_) => "json",
            Member::Comparison(_) => "sales",
            Member::Boosted(_) => "trees",
        }
    }

    /// Whether it reads the linear design.
    pub(crate) fn reads_design(&self) -> bool {
        matches!(self, Member::Linear(_) | Member::Comparison(_))
    }

    /// How many trees it has.
    pub(crate) fn trees(&self) -> usize {
        match self {
            Member::Linear(_) | Member::Comparison(_) => 0,
            Member::Boosted(boosted) => boosted.trees(),
        }
    }

    /// The value of one row.
    pub(crate) fn row(&self, design: &SparseRow, frame: &[f32]) -> f64 {
        match self {
            Member::Linear(linear) => linear.predict(design),
            Member::Comparison(own) => own.value(design, frame, &mut Room::default()),
            Member::Boosted(boosted) => boosted.row(frame),
        }
    }

    /// The values of rows: `frame` is row-major.
    pub(crate) fn rows(&self, design: &[SparseRow], frame: &[f32]) -> Vec<f64> {
        match self {
            Member::Linear(linear) => design.iter().map(|row| linear.predict(row)).collect(),
            Member::Comparison(own) => {
                let width = frame.len() / design.len().max(1);
                let mut room = Room::default();
                let rows = design.iter().zip(frame.chunks_exact(width.max(1)));
                rows.map(|(design, frame)| own.value(design, frame, &mut room))
                    .collect()
            }
            Member::Boosted(boosted) => boosted.rows(frame),
        }
    }

    /// The bytes of its file.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        match self {
            Member::Linear(linear) => json::write_pretty(linear).map_err(|error| error.to_string()),
            Member::Comparison(own) => json::write(own.as_ref()).map_err(|error| error.to_string()),
            Member::Boosted(boosted) => boosted.encode(),
        }
    }

    /// Reads what [`Member::encode`] wrote.
    pub(crate) fn decode(extension: &str, bytes: &[u8]) -> Result<Member, String> {
        match extension {
            "json" => json::read(bytes)
                .map(Member::Linear)
                .map_err(|error| error.to_string()),
            "sales" => {
                let own: Result<Comparison, _> = json::read(bytes);
                own.map(|own| Member::Comparison(Box::new(own)))
                    .map_err(|error| error.to_string())
            }
            "trees" => Ok(Member::Boosted(Box::new(Boosted::decode(bytes)?))),
            other => Err(format!(
                "a member's file ends in {other:?}, expected json, sales or trees"
            )),
        }
    }
}
