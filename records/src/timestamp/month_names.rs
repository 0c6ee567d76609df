//! Names of months in other languages than English, as listings write them: `5 марта 2023`, `1. März 2023`,
//! `3 de enero de 2024`.

use std::borrow::Cow;

/// English names, and what German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Turkish,
/// Swedish, Russian and Ukrainian texts have for them, in lower case and without a full stop. No word stands
/// for two months.
const MONTHS: [(&str, &[&str]); 12] = [
    (
        "January",
        &[
            "januar",
            "jänner",
            "janvier",
            "janv",
            "enero",
            "ene",
            "gennaio",
            "gen",
            "janeiro",
            "januari",
            "stycznia",
            "styczeń",
            "sty",
            "ledna",
            "leden",
            "ocak",
            "oca",
            "января",
            "январь",
            "янв",
            "січня",
            "січень",
            "січ",
        ],
    ),
    (
        "February",
        &[
            "februar",
            "février",
            "févr",
            "fév",
            "febrero",
            "febbraio",
            "fevereiro",
            "fev",
            "februari",
            "lutego",
            "luty",
            "lut",
            "února",
            "únor",
            "şubat",
            "şub",
            "февраля",
            "февраль",
            "фев",
            "февр",
            "лютого",
            "лютий",
            "лют",
        ],
    ),
    (
        "March",
        &[
            "märz",
            "mär",
            "mrz",
            "mars",
            "marzo",
            "março",
            "maart",
            "mrt",
            "marca",
            "marzec",
            "března",
            "březen",
            "mart",
            "марта",
            "март",
            "мар",
            "березня",
            "березень",
            "бер",
        ],
    ),
    (
        "April",
        &[
            "avril",
            "avr",
            "abril",
            "abr",
            "aprile",
            "kwietnia",
            "kwiecień",
            "kwi",
            "dubna",
            "duben",
            "nisan",
            "nis",
            "апреля",
            "апрель",
            "апр",
            "квітня",
            "квітень",
            "кві",
        ],
    ),
    (
        "May",
        &[
            "mai",
            "mayo",
            "maggio",
            "mag",
            "maio",
            "mei",
            "maja",
            "maj",
            "května",
            "květen",
            "mayıs",
            "мая",
            "май",
            "травня",
            "травень",
            "тра",
        ],
    ),
    (
        "June",
        &[
            "juni",
            "juin",
            "junio",
            "giugno",
            "giu",
            "junho",
            "czerwca",
            "czerwiec",
            "cze",
            "června",
            "červen",
            "haziran",
            "haz",
            "июня",
            "июнь",
            "июн",
            "червня",
            "червень",
            "чер",
        ],
    ),
    (
        "July",
        &[
            "juli",
            "juillet",
            "juil",
            "julio",
            "luglio",
            "lug",
            "julho",
            "lipca",
            "lipiec",
            "lip",
            "července",
            "červenec",
            "temmuz",
            "tem",
            "июля",
            "июль",
            "июл",
            "липня",
            "липень",
            "лип",
        ],
    ),
    (
        "August",
        &[
            "août",
            "aout",
            "agosto",
            "ago",
            "augustus",
            "sierpnia",
            "sierpień",
            "sie",
            "srpna",
            "srpen",
            "ağustos",
            "ağu",
            "augusti",
            "августа",
            "август",
            "авг",
            "серпня",
            "серпень",
            "сер",
        ],
    ),
    (
        "September",
        &[
            "septembre",
            "septiembre",
            "settembre",
            "set",
            "setembro",
            "września",
            "wrzesień",
            "wrz",
            "září",
            "eylül",
            "eyl",
            "сентября",
            "сентябрь",
            "сен",
            "сент",
            "вересня",
            "вересень",
            "вер",
        ],
    ),
    (
        "October",
        &[
            "oktober",
            "okt",
            "octobre",
            "octubre",
            "ottobre",
            "ott",
            "outubro",
            "out",
            "października",
            "październik",
            "paź",
            "října",
            "říjen",
            "ekim",
            "eki",
            "октября",
            "октябрь",
            "окт",
            "жовтня",
            "жовтень",
            "жов",
        ],
    ),
    (
        "November",
        &[
            "novembre",
            "noviembre",
            "novembro",
            "listopada",
            "listopad",
            "lis",
            "kasım",
            "kas",
            "ноября",
            "ноябрь",
            "ноя",
            "нояб",
            "листопада",
            "листопад",
            "лис",
        ],
    ),
    (
        "December",
        &[
            "dezember",
            "dez",
            "décembre",
            "déc",
            "diciembre",
            "dic",
            "dicembre",
            "dezembro",
            "grudnia",
            "grudzień",
            "gru",
            "prosince",
            "prosinec",
            "aralık",
            "ara",
            "декабря",
            "декабрь",
            "дек",
            "грудня",
            "грудень",
            "гру",
        ],
    ),
];

/// A text with the name of a month in English; `None` where it has none of another language.
pub(super) fn in_english(text: &str) -> Option<String> {
    let is_short = text.len() <= 64 && text.bytes().any(|byte| byte.is_ascii_digit());
    if !is_short || !text.contains(char::is_alphabetic) {
        return None;
    }
    let (mut words, mut is_translated) = (Vec::new(), false);
    for word in text.split_whitespace() {
        // "1. März", "15 янв. 2023 г.", "3 de enero de 2024".
        let bare = word.trim_end_matches('.');
        let lower = bare.to_lowercase();
        if matches!(lower.as_str(), "de" | "del" | "г" | "р" | "года" | "року") {
            continue;
        }
        let is_number = !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit());
        let month = MONTHS
            .iter()
            .find(|(_, names)| names.contains(&lower.as_str()));
        words.push(match month {
            Some((english, _)) => {
                is_translated = true;
                Cow::Borrowed(*english)
            }
            None if is_number => Cow::Borrowed(bare),
            None => Cow::Borrowed(word),
        });
    }
    is_translated.then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_of_other_languages_are_read_as_in_english() {
        for (text, english) in [
            ("5 марта 2023", "5 March 2023"),
            ("15 янв. 2023 г.", "15 January 2023"),
            ("1. März 2023", "1 March 2023"),
            ("3 de enero de 2024", "3 January 2024"),
            ("2 déc. 2023", "2 December 2023"),
            ("7 Ağustos 2022", "7 August 2022"),
            ("12 października 2021 10:30", "12 October 2021 10:30"),
        ] {
            assert_eq!(in_english(text).as_deref(), Some(english), "{text}");
        }
        for text in ["5 March 2023", "2023-03-05", "12 Main Street", "", "март"] {
            assert_eq!(in_english(text), None, "{text}");
        }
    }

    #[test]
    fn no_word_stands_for_two_months() {
        let all: Vec<&str> = MONTHS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        let distinct: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), distinct.len());
        for name in all {
            assert_eq!(
                name,
                name.to_lowercase(),
                "names are compared in lower case"
            );
        }
    }
}
