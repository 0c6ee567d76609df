//! The outputs of the Open Inference Protocol: what of answers becomes a tensor.

use std::collections::BTreeMap;

use records::Schema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::binary::SIZE;

/// What a reply has of an answer's bytes, which may be those of an earlier answer.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    prediction: f64,
    low: Option<f64>,
    high: Option<f64>,
    pub model: String,
    /// A name, of several classes.
    class: Option<Value>,
    /// In the order of the model's levels, which is alphabetical.
    probabilities: Option<BTreeMap<String, f64>>,
}

/// Values of an output, row by row.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Values {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Values {
    /// As the extension of binary tensors has them: a text after its length.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Values::Numbers(numbers) => {
                let bytes = numbers.iter().flat_map(|value| value.to_le_bytes());
                bytes.collect()
            }
            Values::Texts(texts) => {
                let mut bytes = Vec::new();
                for text in texts {
                    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                    bytes.extend(length.to_le_bytes());
                    bytes.extend(text.as_bytes());
                }
                bytes
            }
        }
    }
}

/// A tensor of a reply.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    name: &'static str,
    shape: Vec<usize>,
    datatype: &'static str,
    /// Not there where the values are binary.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Values>,
    /// Says how many bytes of values stand after the JSON, where they do, and which levels probabilities are of.
    #[serde(skip_serializing_if = "Map::is_empty")]
    parameters: Map<String, Value>,
}

impl Output {
    /// Puts the values behind those that stand after the JSON.
    pub fn move_behind(&mut self, values: &mut Vec<u8>) {
        if let Some(data) = self.data.take() {
            let bytes = data.bytes();
            self.parameters.insert(SIZE.to_owned(), bytes.len().into());
            values.extend(bytes);
        }
    }

    /// Whether its values stand after the JSON.
    pub fn is_binary(&self) -> bool {
        self.data.is_none()
    }
}

/// What of answers becomes an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Prediction,
    Low,
    High,
    /// Of several classes the predicted one.
    Class,
    /// Of several classes those of each, a row of them a record.
    Probabilities,
}

impl Part {
    /// Those that answers of a schema may have.
    pub fn all(schema: &Schema) -> &'static [Part] {
        match schema.is_multiclass() {
            true => &[Part::Prediction, Part::Class, Part::Probabilities],
            false => &[Part::Prediction, Part::Low, Part::High],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Part::Prediction => "prediction",
            Part::Low => "low",
            Part::High => "high",
            Part::Class => "class",
            Part::Probabilities => "probabilities",
        }
    }

    pub fn datatype(self) -> &'static str {
        match self {
            Part::Class => "BYTES",
            _ => "FP64",
        }
    }

    /// Its dimensions; -1 for rows, and for levels.
    pub fn shape(self) -> &'static [i64] {
        match self {
            Part::Probabilities => &[-1, -1],
            _ => &[-1],
        }
    }

    /// The tensor of answers; `None` where one of them does not have it, such as a class's range.
    pub fn of(self, answers: &[Answer]) -> Option<Output> {
        let numbers = |of: fn(&Answer) -> Option<f64>| {
            let numbers: Option<Vec<f64>> = answers.iter().map(of).collect();
            numbers.map(Values::Numbers)
        };
        let mut shape = vec![answers.len()];
        let mut parameters = Map::new();
        let data = match self {
            Part::Prediction => numbers(|answer| Some(answer.prediction))?,
            Part::Low => numbers(|answer| answer.low)?,
            Part::High => numbers(|answer| answer.high)?,
            Part::Class => {
                let class = |answer: &Answer| Some(answer.class.as_ref()?.as_str()?.to_owned());
                Values::Texts(answers.iter().map(class).collect::<Option<_>>()?)
            }
            Part::Probabilities => {
                let of = |answer: &'_ Answer| answer.probabilities.clone();
                let rows: Vec<BTreeMap<String, f64>> =
                    answers.iter().map(of).collect::<Option<_>>()?;
                let first = rows.first()?;
                // Earlier answers may be of a model of other levels.
                if !rows.iter().all(|row| row.keys().eq(first.keys())) {
                    return None;
                }
                shape.push(first.len());
                let levels: Vec<&String> = first.keys().collect();
                parameters.insert("levels".to_owned(), serde_json::json!(levels));
                Values::Numbers(rows.iter().flat_map(|row| row.values().copied()).collect())
            }
        };
        Some(Output {
            name: self.name(),
            shape,
            datatype: self.datatype(),
            data: Some(data),
            parameters,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(of: Value) -> Answer {
        serde_json::from_value(of).expect("an answer")
    }

    #[test]
    fn several_classes_are_a_text_and_a_row_of_probabilities() {
        let row = |red: f64| {
            answer(json!({"prediction": red, "class": "red", "model": "m@v1",
                          "probabilities": {"red": red, "white": 1.0 - red}}))
        };
        let answers = [row(0.75), row(0.625)];
        let shown = |part: Part| json!(part.of(&answers));
        assert_eq!(
            shown(Part::Class),
            json!({"name": "class", "shape": [2], "datatype": "BYTES", "data": ["red", "red"]})
        );
        assert_eq!(
            shown(Part::Probabilities),
            json!({"name": "probabilities", "shape": [2, 2], "datatype": "FP64",
                   "data": [0.75, 0.25, 0.625, 0.375], "parameters": {"levels": ["red", "white"]}})
        );
        assert!(Part::Low.of(&answers).is_none());
        let mut output = Part::Class.of(&answers).expect("classes");
        let mut values = Vec::new();
        output.move_behind(&mut values);
        assert!(output.is_binary());
        assert_eq!(values, b"\x03\0\0\0red\x03\0\0\0red");
        let other = answer(json!({"prediction": 1.0, "class": "rose", "model": "m@v2",
                                  "probabilities": {"rose": 1.0}}));
        assert!(Part::Probabilities.of(&[row(0.5), other]).is_none());
        let of_one = answer(json!({"prediction": 0.5, "class": true, "model": "m@v1"}));
        assert!(Part::Class.of(&[of_one]).is_none());
    }
}
