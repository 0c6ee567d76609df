"""Our own programs: the services that are measured, and what measures them."""

import sys
from dataclasses import dataclass
from pathlib import Path

from common import cargo


@dataclass
class Tools:
    """Where each of them lies."""

    applier: Path
    prepare: Path
    # Starts a private PostgreSQL.
    postgres: Path
    # Sends requests and measures answers.
    load: Path
    # The limits.
    echo: Path
    constant: Path


def tools(built=None, applier=None):
    """Those below `built`, a directory of release builds (default: built now by cargo).

    `applier` is another model-application, with model-prepare beside it.
    """
    directory = Path(built).resolve() if built else cargo.build()
    services = Path(applier).resolve().parent if applier else directory
    found = Tools(
        applier=services / "model-application",
        prepare=services / "model-prepare",
        postgres=directory / "examples" / "postgres",
        load=directory / "load",
        echo=directory / "echo",
        constant=directory / "constant",
    )
    for path in vars(found).values():
        if not path.exists():
            sys.exit(f"there is no {path}: cargo build --release --workspace --bins --examples")
    return found
