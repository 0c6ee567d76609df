//! How far a fit is, for whoever watches it: an observer in the options, and what it is told.

mod estimate;
mod observer;
mod told;
mod tracker;
mod watched;
mod work;

pub use self::observer::{FitObserver, Observer};
pub use self::told::{FitProgress, FitStage, Measure, MemberProgress};
pub(crate) use self::tracker::{Planned, PlannedFit, Tracker};
pub(crate) use self::work::{Running, Work};
