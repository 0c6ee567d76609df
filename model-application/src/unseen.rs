//! Names in a record that the model knows nothing of: not among the listings that it has learned from, or too rare
//! there. Such a name is priced as an average of the others, and whoever asks should know.

use std::collections::HashMap;

use records::Kind;
use serde::Serialize;
use valuation::{TrainedModel, UnseenName};

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

/// The names that a model knows, by field.
#[derive(Debug, Default)]
pub(crate) struct KnownNames(HashMap<String, NearNames>);

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
        let fields = fields.map(|(field, names)| (field.to_owned(), NearNames::new(names)));
        KnownNames(fields.collect())
    }

    /// What an answer has about names that are unseen to the model; nothing of those in fields that records do not
    /// have.
    pub fn unseen(&self, names: Vec<UnseenName>) -> Vec<Unseen> {
        let unseen = names.into_iter().filter_map(|UnseenName { field, name }| {
            let near = self.0.get(&field)?.of(&name).into_iter();
            let near = near.map(str::to_owned).collect();
            let value = name.chars().take(NAME_CHARS).collect();
            Some(Unseen { field, value, near })
        });
        unseen.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_known_are_told_with_those_that_may_be_meant() {
        let names = KnownNames(HashMap::from([(
            "city".to_owned(),
            NearNames::new(["Kazan"]),
        )]));
        let long = "x".repeat(NAME_CHARS + 1);
        let unseen = |field: &str, name: &str| UnseenName {
            field: field.to_owned(),
            name: name.to_owned(),
        };
        for (field, name, expected) in [
            (
                "city",
                "kazan",
                r#"[{"field":"city","value":"kazan","near":["Kazan"]}]"#.to_owned(),
            ),
            (
                "city",
                "Atlantis",
                r#"[{"field":"city","value":"Atlantis"}]"#.to_owned(),
            ),
            (
                "city",
                long.as_str(),
                format!(r#"[{{"field":"city","value":"{}"}}]"#, &long[..NAME_CHARS]),
            ),
            // What the model has computed itself is not in a record.
            ("segment", "7", "[]".to_owned()),
        ] {
            let found = names.unseen(vec![unseen(field, name)]);
            assert_eq!(serde_json::to_string(&found).unwrap(), expected, "{name}");
        }
        assert!(names.unseen(Vec::new()).is_empty());
    }
}
