//! A member of the ensemble, whatever it is: the seam a new kind of estimator goes through.

use records::Task;
use serde::{Deserialize, Serialize};

use crate::boosted::{Boosted, BoostedOptions, Codes, ForestOptions};
use crate::classification::LogisticOptions;
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
    /// A line through the log odds of a class.
    Logistic(LogisticOptions),
}

impl MemberOptions {
    /// Whether a task has members of this kind.
    pub(crate) fn suits(&self, task: Task) -> bool {
        match (self, task) {
            (_, Task::Clustering) => false,
            (MemberOptions::Boosted(_) | MemberOptions::Forest(_), _) => true,
            (MemberOptions::Logistic(_), task) => task == Task::Classification,
            (_, task) => task == Task::Regression,
        }
    }

    /// The kinds that a task has, for people.
    pub(crate) fn kinds(task: Task) -> &'static str {
        match task {
            Task::Regression => "linear, elastic-net, comparables, boosted, forest",
            Task::Classification => "logistic, boosted, forest",
            Task::Clustering => "none",
        }
    }

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
            MemberOptions::Logistic(options) => options.check(),
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
    /// Trees that say which share of their rows is of a class: told as log odds.
    Shares(Box<Boosted>),
}

/// Shares this near 0 and 1 are not told from it: a leaf is of few rows.
const LEAST_SHARE: f64 = 0.005;

/// The log odds of a share.
pub(crate) fn odds_of(share: f64) -> f64 {
    ((share.max(0.0) + LEAST_SHARE) / ((1.0 - share).max(0.0) + LEAST_SHARE)).ln()
}

impl Member {
    /// Ending of its file's name.
    pub(crate) fn extension(&self) -> &'static str {
        match self {
            Member::Linear(_) => "json",
            Member::Comparison(_) => "sales",
            Member::Boosted(_) => "trees",
            Member::Shares(_) => "shares",
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
            Member::Boosted(trees) | Member::Shares(trees) => trees.trees(),
        }
    }

    /// Its trees, where it has any.
    pub(crate) fn ensemble(&self) -> Option<&Boosted> {
        match self {
            Member::Linear(_) | Member::Comparison(_) => None,
            Member::Boosted(trees) | Member::Shares(trees) => Some(trees),
        }
    }

    /// The same, to be laid out anew.
    pub(crate) fn ensemble_mut(&mut self) -> Option<&mut Boosted> {
        match self {
            Member::Linear(_) | Member::Comparison(_) => None,
            Member::Boosted(trees) | Member::Shares(trees) => Some(trees),
        }
    }

    /// The value of one row; `codes` are those that other members' trees have left of it.
    pub(crate) fn row(&self, design: &SparseRow, frame: &[f32], codes: &mut Codes) -> f64 {
        match self {
            Member::Linear(linear) => linear.predict(design),
            Member::Comparison(own) => own.value(design, frame, &mut Room::default()),
            Member::Boosted(boosted) => boosted.row(frame, codes),
            Member::Shares(forest) => odds_of(forest.row(frame, codes)),
        }
    }

    /// The values of rows: `frame` is row-major, and `of_trees` what [`Member::ensemble`] says of them.
    pub(crate) fn rows(
        &self,
        design: &[SparseRow],
        frame: &[f32],
        of_trees: impl FnOnce() -> Vec<f64>,
    ) -> Vec<f64> {
        match self {
            Member::Linear(linear) => design.iter().map(|row| linear.predict(row)).collect(),
            Member::Comparison(own) => {
                let width = frame.len() / design.len().max(1);
                let mut room = Room::default();
                let rows = design.iter().zip(frame.chunks_exact(width.max(1)));
                rows.map(|(design, frame)| own.value(design, frame, &mut room))
                    .collect()
            }
            Member::Boosted(_) => of_trees(),
            Member::Shares(_) => of_trees().into_iter().map(odds_of).collect(),
        }
    }

    /// The bytes of its file.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        match self {
            Member::Linear(linear) => json::write_pretty(linear).map_err(|error| error.to_string()),
            Member::Comparison(own) => json::write(own.as_ref()).map_err(|error| error.to_string()),
            Member::Boosted(trees) | Member::Shares(trees) => trees.encode(),
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
            "shares" => Ok(Member::Shares(Box::new(Boosted::decode(bytes)?))),
            other => Err(format!(
                "a member's file ends in {other:?}, expected json, sales, trees or shares"
            )),
        }
    }
}
