//! Words by which columns and cells are known: a table for each, as people write them.

/// What people write where they know nothing, and nobody means as a name.
const MARKS: [&str; 19] = [
    "NA", "N/A", "n/a", "na", "NULL", "null", "Null", "None", "NaN", "nan", "\\N", "#N/A", "#NA",
    "<NA>", ".", "?", "nil", "NIL", "NAN",
];

/// Whether a text stands for no value: a word of the table, or dashes alone.
pub(super) fn is_mark(text: &str) -> bool {
    MARKS.contains(&text) || text.chars().all(|letter| matches!(letter, '-' | '–' | '—'))
}

/// Words behind a number that multiply it.
pub(super) const SCALES: [(&str, f64); 47] = [
    ("K", 1e3),
    ("k", 1e3),
    ("тыс.", 1e3),
    ("тыс", 1e3),
    ("thousand", 1e3),
    ("Thousand", 1e3),
    ("tys.", 1e3),
    ("tsd.", 1e3),
    ("Tsd.", 1e3),
    ("mil", 1e3),
    ("mille", 1e3),
    ("M", 1e6),
    ("mn", 1e6),
    ("Mn", 1e6),
    ("mln", 1e6),
    ("mln.", 1e6),
    ("MM", 1e6),
    ("млн", 1e6),
    ("млн.", 1e6),
    ("Mio", 1e6),
    ("Mio.", 1e6),
    ("million", 1e6),
    ("Million", 1e6),
    ("millions", 1e6),
    ("B", 1e9),
    ("bn", 1e9),
    ("Bn", 1e9),
    ("billion", 1e9),
    ("Billion", 1e9),
    ("млрд", 1e9),
    ("млрд.", 1e9),
    ("lakh", 1e5),
    ("Lakh", 1e5),
    ("lakhs", 1e5),
    ("Lakhs", 1e5),
    ("lac", 1e5),
    ("Lac", 1e5),
    ("Lacs", 1e5),
    ("lacs", 1e5),
    ("Cr", 1e7),
    ("cr", 1e7),
    ("Cr.", 1e7),
    ("Crore", 1e7),
    ("crore", 1e7),
    ("crores", 1e7),
    ("万", 1e4),
    ("億", 1e8),
];

/// Signs and codes of money.
const MONEY: [&str; 47] = [
    "$",
    "€",
    "£",
    "¥",
    "₽",
    "₹",
    "₺",
    "₴",
    "₸",
    "₩",
    "₪",
    "₫",
    "₱",
    "฿",
    "zł",
    "kr",
    "Kč",
    "Ft",
    "lei",
    "USD",
    "EUR",
    "GBP",
    "RUB",
    "INR",
    "CHF",
    "PLN",
    "CZK",
    "SEK",
    "NOK",
    "DKK",
    "AED",
    "CAD",
    "AUD",
    "JPY",
    "CNY",
    "BRL",
    "MXN",
    "TRY",
    "UAH",
    "KZT",
    "Rs",
    "Rs.",
    "R$",
    "US$",
    "руб.",
    "руб",
    "تومان",
];

/// Whether a text is a sign or a code of money.
pub(super) fn is_money(text: &str) -> bool {
    MONEY.iter().any(|own| own.eq_ignore_ascii_case(text))
        || text.starts_with(['$', '€', '£', '₽', '₹'])
}

/// Words behind a count that are no units: the same column has several of them.
pub(super) const COUNTED: [&str; 26] = [
    "bhk",
    "rk",
    "bedroom",
    "bedrooms",
    "bed",
    "beds",
    "bd",
    "bds",
    "br",
    "room",
    "rooms",
    "bath",
    "baths",
    "ba",
    "bathroom",
    "bathrooms",
    "floor",
    "floors",
    "комн.",
    "комн",
    "комнат",
    "комнаты",
    "комната",
    "zimmer",
    "pièces",
    "pokoje",
];

/// Years and months.
pub(super) const YEARS: [&str; 10] = [
    "years", "year", "yrs", "yr", "лет", "год", "года", "jahre", "ans", "años",
];
/// See [`YEARS`].
pub(super) const MONTHS: [&str; 9] = [
    "months", "month", "mths", "mos", "mo", "мес", "мес.", "monate", "mois",
];

/// What stands between the ends of a range.
pub(super) const RANGES: [&str; 8] = ["-", "–", "—", "~", "to", "bis", "до", "a"];

/// Names of the price, most usual first, as [`super::column::identifier`] writes them.
pub(super) const TARGETS: [&str; 33] = [
    "price",
    "sale_price",
    "saleprice",
    "sold_price",
    "resale_price",
    "selling_price",
    "list_price",
    "price_eur",
    "price_usd",
    "price_rub",
    "tsena",
    "stoimost",
    "preis",
    "kaufpreis",
    "kaltmiete",
    "miete",
    "prix",
    "valeur_fonciere",
    "precio",
    "preco",
    "prezzo",
    "prijs",
    "vraagprijs",
    "cena",
    "fiyat",
    "rent",
    "amount",
    "cost",
    "value",
    "median_house_value",
    "medv",
    "jia_ge",
    "zong_jia",
];

/// Words in the names of sizes, those of the living area first.
pub(super) const LIVING: [&str; 14] = [
    "liv",
    "living",
    "building",
    "built",
    "floor",
    "total",
    "net",
    "usable",
    "wohnflache",
    "bati",
    "habitable",
    "obshchaia",
    "construida",
    "super",
];
/// Words that say that a column is a size.
pub(super) const AREAS: [&str; 28] = [
    "area",
    "sqft",
    "sqm",
    "m2",
    "sqmt",
    "square",
    "size",
    "surface",
    "flache",
    "wohnflache",
    "superficie",
    "metros",
    "ploshchad",
    "powierzchnia",
    "metraz",
    "oppervlakte",
    "alan",
    "metrekare",
    "mianji",
    "mian",
    "masahat",
    "metrazh",
    "metters",
    "flaeche",
    "wohnflaeche",
    "areal",
    "boarea",
    "plocha",
];
/// Sizes of other things than the one that is sold.
pub(super) const NOT_LIVING: [&str; 33] = [
    "lot",
    "land",
    "landsize",
    "plot",
    "terrain",
    "garage",
    "yard",
    "garden",
    "basement",
    "bsmt",
    "porch",
    "pool",
    "deck",
    "kitchen",
    "kukhni",
    "kukhnia",
    "zhilaia",
    "balcony",
    "parking",
    "grundstuck",
    "grundstueck",
    "uchastka",
    "type",
    "code",
    "id",
    "name",
    "veneer",
    "vnr",
    "wood",
    "rooms",
    "bedroom",
    "per",
    "price",
];

/// Words in the names of a listing's time.
pub(super) const TIMES: [&str; 26] = [
    "listed",
    "published",
    "posted",
    "date",
    "sold",
    "sale",
    "created",
    "month",
    "mutation",
    "transfer",
    "registered",
    "observed",
    "time",
    "timestamp",
    "datum",
    "fecha",
    "data",
    "publikatsii",
    "day",
    "period",
    "when",
    "added",
    "start",
    "saledate",
    "listing",
    "dt",
];
/// Words in the names of other times.
pub(super) const NOT_TIMES: [&str; 24] = [
    "last",
    "review",
    "updated",
    "modified",
    "update",
    "built",
    "build",
    "birth",
    "expires",
    "expiry",
    "until",
    "end",
    "removed",
    "delisted",
    "scraped",
    "renovated",
    "construction",
    "completion",
    "host",
    "calendar",
    "first",
    "previous",
    "next",
    "changed",
];

/// Words that make a column another price, or something that is known after the sale.
pub(super) const LEAKS: [&str; 27] = [
    "price",
    "tsena",
    "preis",
    "prix",
    "precio",
    "preco",
    "prezzo",
    "prijs",
    "cena",
    "fiyat",
    "stoimost",
    "value",
    "assessed",
    "assessment",
    "appraised",
    "appraisal",
    "usd",
    "eur",
    "rub",
    "psf",
    "ppsf",
    "rent",
    "estimate",
    "zestimate",
    "valuation",
    "valued",
    "mortgage",
];

/// A name's words.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split('_').filter(|word| !word.is_empty())
}

/// Whether a name has one of the words.
pub(super) fn has(name: &str, list: &[&str]) -> bool {
    words(name).any(|word| list.contains(&word))
}

/// Whether a name is one of an identifier.
pub(super) fn is_id(name: &str) -> bool {
    const IDS: [&str; 12] = [
        "id",
        "ids",
        "key",
        "uuid",
        "guid",
        "uid",
        "pid",
        "ref",
        "reference",
        "nomer",
        "mls",
        "vin",
    ];
    has(name, &IDS)
}

/// Whether a name is one of a code: digits that count nothing.
pub(super) fn is_code(name: &str) -> bool {
    const CODES: [&str; 12] = [
        "zip", "zipcode", "postcode", "postal", "code", "plz", "indeks", "phone", "tel", "fips",
        "cep", "insee",
    ];
    has(name, &CODES)
}

/// Whether a name is that of a year.
pub(super) fn is_year(name: &str) -> bool {
    const YEAR: [&str; 9] = [
        "year",
        "yr",
        "god",
        "baujahr",
        "annee",
        "ano",
        "anno",
        "built",
        "renovated",
    ];
    has(name, &YEAR)
}

/// Whether a name is that of a latitude.
pub(super) fn is_latitude(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "lat",
        "latitude",
        "lattitude",
        "latitud",
        "latitudine",
        "shirota",
        "breite",
        "breitengrad",
        "y",
    ];
    is_coordinate(name, &NAMES)
}

/// Whether a name is that of a longitude.
pub(super) fn is_longitude(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "lon",
        "lng",
        "long",
        "longitude",
        "longtitude",
        "longitud",
        "longitudine",
        "dolgota",
        "lange",
        "x",
        "laengengrad",
        "langengrad",
    ];
    is_coordinate(name, &NAMES)
}

fn is_coordinate(name: &str, names: &[&str]) -> bool {
    // A letter alone is one only as the whole name.
    names.iter().any(|own| match own.len() {
        1 => name == *own,
        _ => words(name).any(|word| word == *own),
    })
}
