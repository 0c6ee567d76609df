//! The files of a run: their names, the hold-out and the training set, and a directory to write them in.

pub(crate) mod holdout;
pub(crate) mod names;
pub(crate) mod seen_rows;
pub(crate) mod staging;
