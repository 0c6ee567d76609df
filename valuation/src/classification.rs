//! How likely a record is of a class: schemas of `task = "classification"`. Of several classes each is one: see
//! `multiclass`.
//!
//! Members predict log odds: a line (`logistic`), and trees on the logistic loss. They are put together by
//! weights that sum to one, and the whole is calibrated, both by what members predicted for rows they had
//! not seen.

mod artifact;
mod classes;
mod errors;
mod explain;
mod fit;
mod judge;
mod metrics;
mod model;
mod report;
mod rows;

pub use self::classes::classes;
pub use self::errors::ClassErrors;
pub(crate) use self::errors::{calibration, calibration_error};
pub(crate) use self::explain::log_odds as explain_log_odds;
pub use self::fit::classify;
pub(crate) use self::judge::{importance, log_odds};
pub use self::metrics::{ClassMetrics, Confusion, Interval, RocPoint};
pub(crate) use self::metrics::{area, auc, log_loss_of};
pub use self::model::ClassModel;
pub use self::report::{Bin, ClassFold, ClassMember, ClassReport, Importance};
pub(crate) use self::rows::{check_count, sides, times};
