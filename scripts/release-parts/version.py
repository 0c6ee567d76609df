"""One version, said in several places."""

import re
import tomllib
from pathlib import Path

from said import run

ROOT = Path(__file__).resolve().parent.parent.parent
FORM = re.compile(r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$")


def places():
    """Where the version stands, with what stands there."""
    chart = (ROOT / "deploy/helm/hedonic/Chart.yaml").read_text()
    yield "Cargo.toml", tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    yield "python/Cargo.toml", tomllib.loads((ROOT / "python/Cargo.toml").read_text())["package"]["version"]
    for key in ("version", "appVersion"):
        yield f"Chart.yaml: {key}", re.search(rf'^{key}: "?([^"\n]+)"?$', chart, re.M).group(1)


def check(version, unfinished):
    if not FORM.match(version):
        raise SystemExit(f"{version}: expected a semantic version such as 1.2.3 or 1.2.3-rc.1")
    other = [f"{place} says {found}" for place, found in places() if found != version]
    if other:
        raise SystemExit(f"expected {version} everywhere, but {'; '.join(other)}: change these first")
    if unfinished:
        return
    changes(version)
    changed = run(["git", "status", "--porcelain"]).strip()
    if changed:
        raise SystemExit(
            f"expected a tree without changes, found:\n{changed}\ncommit them, or give --unfinished to try"
        )


def changes(version):
    """The changelog's section of a version; before it has one, what is unreleased."""
    text = (ROOT / "CHANGELOG.md").read_text()
    sections = re.split(r"^## ", text, flags=re.M)[1:]
    for section in sections:
        title = section.splitlines()[0].strip()
        if title.split(" ")[0].strip("[]") == version:
            return "# " + section.strip() + "\n"
    unreleased = next((section for section in sections if section.startswith("Unreleased")), None)
    if unreleased is None or not in_progress(version):
        raise SystemExit(f"CHANGELOG.md: expected a section `## {version}`, found none: name it so, with its date")
    return "# " + unreleased.strip() + "\n"


def in_progress(version):
    """Whether no tag has this version yet."""
    return not run(["git", "tag", "--list", f"v{version}"]).strip()
