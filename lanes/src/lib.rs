//! Loops over bytes for the processor at hand: AVX2 where it is found at run time, plain Rust elsewhere,
//! the same bits from both.
//!
//! The only crate of the suite with `unsafe`: everything public is safe, and checks what it relies on.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod dispatch;
mod gains;
mod kd_tree;
mod levels;
mod near;
mod or;
mod program;
mod reached;
mod search;
mod shapley;

pub use dispatch::{add_gains, greatest, or_into, reached, reached_by_rows};
pub use gains::{COUNT_BITS, Sides};
pub use kd_tree::{MOST_AXES, Points};
pub use levels::Levels;
pub use near::Near;
pub use program::{Lane, MOST_LEAVES, MOST_LEVELS, Program, ROWS, Room, Select, Set, Test};
pub use shapley::{Edge, Explained, Known};
