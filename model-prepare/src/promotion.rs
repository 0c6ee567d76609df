//! Promotion by rule: a challenger against the champion, on rows that neither had learned from when
//! it valued them.

mod barred;
mod bootstrap;
mod classes;
mod contest;
mod judge;
mod rule;
mod segments;
mod verdict;

pub(crate) use barred::barred;
pub use contest::{Contest, Side};
pub(crate) use judge::judge;
pub use rule::{PromotionConfig, PromotionMode};
pub use verdict::{Check, Verdict};

/// Who decides when a program does, in the history.
pub(crate) const PROGRAM: &str = "model-prepare";
