"""Our own programs, built as users build them."""

import json
import os
import subprocess
from pathlib import Path

from common.machine import REPOSITORY
from common.progress import going_on, say


def target():
    """The directory of release builds; CARGO_TARGET_DIR is honoured."""
    done = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"],
        cwd=REPOSITORY, capture_output=True, text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"cargo metadata: {done.stderr.strip()[-800:]}")
    return Path(json.loads(done.stdout)["target_directory"]) / "release"


def build():
    """Builds all programs and examples; the directory they lie in.

    The whole workspace at once: features are then those of the users' own build, and nothing is
    compiled twice.
    """
    command = ["cargo", "build", "--release", "--workspace", "--bins", "--examples"]
    say(" ".join(command))
    with going_on("cargo builds"):
        done = subprocess.run(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ,
        )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}")
    return target()
