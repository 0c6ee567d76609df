//! `features`: cleaned records and their features, for other programs and for trainings.

mod copy;
mod datamart_notes;
mod file;
pub(crate) mod materialise;
mod source;
pub(crate) mod state_of_file;
mod table;
mod target;
