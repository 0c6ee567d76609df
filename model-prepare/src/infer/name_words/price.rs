//! Words in the names of prices, and of what tells a price.

use std::cmp::Reverse;

use super::{has, words};

/// Names of the price, most usual first, as [`super::column::identifier`] writes them.
pub(in crate::infer) const TARGETS: [&str; 10] = [
    "price",
    "sale_price",
    "saleprice",
    "sold_price",
    "resale_price",
    "selling_price",
    "list_price",
    "valeur_fonciere",
    "median_house_value",
    "medv",
];

/// Names that may be of the price where no other is.
pub(in crate::infer) const WEAK_TARGETS: [&str; 6] =
    ["amount", "cost", "value", "stoimost", "vartist", "ar"];

/// Words for a price in thirty languages; those with several parts are phrases.
const PRICES: [&str; 55] = [
    "price",
    "preis",
    "kaufpreis",
    "verkaufspreis",
    "angebotspreis",
    "prix",
    "precio",
    "preco",
    "prezzo",
    "prijs",
    "vraagprijs",
    "koopsom",
    "verkoopprijs",
    "pris",
    "slutpris",
    "hinta",
    "myyntihinta",
    "cena",
    "cenova",
    "tsena",
    "tsina",
    "cijena",
    "tsenata",
    "kaina",
    "hind",
    "fiyat",
    "fiyati",
    "pret",
    "pretul",
    "tarifa",
    "harga",
    "gia_ban",
    "gia",
    "jia_ge",
    "zong_jia",
    "dan_jia",
    "shou_jia",
    "jun_jia",
    "cheng_jiao_jia",
    "mai_mai_jia_ge",
    "gagyeog",
    "maemaega",
    "qymt",
    "lsr",
    "mkhyr",
    "muuly",
    "price_eur",
    "saleprice",
    "sellingprice",
    "listprice",
    "askingprice",
    "soldprice",
    "pricing",
    "preise",
    "prices",
];

/// Words for a rent.
const RENTS: [&str; 19] = [
    "rent",
    "miete",
    "kaltmiete",
    "warmmiete",
    "gesamtmiete",
    "loyer",
    "alquiler",
    "aluguel",
    "affitto",
    "canone",
    "huur",
    "huurprijs",
    "hyra",
    "vuokra",
    "arenda",
    "czynsz",
    "najem",
    "kira",
    "zu_jin",
];

/// Words that make a price something else than that of the thing: a ratio, a part, another time's.
const NOT_TARGETS: [&str; 41] = [
    "per",
    "psf",
    "ppsf",
    "psm",
    "sqft",
    "sqm",
    "sq",
    "m2",
    "za",
    "pro",
    "old",
    "previous",
    "prev",
    "original",
    "tax",
    "duty",
    "change",
    "cut",
    "reduction",
    "range",
    "bucket",
    "class",
    "category",
    "level",
    "type",
    "kind",
    "date",
    "time",
    "currency",
    "id",
    "index",
    "discount",
    "min",
    "max",
    "low",
    "high",
    "estimate",
    "predicted",
    "assessed",
    "deposit",
    "fee",
];

/// How well a name is that of the price to be predicted: the least is the best; `None` where it is not one.
/// Of prices of several years the latest is.
pub(in crate::infer) fn target_rank(
    name: &str,
    header: &str,
) -> Option<(usize, usize, Reverse<u32>)> {
    // In Latin letters the Greek word for a price is "time".
    let is_greek = header.to_lowercase().contains("τιμή");
    if has(name, &NOT_TARGETS) && !is_greek {
        return None;
    }
    let is_each = has(name, &["unit", "dan_jia", "jun_jia"]);
    let kind = match (is_greek || has(name, &PRICES), has(name, &RENTS)) {
        (true, _) if is_each => 3,
        (true, _) => 0,
        (_, true) => 1,
        _ if has(name, &["amount", "stoimost", "cost"]) => 2,
        _ => return None,
    };
    let year = words(name).filter_map(|word| word.parse().ok()).max();
    Some((kind, words(name).count(), Reverse(year.unwrap_or(0))))
}

/// Whether a name is that of a price.
pub(in crate::infer) fn is_price(name: &str) -> bool {
    has(name, &PRICES)
}

/// Whether a name is that of an amount of money.
pub(in crate::infer) fn is_of_money(name: &str, header: &str) -> bool {
    target_rank(name, header).is_some()
        || is_price(name)
        || has(name, &LEAKS)
        || has(name, &WEAK_TARGETS)
}

/// Words that make a column another price, or something that is known after the sale.
pub(in crate::infer) const LEAKS: [&str; 18] = [
    "rent",
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
    "estimate",
    "zestimate",
    "valuation",
    "valued",
    "mortgage",
    "vartist",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_is_known_by_its_name_in_many_languages() {
        for (name, header) in [
            ("verkaufspreis", "Verkaufspreis"),
            ("prix_de_vente", "Prix de vente"),
            ("precio_de_venta", "Precio de venta"),
            ("tsena_rub", "Цена, руб."),
            ("cena_zl", "Cena (zł)"),
            ("satis_fiyati", "Satış Fiyatı"),
            ("cheng_jiao_jia", "成交价"),
            ("gagyeog", "가격"),
            ("time", "Τιμή"),
            ("monthly_rent", "monthly_rent"),
            ("total_price", "total_price"),
        ] {
            assert!(target_rank(name, header).is_some(), "{name}");
        }
        for name in [
            "price_per_m2",
            "price_type",
            "city",
            "old_price",
            "time",
            "deposit",
        ] {
            assert!(target_rank(name, name).is_none(), "{name}");
        }
        // The price before the rent, the plain name before the longer, the latest year, all before each one's.
        for (better, worse) in [
            ("sales_price", "rent"),
            ("hinta", "hinta_eur"),
            ("price_2023", "price_2022"),
            ("total_price", "unit_price"),
        ] {
            assert!(target_rank(better, "") < target_rank(worse, ""), "{better}");
        }
    }
}
