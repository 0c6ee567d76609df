"""The Terraform module: its form everywhere, its meaning where the providers can be had."""

import os
import shutil
import subprocess

import tools
from places import CACHE, DEPLOY

MODULE = DEPLOY / "terraform"


def initialised(terraform, at, data):
    done = subprocess.run(
        [terraform, "init", "-backend=false", "-input=false", "-no-color", "-lockfile=readonly" if (at / ".terraform.lock.hcl").exists() else "-upgrade=false"],
        cwd=at, env={**os.environ, "TF_DATA_DIR": str(data)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
    )
    (at / ".terraform.lock.hcl").unlink(missing_ok=True)
    return done


def check():
    terraform = shutil.which("terraform") or shutil.which("tofu")
    if not terraform:
        tools.skip("deploy/terraform", "neither terraform nor tofu is installed")
        return
    tools.run([terraform, "fmt", "-check", "-recursive", "-diff", MODULE])
    print("terraform: fmt passed")
    for at in (MODULE, MODULE / "examples/managed"):
        named = at.relative_to(DEPLOY.parent)
        data = CACHE / "terraform" / at.name
        done = initialised(terraform, at, data)
        if done.returncode != 0:
            tools.skip(f"{named}: terraform validate and test", "its providers cannot be had: " + reason(done.stdout))
            continue
        environment = {**os.environ, "TF_DATA_DIR": str(data)}
        tools.run([terraform, "validate", "-no-color"], cwd=at, env=environment)
        print(f"terraform: {named}: validate passed")
        if (at / "tests").is_dir():
            told = tools.run([terraform, "test", "-no-color"], cwd=at, env=environment)
            print(f"terraform: {named}: test:", told.strip().splitlines()[-1])


def reason(text):
    lines = [line.strip(" │╷╵") for line in text.splitlines()]
    told = [line for line in lines if line.startswith(("Error", "Could not", "could not"))]
    return " ".join(told[:2]) or text.strip()[-200:]
