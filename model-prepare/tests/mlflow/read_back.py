"""Reads the champion of a server back with MLflow's own client; prints one JSON object."""

import json
import sys

import mlflow
import pandas

MODEL = "hedonic"

mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
champion = client.get_model_version_by_alias(MODEL, "champion")
aliases = client.get_registered_model(MODEL).aliases
run = client.get_run(champion.run_id)
training_set = mlflow.artifacts.download_artifacts(
    run_id=champion.run_id, artifact_path="training_set.parquet"
)
training_set = pandas.read_parquet(training_set)

model = mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")
records = pandas.DataFrame(
    {
        "city": ["city0", "city3", "nowhere"],
        "street": ["street1", "street2", "street3"],
        "floor": [1, 5, 9],
        "rooms": [1, 2, 3],
        "area": [31.25, 60.1, 1 / 3 + 80],
    }
)
prices = model.predict(records)
assert prices["error"].tolist() == ["", "", ""], prices
# Spark's tables have texts for numbers: they mean the same.
texts = records.assign(floor=records["floor"].astype(str), rooms=records["rooms"].astype(str))
pandas.testing.assert_frame_equal(model.predict(texts), prices)
inputs = {column.name: column.required for column in model.metadata.get_input_schema()}
assert inputs["city"] and not inputs["area"] and "price" not in inputs, inputs
example = model.metadata.load_input_example(mlflow.artifacts.download_artifacts(f"models:/{MODEL}@champion"))
assert model.predict(example)["prediction"].gt(0).all(), example

print(
    json.dumps(
        {
            "champion": int(champion.version),
            "previous": int(aliases.get("previous", 0)),
            "status": run.info.status,
            "params": run.data.params,
            "mdape": run.data.metrics["mdape"],
            "folds": [
                own.value
                for own in client.get_metric_history(
                    champion.run_id, "fold.stack.rmse_log"
                )
            ],
            "files": [own.path for own in client.list_artifacts(champion.run_id)],
            "training_rows": len(training_set),
            "records": json.loads(
                records.to_json(orient="records", double_precision=15)
            ),
            "prices": prices.drop(columns="error").to_dict("records"),
        }
    )
)
