"""The chart: linted, rendered with each file of ci/, held to Kubernetes' own schemas, and wrong values refused."""

import json
import os
import subprocess
import tempfile
import tomllib
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml
from helm_python import Chart, HelmError, lint, values_from_yaml

import pods
import tools
from places import CHART, DEPLOY, ROOT

# The oldest that the chart says it works with, and the newest that the validator knows.
VERSIONS = ["1.27", "1.34", "1.37"]

# Values that must be refused, over those of ci/smallest.yaml; and what the message must name.
WRONG = [
    ({"loader": {"replica": 3}}, "replica"),
    ({"loders": {}}, "loders"),
    ({"settings": {"loader": {"batch_row": 1}}}, "batch_row"),
    ({"settings": {"lodaer": {"batch_rows": 1}}}, "lodaer"),
    ({"settings": {"prepare": {"watch": {"new_row": 1}}}}, "new_row"),
    ({"settings": {"loader": {"batch_rows": "many"}}}, "batch_rows"),
    ({"applier": {"autoscaling": {"by": "magic"}}}, "by"),
    ({"applier": {"autoscaling": {"by": "cpu", "cpuUtilization": 0}}}, "cpuUtilization"),
    ({"kafka": {"brokers": ""}}, "kafka.brokers"),
    ({"kafka": {"brokers": "kafka"}}, "brokers"),
    ({"database": {"secret": ""}}, "database.secret"),
    ({"database": {"sslMode": "verify-full"}}, "database.caSecret"),
    ({"registry": {"bucket": {"url": ""}}}, "registry.bucket.url"),
    (
        {"registry": {"volume": {"existingClaim": "models"}}},
        "found registry.bucket.url and registry.volume.existingClaim",
    ),
    ({"image": {"digests": {"data-loader": "latest"}}}, "data-loader"),
]


def values(name):
    return values_from_yaml((CHART / "ci" / name).read_text())


def merged(base, more):
    result = dict(base)
    for key, value in more.items():
        result[key] = merged(base.get(key, {}), value) if isinstance(value, dict) else value
    return result


def render(of, name="prices", namespace="prices"):
    """All objects, with what they are from."""
    chart = Chart.load(CHART)
    chart.validate_schema(of)
    rendered = chart.render(of, name=name, namespace=namespace)
    found = []
    for path, text in sorted(rendered.items()):
        if path.endswith(".yaml"):
            found += [(path, document) for document in yaml.safe_load_all(text) if document]
    return found


def strict(schema):
    """A definition's schema, with unknown fields refused as an API server refuses them."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(value) for key, value in schema.items()}
    # A field may itself have the name `properties`: only of an object it says what is in it.
    if result.get("type") == "object" and isinstance(result.get("properties"), dict):
        if not result.get("x-kubernetes-preserve-unknown-fields"):
            result.setdefault("additionalProperties", False)
    if result.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    pattern = result.get("pattern")
    # Go takes flags anywhere, Python at the beginning.
    if isinstance(pattern, str) and "(?i)" in pattern:
        result["pattern"] = "(?i)" + pattern.replace("(?i)", "")
    return result


def custom_schemas():
    schemas = {}
    for path in tools.custom_resources():
        definition = yaml.safe_load(path.read_text())["spec"]
        for version in definition["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            schemas[(f"{definition['group']}/{version['name']}", definition["names"]["kind"])] = schema
    return schemas


def validate(path, document, custom):
    key = (document["apiVersion"], document["kind"])
    named = f"{path}: {document['kind']} {document['metadata']['name']}"
    if key in custom:
        try:
            jsonschema.validate(document, custom[key])
        except jsonschema.ValidationError as error:
            raise SystemExit(f"{named}: {'.'.join(map(str, error.absolute_path))}: {error.message}") from error
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise SystemExit(f"{named} for Kubernetes {version}: {error}") from error


def refused(of):
    """What the chart says of values that are wrong; empty where it takes them."""
    try:
        render(of)
    except HelmError as error:
        return str(error)
    return ""


def check():
    custom = custom_schemas()
    smallest = values("smallest.yaml")
    objects, restricted, refusals = 0, 0, 0
    sets = sorted((CHART / "ci").glob("*.yaml"))
    for file in sets:
        of = values(file.name)
        report = lint(CHART, of, strict=True, namespace="prices", kube_version=f"v{VERSIONS[1]}.0")
        found = [told for told in report["messages"] if told["severity"] >= 2] + report["errors"]
        if found:
            raise SystemExit(f"lint with {file.name}: {found}")
        rendered = render(of)
        names = [(document["kind"], document["metadata"]["name"]) for _, document in rendered]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise SystemExit(f"{file.name}: made twice: {sorted(twice)}")
        for path, document in rendered:
            validate(path, document, custom)
        objects += len(rendered)
        documents = [document for _, document in rendered]
        kustomized(documents)
        admitted, changed = pods.check(documents)
        restricted, refusals = restricted + admitted, refusals + changed
    print(f"chart: {objects} objects of {len(sets)} sets of values are valid for Kubernetes {', '.join(VERSIONS)}")
    print(f"pods: Kubernetes' own policy admits {restricted} as restricted, and refuses {refusals} changed ones")
    for more, named in WRONG:
        told = refused(merged(smallest, more))
        if named not in told:
            raise SystemExit(f"{more}: expected to be refused with {named!r}, got {told or 'no refusal'!r}")
    print(f"chart: {len(WRONG)} sets of wrong values are refused by name")
    wrong_objects(custom, render(values("everything.yaml")))
    lasting_names()
    one_version()


def wrong_objects(custom, rendered):
    """The validation itself: a misspelt field of each kind must be refused."""
    kinds = set()
    for path, document in rendered:
        if document["kind"] in kinds or not isinstance(document.get("spec"), dict):
            continue
        kinds.add(document["kind"])
        try:
            validate(path, {**document, "spec": {**document["spec"], "misspelt": 1}}, custom)
        except SystemExit:
            continue
        raise SystemExit(f"a misspelt field of {document['kind']} was not refused: the validation sees nothing")
    print(f"chart: a misspelt field is refused in {len(kinds)} kinds of objects")


def one_version():
    """The chart's images have the programs' version."""
    programs = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    found = yaml.safe_load((CHART / "Chart.yaml").read_text())
    if {found["version"], found["appVersion"]} != {programs}:
        raise SystemExit(
            f"Chart.yaml says {found['version']} and {found['appVersion']}, Cargo.toml {programs}: expected one version"
        )


def lasting_names():
    """A Job's pod cannot be changed: other settings give another name, the same settings the same."""

    def job(of):
        return next(document["metadata"]["name"] for _, document in render(of) if document["kind"] == "Job")

    smallest = values("smallest.yaml")
    other = merged(smallest, {"image": {"tag": "9.9.9"}})
    if job(smallest) != job(smallest) or job(smallest) == job(other):
        raise SystemExit("the first model's job: expected a name that changes with its pod")


PROGRAMS = ["data-loader", "model-application", "model-prepare", "producer-emulator", "crawler"]
SECRETS, FILES = "/run/secrets/hedonic/", "/etc/hedonic/"


def taken(programs):
    """The programs themselves take the environment and the files that the chart gives them."""
    for file in sorted((CHART / "ci").glob("*.yaml")):
        documents = [document for _, document in render(values(file.name))]
        maps = {
            document["metadata"]["name"].rsplit("-", 1)[1]: document["data"]
            for document in documents
            if document["kind"] == "ConfigMap"
        }
        with tempfile.TemporaryDirectory() as home:
            (Path(home) / "secrets").mkdir()
            environment = {"PATH": os.environ["PATH"]}
            for name, value in maps["settings"].items():
                for place, folder in ((SECRETS, "secrets"), (FILES, "files")):
                    if place in value:
                        secret = Path(home) / folder / value.rsplit("/", 1)[1]
                        if folder == "secrets":
                            secret.write_text("postgres://u:p@127.0.0.1:1/d" if "database-url" in value else "secret")
                        value = value.replace(place, f"{home}/{folder}/")
                environment[name] = value
            (Path(home) / "files").mkdir()
            for name, text in maps.get("files", {}).items():
                (Path(home) / "files" / name).write_text(text)
            # Servers and models are not there: what is looked at is the settings.
            environment.update(HEDONIC__KAFKA__BROKERS="127.0.0.1:1", HEDONIC__REGISTRY__PATH=home)
            environment.pop("HEDONIC__REGISTRY__BUCKET", None)
            environment.pop("HEDONIC__REGISTRY__MLFLOW_TRACKING_URI", None)
            for program in PROGRAMS:
                done = subprocess.run(
                    [str(programs / program), "--check=json"],
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    timeout=60,
                )
                wrong = [of for of in checks_of(program, done) if of["check"] == "settings"]
                if wrong:
                    raise SystemExit(f"{program} with the environment of {file.name}: {wrong[0]['found']}")
    print(f"chart: {len(PROGRAMS)} programs take the settings that the chart gives them")


def checks_of(program, done):
    try:
        return json.loads(done.stdout)["checks"]
    except (ValueError, KeyError) as error:
        raise SystemExit(f"{program} --check=json: expected one JSON object, got {done.stdout}{done.stderr}") from error


def kubectl(arguments, what):
    import shutil

    if not shutil.which("kubectl"):
        tools.skip(what, "kubectl is not installed")
        return None
    return tools.run(["kubectl", *arguments])


def kustomized(documents):
    """What is rendered can be changed by kustomize."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "all.yaml").write_text(yaml.safe_dump_all(documents))
        (Path(home) / "kustomization.yaml").write_text(
            yaml.safe_dump({"namespace": "elsewhere", "resources": ["all.yaml"], "namePrefix": "x-"})
        )
        built = kubectl(["kustomize", home], "kubectl kustomize of the chart")
        if built is not None:
            found = [document for document in yaml.safe_load_all(built) if document]
            if len(found) != len(documents) or any(d["metadata"]["namespace"] != "elsewhere" for d in found):
                raise SystemExit("kubectl kustomize: expected every object of the chart, in the other namespace")


def examples():
    """The examples of Kafka and PostgreSQL can be built."""
    built = kubectl(["kustomize", DEPLOY / "examples"], "kubectl kustomize of deploy/examples")
    if built is not None:
        kinds = sorted(document["kind"] for document in yaml.safe_load_all(built) if document)
        print(f"examples: kubectl kustomize builds {', '.join(kinds)}")
