//! Which way prices go with the columns of the trees, by what the schema says of the fields they are made of.

use records::{Monotone, Schema};

use super::TreeFeatures;
use super::made::Made;
use crate::boosted::Direction;

impl Direction {
    /// What the schema says of a field.
    pub(crate) fn of_field(schema: &Schema, name: &str) -> Direction {
        match schema.field(name).and_then(|field| field.monotone) {
            None => Direction::Free,
            Some(Monotone::Increasing) => Direction::Increasing,
            Some(Monotone::Decreasing) => Direction::Decreasing,
        }
    }
}

impl TreeFeatures {
    /// Which way prices go as each value of a row grows.
    ///
    /// A share grows with the field that is divided. With the one that it is divided by it falls, and is not
    /// known at 0: trees do not split on a share that is made of such a field, nor on a rotated coordinate of it.
    pub(crate) fn directions(&self, schema: &Schema) -> Vec<Direction> {
        let of_field = |name: &str| Direction::of_field(schema, name);
        let each = self.columns.iter().flat_map(|column| {
            let own = of_field(&column.field);
            let partner = column.partner().map_or(Direction::Free, of_field);
            let is_free = own == Direction::Free && partner == Direction::Free;
            let direction = match &column.made {
                Made::Value => own,
                Made::Ratio { .. } if partner == Direction::Free => own,
                Made::Ratio { .. } | Made::Rotated { .. } if !is_free => Direction::Unusable,
                _ => Direction::Free,
            };
            std::iter::repeat_n(direction, column.width())
        });
        each.collect()
    }
}
