"""What all benchmarks share: flags, programs, a directory for the run, and the result."""

import argparse
import sys
from pathlib import Path

from common import cargo, children
from common.missing import Missing
from common.progress import say
from common.report import Report
from common.workplace import workplace


class Parser(argparse.ArgumentParser):
    """The flags of every benchmark; --quick changes the defaults of `scaled` ones."""

    def __init__(self, description, quick=None):
        super().__init__(description=description,
                         formatter_class=argparse.RawDescriptionHelpFormatter)
        self.prog = f"bench/{self.prog}"
        self._scaled = {}
        self.add_argument("--quick", action="store_true", help=quick)
        self.add_argument("--json", action="store_true", help="print one JSON object, no table")
        self.add_argument("--built", type=Path, metavar="DIR",
                          help="a directory of release builds (default: cargo build --release"
                               " --workspace --bins --examples)")
        self.add_argument("--work", metavar="DIR",
                          help="where servers keep their data during a run (default /var/tmp)")
        self.add_argument("--keep", action="store_true",
                          help="keep that directory, with the logs of every process")

    def scaled(self, flag, usual, quick, about, **how):
        """Adds a flag with a default for --quick."""
        dest = self.add_argument(flag, help=f"{about} (default {_shown(usual)}; with --quick"
                                 f" {_shown(quick)})", **how).dest
        self._scaled[dest] = usual, quick

    def parse_args(self, *arguments):
        args = super().parse_args(*arguments)
        for name, (usual, quick) in self._scaled.items():
            if getattr(args, name) is None:
                setattr(args, name, quick if args.quick else usual)
        return args


def _shown(value):
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.2g}"


def count(text):
    """A number from 1, with or without separators."""
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("takes a number from 1")
    return number


def pair(text):
    """NAME=VALUE, unchanged."""
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"takes NAME=VALUE, found '{text}'")
    return text


def settings(made, flag, of):
    """Adds a repeatable flag for settings of one of our services."""
    made.add_argument(flag, action="append", default=[], type=pair, metavar="SECTION.KEY=VALUE",
                      help=f"a setting of {of} (repeatable)")


def only(made, text, known, kinds=None):
    """The names that --only chooses of those that are known; `kinds` stand for several."""
    chosen = []
    for name in (name.strip() for name in text.split(",") if name.strip()):
        chosen.extend((kinds or {}).get(name, (name,)))
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        every = ",".join((*(kinds or ()), *known))
        made.error(f"--only takes some of {every}, not '{','.join(unknown)}'")
    return chosen


def built(args, *names):
    """The directory of release builds, which has the programs `names`."""
    directory = args.built.resolve() if args.built else cargo.build()
    for name in names:
        if not (directory / name).exists():
            sys.exit(f"there is no {directory / name}:"
                     " cargo build --release --workspace --bins --examples")
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
        directory_of_builds = built(args, *programs)
        with workplace(args.work, args.keep) as directory:
            measure(args, directory_of_builds, directory, report)
        report.print(args.json)
        sys.exit(1 if report.wrong else 0)
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, Missing) as error:
        say(f"error: {error}")
        sys.exit(2)
    finally:
        children.stop_all()
