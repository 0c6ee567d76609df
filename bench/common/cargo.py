"""Our own programs, built as users build them."""

import json
from pathlib import Path

from common.machine import REPOSITORY
from common.progress import going_on, say
from common.tool import output


def target():
    """The directory of release builds; CARGO_TARGET_DIR is honoured."""
    found = output(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=REPOSITORY)
    return Path(json.loads(found)["target_directory"]) / "release"


def build():
    """Builds all programs and examples; the directory they lie in.

    The whole workspace at once: features are then those of the users' own build, and nothing is
    compiled twice.
    """
    command = ["cargo", "build", "--release", "--workspace", "--bins", "--examples"]
    say(" ".join(command))
    with going_on("cargo builds"):
        output(command, " ".join(command), cwd=REPOSITORY)
    return target()
