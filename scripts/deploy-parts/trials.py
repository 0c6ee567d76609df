"""The chart on a node: what only running containers show."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import threading
import time
from pathlib import Path

import yaml
from helm_python import Config, HelmError

import cluster
import images
import load
import node as nodes
import tools
from places import CHART, ROOT

RELEASE, SPACE = "hedonic", "prices"
KAFKA_PORT, CONTROLLER_PORT, DATABASE_PORT = 9092, 9094, 5432
BATCH = 5000
WAIT_S = 300


class Servers:
    """Apache Kafka and PostgreSQL at the node's address, as others operate them beside a cluster."""

    def __init__(self, node):
        self.node, self.password = node, secrets.token_hex(12)
        self.kafka_home, self.data = node.home / "kafka", node.home / "postgres"

    def start(self):
        where = nodes.ADDRESS
        settings = [
            f"listeners=PLAINTEXT://0.0.0.0:{KAFKA_PORT},CONTROLLER://127.0.0.1:{CONTROLLER_PORT}",
            f"advertised.listeners=PLAINTEXT://{where}:{KAFKA_PORT}",
            f"controller.quorum.voters=1@127.0.0.1:{CONTROLLER_PORT}",
        ]
        configs = [part for setting in settings for part in ("--config", setting)]
        tools.run([ROOT / "scripts/kafka", "start", "--dir", self.kafka_home, "--port", KAFKA_PORT, *configs])
        programs = nodes.postgres()
        self.data.mkdir()
        tools.run(["chown", "postgres", self.data])
        word = self.node.home / "password"
        word.write_text(self.password)
        word.chmod(0o644)
        user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        initdb = ["--auth", "scram-sha-256", "--username", "hedonic", "--pwfile", word, "--encoding", "UTF8"]
        tools.run([*user, programs / "initdb", "--pgdata", self.data, *initdb], cwd="/")
        self.node.spawn(
            "postgres", *user[1:], programs / "postgres", "-D", self.data, "-k", self.data, "-p", DATABASE_PORT,
            "-c", f"listen_addresses={where}", program=Path("/usr/bin/setpriv"),
        )  # fmt: skip
        with open(self.data / "pg_hba.conf", "a") as allowed:
            allowed.write(f"host all all {nodes.PODS} scram-sha-256\nhost all all {where}/32 scram-sha-256\n")
        self.until_it_answers()
        self.number("CREATE DATABASE hedonic", database="postgres")

    def until_it_answers(self):
        until = time.monotonic() + WAIT_S
        while True:
            self.node.server.alive()
            try:
                self.number("SELECT 1", database="postgres")
                return
            except SystemExit:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    def url(self, database="hedonic"):
        return f"postgres://hedonic:{self.password}@{nodes.ADDRESS}:{DATABASE_PORT}/{database}"

    def number(self, query, database="hedonic"):
        told = tools.run([nodes.postgres() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.url(database), "-c", query]).strip()
        return int(told) if told else 0

    def produced(self):
        """Messages of the topic new_data: the ends of its partitions."""
        tool = [ROOT / "scripts/kafka", "tool", "--dir", self.kafka_home, "org.apache.kafka.tools.GetOffsetShell"]
        told = tools.run([*tool, "--topic", "new_data"])
        return sum(int(line.rsplit(":", 1)[1]) for line in told.split())

    def stop(self):
        subprocess.run([ROOT / "scripts/kafka", "stop", "--dir", self.kafka_home], stderr=subprocess.DEVNULL)


class Installed:
    """The release on the node."""

    def __init__(self, node, servers):
        self.node, self.servers, self.server = node, servers, node.server
        self.token = secrets.token_hex(12)
        self.config = Config(kubeconfig_path=self.server.kubeconfig, namespace=SPACE)
        small = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}}
        self.values = {
            "image": {"registry": images.REGISTRY, "tag": images.TAG},
            "kafka": {"brokers": f"{nodes.ADDRESS}:{KAFKA_PORT}"},
            "database": {"secret": "hedonic-db-app"},
            "registry": {"volume": {"existingClaim": "models"}},
            "http": {"tokenSecret": "hedonic-token"},
            # Trainings are the jobs' here.
            "trainer": {"enabled": False},
            "emulator": {"enabled": True, "resources": small},
            "loader": {"resources": small},
            "applier": {"resources": small},
            "jobs": {"resources": small},
            "settings": {
                "emulator": {"autostart": True, "new_data_every_s": 1, "new_data_count": 100},
                "prepare": {"effort": "quick"},
            },
        }  # fmt: skip

    def kubectl(self, *arguments, fails=False):
        return self.server.kubectl(["-n", SPACE, *arguments], fails, within=WAIT_S + 10).stdout

    def install(self):
        folder = self.node.home / "models"
        folder.mkdir()
        os.chown(folder, images.USER, images.USER)
        secret = {"apiVersion": "v1", "kind": "Secret"}
        mode = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
        self.server.apply([
            cluster.namespace(SPACE),
            {**secret, "metadata": {"name": "hedonic-db-app", "namespace": SPACE}, "stringData": {"uri": self.servers.url()}},
            {**secret, "metadata": {"name": "hedonic-token", "namespace": SPACE}, "stringData": {"token": self.token}},
            {
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "models"},
                "spec": {
                    **mode, "capacity": {"storage": "1Gi"}, "hostPath": {"path": str(folder)},
                    "claimRef": {"name": "models", "namespace": SPACE},
                },
            },
            {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "models", "namespace": SPACE},
                "spec": {**mode, "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "models"},
            },
        ])  # fmt: skip
        began = time.monotonic()
        try:
            self.config.install(CHART, RELEASE, self.values, namespace=SPACE, wait="watcher", timeout=WAIT_S)
        except HelmError as error:
            raise SystemExit(f"helm install --wait: {error}\n{self.state()}") from error
        seconds = time.monotonic() - began
        shown = yaml.safe_load(self.kubectl("get", "deployments", "-o", "yaml"))["items"]
        ready = {item["metadata"]["name"]: item["status"].get("readyReplicas", 0) for item in shown}
        expected = {f"{RELEASE}-applier": 2, f"{RELEASE}-loader": 2, f"{RELEASE}-emulator": 1}
        if ready != expected:
            raise SystemExit(f"after helm install --wait: expected {expected} ready, found {ready}")
        status, text = self.asked("applier", "POST", "/predict", {"id": 1, "city": "Kazan", "street": "Lenina", "floor": 3, "rooms": 2})  # fmt: skip
        if status != 200 or "prediction" not in text:
            raise SystemExit(f"the applier's service: expected a price, got {status} {text}")
        refused, _ = self.asked("applier", "POST", "/predict", {}, token="wrong")
        if refused != 401:
            raise SystemExit(f"the applier's service with a wrong token: expected 401, got {refused}")
        told = ", ".join(f"{count} {name.removeprefix(RELEASE + '-')}" for name, count in ready.items())
        print(f"node: helm install --wait: {told} ready after {seconds:.0f} s; the service answers with a price")

    def state(self):
        """What a reader of a failure needs."""
        parts = [self.kubectl("get", "pods", "-o", "wide", fails=True)]
        parts.append(self.kubectl("get", "events", "--sort-by=.lastTimestamp", fails=True)[-3000:])
        for component in ("applier", "loader", "first-model"):
            chosen = f"app.kubernetes.io/component={component}"
            parts.append(self.kubectl("logs", "-l", chosen, "--tail=5", "--prefix", fails=True))
        return "\n".join(parts)

    def address(self, component):
        return self.kubectl("get", f"service/{RELEASE}-{component}", "-o", "jsonpath={.spec.clusterIP}")

    def asked(self, component, method, path, body=None, token=None):
        asked = http.client.HTTPConnection(self.address(component), 80, timeout=30)
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        asked.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = asked.getresponse()
        return answer.status, answer.read().decode()

    def tested(self):
        try:
            told = self.config.test(RELEASE, timeout=WAIT_S, logs=True)
        except HelmError as error:
            raise SystemExit(f"helm test: {error}\n{self.state()}") from error
        if "loader" not in json.dumps(told):
            raise SystemExit(f"helm test: expected the loader's check, got {told}")
        print("node: helm test: the checks of loader and applier succeed in their pods")

    def rolled(self):
        """Two appliers are replaced while requests come in through the service."""
        clients, seconds = self.roll()
        print(
            f"node: kubectl rollout restart of two appliers under load: {clients.sent} requests by {load.CLIENTS} "
            f"clients, {len(clients.failures)} failed; the old pods were gone after {seconds:.0f} s"
        )
        if clients.failures:
            raise SystemExit("\n".join(sorted(set(clients.failures))[:5]) + "\n" + self.state())

    def roll(self):
        """The clients, and the seconds until the old pods were gone."""
        before = self.pods("applier")
        with self.asking() as clients:
            began = time.monotonic()
            self.kubectl("rollout", "restart", f"deployment/{RELEASE}-applier")
            self.kubectl("rollout", "status", f"deployment/{RELEASE}-applier", f"--timeout={WAIT_S}s")
            self.until(lambda: not before & self.pods("applier"), "the old appliers are gone")
            seconds = time.monotonic() - began
        return clients, seconds

    def evicted(self):
        """A machine is to be emptied: the disruption budget lets one applier go, and no request fails."""
        chosen = "app.kubernetes.io/component=applier"
        with self.asking() as clients:
            told = self.server.kubectl(
                ["drain", nodes.NAME, "--pod-selector", chosen, "--delete-emptydir-data", "--timeout=40s"], fails=True
            )
            left = self.kubectl("get", f"deployment/{RELEASE}-applier", "-o", "jsonpath={.status.readyReplicas}")
            self.server.kubectl(["uncordon", nodes.NAME])
            self.kubectl("rollout", "status", f"deployment/{RELEASE}-applier", f"--timeout={WAIT_S}s")
        if told.returncode == 0 or "disruption budget" not in told.stderr or left != "1":
            raise SystemExit(f"kubectl drain: expected one applier to be left, found {left}: {told.stdout}{told.stderr}")
        if clients.failures:
            raise SystemExit("\n".join(sorted(set(clients.failures))[:5]) + "\n" + self.state())
        print(
            f"node: kubectl drain: the disruption budget lets one of two appliers go; {clients.sent} requests, "
            f"{len(clients.failures)} failed"
        )

    @contextlib.contextmanager
    def asking(self):
        """Clients of the applier's service, some seconds before and after what is done meanwhile."""
        clients = load.Load(self.address("applier"), 80, {"Authorization": f"Bearer {self.token}"})
        try:
            time.sleep(3)
            yield clients
            time.sleep(3)
        finally:
            clients.end()

    def pods(self, component):
        chosen = f"app.kubernetes.io/component={component}"
        return set(self.kubectl("get", "pods", "-l", chosen, "-o", "name").split())

    def killed(self):
        """Loaders die while listings come in, one with its pod: as many are stored and rejected as were produced."""
        enough = threading.Event()
        source = threading.Thread(target=self.generate, args=(enough,))
        source.start()
        try:
            for kills in (1, 2):
                time.sleep(3)
                self.kill_a_loader()
                self.until(lambda kills=kills: self.restarts("loader") >= kills, "a killed container starts again")
            time.sleep(3)
            self.kubectl("delete", sorted(self.pods("loader"))[0], "--grace-period=0", "--force")
            time.sleep(3)
        finally:
            enough.set()
            source.join()
        self.asked("emulator", "POST", "/stop")
        self.kubectl("rollout", "status", f"deployment/{RELEASE}-loader", f"--timeout={WAIT_S}s")
        ends = []

        def all_taken():
            ends.append(self.servers.produced())
            taken = self.servers.number("SELECT sum(next_offset)::bigint FROM offsets WHERE topic = 'new_data'")
            return ends[-2:] == [taken, taken]

        self.until(all_taken, "all messages are taken", 2)
        produced = ends[-1]
        stored = self.servers.number("SELECT count(*) FROM listings")
        rejected = self.servers.number("SELECT count(*) FROM rejects WHERE topic = 'new_data'")
        print(
            f"node: loaders killed with signal 9 twice, and a pod removed at once: produced {produced} = "
            f"stored {stored} + rejected {rejected}"
        )
        if produced != stored + rejected:
            raise SystemExit("expected as many stored and rejected as produced")

    def generate(self, enough):
        """Asks the emulator for listings, without a pause."""
        while not enough.is_set():
            status, text = self.asked("emulator", "POST", f"/generate/new_data?count={BATCH}")
            if status != 200:
                print(f"the emulator: expected listings, got {status} {text}")
                return

    def kill_a_loader(self):
        for name in Path("/proc").glob("[0-9]*/comm"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if name.read_text().strip() == "data-loader":
                    os.kill(int(name.parent.name), signal.SIGKILL)
                    return
        raise SystemExit("expected a process data-loader, found none")

    def restarts(self, component):
        chosen = f"app.kubernetes.io/component={component}"
        counts = "jsonpath={.items[*].status.containerStatuses[*].restartCount}"
        return sum(map(int, self.kubectl("get", "pods", "-l", chosen, "-o", counts).split()))

    def until(self, is_so, what, pause=0.5):
        """Waits for it; the seconds that it took."""
        began = time.monotonic()
        while not is_so():
            if time.monotonic() - began > WAIT_S:
                raise SystemExit(f"not within {WAIT_S} s: {what}\n{self.state()}")
            time.sleep(pause)
        return time.monotonic() - began

    def scheduled(self):
        """A CronJob trains, and its version is published."""
        versions = self.versions()
        values = {**self.values, "scheduledTraining": {"enabled": True, "schedule": "* * * * *"}}
        self.config.upgrade(CHART, RELEASE, values, namespace=SPACE)
        seconds = self.until(lambda: self.succeeded("scheduled-training"), "a scheduled training succeeds", 2)
        new = self.versions() - versions
        if not new:
            raise SystemExit(f"a CronJob: expected a new version beside {sorted(versions)}, found none")
        print(f"node: a CronJob publishes version {', '.join(sorted(new))} {seconds:.0f} s after it was created")
        self.config.upgrade(CHART, RELEASE, self.values, namespace=SPACE)

    def succeeded(self, component):
        chosen, count = f"app.kubernetes.io/component={component}", "jsonpath={.items[*].status.succeeded}"
        return bool(self.kubectl("get", "jobs", "-l", chosen, "-o", count).split())

    def extended(self):
        """An upgrade brings the trainer and the CronJob of the feature table."""
        values = {**self.values, "trainer": {**self.values["jobs"], "enabled": True}}
        values["newData"] = {"enabled": True, "schedule": "* * * * *"}
        self.config.upgrade(CHART, RELEASE, values, namespace=SPACE, wait="watcher", timeout=WAIT_S)
        self.until(lambda: self.succeeded("new-data"), "a CronJob adds to the feature table", 2)
        rows = self.servers.number("SELECT count(*) FROM listing_features")
        if not rows or len(self.pods("trainer")) != 1:
            raise SystemExit(f"expected features and one trainer, found {rows} rows and {self.pods('trainer')}")
        print(f"node: helm upgrade --wait brings a trainer; a CronJob writes {rows} rows of features")

    def versions(self):
        return {path.name for path in (self.node.home / "models").glob("v[0-9]*")}


def run(node):
    servers = Servers(node)
    try:
        servers.start()
        release = Installed(node, servers)
        release.install()
        release.tested()
        release.rolled()
        release.evicted()
        release.killed()
        release.scheduled()
        release.extended()
        release.config.uninstall(RELEASE)
    finally:
        servers.stop()
