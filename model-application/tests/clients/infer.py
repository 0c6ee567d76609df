"""Asks for two prices with Triton's client of the Open Inference Protocol, and prints them."""

import json
import sys

import numpy
import tritonclient.http as triton

address, token = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}"}
client = triton.InferenceServerClient(address)
metadata = client.get_model_metadata("real-estate", headers=headers)
columns = {
    "city": numpy.array(["city1", "city1"], dtype=object),
    "street": numpy.array(["street6", "street6"], dtype=object),
    "floor": numpy.array([3, 3], dtype=numpy.int64),
    "rooms": numpy.array([2, 2], dtype=numpy.int32),
    "area": numpy.array([50.0, 70.0], dtype=numpy.float32),
}
datatypes = {"O": "BYTES", "int64": "INT64", "int32": "INT32", "float32": "FP32"}
inputs = []
for name, column in columns.items():
    kind = "BYTES" if column.dtype == object else datatypes[str(column.dtype)]
    tensor = triton.InferInput(name, [len(column)], kind)
    tensor.set_data_from_numpy(column, binary_data=False)
    inputs.append(tensor)
outputs = [triton.InferRequestedOutput(name, binary_data=False) for name in ("prediction", "low", "high")]
result = client.infer("real-estate", inputs, outputs=outputs, headers=headers, request_id="two-flats")
print(
    json.dumps(
        {
            "ready": client.is_server_live(headers=headers)
            and client.is_server_ready(headers=headers)
            and client.is_model_ready("real-estate", headers=headers),
            "versions": metadata["versions"],
            **{name: result.as_numpy(name).tolist() for name in ("prediction", "low", "high")},
        }
    )
)
