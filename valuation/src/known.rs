//! What was learned of each field: its range, or its levels. What lies outside is said with the price, and its
//! range is wider by what such records turned out to cost.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use records::{Kind, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::by_text::ByText;
use crate::carried::Ends;
use crate::cells::Cells;
use crate::name_codes::{ByName, Code, NameList, Named};
use crate::part_error::PartError;

/// Records that a range reaches to at least: what one record alone has is not learned.
const LEAST_REACHED: usize = 3;
/// Fewer records than this are taken as they are.
const LEAST_ROWS: usize = 100;
/// Levels that are remembered at most: a field of more is close to a key, where a new one is no surprise.
const MOST_LEVELS: usize = 50_000;
/// Longest level that is given back, in characters: an answer must fit into a Kafka message.
const SHOWN_CHARS: usize = 100;
/// How many times as wide a range may become: beyond, it says nothing.
const MOST_FACTOR: f64 = 20.0;

/// What was learned of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Learned {
    /// From the least to the greatest.
    Range(f64, f64),
    /// Its levels, and how many records have each.
    Levels(ByText<u32>),
}

/// A field, what was learned of it, and what lies outside costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KnownField {
    field: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    learned: Learned,
    /// How many times as far off estimates are where it lies outside.
    factor: f64,
    /// How prices go on beyond the ends of a number, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Ends>,
}

/// What was learned of the fields of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    fields: Vec<KnownField>,
}

/// A value that lies outside what a model has learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// The record's field.
    pub field: String,
    /// Its value.
    pub value: Value,
    /// What was learned: a range with its unit, or how many levels.
    pub learned: String,
}

impl Known {
    /// What `rows` have of the schema's fields; `factor` says what lies outside costs, by field.
    pub(crate) fn of(
        schema: &Schema,
        batch: &RecordBatch,
        rows: &[usize],
        factor: impl Fn(&str) -> f64,
    ) -> Known {
        let known = schema.features().filter_map(|field| {
            let cells = Cells::of(batch, &field.name);
            let learned = match field.kind {
                Kind::Number | Kind::Integer => range(cells, rows)?,
                Kind::Category => levels(cells, rows)?,
                Kind::Boolean | Kind::Text | Kind::Timestamp => return None,
            };
            Some(KnownField {
                field: field.name.clone(),
                unit: field.unit.clone(),
                learned,
                factor: factor(&field.name).clamp(1.0, MOST_FACTOR),
                ends: None,
            })
        });
        Known {
            fields: known.collect(),
        }
    }

    /// The same where prices go on beyond the ends of numbers: by the elasticities below the least and above the
    /// greatest that `rows` have, by field.
    pub(crate) fn carried(
        mut self,
        batch: &RecordBatch,
        rows: &[usize],
        elasticities: impl Fn(&str) -> Option<[f64; 2]>,
    ) -> Known {
        for known in &mut self.fields {
            let Some([below, above]) = elasticities(&known.field) else {
                continue;
            };
            if matches!(known.learned, Learned::Range(..)) {
                known.ends = Ends::of(Cells::of(batch, &known.field), rows, below, above);
            }
        }
        self
    }

    /// The same of other rows, at the same cost.
    pub(crate) fn again(&self, schema: &Schema, batch: &RecordBatch, rows: &[usize]) -> Known {
        let again = self.widths_again(schema, batch, rows);
        again.carried(batch, rows, |field| {
            let known = self.fields.iter().find(|known| known.field == field)?;
            known.ends.map(|ends| [ends.below, ends.above])
        })
    }

    fn widths_again(&self, schema: &Schema, batch: &RecordBatch, rows: &[usize]) -> Known {
        Known::of(schema, batch, rows, |field| {
            let found = self.fields.iter().find(|known| known.field == field);
            found.map_or(1.0, |known| known.factor)
        })
    }

    /// Where the fields stand, by name.
    pub(crate) fn places(&self, find: &dyn Fn(&str) -> Option<usize>) -> Vec<Option<usize>> {
        self.fields.iter().map(|known| find(&known.field)).collect()
    }

    /// The fields at places that are known; `cells` gives those of a place. `by_names` is [`Known::by_names`] where
    /// rows come with the numbers of their names; without, names are looked up by their texts.
    pub(crate) fn bind_at<'a>(
        &'a self,
        places: &[Option<usize>],
        cells: &dyn Fn(usize) -> Cells<'a>,
        by_names: &'a [Option<ByName<bool>>],
    ) -> BoundKnown<'a> {
        let bound = self.fields.iter().zip(places).enumerate();
        BoundKnown {
            fields: bound
                .map(|(at, (known, place))| BoundField {
                    known,
                    cells: place.map_or(Cells::Absent, cells),
                    is_outside: by_names.get(at).and_then(Option::as_ref),
                })
                .collect(),
        }
    }

    /// Adds every level that is known.
    pub(crate) fn list_names<'a>(&'a self, list: &mut NameList<'a>) {
        for known in &self.fields {
            if let Learned::Levels(levels) = &known.learned {
                levels
                    .iter()
                    .for_each(|(level, _)| list.add(&known.field, level));
            }
        }
    }

    /// Whether a name is outside of what is known, by field and its number; none of what is not a category.
    pub(crate) fn by_names(&self, list: &NameList) -> Vec<Option<ByName<bool>>> {
        let fields = self.fields.iter().map(|known| match &known.learned {
            Learned::Range(..) => None,
            Learned::Levels(levels) => list.by_name(&known.field, |named| match named {
                Named::Unknown => true,
                Named::Absent => false,
                Named::Name(name) => levels.get(name).is_none(),
            }),
        });
        fields.collect()
    }

    /// Whether what was read from a file is what a fit can give.
    ///
    /// # Errors
    /// Says which field is wrong and how.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), PartError> {
        for known in &self.fields {
            let at = |error: PartError| error.at(&format!("what is known of {:?}", known.field));
            let field = crate::check::field(schema, &known.field).map_err(at)?;
            if let Some(ends) = &known.ends {
                ends.check().map_err(at)?;
            }
            let fits = match known.learned {
                Learned::Range(low, high) => {
                    matches!(field.kind, Kind::Number | Kind::Integer)
                        && low.is_finite()
                        && high.is_finite()
                        && low <= high
                }
                Learned::Levels(_) => field.kind == Kind::Category,
            };
            if !fits || !(1.0..=MOST_FACTOR).contains(&known.factor) {
                return Err(at(PartError::Misfit(format!(
                    "{:?} with the factor {}, expected a rising range of a number or levels of a \
                     category, and a factor between 1 and {MOST_FACTOR}",
                    field.kind, known.factor
                ))));
            }
        }
        Ok(())
    }
}

fn range(cells: Cells, rows: &[usize]) -> Option<Learned> {
    let mut values: Vec<f64> = rows.iter().filter_map(|row| cells.number(*row)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let few = values.len() < LEAST_ROWS;
    let skipped = if few { 0 } else { LEAST_REACHED - 1 };
    let low = *values.get(skipped)?;
    let high = *values.get(values.len().checked_sub(skipped + 1)?)?;
    Some(Learned::Range(low, high))
}

fn levels(cells: Cells, rows: &[usize]) -> Option<Learned> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for level in rows.iter().filter_map(|row| cells.text(*row)) {
        match counts.get_mut(level) {
            Some(count) => *count += 1,
            None => drop(counts.insert(level.to_owned(), 1)),
        }
    }
    let usable = !counts.is_empty() && counts.len() <= MOST_LEVELS;
    usable.then(|| Learned::Levels(counts.into()))
}

/// What is known of the fields of a batch.
pub(crate) struct BoundKnown<'a> {
    fields: Vec<BoundField<'a>>,
}

struct BoundField<'a> {
    known: &'a KnownField,
    cells: Cells<'a>,
    /// By the number of a name; none where it is looked up by its text.
    is_outside: Option<&'a ByName<bool>>,
}

impl BoundField<'_> {
    /// How far outside of what is known a row is: the lengths of a range, 0 for a name; `None` inside. `names` are
    /// the numbers of the row's names.
    fn outside(&self, row: usize, names: &[Code]) -> Option<f64> {
        match &self.known.learned {
            Learned::Range(low, high) => {
                let beyond = beyond(self.cells.number(row)?, *low, *high);
                (beyond != 0.0).then_some(beyond)
            }
            Learned::Levels(levels) => {
                let is_outside = match self.is_outside {
                    Some(by_name) => *by_name.get(names),
                    None => levels.get(self.cells.text(row)?).is_none(),
                };
                is_outside.then_some(0.0)
            }
        }
    }
}

impl BoundKnown<'_> {
    /// How many times as wide as elsewhere the range of a row is: by the field that costs most, and the more
    /// the further a number lies outside. `names` are the numbers of the row's names, where the fields were bound by
    /// those.
    pub(crate) fn factor(&self, row: usize, names: &[Code]) -> f64 {
        let factors = self.fields.iter().filter_map(|field| {
            let beyond = field.outside(row, names)?;
            Some(field.known.factor * (1.0 + beyond))
        });
        factors.fold(1.0, f64::max).min(MOST_FACTOR)
    }

    /// What is added to the log price of a row that lies beyond the ends of numbers, by field.
    pub(crate) fn carried(&self, row: usize) -> impl Iterator<Item = (&str, f64)> {
        self.fields.iter().filter_map(move |field| {
            let known = field.known;
            let carried = known.ends.as_ref()?.carried(field.cells.number(row)?);
            (carried != 0.0).then_some((known.field.as_str(), carried))
        })
    }

    /// What of a row lies outside; `names` as in [`BoundKnown::factor`].
    pub(crate) fn warnings(&self, row: usize, names: &[Code]) -> Vec<Warning> {
        let outside = self.fields.iter().filter_map(|field| {
            field.outside(row, names)?;
            let BoundField { known, cells, .. } = field;
            let (value, learned) = match &known.learned {
                Learned::Range(low, high) => {
                    let unit = known.unit.as_ref().map(|unit| format!(" {unit}"));
                    let learned = format!("{low} to {high}{}", unit.unwrap_or_default());
                    (whole(cells.number(row)?), learned)
                }
                Learned::Levels(levels) => {
                    let level = cells.text(row)?;
                    let count = levels.len();
                    let learned = match count {
                        1 => "one other name".to_owned(),
                        _ => format!("{count} other names"),
                    };
                    let shown: String = level.chars().take(SHOWN_CHARS).collect();
                    (Value::from(shown), learned)
                }
            };
            Some(Warning {
                field: known.field.clone(),
                value,
                learned,
            })
        });
        outside.collect()
    }
}

/// A whole number without its point.
pub(crate) fn whole(value: f64) -> Value {
    /// Beyond it a float no longer tells whole numbers apart (2^53).
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value.fract() == 0.0 && value.abs() < EXACT {
        true => Value::from(value as i64),
        false => Value::from(value),
    }
}

/// How far a value lies outside a range, in its lengths; 0 inside.
fn beyond(value: f64, low: f64, high: f64) -> f64 {
    let off = (low - value).max(value - high);
    match off > 0.0 {
        true => off / (high - low).max(f64::MIN_POSITIVE),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Float64Array, StringArray};
    use std::sync::Arc;

    const SCHEMA: &str = r#"
name = "homes"
version = 1
task = "regression"
table = "homes"
key = "id"
target = "price"
field = [
    { name = "id", kind = "text", required = true },
    { name = "price", kind = "number", required = true },
    { name = "area", kind = "number", unit = "m²" },
    { name = "city", kind = "category" },
]
"#;

    fn batch(areas: Vec<Option<f64>>, cities: Vec<Option<&str>>) -> RecordBatch {
        RecordBatch::try_from_iter([
            ("area", Arc::new(Float64Array::from(areas)) as _),
            ("city", Arc::new(StringArray::from(cities)) as _),
        ])
        .unwrap()
    }

    #[test]
    fn what_lies_outside_is_named_and_widens_the_more_the_further_out_it_is() {
        let schema = Schema::parse(SCHEMA, "homes").unwrap();
        // 20 to 119, and one slip that is not learned.
        let areas = (0..100).map(|row| Some(20.0 + f64::from(row)));
        let areas = areas.chain([
            Some(9999.0),
            Some(119.0),
            Some(119.0),
            Some(20.0),
            Some(20.0),
        ]);
        let areas: Vec<Option<f64>> = areas.collect();
        let cities = (0..areas.len()).map(|row| Some(["A", "B"][row % 2]));
        let trained = batch(areas.clone(), cities.collect());
        let rows: Vec<usize> = (0..areas.len()).collect();
        let known = Known::of(&schema, &trained, &rows, |field| match field {
            "area" => 2.0,
            _ => 3.0,
        });
        known.check(&schema).unwrap();
        let asked = batch(
            vec![
                Some(50.0),
                None,
                Some(218.0),
                Some(-5.0),
                Some(1e9),
                Some(50.0),
            ],
            vec![Some("A"), None, Some("B"), Some("A"), Some("A"), Some("C")],
        );
        let places = known.places(&|name| asked.schema_ref().index_of(name).ok());
        let bound = known.bind_at(&places, &|place| Cells::from(asked.column(place)), &[]);
        let factors: Vec<f64> = (0..6).map(|row| bound.factor(row, &[])).collect();
        assert_eq!(factors[..2], [1.0, 1.0]);
        // One length beyond 119.
        assert!((factors[2] - 4.0).abs() < 1e-9, "{factors:?}");
        assert!((factors[3] - 2.0 * (1.0 + 25.0 / 99.0)).abs() < 1e-9);
        assert_eq!(factors[4..], [MOST_FACTOR, 3.0]);
        let warnings: Vec<Vec<Warning>> = (0..6).map(|row| bound.warnings(row, &[])).collect();
        assert!(warnings[0].is_empty() && warnings[1].is_empty());
        let area = |value: i64| Warning {
            field: "area".to_owned(),
            value: value.into(),
            learned: "20 to 119 m²".to_owned(),
        };
        assert_eq!(warnings[2], [area(218)]);
        assert_eq!(warnings[3], [area(-5)]);
        assert_eq!(warnings[5].len(), 1);
        assert_eq!(
            (warnings[5][0].field.as_str(), &warnings[5][0].value),
            ("city", &Value::from("C"))
        );
        assert_eq!(warnings[5][0].learned, "2 other names");
    }

    #[test]
    fn what_is_read_from_a_file_is_checked() {
        let schema = Schema::parse(SCHEMA, "homes").unwrap();
        let read = |text: &str| serde_json::from_str::<Known>(text).unwrap();
        let fine = r#"{"fields": [{"field": "area", "learned": {"range": [1, 2]}, "factor": 2}]}"#;
        read(fine).check(&schema).unwrap();
        for (from, to) in [
            ("\"area\"", "\"city\""),
            ("\"area\"", "\"garden\""),
            ("[1, 2]", "[2, 1]"),
            ("\"factor\": 2", "\"factor\": 0.5"),
            ("\"factor\": 2", "\"factor\": 1e9"),
        ] {
            assert!(
                read(&fine.replace(from, to)).check(&schema).is_err(),
                "{to}"
            );
        }
    }
}
