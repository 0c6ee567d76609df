//! What makes a version an MLflow model: `mlflow.pyfunc.load_model` finds these beside its files.

/// The folder of the version's own files.
pub(super) const DATA: &str = "data";
/// The module that Python loads.
const MODULE: &str = include_str!("hedonic_model.py");

/// Names and contents; the description last, as it is what makes a folder a model.
pub(super) fn files(run: &str) -> [(String, String); 2] {
    let description = format!(
        "artifact_path: model\n\
         flavors:\n\
         \x20 python_function:\n\
         \x20   loader_module: hedonic_model\n\
         \x20   code: code\n\
         \x20   data: {DATA}\n\
         run_id: {run}\n"
    );
    [
        ("code/hedonic_model.py".to_owned(), MODULE.to_owned()),
        ("MLmodel".to_owned(), description),
    ]
}
