//! Texts in cells that stand for no value.

/// What people write where they know nothing, and nobody means as a name.
const MARKS: [&str; 19] = [
    "NA", "N/A", "n/a", "na", "NULL", "null", "Null", "None", "NaN", "nan", "\\N", "#N/A", "#NA",
    "<NA>", ".", "?", "nil", "NIL", "NAN",
];

/// What stands for no value where the other cells of a column are numbers or times: elsewhere it may be a
/// name. In lower case.
const WEAK_MARKS: [&str; 103] = [
    "none",
    "unknown",
    "missing",
    "empty",
    "blank",
    "undefined",
    "void",
    "n.a.",
    "n.a",
    "n/d",
    "n.d.",
    "nd",
    "nc",
    "n.c.",
    "nr",
    "s/d",
    "s/i",
    "k.a.",
    "k. a.",
    "o.a.",
    "(null)",
    "(none)",
    "(empty)",
    "(blank)",
    "[null]",
    "#value!",
    "#ref!",
    "#div/0!",
    "#name?",
    "#num!",
    "#null!",
    "tbd",
    "tba",
    "not available",
    "not applicable",
    "not specified",
    "no data",
    "not known",
    "unbekannt",
    "inconnu",
    "desconocido",
    "sconosciuto",
    "brak",
    "brak danych",
    "onbekend",
    "bilinmiyor",
    "нет",
    "нет данных",
    "не указано",
    "неизвестно",
    "н/д",
    "nat",
    "not given",
    "not stated",
    "not provided",
    "not recorded",
    "no info",
    "no information",
    "missing value",
    "no value",
    "tbc",
    "n.v.t.",
    "nvt",
    "s.d.",
    "sd",
    "sin dato",
    "sin datos",
    "sin información",
    "sem informação",
    "não informado",
    "não disponível",
    "non renseigné",
    "non communiqué",
    "non disponibile",
    "keine angabe",
    "keine angaben",
    "nicht bekannt",
    "ikke oppgitt",
    "uppgift saknas",
    "ej angivet",
    "ei tietoa",
    "ei tiedossa",
    "nie podano",
    "neuvedeno",
    "nincs adat",
    "belirtilmemiş",
    "не определено",
    "не указана",
    "не указан",
    "не известно",
    "немає даних",
    "не вказано",
    "不明",
    "未知",
    "未定",
    "未公布",
    "暂无",
    "暂无数据",
    "无",
    "無",
    "なし",
    "미정",
    "없음",
];
/// Times of databases that stand for none.
const ZERO_TIMES: [&str; 4] = [
    "0000-00-00",
    "0000-00-00 00:00:00",
    "00/00/0000",
    "00.00.0000",
];

/// Whether a text stands for no value in any column: a word of the table, or dashes alone.
pub(super) fn is_mark(text: &str) -> bool {
    MARKS.contains(&text)
        || ZERO_TIMES.contains(&text)
        || text.chars().all(|letter| matches!(letter, '-' | '–' | '—'))
}

/// Whether a text stands for no value among numbers or times: a word of the table, or no letter at all.
pub(super) fn is_weak_mark(text: &str) -> bool {
    text.len() <= 48
        && (WEAK_MARKS.contains(&text.to_lowercase().as_str())
            || !text.contains(char::is_alphanumeric))
}
