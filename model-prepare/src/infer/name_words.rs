//! Words in the names of columns, as people write them.

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
    names.iter().any(|known| match known.len() {
        1 => name == *known,
        _ => words(name).any(|word| word == *known),
    })
}
