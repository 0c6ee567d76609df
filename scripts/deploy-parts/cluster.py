"""A real API server takes the chart: KUBEBUILDER_ASSETS has kube-apiserver, etcd and kubectl (envtest's convention).

No kubelet and no controllers run: what is looked at is what the API server itself decides, which is admission,
validation and the fields it knows."""

import contextlib
import copy
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
    """etcd and kube-apiserver, on loopback."""

    def __init__(self, assets, home):
        self.assets, self.home, self.processes = assets, home, []
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
            "--bind-address", "127.0.0.1", "--cert-dir", self.home / "certificates", "--authorization-mode", "RBAC",
            "--token-auth-file", self.home / "tokens.csv", "--service-cluster-ip-range", "10.96.0.0/24",
            "--service-account-issuer", "https://127.0.0.1", "--service-account-key-file", key,
            "--service-account-signing-key-file", key,
            # Accounts are made by a controller, which does not run here.
            "--disable-admission-plugins", "ServiceAccount",
        )  # fmt: skip
        self.kubeconfig.write_text(
            yaml.safe_dump({
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}}],
                "users": [{"name": "u", "user": {"token": "check"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            })
        )  # fmt: skip
        until = time.monotonic() + WAIT_S
        while self.kubectl(["get", "--raw", "/readyz"], fails=True).returncode != 0:
            for name, process in self.processes:
                if process.poll() is not None:
                    raise SystemExit(f"{name} ended with {process.returncode}: {self.log(name)}")
            if time.monotonic() > until:
                raise SystemExit(f"kube-apiserver is not ready after {WAIT_S} s: {self.log('kube-apiserver')}")
            time.sleep(0.5)
        told = yaml.safe_load(self.kubectl(["version", "-o", "yaml"]).stdout)
        return told["serverVersion"]["gitVersion"]

    def spawn(self, name, *arguments):
        program = self.assets / name
        if not program.exists():
            raise SystemExit(f"KUBEBUILDER_ASSETS: expected {name} in {self.assets}, found none")
        with open(self.home / f"{name}.log", "w") as log:
            command = [str(program), *map(str, arguments)]
            self.processes.append((name, subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home)))

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

    def kubectl(self, arguments, fails=False, given=None):
        program = self.assets / "kubectl"
        done = subprocess.run(
            [str(program), "--kubeconfig", str(self.kubeconfig), *arguments], input=given, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=WAIT_S,
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


def last_release():
    """The chart of the last tag, unpacked; None before the first release."""
    found = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "--match", "v*"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    tag = found.stdout.strip()
    if found.returncode != 0 or not tag:
        return None
    inside = CHART.relative_to(ROOT)
    packed = subprocess.run(
        ["git", "archive", tag, str(inside)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    if packed.returncode != 0:
        return None
    home = tempfile.mkdtemp(prefix="hedonic-chart-")
    subprocess.run(["tar", "-x", "-C", home], input=packed.stdout, check=True)
    return Path(home) / inside


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

    def created(pod):
        return server.kubectl(["create", "--dry-run=server", "-f", "-"], fails=True, given=yaml.safe_dump(pod))

    found = pods.of(documents, "prices")
    for pod in found:
        told = created(pod)
        if told.returncode != 0:
            raise SystemExit(f"{pod['metadata']['name']}: expected it to be admitted, got {told.stderr}")
        for change, wrong in pods.changed(pod):
            told = created(wrong)
            if told.returncode == 0 or 'violates PodSecurity "restricted' not in told.stderr:
                raise SystemExit(
                    f"{pod['metadata']['name']} with {change}: expected PodSecurity to refuse it, "
                    f"got {told.stdout}{told.stderr}"
                )
    print(f"cluster: {len(found)} pods are admitted to a restricted namespace, and refused with each change")


def misspelt(server, documents):
    for kind in ("Deployment", "ScaledObject", "PrometheusRule"):
        wrong = copy.deepcopy(next(document for document in documents if document["kind"] == kind))
        wrong["spec"]["misspelt"] = 1
        told = server.apply([wrong], True, "--namespace", "prices")
        if told.returncode == 0 or "misspelt" not in told.stderr:
            raise SystemExit(f"{kind} with a misspelt field: expected a refusal, got {told.stdout}{told.stderr}")
    print("cluster: misspelt fields are refused")


def upgraded(server):
    """By Helm itself: the last release's chart, then this one, then other values, then back."""
    server.apply([namespace("upgrade")])
    before = last_release()
    values = chart.values("smallest.yaml")
    config = Config(kubeconfig_path=server.kubeconfig, namespace="upgrade")
    config.install(before or CHART, "prices", values, namespace="upgrade")
    config.upgrade(CHART, "prices", values, namespace="upgrade")
    more = chart.merged(
        chart.merged(values, {"image": {"tag": "9.9.9"}, "loader": {"replicas": 5}}),
        {"applier": {"autoscaling": {"by": "cpu"}}, "scheduledTraining": {"enabled": True}},
    )
    config.upgrade(CHART, "prices", more, namespace="upgrade")
    shown = yaml.safe_load(
        server.kubectl(["get", "deployments,jobs,cronjobs,hpa", "--namespace", "upgrade", "-o", "yaml"]).stdout
    )
    by_kind = {}
    for item in shown["items"]:
        by_kind.setdefault(item["kind"], []).append(item)
    images = {c["image"] for item in by_kind["Deployment"] for c in item["spec"]["template"]["spec"]["containers"]}
    if not all(image.endswith(":9.9.9") for image in images) or len(by_kind["Job"]) != 1:
        raise SystemExit(
            f"after an upgrade: expected the new images and one job, found {images} and {len(by_kind['Job'])} jobs"
        )
    if len(by_kind["CronJob"]) != 1 or len(by_kind["HorizontalPodAutoscaler"]) != 1:
        raise SystemExit("after an upgrade: expected a CronJob and an autoscaler")
    config.rollback("prices", revision=1)
    config.uninstall("prices")
    config.close()
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
    of = "the last release's chart" if before else "this chart (there is no release yet)"
    print(f"cluster: helm installs {of}, upgrades, rolls back and uninstalls")
