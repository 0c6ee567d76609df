//! Words in cells: marks for no value, units, money, scales, as people write them.

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
    MONEY.iter().any(|word| word.eq_ignore_ascii_case(text))
        || text.starts_with(['$', '€', '£', '₽', '₹'])
}

/// Words behind a count that are not units: the same column has several of them.
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
