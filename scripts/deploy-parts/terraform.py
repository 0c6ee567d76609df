"""The Terraform module: its form and its arithmetic everywhere, the rest where the providers can be had."""

import json
import os
import shutil
import subprocess
import tempfile

import chart
import tools
from places import DEPLOY

MODULE = DEPLOY / "terraform"
# Given to the module, whose values the chart must take.
GIVEN = {
    "image": {"registry": "registry.example/team"},
    "kafka": {"brokers": "a:9093", "secret_properties": {"sasl.password": "p"}, "ca_certificate": "PEM"},
    "database": {"url": "postgres://u:p@db/hedonic", "ssl_mode": "verify-full", "ca_certificate": "PEM"},
    "registry": {"bucket": "s3://models", "credentials": {"AWS_ACCESS_KEY_ID": "a"}},
    "http_token": "t",
    "settings": {"loader": {"batch_rows": 10000}},
}


class Terraform:
    """One module, with its working files elsewhere."""

    def __init__(self, program, at, home):
        self.program, self.at = program, at
        # No settings of whoever runs this.
        self.environment = {**os.environ, "TF_DATA_DIR": f"{home}/data", "TF_CLI_CONFIG_FILE": os.devnull}

    def run(self, *arguments):
        return tools.run([self.program, *arguments], cwd=self.at, env=self.environment)

    def init(self):
        """What hinders; empty where nothing does."""
        lock = self.at / ".terraform.lock.hcl"
        was_there = lock.exists()
        done = subprocess.run(
            [self.program, "init", "-backend=false", "-input=false", "-no-color"], cwd=self.at, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        )  # fmt: skip
        if not was_there:
            lock.unlink(missing_ok=True)
        return "" if done.returncode == 0 else reason(done.stdout)


def check():
    program = shutil.which("terraform") or shutil.which("tofu")
    if not program:
        tools.skip("deploy/terraform", "neither terraform nor tofu is installed")
        return
    tools.run(
        [program, "fmt", "-check", "-recursive", "-diff", MODULE], env={**os.environ, "TF_CLI_CONFIG_FILE": os.devnull}
    )
    print("terraform: fmt passed")
    for at, needs_providers in ((MODULE / "values", False), (MODULE, True), (MODULE / "examples/managed", True)):
        named = at.relative_to(DEPLOY.parent)
        with tempfile.TemporaryDirectory() as home:
            module = Terraform(program, at, home)
            hindered = module.init()
            if hindered and needs_providers:
                tools.skip(f"{named}: terraform validate and test", f"its providers cannot be had: {hindered}")
                continue
            if hindered:
                raise SystemExit(f"terraform init in {named}: {hindered}")
            module.run("validate", "-no-color")
            print(f"terraform: {named}: validate passed")
            if (at / "tests").is_dir():
                print(f"terraform: {named}: test:", module.run("test", "-no-color").strip().splitlines()[-1])
            if not needs_providers:
                rendered(module, home)


def rendered(module, home):
    """The chart takes the values that the module makes."""
    with open(f"{home}/given.tfvars.json", "w") as file:
        json.dump(GIVEN, file)
    module.run(
        "plan",
        "-no-color",
        "-input=false",
        f"-state={home}/state",
        f"-var-file={home}/given.tfvars.json",
        f"-out={home}/plan",
    )
    planned = json.loads(module.run("show", "-json", f"{home}/plan"))["planned_values"]["outputs"]
    documents = chart.render(planned["values"]["value"])
    print(f"terraform: the chart takes the module's values: {len(documents)} objects")


def reason(text):
    lines = [line.strip(" │╷╵") for line in text.splitlines()]
    told = [line for line in lines if line.startswith(("Error", "Could not", "could not"))]
    return " ".join(told[:2]) or text.strip()[-200:]
