"""What is fetched or made once and kept between runs.

Lies in HEDONIC_BENCH_CACHE, else in `bench/.cache`; deleting it is always allowed.
"""

import fcntl
import hashlib
import os
import shutil
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
REPOSITORY = BENCH.parent


def root():
    """The cache's directory, made if it is not there."""
    path = Path(os.environ.get("HEDONIC_BENCH_CACHE") or BENCH / ".cache").resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(*parts):
    """A short name for what the parts (texts or files) determine."""
    state = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()[:12]


def directory(name, make):
    """The directory `name` of the cache, filled by `make(path)` the first time.

    Only a directory that was filled to its end counts; two runs do not fill it at once.
    """
    path = root() / name
    whole = path / ".whole"
    if whole.exists():
        return path
    with open(root() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
            make(path)
            whole.touch()
    return path
