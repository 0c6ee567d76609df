//! What a tree is grown on.

use super::super::bins::Column;
use super::super::by_row::ByRow;
use super::super::monotone::Direction;
use super::super::options::BoostedOptions;

/// What a tree is grown on.
pub(in crate::boosted) struct Ground<'a> {
    /// All columns of the table.
    pub(in crate::boosted) columns: &'a [&'a Column],
    /// Which way values go as a column grows, by column; empty where no column binds.
    pub(in crate::boosted) directions: &'a [Direction],
    /// Those that the tree may split on.
    pub(in crate::boosted) chosen: &'a [usize],
    /// The codes row by row, where that is of use.
    pub(in crate::boosted) by_row: Option<&'a ByRow>,
    /// Rows that it sees.
    pub(in crate::boosted) rows: &'a [u32],
    /// Rows that are only led to its leaves.
    pub(in crate::boosted) others: &'a [u32],
    /// Residuals by row of the table.
    pub(in crate::boosted) residuals: &'a [f64],
    /// Greatest size that a residual counts with.
    pub(in crate::boosted) limit: f64,
    pub(in crate::boosted) options: &'a BoostedOptions,
    /// Draws random cuts, for trees that do not search for the best cut.
    pub(in crate::boosted) drawn: Option<u64>,
}
