//! How good the answers are: prices learned later beside what was reported, and how far requests have
//! moved from what the model was trained on. PostgreSQL is the memory, so that restarts and replicas
//! change nothing.

mod actuals;
mod adapted;
mod batch;
mod figures;
mod gauges;
mod judged;
mod label;
mod labelled;
mod labels;
mod results;
mod rolled;
mod round;
mod route;
mod watch;
mod window;

pub(crate) use self::actuals::Learner;
pub(crate) use self::round::{Rounds, keep};
pub(crate) use self::route::routes;
pub(crate) use self::watch::{Watch, tally};
pub use self::window::Window;
