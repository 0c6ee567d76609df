"""What all executables share: their flags, and the end of the process."""

import argparse
import sys
from pathlib import Path

from common import cargo, children
from common.missing import Missing
from common.progress import say


def parser(name, description, quick=None):
    """A parser with the flags of every bench."""
    made = argparse.ArgumentParser(
        prog=f"bench/{name}", description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--json", action="store_true", help="print one JSON object, no table")
    made.add_argument("--built", type=Path, metavar="DIR",
                      help="a directory of release builds (default: cargo build --release"
                           " --workspace --bins --examples)")
    made.add_argument("--work", metavar="DIR",
                      help="where the servers' data lie meanwhile (default /var/tmp)")
    made.add_argument("--keep", action="store_true",
                      help="keep that directory, with the logs of every process")
    return made


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


def run(main):
    """Runs `main`, stops all processes, and exits; `main` returns a Report and whether to print JSON."""
    children.leave_on_signals()
    try:
        report, as_json = main()
        report.print(as_json)
        sys.exit(1 if report.wrong else 0)
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, Missing) as error:
        say(f"error: {error}")
        sys.exit(2)
    finally:
        children.stop_all()
