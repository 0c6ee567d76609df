//! The tables that the services share: their DDL, their migrations, and typed queries over them.
//!
//! The table of records is not among them: it follows from the schema (`records::table`).

pub mod answers;
pub mod arrivals;
pub mod migrations;
pub mod offsets;
pub mod quality;
pub mod rejects;
pub mod retention;
pub mod sweeps;
pub mod views;
