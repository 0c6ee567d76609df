"""Where the servers' data lie while a bench runs: on a disk, reachable by PostgreSQL's user."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from common.progress import say


@contextlib.contextmanager
def workplace(chosen=None, keep=False):
    """A fresh directory below `chosen` (default /var/tmp, which is on a disk where /tmp may be in
    memory), removed at the end unless it is to be kept."""
    base = chosen or ("/var/tmp" if Path("/var/tmp").is_dir() else tempfile.gettempdir())
    os.makedirs(base, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="hedonic-bench-", dir=base))
    # The server's user is another where the bench runs as root.
    path.chmod(0o755)
    try:
        yield path
    finally:
        if keep:
            say(f"kept {path}")
        else:
            shutil.rmtree(path, ignore_errors=True)
