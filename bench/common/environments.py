"""Virtual environments of Python in the cache: that of the benchmarks, and those of peers."""

import os
import sys

from common import cache, children
from common.missing import Missing
from common.progress import going_on, say

# Longest a download may take, in seconds.
LIMIT_S = 1800


def python(name, requirements, alone=()):
    """The interpreter of an environment with `requirements`, and with `alone` without what they depend on.

    Raises Missing when pip cannot get them.
    """

    def make(path):
        what = f"{', '.join((*requirements, *alone))} from PyPI"
        say(f"installing {what}, once")
        pip = [path / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        commands = [[sys.executable, "-m", "venv", path], [*pip, *requirements]]
        if alone:
            commands.append([*pip, "--no-deps", *alone])
        with going_on("pip install"):
            for command in commands:
                children.output(command, what, Missing, LIMIT_S)

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = cache.digest(version, *requirements, *alone)
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
