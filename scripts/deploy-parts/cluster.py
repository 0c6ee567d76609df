"""A real API server takes the chart: KUBEBUILDER_ASSETS has kube-apiserver, etcd and kubectl (envtest's convention).

No kubelet and no controllers run: what is looked at is what the API server itself decides, which is admission,
validation and the fields it knows."""

import contextlib
import copy
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import yaml
from helm_python import Config

import chart
import pods
import tools
from places import CHART, ROOT

WAIT_S = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """etcd and kube-apiserver; on loopback, unless a node has an address for it."""

    def __init__(self, assets, home, address="127.0.0.1", accounts=False):
        self.assets, self.home, self.processes = assets, home, []
        self.address, self.accounts = address, accounts
        self.kubeconfig = home / "kubeconfig"

    def start(self):
        etcd, peers, port = free_port(), free_port(), free_port()
        self.spawn(
            "etcd", "--data-dir", self.home / "etcd", "--listen-client-urls", f"http://127.0.0.1:{etcd}",
            "--advertise-client-urls", f"http://127.0.0.1:{etcd}", "--listen-peer-urls", f"http://127.0.0.1:{peers}",
        )  # fmt: skip
        key = self.home / "accounts.key"
        tools.run(["openssl", "genrsa", "-out", key, "2048"])
        (self.home / "tokens.csv").write_text("check,admin,admin,system:masters\n")
        self.spawn(
            "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{etcd}", "--secure-port", port,
            "--bind-address", self.address, "--advertise-address", self.address,
            "--kubelet-preferred-address-types", "InternalIP", "--cert-dir", self.home / "certificates", "--authorization-mode", "RBAC",
            "--token-auth-file", self.home / "tokens.csv", "--service-cluster-ip-range", "10.96.0.0/24",
            "--service-account-issuer", "https://127.0.0.1", "--service-account-key-file", key,
            "--service-account-signing-key-file", key,
            # Accounts are made by a controller, which runs with a node only.
            *([] if self.accounts else ["--disable-admission-plugins", "ServiceAccount"]),
        )  # fmt: skip
        self.kubeconfig.write_text(
            yaml.safe_dump({
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": f"https://{self.address}:{port}", "insecure-skip-tls-verify": True}}],
                "users": [{"name": "u", "user": {"token": "check"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            })
        )  # fmt: skip
        until = time.monotonic() + WAIT_S
        while self.kubectl(["get", "--raw", "/readyz"], fails=True).returncode != 0:
            self.alive()
            if time.monotonic() > until:
                raise SystemExit(f"kube-apiserver is not ready after {WAIT_S} s: {self.log('kube-apiserver')}")
            time.sleep(0.5)
        told = yaml.safe_load(self.kubectl(["version", "-o", "yaml"]).stdout)
        return told["serverVersion"]["gitVersion"]

    def alive(self):
        for name, process in self.processes:
            if process.poll() is not None:
                raise SystemExit(f"{name} ended with {process.returncode}: {self.log(name)}")

    def spawn(self, name, *arguments, program=None, environment=None):
        program = program or self.assets / name
        if not program.exists():
            raise SystemExit(f"KUBEBUILDER_ASSETS: expected {name} in {self.assets}, found none")
        with open(self.home / f"{name}.log", "w") as log:
            command = [str(program), *map(str, arguments)]
            self.processes.append((name, subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home, env=environment)))

    def log(self, name):
        return (self.home / f"{name}.log").read_text()[-2000:]

    def stop(self):
        for _, process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kubectl(self, arguments, fails=False, given=None, within=WAIT_S):
        program = self.assets / "kubectl"
        done = subprocess.run(
            [str(program), "--kubeconfig", str(self.kubeconfig), *arguments], input=given, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=within,
        )  # fmt: skip
        if done.returncode != 0 and not fails:
            raise SystemExit(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done

    def apply(self, documents, fails=False, *more):
        given = yaml.safe_dump_all(documents)
        return self.kubectl(["apply", "--server-side", "--validate=strict", "-f", "-", *more], fails, given)


@contextlib.contextmanager
def running(assets):
    home = Path(tempfile.mkdtemp(prefix="hedonic-cluster-"))
    server = Server(assets, home)
    try:
        version = server.start()
        yield server, version
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def namespace(name):
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def custom(server):
    definitions = [yaml.safe_load(path.read_text()) for path in tools.custom_resources()]
    server.apply(definitions)
    names = [f"crd/{definition['metadata']['name']}" for definition in definitions]
    server.kubectl(["wait", "--for=condition=Established", "--timeout=60s", *names])


def earlier():
    """The chart to upgrade from, unpacked, and its name: of $HEDONIC_CHART_FROM, else of the last tag, else as it was
    first committed; none where git does not know any."""

    def git(*arguments):
        done = subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.stdout if done.returncode == 0 else b""

    inside = CHART.relative_to(ROOT)
    asked = os.environ.get("HEDONIC_CHART_FROM")
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v*").decode().strip()
    added = git("log", "--diff-filter=A", "--format=%h", "--", str(inside / "Chart.yaml")).decode().split()
    commit = asked or tag or (added[-1] if added else None)
    packed = git("archive", commit, str(inside)) if commit else b""
    if not packed:
        if asked:
            raise SystemExit(f"HEDONIC_CHART_FROM is {asked}: expected a tag or commit with {inside}")
        return None, "this chart (git knows no earlier one)"
    home = tempfile.mkdtemp(prefix="hedonic-chart-")
    subprocess.run(["tar", "-x", "-C", home], input=packed, check=True)
    number = git("rev-list", "--count", f"{commit}..HEAD", "--", str(inside)).decode().strip()
    return Path(home) / inside, f"the chart of {commit} ({number} changes ago)"


def check(assets):
    with running(assets) as (server, version):
        print(f"cluster: kube-apiserver {version} is ready")
        server.apply(
            [
                namespace("prices"),
                {
                    "apiVersion": "scheduling.k8s.io/v1",
                    "kind": "PriorityClass",
                    "metadata": {"name": "high"},
                    "value": 1000,
                },
            ]
        )
        custom(server)
        everything = chart.values("everything.yaml")
        documents = [copy.deepcopy(document) for _, document in chart.render(everything)]
        applied = server.apply(documents, False, "--namespace", "prices")
        if "Warning" in applied.stderr:
            raise SystemExit(f"kubectl apply --server-side warns: {applied.stderr}")
        again = server.apply(documents, False, "--namespace", "prices")
        print(
            f"cluster: {len(again.stdout.splitlines())} objects are taken by server-side apply, twice, without a warning"
        )
        admitted(server, documents)
        misspelt(server, documents)
        server.kubectl(
            ["delete", "--wait=false", "--namespace", "prices", "-f", "-"], given=yaml.safe_dump_all(documents)
        )
        upgraded(server)


def admitted(server, documents):
    """A "restricted" namespace takes the pods, and refuses them where they are changed."""
    server.apply([namespace("admitted")])
    found = pods.of(documents, "admitted")
    create = ["create", "--dry-run=server", "-f", "-"]
    server.kubectl(create, given=yaml.safe_dump_all(found))
    wrong = []
    for pod in found:
        for number, (change, other) in enumerate(pods.changed(pod)):
            other["metadata"]["name"] += f"-{number}"
            wrong.append((f"{pod['metadata']['name']} with {change}", other))
    # All in one call, which goes on after an error: a program's start for each pod takes minutes.
    told = server.kubectl(create, fails=True, given=yaml.safe_dump_all([other for _, other in wrong])).stderr
    for what, other in wrong:
        expected = f'pods "{other["metadata"]["name"]}" is forbidden: violates PodSecurity "restricted'
        if expected not in told:
            raise SystemExit(f"{what}: expected PodSecurity to refuse it, got {told}")
    print(f"cluster: {len(found)} pods are admitted to a restricted namespace, and {len(wrong)} changed ones are refused")


def misspelt(server, documents):
    for kind in ("Deployment", "ScaledObject", "PrometheusRule"):
        wrong = copy.deepcopy(next(document for document in documents if document["kind"] == kind))
        wrong["spec"]["misspelt"] = 1
        told = server.apply([wrong], True, "--namespace", "prices")
        if told.returncode == 0 or "misspelt" not in told.stderr:
            raise SystemExit(f"{kind} with a misspelt field: expected a refusal, got {told.stdout}{told.stderr}")
    print("cluster: misspelt fields are refused")


def installed(server):
    """The release's objects by kind, and the images of its services."""
    shown = server.kubectl(["get", "deployments,jobs,cronjobs,hpa", "--namespace", "upgrade", "-o", "yaml"]).stdout
    by_kind = {}
    for item in yaml.safe_load(shown)["items"]:
        by_kind.setdefault(item["kind"], []).append(item)
    specs = [item["spec"]["template"]["spec"] for item in by_kind["Deployment"]]
    return by_kind, {container["image"] for spec in specs for container in spec["containers"]}


def upgraded(server):
    """By Helm itself: an earlier chart, then this one, then other values, then back."""
    server.apply([namespace("upgrade")])
    before, of = earlier()
    values = chart.values("smallest.yaml")
    config = Config(kubeconfig_path=server.kubeconfig, namespace="upgrade")
    config.install(before or CHART, "prices", values, namespace="upgrade")
    config.upgrade(CHART, "prices", values, namespace="upgrade")
    more = chart.merged(
        chart.merged(values, {"image": {"tag": "9.9.9"}, "loader": {"replicas": 5}}),
        {"applier": {"autoscaling": {"by": "cpu"}}, "scheduledTraining": {"enabled": True}},
    )
    config.upgrade(CHART, "prices", more, namespace="upgrade")
    by_kind, images = installed(server)
    if not all(image.endswith(":9.9.9") for image in images) or len(by_kind["Job"]) != 1:
        raise SystemExit(
            f"after an upgrade: expected the new images and one job, found {images} and {len(by_kind['Job'])} jobs"
        )
    if len(by_kind["CronJob"]) != 1 or len(by_kind["HorizontalPodAutoscaler"]) != 1:
        raise SystemExit("after an upgrade: expected a CronJob and an autoscaler")
    config.rollback("prices", version=1)
    _, images = installed(server)
    if any(image.endswith(":9.9.9") for image in images):
        raise SystemExit(f"after going back to the first revision: expected its images, found {images}")
    config.uninstall("prices")
    config.close()
    if before:
        shutil.rmtree(before.parents[2])
    left = server.kubectl(
        [
            "get",
            "deployments,services,configmaps,networkpolicies,poddisruptionbudgets",
            "--namespace",
            "upgrade",
            "-l",
            "app.kubernetes.io/part-of=hedonic",
            "-o",
            "name",
        ]
    ).stdout
    if left.strip():
        raise SystemExit(f"after uninstalling: {left}")
    print(f"cluster: helm installs {of}, upgrades, rolls back and uninstalls")
