//! Personal data in texts: e-mail addresses and telephone numbers. What has one is not kept.

/// Digits of a telephone number, at least and at most.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 9..=15;

/// Whether a text has an e-mail address or a telephone number in it.
pub fn is_personal(text: &str) -> bool {
    has_mail(text) || has_phone(text)
}

/// Whether a text has an e-mail address in it.
pub fn has_mail(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let is_of_name = |letter: char| letter.is_alphanumeric() || "._%+-".contains(letter);
        let before = text[..at].chars().next_back().is_some_and(is_of_name);
        let host: String = text[at + 1..]
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || ".-".contains(*letter))
            .collect();
        let end = host.trim_end_matches('.').rsplit_once('.');
        let is_host = end.is_some_and(|(name, top)| {
            !name.is_empty() && top.chars().count() >= 2 && top.chars().all(char::is_alphabetic)
        });
        before && is_host
    })
}

/// Whether a text has a telephone number in it: a run of digits in groups, or after a plus.
pub fn has_phone(text: &str) -> bool {
    let text = text.to_lowercase();
    if text.contains("tel:") {
        return true;
    }
    let mut digits = 0;
    let mut groups = 0;
    let mut has_plus = false;
    let mut last = ' ';
    // Behind the end of the text a run ends too.
    for letter in text.chars().chain(['\n']) {
        match letter {
            '0'..='9' => {
                if !last.is_ascii_digit() {
                    groups += 1;
                }
                digits += 1;
            }
            ' ' | '\u{a0}' | '-' | '(' | ')' | '.' | '/' | '\u{2011}' | '\u{2013}'
                if digits > 0 => {}
            '(' => {}
            _ => {
                // Two groups are a decimal number, such as a coordinate.
                if PHONE_DIGITS.contains(&digits) && (has_plus || groups >= 3) {
                    return true;
                }
                (digits, groups) = (0, 0);
                has_plus = letter == '+';
            }
        }
        last = letter;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_of_people_are_seen_and_those_of_things_are_not() {
        for text in [
            "write to ann.lee@example.org",
            "ann@mail.example.co.uk.",
            "+7 (912) 345-67-89",
            "8 912 345 67 89",
            "call 020 7946 0958 now",
            "tel:123",
            "+79123456789",
            "(495) 123-45-67 89",
        ] {
            assert!(is_personal(text), "{text}");
        }
        for text in [
            "Kazan",
            "Lenina street 12",
            "5 400 000",
            "1234567890",
            "55.796127, 49.106405",
            "flat @ the park",
            "2 rooms, 54 m2, floor 3",
            "@home",
            "2026-01-31",
        ] {
            assert!(!is_personal(text), "{text}");
        }
    }
}
