//! Words in the names of sizes, and of those of other things than the one that is sold.

use super::{has, words};

/// Words in the names of sizes that say that it is the living area.
const LIVING: [&str; 59] = [
    "liv",
    "living",
    "building",
    "built",
    "floor",
    "total",
    "net",
    "usable",
    "gla",
    "internal",
    "interior",
    "carpet",
    "heated",
    "finished",
    "wohnflache",
    "wohnflaeche",
    "nutzflache",
    "bati",
    "habitable",
    "obshchaia",
    "obshchei",
    "zagalna",
    "construida",
    "edificada",
    "util",
    "utile",
    "utila",
    "abitabile",
    "interna",
    "coperta",
    "totale",
    "totala",
    "super",
    "woonoppervlakte",
    "wonen",
    "uzytkowa",
    "uzitna",
    "uzitkova",
    "obytna",
    "celkova",
    "boligareal",
    "bruksareal",
    "boarea",
    "boyta",
    "jian_zhu",
    "shi_yong",
    "zhuan_you",
    "jeonyongmyeonjeog",
    "tot",
    "kullanim",
    "neto",
    "stambena",
    "shi_nei",
    "uldpind",
    "lakopinta",
    "asuin",
    "uporabna",
    "zhytlova",
    "residential",
];

/// Words that say that a column is a size.
const AREAS: [&str; 82] = [
    "area",
    "sqft",
    "sqm",
    "m2",
    "sqmt",
    "sqmeter",
    "sqmeters",
    "sqrft",
    "sq_m",
    "sq_ft",
    "square",
    "size",
    "surface",
    "flache",
    "wohnflache",
    "superficie",
    "metros",
    "metres",
    "meters",
    "ploshchad",
    "ploshcha",
    "kvadratura",
    "powierzchnia",
    "metraz",
    "oppervlakte",
    "alan",
    "metrekare",
    "metrekaresi",
    "mianji",
    "mian",
    "mian_ji",
    "masahat",
    "metrazh",
    "metters",
    "flaeche",
    "wohnflaeche",
    "areal",
    "boarea",
    "plocha",
    "suprafata",
    "povrsina",
    "povrch",
    "kvm",
    "qm",
    "mq",
    "yta",
    "alapterulet",
    "pinta_ala",
    "myeonjeog",
    "dien_tich",
    "embadon",
    "mtrj",
    "ms_h",
    "ms_ht",
    "lms_h",
    "shtkh",
    "kssetrphl",
    "yuzolcumu",
    "gla",
    "luas",
    "quadratura",
    "metreage",
    "footage",
    "ploshch",
    "platiba",
    "plotas",
    "pind",
    "uldpind",
    "gfa",
    "audany",
    "quadri",
    "meters_squared",
    "square_meters",
    "square_feet",
    "rqbh",
    "phuuenthiiaichsy",
    "velikost",
    "kvadrat",
    "bra",
    "totsp",
    "livsp",
    "arealen",
];

/// How compound words for sizes end.
const AREA_ENDS: [&str; 9] = [
    "flache",
    "flaeche",
    "oppervlakte",
    "areal",
    "area",
    "yta",
    "myeonjeog",
    "terulet",
    "pinta",
];

/// Sizes of other things than the one that is sold.
const NOT_LIVING: [&str; 57] = [
    "lot",
    "land",
    "landsize",
    "plot",
    "terrain",
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
    "kuhnia",
    "cuisine",
    "cocina",
    "cucina",
    "keuken",
    "zhilaia",
    "balcony",
    "balkona",
    "lodzhii",
    "parking",
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
    "external",
    "exterior",
    "outdoor",
    "common",
    "tu_di",
    "ms_h_lr_d",
    "zmyn",
    "dat",
    "tanah",
    "roof",
    "hua_yuan",
    "shi_wai",
    "kitsp",
    "maa",
    "zeme",
    "zemes",
    "krundi",
    "sklypo",
    "zemlishte",
    "khnaadthiidin",
    "hage",
];

/// How words for land and other things begin, which languages put together with that for a size.
const NOT_LIVING_STEMS: [&str; 33] = [
    "tomt", "grundst", "perceel", "garage", "keller", "garten", "terras", "teras", "dzial",
    "dilian", "uchast", "pozem", "parcel", "terren", "giardin", "jardin", "ogrod", "zahrad",
    "bahce", "arsa", "daeji", "balkon", "balcon", "lote", "terrain", "telek", "zemlj", "tontti",
    "tonti", "partsel", "bhuukh", "oikoped", "mgrsh",
];

/// Whether a name is that of a size.
pub(in crate::infer) fn is_area(name: &str) -> bool {
    let is_compound = |word: &str| {
        AREA_ENDS
            .iter()
            .any(|end| word.len() > end.len() && word.ends_with(end))
    };
    has(name, &AREAS) || words(name).any(is_compound)
}

/// Whether a size is that of land, or of a part.
pub(in crate::infer) fn is_other_area(name: &str) -> bool {
    let is_of_land = |word: &str| NOT_LIVING_STEMS.iter().any(|stem| word.starts_with(stem));
    has(name, &NOT_LIVING) || words(name).any(is_of_land)
}

/// Whether a size is the living one.
pub(in crate::infer) fn is_living_area(name: &str) -> bool {
    let is_of_homes = |word: &str| {
        word.starts_with("wohn") || word.starts_with("woon") || word.starts_with("bolig")
    };
    has(name, &LIVING) || words(name).any(is_of_homes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_area_is_told_from_that_of_land() {
        for name in [
            "woonoppervlakte",
            "boligareal",
            "powierzchnia_uzytkowa",
            "uzitna_plocha",
            "jian_zhu_mian_ji",
            "jeonyongmyeonjeog",
            "zagalna_ploshcha",
            "area_util",
            "internal_area",
            "gr_liv_area",
        ] {
            let is_living = is_area(name) && is_living_area(name) && !is_other_area(name);
            assert!(is_living, "{name}");
        }
        for name in [
            "perceeloppervlakte",
            "tomteareal",
            "powierzchnia_dzialki",
            "plocha_pozemku",
            "tu_di_mian_ji",
            "daejimyeonjeog",
            "ploshcha_dilianki",
            "area_do_terreno",
            "external_area",
            "lot_area",
            "grundstucksflache",
            "telekterulet",
            "povrsina_zemljista",
            "tontin_pinta_ala",
            "hua_yuan_mian_ji",
        ] {
            assert!(is_area(name) && is_other_area(name), "{name}");
        }
        for name in [
            "alapterulet",
            "platiba",
            "plotas",
            "ploshch",
            "metri_quadri",
            "gfa",
        ] {
            assert!(is_area(name) && !is_other_area(name), "{name}");
        }
        for name in ["bedroom2", "terrace", "days", "city"] {
            assert!(!is_area(name), "{name}");
        }
    }
}
