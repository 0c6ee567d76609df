//! Which way prices go with the columns of the design.

use records::Schema;

use super::{Encoding, LinearDesign};
use crate::boosted::Direction;

impl LinearDesign {
    /// Which way prices go as each column grows, by what the schema says of the fields; empty where it says
    /// nothing. The columns of single values have no order, so they are unusable for such a field.
    pub(crate) fn directions(&self, schema: &Schema) -> Vec<Direction> {
        if schema.features().all(|field| field.monotone.is_none()) {
            return Vec::new();
        }
        let mut directions = vec![Direction::Free; self.width];
        for block in &self.blocks {
            let own = Direction::of_field(schema, &block.field);
            let partner = block.partner();
            let partner = partner.map(|name| Direction::of_field(schema, name));
            let partner = partner.unwrap_or_default();
            if own == Direction::Free && partner == Direction::Free {
                continue;
            }
            for column in block.columns() {
                directions[column] = Direction::Unusable;
            }
            if let Encoding::Number(number) = &block.encoding {
                for column in number.measures() {
                    directions[column] = own;
                }
                if let Some(column) = number.gap() {
                    directions[column] = Direction::Free;
                }
            }
        }
        directions
    }
}
