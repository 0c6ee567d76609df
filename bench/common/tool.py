"""Programs that do one thing and end."""

import subprocess
from pathlib import Path


def output(command, what=None, failure=RuntimeError, limit_s=None, **how):
    """What a program prints; raises `failure` with the end of its errors when it fails, under the
    name `what` (default: the program's)."""
    command = [str(part) for part in command]
    what = what or Path(command[0]).name
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=limit_s, **how)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise failure(f"{what}: {error}") from error
    if done.returncode != 0:
        raise failure(f"{what}: {(done.stderr.strip() or done.stdout.strip())[-800:]}")
    return done.stdout
