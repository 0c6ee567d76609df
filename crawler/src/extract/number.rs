//! Numbers as pages write them, and the units of areas.

use records::measure;
use records::schema::AREA_UNITS;

/// A number in a text and the unit behind or before it; `None` where the text is not one number.
pub fn read(text: &str) -> Option<(f64, String)> {
    let text = plain(text);
    let measure = measure::split(&text)?;
    // `3/9` is two numbers; `m2` is a unit.
    let is_second = |letter: char| letter.is_ascii_digit() && letter != '2';
    if measure.unit.contains(is_second) || measure.unit.contains('/') {
        return None;
    }
    Some((measure.value, measure.unit.to_owned()))
}

/// The text with `5 400 000` as `5400000`, `54,5` as `54.5` and `1.234,50` as `1234.50`. What may be read in
/// two ways (`12,400`) is left as it is: a comma stands between thousands then.
fn plain(text: &str) -> String {
    let letters: Vec<char> = text.trim().chars().collect();
    let is_digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let is_group = |at: usize| (at..at + 3).all(is_digit) && !is_digit(at + 3);
    let commas = letters.iter().filter(|letter| **letter == ',').count();
    let mut all = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let is_inner = at > 0 && is_digit(at - 1) && is_digit(at + 1);
        // At most two decimals behind the only comma: no group of thousands.
        let is_decimal = |at: usize| commas == 1 && is_digit(at + 1) && !is_digit(at + 3);
        match letter {
            ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\'' | '\u{2019}'
                if is_inner && is_group(at + 1) => {}
            // Thousands, where decimals follow behind a comma.
            '.' if is_inner
                && is_group(at + 1)
                && letters[at..]
                    .iter()
                    .position(|letter| *letter == ',')
                    .is_some_and(|comma| is_decimal(at + comma)) => {}
            ',' if is_inner && is_decimal(at) => all.push('.'),
            '\u{a0}' | '\u{2009}' | '\u{202f}' => all.push(' '),
            other => all.push(*other),
        }
    }
    all
}

/// The code of a unit of areas, by its code, its sign or its name.
pub fn area_unit(text: &str) -> Option<&'static str> {
    let text = text.trim().trim_end_matches('.').to_lowercase();
    let name = match text.rsplit(['/', ':']).next().unwrap_or_default() {
        "m²" | "m2" | "sqm" | "sq m" | "sq. m" | "qm" | "м²" | "м2" | "кв. м" | "кв.м"
        | "square metre" | "square metres" | "square meter" | "square meters" => "mtk",
        "ft²" | "ft2" | "sqft" | "sq ft" | "sq. ft" | "sf" | "square foot" | "square feet" => {
            "ftk"
        }
        "yd²" | "yd2" | "sq yd" | "square yard" | "square yards" => "ydk",
        "acre" | "acres" | "ac" => "acr",
        "ha" | "hectare" | "hectares" => "har",
        other => other,
    };
    let known = AREA_UNITS.iter().map(|(code, _)| *code);
    known
        .into_iter()
        .find(|code| code.eq_ignore_ascii_case(name))
}

/// A value of one unit of areas in another.
pub fn convert(value: f64, from: &str, to: &str) -> f64 {
    let metres = |unit: &str| {
        AREA_UNITS
            .iter()
            .find(|(code, _)| *code == unit)
            .map_or(1.0, |(_, size)| *size)
    };
    if from == to {
        return value;
    }
    // Beyond a millionth nothing was measured.
    (value * metres(from) / metres(to) * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_pages_write_them() {
        for (text, value, unit) in [
            ("5400000", 5.4e6, ""),
            ("5 400 000 ₽", 5.4e6, "₽"),
            ("5\u{a0}400\u{a0}000 руб.", 5.4e6, "руб."),
            ("$1,250,000", 1.25e6, "$"),
            ("1.234,50 €", 1234.5, "€"),
            ("1'250'000", 1.25e6, ""),
            ("54,5 м²", 54.5, "м²"),
            ("54.5 m²", 54.5, "m²"),
            ("12,400 sq ft", 12_400.0, "sq ft"),
            ("3", 3.0, ""),
        ] {
            assert_eq!(read(text), Some((value, unit.to_owned())), "{text}");
        }
        for text in ["", "ask", "3/9", "from 1 to 2", "1,23,4"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn areas_are_converted_by_any_spelling_of_their_unit() {
        assert_eq!(area_unit("FTK"), Some("FTK"));
        assert_eq!(area_unit("Sq. Ft."), Some("FTK"));
        assert_eq!(area_unit("http://example.org/unit/MTK"), Some("MTK"));
        assert_eq!(area_unit("mile"), None);
        assert_eq!(convert(1000.0, "FTK", "MTK"), 92.90304);
        assert_eq!(convert(54.0, "MTK", "MTK"), 54.0);
    }
}
