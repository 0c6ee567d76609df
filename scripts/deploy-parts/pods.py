"""Pods as controllers would make them, judged by the pod security standard "restricted": by the code of Kubernetes
itself (podsecurity/), and for what goes beyond it here."""

import copy
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import tools
from places import CACHE

SOURCE = Path(__file__).resolve().parent / "podsecurity"


def spec_of(document):
    """The template of a pod, where the object has one: (metadata, spec)."""
    template, spec = document, document.get("spec") or {}
    for step in ("jobTemplate", "template"):
        if isinstance(spec, dict) and step in spec:
            template = spec[step]
            spec = template["spec"]
    return template.get("metadata", {}), spec


def of(documents, namespace):
    found = []
    for document in documents:
        metadata, spec = spec_of(document)
        if "containers" in spec:
            named = {**metadata, "name": document["metadata"]["name"], "namespace": namespace}
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": spec})
    return found


def changed(pod):
    """(what, the pod with it): each must be refused."""
    for change in ("root", "privileges", "capabilities", "a folder of the machine", "no seccomp profile"):
        wrong = copy.deepcopy(pod)
        spec, own = wrong["spec"], wrong["spec"]["containers"][0]["securityContext"]
        if change == "root":
            spec["securityContext"].update(runAsUser=0, runAsNonRoot=False)
            own["runAsNonRoot"] = False
        elif change == "privileges":
            own["allowPrivilegeEscalation"] = True
        elif change == "capabilities":
            own["capabilities"] = {"add": ["NET_ADMIN"]}
        elif change == "no seccomp profile":
            del spec["securityContext"]["seccompProfile"]
        else:
            spec["volumes"].append({"name": "machine", "hostPath": {"path": "/"}})
        yield change, wrong


def judge():
    """The program, compiled once from Go modules."""
    sources = b"".join((SOURCE / name).read_bytes() for name in ("main.go", "go.mod", "go.sum"))
    program = CACHE / f"podsecurity-{hashlib.sha256(sources).hexdigest()[:12]}"
    if not program.exists():
        if not shutil.which("go"):
            raise SystemExit("pod security is judged by a Go program: expected `go` on PATH, found none")
        environment = {**os.environ, "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
        tools.run(["go", "build", "-trimpath", "-o", program, "."], cwd=SOURCE, env=environment)
    return program


def refusals(pods):
    told = subprocess.run(
        [str(judge())], input=json.dumps(pods), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if told.returncode != 0:
        raise SystemExit(f"podsecurity: {told.stderr}")
    return json.loads(told.stdout)


def beyond(pod):
    """What "restricted" does not ask for: what is wrong, None where nothing is."""
    spec = pod["spec"]
    if spec["automountServiceAccountToken"] is not False:
        return "mounts a token of Kubernetes"
    for container in spec["containers"]:
        if not container["securityContext"].get("readOnlyRootFilesystem"):
            return "may write to its root file system"
        if "memory" not in container["resources"].get("limits", {}):
            return "has no limit of memory"
    return None


def check(documents):
    """How many pods are restricted; ends the check where one is not, or where a changed one is admitted."""
    found = of(documents, "prices")
    for pod, why in zip(found, refusals(found), strict=True):
        why = why or beyond(pod)
        if why:
            raise SystemExit(f"{pod['metadata']['name']} is not restricted: {why}")
    wrong = [(pod["metadata"]["name"], what, other) for pod in found for what, other in changed(pod)]
    for (name, what, _), why in zip(wrong, refusals([other for _, _, other in wrong]), strict=True):
        if not why:
            raise SystemExit(f"{name} with {what}: expected pod security to refuse it")
    return len(found), len(wrong)
