"""Every metric that the board and the alert rules name is one that a program declares, with the labels it has."""

import json
import re
import subprocess
import tempfile
import urllib.request

import yaml

import tools
from places import CHART, DEPLOY, ROOT

# Declarations: one line a metric, in `metrics.rs` of the crate that measures it.
DECLARED = "*/src/metrics.rs"
DECLARATION = re.compile(r'^    [A-Z0-9_]+: (Counter|Gauge|Histogram)(?:\(.*?\))? "(hedonic_[a-z0-9_]+)",', re.M)
NAME = re.compile(r"hedonic_[a-z0-9_]+")
HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def declared():
    """Names by whether they are histograms."""
    names = {}
    for path in sorted(ROOT.glob(DECLARED)):
        for kind, name in DECLARATION.findall(path.read_text()):
            names[name] = kind == "Histogram"
    if len(names) < 50 or not any(names.values()):
        raise SystemExit(f"{DECLARED}: expected the declarations of metrics, found {len(names)}")
    return names


def used():
    """(where, expression) of rules and board."""
    for group in yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]
    board = json.loads((CHART / "files/dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']}", target["expr"]
    for note in board["annotations"]["list"]:
        yield f"annotation {note['name']}", note["expr"]
    for variable in board["templating"]["list"]:
        query = variable.get("query")
        if isinstance(query, dict):
            yield f"variable {variable['name']}", query["query"]


def complaints(names, uses):
    found = []
    for where, expression in uses:
        metrics = NAME.findall(expression)
        if not metrics:
            found.append(f"{where}: names no metric of the programs: {expression}")
        for metric in metrics:
            of = HISTOGRAM.sub("", metric)
            if metric in names and not names[metric]:
                continue
            if of in names and names[of] and of != metric:
                continue
            found.append(f"{where}: no program declares {metric}")
    return found


def check():
    names = declared()
    uses = list(used())
    found = complaints(names, uses)
    if found:
        raise SystemExit("\n".join(found))
    # The check itself: names that nobody declares are seen.
    for wrong in (
        "hedonic_loader_store_total",
        "hedonic_loader_stored_total_bucket",
        "hedonic_loader_stage_seconds",
        "up",
    ):
        if not complaints(names, [("wrong", f"rate({wrong}[5m])")]):
            raise SystemExit(f"{wrong}: expected a complaint, found none")
    operations = (ROOT / "docs/operations.md").read_text()
    print(f"metrics: {len(uses)} expressions of rules and board name declared metrics alone, of {len(names)}")
    missing = [name for name in sorted(names) if name not in operations]
    if missing:
        raise SystemExit(f"docs/operations.md does not name {', '.join(missing)}")
    for link, target in (
        ("prometheus/alerts.yaml", "files/alerts.yaml"),
        ("grafana/hedonic.json", "files/dashboard.json"),
    ):
        if (DEPLOY / link).resolve() != (CHART / target).resolve():
            raise SystemExit(f"deploy/{link}: expected a link to the chart's {target}")
    rules()


def rules():
    promtool = tools.promtool()
    if promtool is None:
        tools.skip("promtool check rules", "no promtool on PATH, and no package `prometheus` to be had")
        return
    told = tools.run([promtool, "check", "rules", CHART / "files/alerts.yaml"])
    print("rules:", " ".join(told.split()[-3:]))
    board(promtool)
    tools.run([promtool, "test", "rules", "alerts_test.yaml"], cwd=DEPLOY / "prometheus")
    print("rules: promtool test rules passed")


def board(promtool):
    """The board's expressions are PromQL, with Grafana's variables put in."""
    filled = {"$__rate_interval": "5m", "$namespace": ".*", "$window": "24h"}
    rules = []
    for where, expression in used():
        if where.startswith(("panel", "annotation")):
            for variable, value in filled.items():
                expression = expression.replace(variable, value)
            rules.append({"record": f"board:{len(rules)}", "expr": expression})
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}, file)
        file.flush()
        tools.run([promtool, "check", "rules", file.name])
    print(f"board: {len(rules)} expressions are PromQL")


def service(url):
    """promtool check metrics against a running service."""
    promtool = tools.promtool()
    if promtool is None:
        raise SystemExit("promtool check metrics: no promtool on PATH, and no package `prometheus` to be had")
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read()
    done = subprocess.run(
        [str(promtool), "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        raise SystemExit(f"promtool check metrics of {url}:\n{done.stdout.decode()}")
    shown = set(re.findall(r"^# TYPE (\S+)", text.decode(), re.M))
    unknown = sorted(shown - set(declared()))
    if unknown:
        raise SystemExit(f"{url} shows metrics that no source declares: {unknown}")
    print(f"metrics: promtool check metrics passed for {len(shown)} metrics of {url}")
