"""A node: kubelet, containerd and the controllers beside the API server, in namespaces of their own.

The processes have their own mounts, network and process ids, so that ending the first of them ends all containers
and removes their mounts, addresses and rules. The network has no way out: Kafka and PostgreSQL run inside too."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tools
from places import CACHE, ROOT

CONTROL = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"]
# Debian's packages, unpacked and not installed.
PACKAGES = [
    *("containerd", "runc", "containernetworking-plugins", "libseccomp2"),
    *("nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libedit2", "libgmp10", "libxtables12"),
]
NAME = "node-1"
# Of the node, of its pods, of services.
ADDRESS, PODS, SERVICES = "10.88.0.1", "10.89.0.0/24", "10.96.0.0/24"
UNSHARED = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
# kubelet writes these, and they are of the whole machine.
TUNED = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]  # fmt: skip
READY_S = 120
# All trials; a loaded machine of two cores needs 10 minutes.
WHOLE_S = 3600


def missing(assets, programs):
    """What a node needs and this machine lacks; empty where there is all."""
    import images

    lacks = []
    if os.getuid() != 0:
        lacks.append("user root")
    if not assets:
        lacks.append("KUBEBUILDER_ASSETS")
    else:
        lacks += [f"{name} in {assets}" for name in [*CONTROL, "etcd", "kubectl"] if not (assets / name).exists()]
    if not programs:
        lacks.append("--programs DIR")
    else:
        lacks += [f"{name} in {programs}" for name in images.PROGRAMS if not (programs / name).exists()]
    lacks += [
        f"{name} on PATH"
        for name in ("unshare", "ip", "debootstrap", "apt-get", "dpkg-deb", "java", "setpriv")
        if not shutil.which(name)
    ]
    if not postgres():
        lacks.append("PostgreSQL in /usr/lib/postgresql")
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        # kubelet would have to be given a part of the tree of its own.
        lacks.append("cgroups v1 (with v2 it is not tried)")
    return lacks


def postgres():
    """The folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def packages():
    """Their folder."""
    home = CACHE / "node/debian"
    if not home.exists():
        part = home.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        part.chmod(0o777)  # apt downloads as a user of its own
        tools.run(["apt-get", "download", "-q", *PACKAGES], cwd=part)
        for package in part.glob("*.deb"):
            tools.run(["dpkg-deb", "--extract", package, part])
            package.unlink()
        part.rename(home)
    return home


def check(assets, programs):
    lacks = missing(assets, programs)
    if lacks:
        tools.skip("a node with containers", f"expected {'; '.join(lacks)}")
        return
    import images

    # So that what follows is undone where this check is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    debian = packages()
    tools.run([ROOT / "scripts/kafka", "fetch"])
    before = {name: Path("/proc/sys", name).read_text() for name in TUNED}
    home = Path(tempfile.mkdtemp(prefix="hedonic-node-", dir=os.environ.get("TMPDIR")))
    home.chmod(0o755)  # PostgreSQL runs as another user
    try:
        images.archive(programs, home / "images.tar")
        told = json.dumps([str(assets), str(debian), str(home)])
        done = subprocess.run([*UNSHARED, sys.executable, "-u", __file__, told], timeout=WHOLE_S)
        if done.returncode != 0:
            raise SystemExit(f"a node with containers: exit code {done.returncode}")
    finally:
        for name, value in before.items():
            Path("/proc/sys", name).write_text(value)
        tidy()
        if os.environ.get("HEDONIC_NODE_KEEP"):
            print(f"kept: {home}", file=sys.stderr)
        else:
            shutil.rmtree(home, ignore_errors=True)


def tidy():
    """Removes the groups of processes that kubelet made, once they are empty."""
    until = time.monotonic() + 20
    for top in Path("/sys/fs/cgroup").glob("*/kubepods"):
        for folder in [*sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True), top]:
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError as error:
                    if time.monotonic() > until:
                        raise SystemExit(f"a group of processes that is not empty: {error}") from error
                    time.sleep(0.2)


def network():
    """An address of the node that pods and services are routed by."""
    for command in (
        "mount --make-rshared /",
        "mount -t tmpfs tmpfs /run",
        "ip link set lo up",
        "ip link add node type bridge",
        f"ip address add {ADDRESS}/24 dev node",
        "ip link set node up",
        "ip route add default dev node",
    ):
        tools.run(command.split())
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


class Node:
    """All processes of one machine, with a cluster.Server for the API server."""

    def __init__(self, server, debian, home):
        self.server, self.debian, self.home = server, debian, home
        libraries = [debian / "usr/lib/x86_64-linux-gnu", debian / "lib/x86_64-linux-gnu"]
        self.environment = {
            **os.environ,
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "PATH": f"{debian}/usr/sbin:{debian}/usr/bin:{os.environ['PATH']}",
        }
        self.socket = Path("/run/containerd/containerd.sock")

    def ctr(self, *arguments):
        return tools.run(
            [self.debian / "usr/bin/ctr", "--address", self.socket, "--namespace", "k8s.io", *arguments],
            env=self.environment,
        )

    def start(self):
        """The seconds until the node was ready."""
        began = time.monotonic()
        self.containerd()
        self.ctr("images", "import", self.home / "images.tar")
        self.controllers()
        self.kubelet()
        self.server.kubectl(["wait", "--for=create", f"node/{NAME}", f"--timeout={READY_S}s"], within=READY_S + 10)
        self.server.kubectl(
            ["wait", "--for=condition=Ready", f"node/{NAME}", f"--timeout={READY_S}s"], within=READY_S + 10
        )
        return time.monotonic() - began

    def spawn(self, name, *arguments, program=None):
        self.server.spawn(name, *arguments, program=program, environment=self.environment)

    def containerd(self):
        from images import PAUSE

        networks = self.home / "networks"
        networks.mkdir()
        (networks / "pods.conflist").write_text(
            json.dumps({
                "cniVersion": "0.4.0",
                "name": "pods",
                # Not a bridge: each packet between two pods passes the node, and with it the rules of services.
                "plugins": [{
                    "type": "ptp", "ipMasq": False, "mtu": 1500,
                    "ipam": {
                        "type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}],
                        "dataDir": str(self.home / "addresses"),
                    },
                }],
            })
        )  # fmt: skip
        (self.home / "containerd.toml").write_text(
            f"""version = 2
root = "{self.home}/containerd"
state = "/run/containerd"
[grpc]
address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
# Where this machine does not let root lower it (CAP_SYS_RESOURCE).
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{self.debian}/usr/lib/cni"
conf_dir = "{networks}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{self.debian}/usr/sbin/runc"
SystemdCgroup = false
"""
        )
        self.spawn(
            "containerd", "--config", self.home / "containerd.toml", program=self.debian / "usr/bin/containerd"
        )
        until = time.monotonic() + READY_S
        while True:
            self.server.alive()
            try:
                self.ctr("version")
                return
            except SystemExit:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    def controllers(self):
        config = ["--kubeconfig", self.server.kubeconfig]
        alone = [*config, "--leader-elect=false", "--bind-address", "127.0.0.1"]
        self.spawn(
            "kube-controller-manager", *alone, "--service-account-private-key-file", self.server.home / "accounts.key",
            "--flex-volume-plugin-dir", self.home / "flex",
        )  # fmt: skip
        self.spawn("kube-scheduler", *alone)
        self.spawn(
            "kube-proxy", *config, "--proxy-mode", "nftables", "--cluster-cidr", PODS, "--hostname-override", NAME,
            "--conntrack-max-per-core", "0", "--conntrack-tcp-timeout-established", "0s",
            "--conntrack-tcp-timeout-close-wait", "0s",
        )  # fmt: skip

    def kubelet(self):
        names = self.home / "resolv.conf"
        names.write_text(f"nameserver {ADDRESS}\n")
        settings = self.home / "kubelet.json"
        settings.write_text(
            json.dumps({
                "apiVersion": "kubelet.config.k8s.io/v1beta1",
                "kind": "KubeletConfiguration",
                "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
                "authorization": {"mode": "AlwaysAllow"},
                "cgroupDriver": "cgroupfs",
                "containerRuntimeEndpoint": f"unix://{self.socket}",
                "failSwapOn": False,
                "failCgroupV1": False,
                # The disk is not the cluster's own.
                "evictionHard": {"memory.available": "100Mi"},
                "imageGCHighThresholdPercent": 100,
                "imageGCLowThresholdPercent": 99,
                "maxOpenFiles": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
                "oomScoreAdj": 0,
                "podLogsDir": str(self.home / "logs"),
                "resolvConf": str(names),
                "volumePluginDir": str(self.home / "flex"),
            })
        )  # fmt: skip
        self.spawn(
            "kubelet", "--config", settings, "--kubeconfig", self.server.kubeconfig, "--root-dir", self.home / "kubelet",
            "--hostname-override", NAME, "--node-ip", ADDRESS, "--cert-dir", self.home / "kubelet-certificates",
        )  # fmt: skip


def inside(assets, debian, home):
    import cluster
    import trials

    network()
    server = cluster.Server(assets, home, address=ADDRESS, accounts=True)
    try:
        version = server.start()
        node = Node(server, debian, home)
        print(f"node: kubelet {version} and containerd: ready after {node.start():.0f} s")
        trials.run(node)
    finally:
        server.stop()


if __name__ == "__main__":
    inside(*map(Path, json.loads(sys.argv[1])))
