"""Virtual environments of Python in the cache: that of the benchmarks, and those of peers."""

import os
import sys

from common import cache, children
from common.missing import Missing
from common.progress import going_on, say

# Longest a download may take, in seconds.
LIMIT_S = 1800


def python(name, requirements):
    """The interpreter of an environment with `requirements`; raises Missing when pip cannot get them."""

    def make(path):
        what = f"{', '.join(requirements)} from PyPI"
        say(f"installing {what}, once")
        pip = [path / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        with going_on("pip install"):
            for command in ([sys.executable, "-m", "venv", path], pip):
                children.output(command, what, Missing, LIMIT_S)

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = cache.digest(version, *requirements)
    return cache.directory(f"venv-{name}-{mark}", make) / "bin/python"


def own():
    """The packages of requirements.txt, by name."""
    lines = (cache.BENCH / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    return {pin.split("==")[0].split("[")[0]: pin for pin in pins}


def enter():
    """Runs this program again in the benchmarks' environment, if it runs in another."""
    try:
        interpreter = python("bench", tuple(own().values()))
    except Missing as reason:
        sys.exit(f"error: {reason}")
    if sys.prefix != str(interpreter.parent.parent):
        os.execv(interpreter, [str(interpreter), *sys.orig_argv[1:]])
