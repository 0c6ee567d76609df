"""Eighteen kinds of file as people have them, made anew; the test `model-prepare/tests/kinds_of_file`
makes the same kinds."""

import json

ROWS = 600
CITIES = ("Kazan", "Perm", "Ufa")
CHANCE = (3, 17, 8, 29, 11, 23, 5)


def price(row):
    """A price that rooms, an area and chance make: nothing tells it alone."""
    return (1_200_000 + row * 37 % 90 * 4_000 + row % 4 * 50_000
            + CHANCE[row * row % 7] * 10_000)


def city(row):
    return CITIES[row % 3]


def grouped(number, mark):
    return f"{number:,}".replace(",", mark)


def text(header, line):
    return "\n".join([*([header] if header else []), *map(line, range(ROWS))]) + "\n"


def with_price(cell):
    """A file of semicolons whose prices are written by `cell`."""
    return text("id;city;price", lambda row: f"a{row};{city(row)};{cell(row)}")


def persian(number):
    return "".join(chr(0x06F0 + int(digit)) for digit in str(number)) + " تومان"


def plain(row, mark):
    return mark.join((f"a{row}", city(row), str(price(row))))


def in_words(row):
    size = ("2 BHK", "4 Bedroom", "3 BHK")[row % 3]
    lease = "61 years" if row % 4 == 0 else f"{60 + row % 9} years 0{row % 9} months"
    return f"a{row},{size},{lease},{('01 TO 03', '04 TO 06')[row % 2]},{price(row)}"


def with_gaps(row):
    lot = "N/A" if row % 3 == 0 else f"{row % 70}.5"
    built = "N/A" if row % 5 == 0 else f"{row % 28 + 1}/11/2024"
    return f"a{row},{lot},{built},{city(row)},{price(row)}"


def with_leak(row):
    area = 30 + row * 7 % 60
    return f"a{row},{area},{city(row)},{price(row)},{price(row) / area:.2f},{price(row) // 90}"


def with_capitals(row):
    building = "" if row % 3 == 0 else str(50 + row % 60)
    return (f"S{row % 5},{row % 4 + 1},{price(row)},{row % 28 + 1}/12/2016,{row % 4},"
            f"{100 + row % 90},{building}")


def without_header(row):
    return f"a{row},{row % 28 + 1}/11/2024,{city(row)},{price(row)}"


def record(row):
    return json.dumps({"id": row, "city": city(row), "price": price(row)})


def cyrillic():
    def line(row):
        return f"н{row};{('Казань', 'Пермь')[row % 2]};{price(row)}"

    return text("Номер;Город;Цена", line)


def separated(row):
    return f"{grouped(price(row), ' ')};{row % 28 + 1:02}.02.2018;{40 + row % 70},6"


def dated(row):
    return (f"a{row},2024-01-{row % 28 + 1:02},{city(row)},{30 + row * 7 % 60},{price(row)}")


def made():
    """Of each kind its name, the file's name, its bytes, and the flags that a user must give."""
    semicolons = {
        "dots and €": lambda row: f"{grouped(price(row), '.')} €",
        "hard spaces and ₽": lambda row: f"{grouped(price(row), chr(0xA0))} ₽",
        "apostrophes behind CHF": lambda row: f"CHF {grouped(price(row), chr(39))}",
        "commas between thousands": lambda row: grouped(price(row), ","),
        "a decimal comma": lambda row: f"{price(row)},00",
        "thousands as K": lambda row: f"${price(row) // 1000}K",
        "Persian digits": lambda row: persian(price(row)),
    }
    yield ("plain numbers and ISO days", "homes.csv",
           text("id,listed,city,area,price", dated).encode(), ())
    for kind, cell in semicolons.items():
        yield kind, "homes.csv", with_price(cell).encode(), ()
    yield ("rooms, leases and storeys in words", "homes.csv",
           text("id,size,lease,storey,price", in_words).encode(), ())
    yield ("marks of no value, and days before months", "homes.csv",
           text("id,lot,built,city,price", with_gaps).encode(), ())
    yield ("columns that tell the price", "homes.csv",
           text("id,area,city,price,price_per_m2,price_usd", with_leak).encode(), ())
    yield ("no header", "homes.csv", text("", without_header).encode(),
           ("--columns", "id,day,city,price"))
    yield ("capitals, gaps and swapped roles", "homes.csv",
           text("Suburb,Rooms,Price,Date,Bedroom2,Landsize,BuildingArea", with_capitals).encode(),
           ())
    yield ("Excel's separator line, decimal commas", "homes.csv",
           text("sep=;\nprice;published;area", separated).encode(), ())
    yield "tabs", "homes.tsv", text("id\tcity\tprice", lambda row: plain(row, "\t")).encode(), ()
    yield "lines of JSON", "homes.jsonl", "\n".join(map(record, range(ROWS))).encode(), ()
    yield ("UTF-16", "homes.csv",
           text("id;city;price", lambda row: plain(row, ";")).encode("utf-16"), ())
    yield "windows-1251", "дома.csv", cyrillic().encode("cp1251"), ()
