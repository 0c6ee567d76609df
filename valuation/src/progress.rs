//! How far a fit is, for whoever watches it: an observer in the options, and what it receives.

mod estimate;
mod fit_progress;
mod observer;
mod tracker;
mod watched;
mod work;

pub use self::fit_progress::{FitProgress, FitStage, Measure, MemberProgress};
pub use self::observer::{FitObserver, Observer};
pub(crate) use self::tracker::{Planned, PlannedFit, Tracker};
pub(crate) use self::work::{Running, Work};
