//! Measures of a fitted model: what moves its prices, and how fast it answers.

pub(crate) mod effects;
pub(crate) mod processor;
pub(crate) mod speed;
