//! The members of the ensemble. Each kind is one file, which holds its options and implements [`Learner`]; and
//! one line of [`learners!`].
//!
//! What a member predicts by is a [`Fitted`]: a line, sales, or trees, which kinds share.

mod boosted;
mod comparables;
mod context;
mod elastic_net;
mod fitted;
mod forest;
mod learner;
mod linear;
mod logistic;
mod recipe;

use records::Task;
use serde::{Deserialize, Serialize};

pub(crate) use self::boosted::Trees;
pub use self::comparables::ComparablesOptions;
use self::comparables::Comparison;
pub(crate) use self::context::FitContext;
pub use self::elastic_net::ElasticNetOptions;
pub(crate) use self::fitted::{Contributions, Fitted, InputWidths, Settled};
use self::learner::{Learner, OutOfFold, OutOfRange};
pub use self::linear::LinearOptions;
pub use self::logistic::LogisticOptions;
pub(crate) use self::recipe::Recipe;
use crate::boosted::{Boosted, BoostedOptions, Codes, ForestOptions};
use crate::fit_error::FitError;
use crate::linear::{Linear, SparseRow};
use crate::part_error::PartError;
use crate::progress::{Planned, Work};

/// The kinds of members: their names in settings, and their options.
macro_rules! learners {
    ($($(#[$doc:meta])* $kind:ident($options:ty) = $name:literal,)*) => {
        /// What a member is and how it is fitted.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum MemberOptions {
            $($(#[$doc])* #[serde(rename = $name)] $kind($options),)*
        }

        /// Every kind: its name and the tasks that have it.
        const KINDS: &[(&str, &[Task])] = &[$(($name, <$options as Learner>::TASKS),)*];

        impl MemberOptions {
            /// Whether a task has members of this kind.
            pub(crate) fn suits(&self, task: Task) -> bool {
                let tasks = match self {
                    $(MemberOptions::$kind(_) => <$options as Learner>::TASKS,)*
                };
                tasks.contains(&task)
            }

            /// Whether it is fitted on the linear design.
            pub(crate) fn needs_design(&self) -> bool {
                match self {
                    $(MemberOptions::$kind(_) => <$options as Learner>::NEEDS_DESIGN,)*
                }
            }

            /// Whether it is fitted on the columns of the trees.
            pub(crate) fn needs_tree_inputs(&self) -> bool {
                match self {
                    $(MemberOptions::$kind(_) => <$options as Learner>::NEEDS_TREE_INPUTS,)*
                }
            }

            /// See [`Learner::check`].
            pub(crate) fn check(&self) -> Result<(), OutOfRange> {
                match self {
                    $(MemberOptions::$kind(options) => Learner::check(options),)*
                }
            }

            /// See [`Learner::out_of_fold`].
            pub(crate) fn out_of_fold(
                &self,
                context: &FitContext,
                seed: u64,
                work: Work,
            ) -> Result<Option<OutOfFold<Member>>, FitError> {
                match self {
                    $(MemberOptions::$kind(options) => {
                        let fitted = options.out_of_fold(context, seed, work)?;
                        Ok(fitted.map(OutOfFold::into_member))
                    })*
                }
            }

            /// See [`Learner::refit`].
            pub(crate) fn refit(
                &self,
                context: &FitContext,
                seed: u64,
                settled: Settled,
                work: Work,
            ) -> Result<Member, FitError> {
                match self {
                    $(MemberOptions::$kind(options) => {
                        Ok(options.refit(context, seed, settled, work)?.into())
                    })*
                }
            }
        }
    };
}

learners! {
    /// Least squares on the linear design.
    Linear(LinearOptions) = "linear",
    /// The same with weights drawn to 0 where that helps.
    ElasticNet(ElasticNetOptions) = "elastic-net",
    /// The nearest past sales, adjusted by a line.
    Comparables(ComparablesOptions) = "comparables",
    /// A line through the log odds of a class.
    Logistic(LogisticOptions) = "logistic",
    /// Boosted trees.
    Boosted(BoostedOptions) = "boosted",
    /// The mean of trees.
    Forest(ForestOptions) = "forest",
}

/// What members predict by: a variant each, reached without a call through a table.
macro_rules! fitted {
    ($($(#[$doc:meta])* $form:ident($fitted:ty),)*) => {
        /// A fitted member: a log price, or log odds, for a row.
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum Member {
            $($(#[$doc])* $form(Box<$fitted>),)*
        }

        $(impl From<$fitted> for Member {
            fn from(fitted: $fitted) -> Member {
                Member::$form(Box::new(fitted))
            }
        })*

        impl Fitted for Member {
            const EXTENSIONS: &'static [&'static str] = &[];

            fn extension(&self) -> &'static str {
                match self { $(Member::$form(fitted) => fitted.extension(),)* }
            }

            fn reads_design(&self) -> bool {
                match self { $(Member::$form(fitted) => fitted.reads_design(),)* }
            }

            fn row(&self, design: &SparseRow, values: &[f32], codes: &mut Codes) -> f64 {
                match self { $(Member::$form(fitted) => fitted.row(design, values, codes),)* }
            }

            fn rows(
                &self,
                design: &[SparseRow],
                values: &[f32],
                of_trees: impl FnOnce() -> Vec<f64>,
            ) -> Vec<f64> {
                match self { $(Member::$form(fitted) => fitted.rows(design, values, of_trees),)* }
            }

            fn contributions(
                &self,
                design: &SparseRow,
                values: &[f32],
            ) -> Result<Contributions, PartError> {
                match self {
                    $(Member::$form(fitted) => Fitted::contributions(&**fitted, design, values),)*
                }
            }

            fn ensemble(&self) -> Option<&Boosted> {
                match self { $(Member::$form(fitted) => fitted.ensemble(),)* }
            }

            fn ensemble_mut(&mut self) -> Option<&mut Boosted> {
                match self { $(Member::$form(fitted) => fitted.ensemble_mut(),)* }
            }

            fn as_sum_of_trees(&self) -> Option<&Boosted> {
                match self { $(Member::$form(fitted) => fitted.as_sum_of_trees(),)* }
            }

            fn as_line(&self) -> Option<&Linear> {
                match self { $(Member::$form(fitted) => fitted.as_line(),)* }
            }

            fn encode(&self) -> Result<Vec<u8>, PartError> {
                match self { $(Member::$form(fitted) => fitted.encode(),)* }
            }

            fn decode(
                extension: &str,
                bytes: &[u8],
                frame_width: usize,
            ) -> Result<Member, PartError> {
                let all: &[&[&str]] = &[$(<$fitted as Fitted>::EXTENSIONS,)*];
                $(if <$fitted as Fitted>::EXTENSIONS.contains(&extension) {
                    return Ok(<$fitted>::decode(extension, bytes, frame_width)?.into());
                })*
                Err(PartError::Misfit(format!(
                    "a member's file ends in {extension:?}, expected one of {}",
                    all.concat().join(", ")
                )))
            }

            fn check(&self, widths: InputWidths) -> Result<(), PartError> {
                match self { $(Member::$form(fitted) => Fitted::check(&**fitted, widths),)* }
            }
        }
    };
}

fitted! {
    /// A line.
    Line(Linear),
    /// Sales that are compared.
    Sales(Comparison),
    /// Trees.
    Trees(Trees),
}

impl<F: Fitted + Into<Member>> OutOfFold<F> {
    fn into_member(self) -> OutOfFold<Member> {
        OutOfFold {
            fitted: self.fitted.into(),
            predicted: self.predicted,
            recipe: self.recipe,
        }
    }
}

impl MemberOptions {
    /// Whether it prices by what other sales cost.
    pub(crate) fn compares_sales(&self) -> bool {
        matches!(self, MemberOptions::Comparables(_))
    }

    /// The names of the kinds that a task has.
    pub(crate) fn kinds(task: Task) -> String {
        let suits = KINDS.iter().filter(|(_, tasks)| tasks.contains(&task));
        let names: Vec<&str> = suits.map(|(name, _)| *name).collect();
        match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
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

impl NamedMember {
    /// What its fits are expected to do.
    pub(crate) fn planned(&self) -> Planned {
        Planned {
            name: self.name.clone(),
            trees: match &self.options {
                MemberOptions::Boosted(options) => Some(boosted::fold_rounds(options)),
                MemberOptions::Forest(options) => Some(options.trees),
                _ => None,
            },
        }
    }
}
