//! Fitting the ensemble: every member out of fold and on all rows, then their weights, by what they predict
//! for rows they have not seen; and fitting again on more rows with what was settled.

mod beyond;
mod blend;
mod classes;
mod job;
mod prices;
mod stack;

pub(crate) use self::blend::loss;
pub(crate) use self::classes::FittedClasses;
pub(crate) use self::job::{FitJob, Part};
pub(crate) use self::prices::FittedPrices;
