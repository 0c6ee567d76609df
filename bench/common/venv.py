"""Python packages from PyPI, in a virtual environment in the cache."""

import subprocess
import sys

from common import cache
from common.missing import Missing
from common.progress import going_on, say

# Longest a download may take, in seconds.
LIMIT_S = 1200


def python(name, requirements):
    """The interpreter of an environment that has `requirements` (with versions) installed.

    Raises Missing when pip cannot get them.
    """

    def make(path):
        say(f"installing {', '.join(requirements)} from PyPI, once")
        with going_on("pip install"):
            _run([sys.executable, "-m", "venv", path], requirements)
            _run(
                [path / "bin/python", "-m", "pip", "install", "--quiet",
                 "--disable-pip-version-check", *requirements],
                requirements,
            )

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = cache.digest(version, *requirements)
    return cache.directory(f"venv-{name}-{mark}", make) / "bin/python"


def _run(command, requirements):
    try:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{', '.join(requirements)} from PyPI: {error}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise Missing(f"{', '.join(requirements)} from PyPI: {' / '.join(said)}")
