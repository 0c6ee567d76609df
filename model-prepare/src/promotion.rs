//! Promotion by rule: a challenger against the champion, on rows that neither had learned from when
//! it valued them.

pub(crate) mod barred;
mod bootstrap;
mod classes;
mod clusters;
pub(crate) mod contest;
pub(crate) mod judge;
mod levels;
mod rule;
mod segments;
pub(crate) mod verdict;
