"""Container images of the services, by the Dockerfile: built, and tried without a network."""

import shutil
import subprocess

from programs import SERVICES, expected_line
from said import missing, run, say

# What each service prints where the image has the optional feature, for wrong settings that need it.
BUCKET = (["HEDONIC__REGISTRY__BUCKET=models"], "expected s3://BUCKET")
PROPERTIES = "HEDONIC__KAFKA__PROPERTIES__"
TLS = ([f"{PROPERTIES}SECURITY_PROTOCOL=ssl", f"{PROPERTIES}SSL_CA_LOCATION=/missing.pem"], "ssl.ca.location failed")
FEATURES = {
    "producer-emulator": (["--check"], [TLS]),
    "crawler": (["--check"], [TLS]),
    "data-loader": (["--check"], [TLS]),
    "model-prepare": (["versions"], [BUCKET]),
    "model-application": (["--check"], [TLS, BUCKET]),
}


def engine():
    """Docker's client, if an engine answers it."""
    docker = shutil.which("docker")
    if docker:
        asked = subprocess.run([docker, "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if asked.returncode == 0:
            return docker
    missing("container images", "no Docker engine answers here; `docker build --target SERVICE` on a machine with one")
    return None


def tag(service, version):
    return f"hedonic-{service}:{version}"


def build(version):
    """One image a service: lines of its id and tag. None without an engine; needs the base images."""
    docker = engine()
    if not docker:
        return None
    lines = []
    revision = run(["git", "rev-parse", "HEAD"]).strip()
    for service in SERVICES:
        name = tag(service, version)
        say(f"building the image {name}")
        run([
            docker, "build", "--target", service, "--tag", name, "--build-arg", f"VERSION={version}",
            "--build-arg", f"REVISION={revision}", "--build-arg", f"HEDONIC_COMMIT={revision}", ".",
        ])  # fmt: skip
        lines.append(f"{inspected(docker, name, '{{.Id}}')}  {name}")
    return "\n".join(lines) + "\n"


def inspected(docker, name, form):
    return run([docker, "image", "inspect", "--format", form, name]).strip()


def check(version):
    """Labels, user, version, commit and optional features of all images."""
    docker = engine()
    if not docker:
        return
    revision = run(["git", "rev-parse", "HEAD"]).strip()
    sizes = []
    for service in SERVICES:
        name = tag(service, version)
        label = '{{index .Config.Labels "org.opencontainers.image.%s"}}'
        same(name, "version", version, inspected(docker, name, label % "version"))
        same(name, "revision", revision, inspected(docker, name, label % "revision"))
        same(name, "user", "10001:10001", inspected(docker, name, "{{.Config.User}}"))
        within = [docker, "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL"]
        same(name, "--version", expected_line(service, version, revision), run([*within, name, "--version"]).strip())
        arguments, features = FEATURES[service]
        for settings, expected in features:
            given = [f"--env={setting}" for setting in settings]
            done = subprocess.run(
                [*within, *given, name, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
            )
            if done.returncode == 0 or expected not in done.stdout:
                raise SystemExit(f"{name} with {settings}: expected {expected!r} and a failure, got:\n{done.stdout}")
        sizes.append(f"{service} {int(inspected(docker, name, '{{.Size}}')) / 1e6:.0f} MB")
    say(f"the images start, with S3 and TLS to Kafka: {', '.join(sizes)}")


def same(name, what, expected, found):
    if found != expected:
        raise SystemExit(f"{name}: expected {what} {expected}, found {found}")
