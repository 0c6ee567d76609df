"""Programs and files that the checks need: of the machine where it has them, else fetched into the cache."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

from places import CACHE

# Helm as a library, and the schemas of Kubernetes. Pinned.
PACKAGES = ["helm-python-sdk==0.2.2", "kubernetes-validate==1.37.0", "PyYAML==6.0.4"]
# Custom resources: the Go module, the file in it, its SHA-256.
KEDA = "github.com/kedacore/keda/v2@v2.17.2"
OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
CUSTOM = [
    (
        KEDA,
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "e0975e421cc9ff171ffd374057afd1507d9355cf6de590844a843ab4ae664416",
    ),
    (
        KEDA,
        "config/crd/bases/keda.sh_triggerauthentications.yaml",
        "df45be8c7e07afed6c3f3eeb17db38d92f3123f550b215944e730370c2ac908f",
    ),
    (
        OPERATOR,
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "1dae27b7189b5ce7b9ab764656c18b4c75a45cde1e6f3af6a5e84c4317628919",
    ),
    (
        OPERATOR,
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        "98fd16c9ab79fba8dcd6ef62c957c98cd6546ab74ce0a4ecf09ddf2fda03020e",
    ),
]


def run(command, **options):
    """Its standard output; ends the check with what it printed where it fails."""
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(str(part) for part in command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def skip(what, why):
    print(f"!! NOT CHECKED: {what}: {why}", file=sys.stderr)


def venv_python():
    """The Python that has the packages."""
    mark = hashlib.sha256("\n".join(PACKAGES).encode()).hexdigest()[:12]
    home = CACHE / f"venv-{mark}"
    python = home / "bin/python"
    if not (home / "ready").exists():
        run([sys.executable, "-m", "venv", home])
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES])
        (home / "ready").touch()
    return python


def in_venv(arguments):
    """Starts this program again with that Python."""
    if os.environ.get("HEDONIC_DEPLOY_VENV"):
        return
    python = venv_python()
    os.execve(python, [str(python), *arguments], {**os.environ, "HEDONIC_DEPLOY_VENV": "1"})


def custom_resources():
    """Paths of the definitions of the custom resources that the chart makes."""
    paths = []
    for module, inside, digest in CUSTOM:
        path = CACHE / "crds" / inside.rsplit("/", 1)[1]
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            found = from_module(module, inside)
            if hashlib.sha256(found).hexdigest() != digest:
                raise SystemExit(f"{inside} of {module} has another SHA-256 than the one pinned in tools.py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(found)
        paths.append(path)
    return paths


def from_module(module, inside):
    if not shutil.which("go"):
        raise SystemExit(
            f"{inside} comes with the Go module {module}: expected `go` on PATH, found none; install Go 1.21 or later"
        )
    # A version without a module around it; go itself compares it with the sums that everybody gets.
    told = run(["go", "mod", "download", "-json", module], cwd="/", env={**os.environ, "GOFLAGS": "-mod=mod"})
    directory = json.loads(told)["Dir"]
    with open(f"{directory}/{inside}", "rb") as file:
        return file.read()


def promtool():
    """promtool of PATH, else of Debian's package `prometheus`, unpacked and not installed; None where there is none."""
    found = shutil.which("promtool")
    if found:
        return found
    home = CACHE / "prometheus"
    program = home / "usr/bin/promtool"
    if not program.exists():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            return None
        home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["apt-get", "download", "-q", "prometheus"], cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if done.returncode != 0 and os.getuid() == 0:
            # Lists of packages that are old or not there.
            subprocess.run(["apt-get", "update", "-qq"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run(
                ["apt-get", "download", "-q", "prometheus"],
                cwd=home,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        for package in home.glob("prometheus_*.deb"):
            run(["dpkg-deb", "--extract", package, home])
            package.unlink()
    return program if program.exists() else None
