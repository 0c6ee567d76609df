//! What was rejected: to be checked, fixed and sent again.

mod list;
mod replay;
mod select;

pub use list::{list, show};
pub use replay::replay;
pub use select::{Place, Selection};
