//! What the coefficients say, for people.

use records::{Kind, Schema, timestamp};
use serde::Serialize;

use super::Online;
use crate::linear_design::{Column, Says};

/// Microseconds of a day.
const DAY_US: f64 = 86_400e6;

/// What a scaled column adds to the target on the scale of its link (ln price, ln(1 + count)): between its least and its greatest value, or where it
/// is so.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficient {
    /// The record's field; empty for the intercept.
    pub field: String,
    /// In words, with the field's unit: `area from 20 to 140 m²`, `city = Kazan`.
    pub name: String,
    /// The base's.
    pub base: f64,
    /// What it is now.
    pub now: f64,
}

impl Online {
    /// The intercept, then the columns in the order of the schema.
    pub fn coefficients(&self) -> Vec<Coefficient> {
        let schema = &self.base.head.schema;
        let linear_design = self.base.estimator.plan.linear_design.as_ref();
        let columns = linear_design.map_or_else(Vec::new, |design| design.describe());
        let names = columns
            .iter()
            .map(|column| (column.field.to_owned(), name(schema, column)));
        let target = schema.target.as_deref().unwrap_or("target");
        let intercept = (String::new(), {
            let scale = self.base.link().scale(target);
            format!("({scale} where all else is 0)")
        });
        std::iter::once(intercept)
            .chain(names)
            .zip(self.state.anchor.iter().zip(&self.state.coefficients))
            .map(|((field, name), (base, now))| Coefficient {
                field,
                name,
                base: *base,
                now: *now,
            })
            .collect()
    }
}

fn name(schema: &Schema, column: &Column) -> String {
    let field = column.field;
    let reach = |from: f64, to: f64| {
        let field_of_schema = schema.field(field);
        if field_of_schema.is_some_and(|field_of_schema| field_of_schema.kind == Kind::Timestamp) {
            let day = |days: f64| timestamp::format((days * DAY_US) as i64)[..10].to_owned();
            return format!("{field} from {} to {}", day(from), day(to));
        }
        let unit = field_of_schema.and_then(|field_of_schema| field_of_schema.unit.as_deref());
        let unit = unit.map_or(String::new(), |unit| format!(" {unit}"));
        format!("{field} from {} to {}{unit}", short(from), short(to))
    };
    match &column.says {
        Says::Value { from, to } => reach(*from, *to),
        Says::Logarithm { from, to } => format!("ln {}", reach(*from, *to)),
        Says::Missing => format!("{field} not given"),
        Says::Level(level) => format!("{field} = {level}"),
        Says::Other => format!("{field} = any other"),
        Says::Within(group) => format!("{field} within its {group}"),
        Says::First => format!("{field} is the first"),
        Says::Last(total) => format!("{field} is the last of {total}"),
    }
}

/// A number of at most four digits behind the point, without zeros at its end.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
