"""Python packages from PyPI, in a virtual environment in the cache."""

import sys

from common import cache
from common.missing import Missing
from common.progress import going_on, say
from common.tool import output

# Longest a download may take, in seconds.
LIMIT_S = 1200


def python(name, requirements, alone=()):
    """The interpreter of an environment that has `requirements` (with versions) installed, and `alone`
    without what they depend on.

    Raises Missing when pip cannot get them.
    """

    def make(path):
        what = f"{', '.join((*requirements, *alone))} from PyPI"
        say(f"installing {what}, once")
        pip = [path / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        with going_on("pip install"):
            output([sys.executable, "-m", "venv", path], what, Missing, LIMIT_S)
            output([*pip, *requirements], what, Missing, LIMIT_S)
            if alone:
                output([*pip, "--no-deps", *alone], what, Missing, LIMIT_S)

    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = cache.digest(version, *requirements, *alone)
    return cache.directory(f"venv-{name}-{mark}", make) / "bin/python"
