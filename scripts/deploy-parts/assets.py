"""A folder as KUBEBUILDER_ASSETS names one, from published sources: Kubernetes' programs compiled from its Go module,
etcd of Debian's package, kubectl of the machine. About an hour of two cores, then minutes from Go's cache."""

import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import tools

# 1.34 is the last line that takes a kernel with cgroups v1 without a switch.
VERSION = "1.34.1"
MODULE = f"k8s.io/kubernetes@v{VERSION}"
SET = "k8s.io/component-base/version"
# The first is all that an API server needs; the others are for a node (node.py). They share most packages.
PROGRAMS = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"]


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    kubectl = shutil.which("kubectl")
    if not kubectl or not shutil.which("go"):
        raise SystemExit("expected kubectl and go on PATH")
    (folder / "kubectl").unlink(missing_ok=True)
    (folder / "kubectl").symlink_to(kubectl)
    if not (folder / "etcd").exists():
        etcd(folder)
    lacking = [name for name in PROGRAMS if not (folder / name).exists()]
    if lacking:
        compiled(folder, lacking)
    print(f"KUBEBUILDER_ASSETS={folder}")


def etcd(folder):
    found = shutil.which("etcd")
    if found:
        (folder / "etcd").symlink_to(found)
        return
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)  # apt downloads as a user of its own
        tools.run(["apt-get", "download", "-q", "etcd-server"], cwd=home)
        for package in Path(home).glob("etcd-server_*.deb"):
            tools.run(["dpkg-deb", "--extract", package, home])
        shutil.copy(f"{home}/usr/bin/etcd", folder / "etcd")


def compiled(folder, names):
    """The module names its siblings by folders; published, they are modules of the same minor version."""
    environment = {**os.environ, "GOFLAGS": "-mod=mod -p=2", "GOMAXPROCS": "2", "CGO_ENABLED": "0"}
    told = json.loads(tools.run(["go", "mod", "download", "-json", MODULE], cwd="/", env=environment))
    siblings = re.findall(r"^\s*(k8s\.io/\S+) => \./staging", Path(told["GoMod"]).read_text(), re.M)
    number = VERSION.removeprefix("1.")
    major, minor, _ = VERSION.split(".")
    flags = f"-s -w -X {SET}.gitVersion=v{VERSION} -X {SET}.gitMajor={major} -X {SET}.gitMinor={minor}"
    nice = ["nice", "-n", "10"] if shutil.which("nice") else []
    with tempfile.TemporaryDirectory() as home:
        replaced = "".join(f"\t{name} => {name} v0.{number}\n" for name in siblings)
        (Path(home) / "go.mod").write_text(
            f"module kube\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v{VERSION}\n\nreplace (\n{replaced})\n"
        )
        imports = "".join(f'\t_ "k8s.io/kubernetes/cmd/{name}"\n' for name in PROGRAMS)
        (Path(home) / "tools.go").write_text(f"//go:build tools\n\npackage kube\n\nimport (\n{imports})\n")
        tools.run(["go", "mod", "tidy"], cwd=home, env=environment)
        for name in names:
            print(f"compiling {name}", file=sys.stderr)
            source = f"k8s.io/kubernetes/cmd/{name}"
            tools.run(
                [*nice, "go", "build", "-trimpath", "-ldflags", flags, "-o", folder / name, source],
                cwd=home,
                env=environment,
            )
