"""The data sets: where each lies, and its schema."""

import os
from pathlib import Path

from common.cache import REPOSITORY
from common.missing import Missing
from judging import packaged

PRICED = ("kc_house", "spb_flats", "used_cars")
SETS = (*PRICED, "wine")
ALL = (*SETS, *packaged.SETS)
SCHEMAS = Path(__file__).resolve().parent / "schemas"


def add_flags(parser, default):
    """Flags that choose sets, of which `default` without any."""
    parser.scaled("--sets", ",".join(default), default[0], f"all, or some of {','.join(ALL)}", metavar="NAMES")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("HEDONIC_DATA_DIR"),
                        help="the directory of the sets' files (default: HEDONIC_DATA_DIR)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="another CSV, with --schema")
    parser.add_argument("--schema", type=Path, metavar="FILE", help="its schema")


def sets(args, directory, report):
    """Name, file and schema of each set; with --quick of a quarter. One without a file is missing."""
    if bool(args.data) != bool(args.schema):
        raise RuntimeError("--data and --schema go together")
    for name, data, schema in _chosen(args, directory):
        if not data.exists():
            report.missing[name] = f"there is no {data.name} in the data directory"
            continue
        yield name, _quarter(data, directory) if args.quick else data, schema


def _chosen(args, directory):
    if args.data:
        yield args.data.stem, args.data.resolve(), args.schema.resolve()
        return
    for name in ALL if args.sets == "all" else args.sets.split(","):
        if name in packaged.SETS:
            packaged.make(directory, name)
            yield name, directory / f"{name}.csv", directory / f"{name}.toml"
        elif name not in SETS:
            raise RuntimeError(f"--sets takes some of {','.join(ALL)}, found '{name}'")
        elif not args.data_dir:
            raise Missing("the data sets: set HEDONIC_DATA_DIR to their directory, or give --data")
        elif name == "wine":
            yield name, _wines(Path(args.data_dir), directory), REPOSITORY / "schemas" / "wine.toml"
        else:
            yield name, Path(args.data_dir).resolve() / f"{name}.csv", SCHEMAS / f"{name}.toml"


def _quarter(data, directory):
    to = directory / f"quarter-{data.name}"
    with open(data, encoding="utf-8") as lines, open(to, "w", encoding="utf-8") as out:
        out.write(next(lines))
        out.writelines(line for number, line in enumerate(lines) if number % 4 == 0)
    return to


def _wines(home, directory):
    """Both colours in one file, as docs/recipes/wine.md makes it; what is not there is not made."""
    lines = ["id,colour,fixed_acidity,volatile_acidity,citric_acid,residual_sugar,chlorides,free_sulfur_dioxide,"
             "total_sulfur_dioxide,density,ph,sulphates,alcohol,quality"]
    for colour in ("red", "white"):
        file = home / f"winequality-{colour}.csv"
        if not file.exists():
            return file
        for line in file.read_text().splitlines():
            lines.append(f"w{len(lines)},{colour},{line}")
    made = directory / "wine.csv"
    made.write_text("\n".join(lines) + "\n")
    return made
