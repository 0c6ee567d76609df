"""What a release says, and how it asks other programs."""

import subprocess
import sys


def say(text):
    print(f"== {text}", flush=True)


def missing(what, why):
    print(f"!! NOT IN THIS RELEASE: {what}: {why}", file=sys.stderr, flush=True)


def run(command, **options):
    """Its standard output; ends the release with what it printed where it fails."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done.stdout
