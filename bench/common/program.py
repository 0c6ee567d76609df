"""What all benchmarks share: flags, programs, a directory for the run, and the result."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from common import children
from common.cache import REPOSITORY
from common.missing import Missing
from common.progress import going_on, say
from common.report import Report


class Parser(argparse.ArgumentParser):
    """The flags of every benchmark; --quick changes the defaults of `scaled` ones."""

    def __init__(self, description, quick=None):
        super().__init__(description=description, epilog="bench/README.md tells what is measured, and how.")
        self.prog = f"bench/{self.prog}"
        self._scaled = {}
        self.add_argument("--quick", action="store_true", help=quick)
        self.add_argument("--json", action="store_true", help="print one JSON object, no table")
        self.add_argument("--built", type=Path, metavar="DIR",
                          help="a directory of release builds (default: cargo build --release --workspace --bins"
                               " --examples)")
        self.add_argument("--work", metavar="DIR", default="/var/tmp",
                          help="where servers keep their data during a run (default /var/tmp)")
        self.add_argument("--keep", action="store_true", help="keep these, with the logs of every process")

    def scaled(self, flag, usual, quick, about, **how):
        """Adds a flag with a default for --quick."""
        text = f"{about} (default {_shown(usual)}; with --quick {_shown(quick)})"
        how.setdefault("type", type(usual))
        self._scaled[self.add_argument(flag, help=text, **how).dest] = usual, quick

    def only(self, known, default=None):
        """Adds --only, which chooses some of the known names."""
        self.add_argument("--only", metavar="NAMES", type=lambda text: _chosen(text, known),
                          default=list(default or known), help=f"some of {','.join(known)}")

    def settings(self, flag, of):
        """Adds a repeatable flag for settings of one of our programs."""
        self.add_argument(flag, action="append", default=[], type=_pair, metavar="SECTION.KEY=VALUE",
                          help=f"a setting of {of} (repeatable)")

    def parse_args(self, *arguments):
        args = super().parse_args(*arguments)
        for name, (usual, quick) in self._scaled.items():
            if getattr(args, name) is None:
                setattr(args, name, quick if args.quick else usual)
        return args


def _shown(value):
    if isinstance(value, (list, tuple)):
        return ",".join(map(_shown, value))
    return f"{value:,}" if isinstance(value, int) else f"{value:.2g}" if isinstance(value, float) else value


def _chosen(text, known):
    names = text.split(",")
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"takes some of {','.join(known)}, found '{','.join(unknown)}'")
    return names


def _pair(text):
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"takes NAME=VALUE, found '{text}'")
    return text


def count(text):
    """A number from 1, with or without separators."""
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("takes a number from 1")
    return number


def counts(text):
    """Different numbers from 1, separated by commas, rising."""
    return sorted({count(number) for number in text.split(",")})


def rates(text):
    """Numbers per second, separated by commas, rising; 0 stands for none."""
    return sorted(float(rate) for rate in text.split(",") if float(rate) > 0)


def target():
    """The directory of release builds; CARGO_TARGET_DIR is honoured."""
    found = children.output(["cargo", "metadata", "--format-version", "1", "--no-deps"], cwd=REPOSITORY)
    return Path(json.loads(found)["target_directory"]) / "release"


def _built(args, programs):
    """The directory of release builds, which has the programs."""
    # The whole workspace at once: features are then those of the users' own build, and nothing is compiled twice.
    command = ["cargo", "build", "--release", "--workspace", "--bins", "--examples"]
    if not args.built:
        say(" ".join(command))
        with going_on("cargo builds"):
            children.output(command, " ".join(command), cwd=REPOSITORY)
    directory = args.built.resolve() if args.built else target()
    for name in programs:
        if not (directory / name).exists():
            sys.exit(f"there is no {directory / name}: {' '.join(command)}")
    return directory


def prepared(systems, bed, report):
    """The systems that can be had; the others are missing in the result, with the reason."""
    for system in systems:
        try:
            system.prepare(bed)
        except Missing as reason:
            say(f"{system.name} is missing: {reason}")
            report.missing[system.name] = str(reason)
            continue
        report.systems[system.name] = system.described()
        yield system


def run(arguments, measure, *programs, result=Report):
    """Measures with the built `programs` in a directory for the run, prints the result, and exits.

    `arguments()` returns the parsed flags; `measure(args, built, directory, report)` fills the report.
    """
    children.leave_on_signals()
    try:
        args = arguments()
        report = result(Path(sys.argv[0]).name)
        built = _built(args, programs)
        # On a disk, where /tmp may be in memory.
        os.makedirs(args.work, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix="hedonic-bench-", dir=args.work))
        # The server's user is another where the bench runs as root.
        directory.chmod(0o755)
        try:
            measure(args, built, directory, report)
        finally:
            if args.keep:
                say(f"kept {directory}")
            else:
                shutil.rmtree(directory, ignore_errors=True)
        report.print(args.json)
        sys.exit(1 if report.wrong else 0)
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, Missing) as error:
        say(f"error: {error}")
        sys.exit(2)
    finally:
        children.stop_all()
