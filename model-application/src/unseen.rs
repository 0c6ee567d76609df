//! Names in a record that the model knows nothing of: not among the listings that it has learned from, or too rare
//! there. Such a name is priced as an average of the others, and whoever asks should know.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use records::Kind;
use serde::Serialize;
use valuation::TrainedModel;

use crate::near_names::NearNames;

/// Longest name that is given back, in characters: an answer must fit into a Kafka message.
const NAME_CHARS: usize = 100;

/// A name that the model knows nothing of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// The field.
    pub field: String,
    /// Its value in the record.
    pub value: String,
    /// Names that the model knows and that may be meant: the same but for case, or for a slip of one letter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<String>,
}

/// The names that a model knows.
#[derive(Debug, Default)]
pub(crate) struct KnownNames {
    fields: Vec<OfField>,
}

#[derive(Debug)]
struct OfField {
    name: String,
    known: HashSet<String>,
    near: NearNames,
}

impl KnownNames {
    /// Of the categories that a model reads.
    pub fn of(model: &TrainedModel) -> KnownNames {
        let schema = model.schema();
        let is_category = |name: &str| {
            let field = schema.field(name);
            field.is_some_and(|field| field.kind == Kind::Category)
        };
        let fields = model.names().into_iter();
        let fields = fields.filter(|(field, _)| is_category(field));
        KnownNames {
            fields: fields
                .map(|(field, names)| OfField {
                    name: field.to_owned(),
                    near: NearNames::new(names.iter().copied()),
                    known: names.into_iter().map(str::to_owned).collect(),
                })
                .collect(),
        }
    }

    /// The unseen names of each row.
    pub fn unseen(&self, batch: &RecordBatch) -> Vec<Vec<Unseen>> {
        let mut unseen = vec![Vec::new(); batch.num_rows()];
        for field in &self.fields {
            let column = batch.column_by_name(&field.name);
            let Some(values) = column.and_then(|column| column.as_string_opt::<i32>()) else {
                continue;
            };
            for (row, unseen) in unseen.iter_mut().enumerate() {
                if values.is_valid(row) && !field.known.contains(values.value(row)) {
                    unseen.push(field.unseen(values.value(row)));
                }
            }
        }
        unseen
    }
}

impl OfField {
    fn unseen(&self, value: &str) -> Unseen {
        let near = self.near.of(value).into_iter();
        Unseen {
            field: self.name.clone(),
            value: value.chars().take(NAME_CHARS).collect(),
            near: near.map(str::to_owned).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::StringArray;
    use arrow_schema::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn names_that_are_not_known_are_told_with_those_that_may_be_meant() {
        let names = KnownNames {
            fields: vec![OfField {
                name: "city".to_owned(),
                known: HashSet::from(["Kazan".to_owned()]),
                near: NearNames::new(["Kazan"]),
            }],
        };
        let schema = Schema::new(vec![Field::new("city", DataType::Utf8, true)]);
        let cities = StringArray::from(vec![Some("Kazan"), Some("kazan"), None, Some("Atlantis")]);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(cities)]).unwrap();
        let unseen = names.unseen(&batch);
        let lines: Vec<String> = unseen
            .iter()
            .map(|of_row| serde_json::to_string(of_row).unwrap())
            .collect();
        assert_eq!(
            lines,
            [
                "[]",
                r#"[{"field":"city","value":"kazan","near":["Kazan"]}]"#,
                "[]",
                r#"[{"field":"city","value":"Atlantis"}]"#,
            ]
        );
    }
}
