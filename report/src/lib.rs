//! Pages and tables for people: reports in, HTML and text out.
//!
//! - [`html`]: the page of an evaluation or a training, of a clustering, of a sweep. Each page is one
//!   file: plots are inline SVG, nothing is fetched.
//! - [`text`]: the same measures as text for a terminal, and the predictions as CSV.
//! - The rest are the inputs: plain data that `model-prepare` fills, and that run files keep as JSON.
//!
//! Nothing here reads or writes a file, a database or a socket.

pub mod html;
pub mod text;

mod evaluated;
mod materialised;
mod numbers;
mod reject_kind;
mod sweep;

pub use evaluated::{Evaluated, Speed};
pub use materialised::Materialised;
pub use numbers::amount;
pub use reject_kind::RejectKind;
pub use sweep::{Parameter, Trial, TrialOutcome, are_alike, best};
