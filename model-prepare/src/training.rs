//! A training: fit, keep the run, publish, judge, promote.

pub(crate) mod clustering;
mod clustering_log;
pub(crate) mod decide;
pub(crate) mod fit;
pub(crate) mod fitted;
pub(crate) mod publish;
mod report_page;
pub(crate) mod run_log;
pub(crate) mod shown;
pub(crate) mod stored;
pub(crate) mod supervised;
pub(crate) mod train;
pub(crate) mod trained;
