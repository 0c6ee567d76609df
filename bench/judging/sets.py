"""The data sets: where each lies, and its schema."""

import os
from pathlib import Path

from common import venv
from common.machine import REPOSITORY
from common.missing import Missing
from common.tool import output
from judging import packaged

PRICED = ("kc_house", "spb_flats", "used_cars")
SETS = (*PRICED, "wine")
# Shipped by packages on PyPI: no file is needed.
PACKAGED = tuple(packaged.SETS)
SCHEMAS = Path(__file__).resolve().parent / "schemas"


def add_flags(parser, names, default):
    """Flags that choose sets, of which `default` without any."""
    parser.set_defaults(all_sets=default)
    parser.add_argument("--sets", metavar="NAMES",
                        help=f"of {','.join((*names, *PACKAGED))} (default: {','.join(default)}; with --quick:"
                             f" {names[0]})")
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("HEDONIC_DATA_DIR"),
                        help="the directory of the sets' files (default: HEDONIC_DATA_DIR)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="another CSV, with --schema")
    parser.add_argument("--schema", type=Path, metavar="FILE", help="its schema")
    parser.add_argument("--seed", type=int, default=42)


def parsed(parser):
    """The arguments, which must name some set."""
    args = parser.parse_args()
    if bool(args.data) != bool(args.schema):
        parser.error("--data and --schema go together")
    args.sets = args.sets or ",".join(args.all_sets[:1] if args.quick else args.all_sets)
    return args


def sets(args, directory, report):
    """Name, file and schema of each set; with --quick of a quarter. One without a file is missing."""
    for name, data, schema in _chosen(args, directory):
        if not data.exists():
            report.missing[name] = f"there is no {data.name} in the data directory"
            continue
        yield name, _quarter(data, directory) if args.quick else data, schema


def _chosen(args, directory):
    if args.data:
        yield args.data.stem, args.data.resolve(), args.schema.resolve()
        return
    names = args.sets.split(",")
    made = [name for name in names if name in PACKAGED]
    if made:
        python = venv.python("packaged", packaged.NEEDED, packaged.REQUIREMENTS)
        output([python, packaged.__file__, directory, *made])
        for name in made:
            yield name, directory / f"{name}.csv", directory / f"{name}.toml"
    names = [name for name in names if name not in PACKAGED]
    if not names:
        return
    if not args.data_dir:
        raise Missing("the data sets: set HEDONIC_DATA_DIR to their directory, or give --data")
    home = Path(args.data_dir).resolve()
    for name in names:
        if name == "wine":
            yield name, _wines(home, directory), REPOSITORY / "schemas" / "wine.toml"
        else:
            yield name, home / f"{name}.csv", SCHEMAS / f"{name}.toml"


def _quarter(data, directory):
    to = directory / f"quarter-{data.name}"
    with open(data, encoding="utf-8") as lines, open(to, "w", encoding="utf-8") as out:
        out.write(next(lines))
        out.writelines(line for number, line in enumerate(lines) if number % 4 == 0)
    return to


def _wines(home, directory):
    """Both colours in one file, as docs/recipes/wine.md makes it; what is not there is not made."""
    fields = ("id,colour,fixed_acidity,volatile_acidity,citric_acid,residual_sugar,chlorides,"
              "free_sulfur_dioxide,total_sulfur_dioxide,density,ph,sulphates,alcohol,quality")
    lines = [fields]
    for colour in ("red", "white"):
        file = home / f"winequality-{colour}.csv"
        if not file.exists():
            return file
        for line in file.read_text().splitlines():
            lines.append(f"w{len(lines)},{colour},{line}")
    made = directory / "wine.csv"
    made.write_text("\n".join(lines) + "\n")
    return made
