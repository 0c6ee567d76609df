//! Words in the names of columns, as people write them.

mod area;
mod place;
mod price;
mod time;

pub(super) use self::area::{is_area, is_living_area, is_other_area};
pub(super) use self::place::{is_latitude, is_longitude};
pub(super) use self::price::{LEAKS, TARGETS, WEAK_TARGETS, is_of_money, is_price, target_rank};
pub(super) use self::time::{NOT_TIMES, TIMES, is_year};

/// First words of the names of columns that count the rows.
pub(super) const ROW_NUMBERS: [&str; 10] = [
    "unnamed", "index", "row", "rownames", "rownum", "nr", "no", "sno", "srno", "num",
];

/// A name's words.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split('_').filter(|word| !word.is_empty())
}

/// Whether a name has one of the words; one with several parts is a phrase.
pub(super) fn has(name: &str, list: &[&str]) -> bool {
    let has_phrase = |phrase: &&str| {
        let mut places = name.match_indices(*phrase);
        places.any(|(at, _)| {
            let (before, after) = (&name[..at], &name[at + phrase.len()..]);
            (before.is_empty() || before.ends_with('_'))
                && (after.is_empty() || after.starts_with('_'))
        })
    };
    words(name).any(|word| list.contains(&word))
        || list
            .iter()
            .filter(|word| word.contains('_'))
            .any(has_phrase)
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

/// Whether a name is that of a floor, which people write with the floors of the house: `3/9`.
pub(super) fn is_floor(name: &str) -> bool {
    const FLOORS: [&str; 18] = [
        "floor",
        "storey",
        "story",
        "level",
        "etazh",
        "poverkh",
        "etage",
        "stockwerk",
        "piso",
        "planta",
        "andar",
        "piano",
        "pietro",
        "patro",
        "kat",
        "etaj",
        "verdieping",
        "kerros",
    ];
    has(name, &FLOORS)
}
