"""Eighteen kinds of file as people have them, made anew; the test `model-prepare/tests/kinds_of_file` makes the same
kinds."""

import json

ROWS = 600
CITIES = ("Kazan", "Perm", "Ufa")
CHANCE = (3, 17, 8, 29, 11, 23, 5)


def price(row):
    """A price that rooms, an area and chance make: nothing tells it alone."""
    return 1_200_000 + row * 37 % 90 * 4_000 + row % 4 * 50_000 + CHANCE[row * row % 7] * 10_000


def grouped(number, mark):
    return f"{number:,}".replace(",", mark)


def persian(number):
    return "".join(chr(0x06F0 + int(digit)) for digit in str(number)) + " تومان"


# How a price is written in a file of semicolons.
PRICES = {
    "dots and €": lambda price: f"{grouped(price, '.')} €",
    "hard spaces and ₽": lambda price: f"{grouped(price, chr(0xA0))} ₽",
    "apostrophes behind CHF": lambda price: f"CHF {grouped(price, chr(39))}",
    "commas between thousands": lambda price: grouped(price, ","),
    "a decimal comma": lambda price: f"{price},00",
    "thousands as K": lambda price: f"${price // 1000}K",
    "Persian digits": persian,
}


def dated(row):
    return f"a{row}", f"2024-01-{row % 28 + 1:02}", CITIES[row % 3], 30 + row * 7 % 60, price(row)


def in_words(row):
    size = ("2 BHK", "4 Bedroom", "3 BHK")[row % 3]
    lease = "61 years" if row % 4 == 0 else f"{60 + row % 9} years 0{row % 9} months"
    return f"a{row}", size, lease, ("01 TO 03", "04 TO 06")[row % 2], price(row)


def with_gaps(row):
    lot = "N/A" if row % 3 == 0 else f"{row % 70}.5"
    built = "N/A" if row % 5 == 0 else f"{row % 28 + 1}/11/2024"
    return f"a{row}", lot, built, CITIES[row % 3], price(row)


def with_leak(row):
    area = 30 + row * 7 % 60
    return f"a{row}", area, CITIES[row % 3], price(row), f"{price(row) / area:.2f}", price(row) // 90


def with_capitals(row):
    building = "" if row % 3 == 0 else 50 + row % 60
    return f"S{row % 5}", row % 4 + 1, price(row), f"{row % 28 + 1}/12/2016", row % 4, 100 + row % 90, building


def without_header(row):
    return f"a{row}", f"{row % 28 + 1}/11/2024", CITIES[row % 3], price(row)


def separated(row):
    return grouped(price(row), " "), f"{row % 28 + 1:02}.02.2018", f"{40 + row % 70},6"


def plain(row):
    return f"a{row}", CITIES[row % 3], price(row)


def cyrillic(row):
    return f"н{row}", ("Казань", "Пермь")[row % 2], price(row)


def made():
    """Of each kind its name, the file's name, its bytes, and the flags that a user must give."""
    def table(kind, header, line, mark=",", file="homes.csv", encoding="utf-8", flags=()):
        lines = [*([header] if header else []), *(mark.join(map(str, line(row))) for row in range(ROWS))]
        return kind, file, ("\n".join(lines) + "\n").encode(encoding), flags

    yield table("plain numbers and ISO days", "id,listed,city,area,price", dated)
    for kind, cell in PRICES.items():
        yield table(kind, "id;city;price", lambda row: (*plain(row)[:2], cell(price(row))), ";")
    yield table("rooms, leases and storeys in words", "id,size,lease,storey,price", in_words)
    yield table("marks of no value, and days before months", "id,lot,built,city,price", with_gaps)
    yield table("columns that tell the price", "id,area,city,price,price_per_m2,price_usd", with_leak)
    yield table("no header", "", without_header, flags=("--columns", "id,day,city,price"))
    yield table("capitals, gaps and swapped roles", "Suburb,Rooms,Price,Date,Bedroom2,Landsize,BuildingArea",
                with_capitals)
    yield table("Excel's separator line, decimal commas", "sep=;\nprice;published;area", separated, ";")
    yield table("tabs", "id\tcity\tprice", plain, "\t", "homes.tsv")
    records = (json.dumps({"id": row, "city": CITIES[row % 3], "price": price(row)}) for row in range(ROWS))
    yield "lines of JSON", "homes.jsonl", "\n".join(records).encode(), ()
    yield table("UTF-16", "id;city;price", plain, ";", encoding="utf-16")
    yield table("windows-1251", "Номер;Город;Цена", cyrillic, ";", "дома.csv", "cp1251")
