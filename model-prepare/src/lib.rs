//! The trainer: fits the price model on stored listings or on a file, judges it, and publishes a version.
//!
//! A file imports only from files below it:
//!
//! - `cli/` (the binary): flags to calls.
//! - `service/`, `follow`: the long-running programs.
//! - `evaluate`, `init`, `sweep`, `import`, `commands`: what one call does.
//! - `training/`: fit, keep the run, publish, judge (`promotion/`), promote.
//! - `listings`, `features/`: the training rows.
//! - `run_files/`, `config/`, `training_lock`, `arrivals`: the ground.
//!
//! Pages and tables are the crate `report`. `scripts/import-loops` checks that no files import each other.

mod arrivals;
mod check;
mod commands;
mod config;
mod deadline;
mod evaluate;
mod export;
mod features;
mod follow;
mod import;
mod infer;
mod init;
mod listings;
mod measures;
pub mod metrics;
mod price;
mod promotion;
mod run_files;
mod service;
mod sweep;
mod training;
mod training_lock;

pub use commands::Shown;
pub use commands::compare::compare;
pub use commands::gc::gc;
pub use commands::history::history;
pub use commands::promote::{promote, rollback};
pub use commands::runs::runs;
pub use commands::show::show;
pub use commands::sync::sync;
pub use commands::versions::versions;
pub use config::{
    Config, FeaturesConfig, PrepareConfig, PromotionConfig, PromotionMode, SweepConfig, WatchConfig,
};
pub use evaluate::clusters::evaluate_clusters;
pub use evaluate::{Evaluation, evaluate};
pub use export::{Export, ExportFormat, export};
pub use features::materialise::{Materialise, features};
pub use follow::config::{Base, Follow, FollowConfig};
pub use follow::follow;
pub use follow::screen::Screen;
pub use import::{Import, import};
pub use infer::account::{Account, Guess};
pub use infer::infer;
pub use infer::options::InferOptions;
pub use infer::proposal::Proposal;
pub use init::{Init, learning_from};
pub use price::{Priced, price};
pub use promotion::contest::{Contest, Side};
pub use promotion::verdict::{Check, Verdict};
pub use report::text::summary;
pub use report::{Evaluated, Materialised, Parameter, RejectKind, Speed};
pub use service::serve::{check_schedule, run, watch};
pub use sweep::options::{Sweep, TrialLedger};
pub use sweep::sampler::SamplerKind;
pub use sweep::sweep;
pub use training::train::{Training, train_on_database, train_on_file};
pub use training::trained::Trained;
