//! What makes a version an MLflow model: `mlflow.pyfunc.load_model` finds these beside its files.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// The folder of the version's own files.
pub(super) const DATA: &str = "data";
/// The module that Python loads.
const MODULE: &str = include_str!("hedonic_model.py");
/// Packages of the module, from a public index. The package `hedonic` is a wheel of the release; by its name alone, `pip`
/// could fetch a stranger's.
const REQUIREMENTS: &str = "# And the wheel of the package hedonic, of the release that fitted the version (docs/python.md).\n\
                            pandas>=2.2\n\
                            pyarrow>=16\n";
/// The environment that `mlflow models serve` makes.
const ENVIRONMENT: &str = "python: '3.11'\n\
                           dependencies:\n\
                           - -r requirements.txt\n";
const EXAMPLE: &str = "input_example.json";
/// The files of a version that say what its records are.
const HEAD: &str = "model.json";
const GOLDEN: &str = "golden.json";

/// Names and contents of the files of a version of a run, whose own are in the directory `version`; the description
/// last, as it is what makes a folder a model.
pub(super) fn files(run: &str, version: &Path) -> Vec<(String, String)> {
    let mut description = format!(
        "artifact_path: model\n\
         flavors:\n\
         \x20 python_function:\n\
         \x20   loader_module: hedonic_model\n\
         \x20   code: code\n\
         \x20   data: {DATA}\n\
         \x20   env:\n\
         \x20     virtualenv: python_env.yaml\n\
         run_id: {run}\n"
    );
    let mut files = vec![
        ("code/hedonic_model.py".to_owned(), MODULE.to_owned()),
        ("requirements.txt".to_owned(), REQUIREMENTS.to_owned()),
        ("python_env.yaml".to_owned(), ENVIRONMENT.to_owned()),
    ];
    // Files of another kind than a model's have no signature.
    if let Some(inputs) = json_of(&version.join(HEAD)).and_then(|head| inputs(&head["schema"])) {
        if let Some(example) =
            json_of(&version.join(GOLDEN)).and_then(|rows| example(&inputs, &rows))
        {
            files.push((EXAMPLE.to_owned(), example.to_string()));
            description.push_str(&format!(
                "saved_input_example_info:\n\
                 \x20 artifact_path: {EXAMPLE}\n\
                 \x20 pandas_orient: split\n\
                 \x20 type: dataframe\n"
            ));
        }
        description.push_str(&signature(&inputs));
    }
    files.push(("MLmodel".to_owned(), description));
    files
}

/// A column of the data frames that a model predicts.
struct Input {
    name: String,
    is_required: bool,
}

fn json_of(file: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// The fields of a record to be predicted, by the schema of a model; a row needs no key.
fn inputs(schema: &Value) -> Option<Vec<Input>> {
    let name_of = |value: &Value| value.as_str().map(str::to_owned);
    let (key, target) = (name_of(&schema["key"]), name_of(&schema["target"]));
    let fields = schema["field"].as_array()?.iter();
    let named = fields.filter_map(|field| Some((name_of(&field["name"])?, field)));
    let inputs =
        named.filter(|(name, _)| Some(name) != key.as_ref() && Some(name) != target.as_ref());
    Some(
        inputs
            .map(|(name, field)| Input {
                name,
                is_required: field["required"] == true,
            })
            .collect(),
    )
}

/// The signature, as the description has it: texts of JSON in YAML's single quotes. Inputs are of any type, as a text
/// means the same as a number; the model says which rows it cannot read.
fn signature(inputs: &[Input]) -> String {
    let inputs: Vec<Value> = inputs
        .iter()
        .map(|input| json!({ "type": "any", "name": input.name, "required": input.is_required }))
        .collect();
    let output = |name: &str, kind: &str| json!({ "type": kind, "name": name, "required": true });
    let outputs = [
        output("prediction", "double"),
        output("low", "double"),
        output("high", "double"),
        output("error", "string"),
    ];
    let quoted = |value: Value| value.to_string().replace('\'', "''");
    format!(
        "signature:\n\
         \x20 inputs: '{}'\n\
         \x20 outputs: '{}'\n\
         \x20 params: null\n",
        quoted(Value::Array(inputs)),
        quoted(json!(outputs)),
    )
}

/// A sample row of the model as an example of its input, in MLflow's form of a data frame.
fn example(inputs: &[Input], rows: &Value) -> Option<Value> {
    let record = rows.get(0)?.get("record")?.as_object()?;
    let known: Vec<(&str, &Value)> = inputs
        .iter()
        .filter_map(|input| Some((input.name.as_str(), record.get(&input.name)?)))
        .collect();
    let (columns, values): (Vec<&str>, Vec<&Value>) = known.into_iter().unzip();
    Some(json!({ "columns": columns, "data": [values] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_has_a_signature_and_an_example_of_its_own_records() {
        let version = tempfile::tempdir().expect("temporary directory");
        let schema = json!({ "key": "id", "target": "price", "field": [
            { "name": "id", "kind": "text", "required": true },
            { "name": "it's", "kind": "category", "required": true },
            { "name": "area", "kind": "number" },
            { "name": "price", "kind": "number" },
        ] });
        let head = json!({ "format": 4, "schema": schema });
        fs::write(version.path().join(HEAD), head.to_string()).expect("written");
        let golden =
            json!([{ "record": { "id": "7", "it's": "so", "price": 5 }, "prediction": 1 }]);
        fs::write(version.path().join(GOLDEN), golden.to_string()).expect("written");

        let files = files("run1", version.path());
        let content = |name: &str| {
            let found = files.iter().find(|(own, _)| own == name);
            found
                .map(|(_, content)| content.as_str())
                .unwrap_or_default()
        };
        let example: Value = serde_json::from_str(content(EXAMPLE)).expect("JSON");
        assert_eq!(example, json!({ "columns": ["it's"], "data": [["so"]] }));
        let (last, description) = files.last().expect("a description");
        assert_eq!(last, "MLmodel");
        let line = description
            .lines()
            .find_map(|line| line.strip_prefix("  inputs: '")?.strip_suffix('\''))
            .expect("inputs");
        let inputs: Value = serde_json::from_str(&line.replace("''", "'")).expect("JSON");
        assert_eq!(
            inputs,
            json!([
                { "type": "any", "name": "it's", "required": true },
                { "type": "any", "name": "area", "required": false },
            ])
        );
    }

    #[test]
    fn files_that_are_no_model_have_no_signature() {
        let version = tempfile::tempdir().expect("temporary directory");
        let files = files("run1", version.path());
        let (_, description) = files.last().expect("a description");
        assert!(description.contains("loader_module: hedonic_model"));
        assert!(!description.contains("signature"), "{description}");
    }
}
