//! Where in a text a number stands, and what stands around it.

/// A text with one number in it, taken apart.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// What precedes the number.
    pub before: &'a str,
    /// What stands behind it.
    pub after: &'a str,
    /// Whether `before` touches the number, as in `A4`.
    is_close: bool,
    pub sign: Sign,
    /// Runs of digits, in ASCII; the first may be empty, as of `.5`.
    pub groups: Vec<String>,
    /// What stands between them: `.`, `,`, `'`, `٫`, `٬`, or a space of any kind as ` `.
    pub marks: Vec<char>,
    /// Where the number ends in the text.
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

/// A digit of any script that writes numbers as we do, from the left: `۷` is 7.
pub fn digit(letter: char) -> Option<char> {
    /// Zeros of Arabic-Indic, Persian, Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Telugu, Kannada,
    /// Malayalam, Thai, Lao, Burmese, Khmer digits and of full-width ones.
    const ZEROS: [u32; 15] = [
        0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50,
        0x0ED0, 0x1040, 0x17E0, 0xFF10,
    ];
    if letter.is_ascii_digit() {
        return Some(letter);
    }
    if letter.is_ascii() {
        return None;
    }
    let code = u32::from(letter);
    let zero = ZEROS
        .iter()
        .find(|zero| (**zero..**zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

/// What a letter is between digits.
fn mark(letter: char) -> Option<char> {
    match letter {
        '.' | ',' | '٫' | '٬' => Some(letter),
        '\'' | '’' | 'ʼ' | '′' => Some('\''),
        ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => Some(' '),
        _ => None,
    }
}

/// The mark and the dash of `,-` behind a number, where nothing but a unit follows.
fn dash_of(rest: &str) -> Option<(char, char)> {
    let mut letters = rest.chars();
    let mark = letters.next().filter(|mark| matches!(mark, ',' | '.'))?;
    let dash = letters
        .next()
        .filter(|dash| matches!(dash, '-' | '–' | '—'))?;
    let is_end = !letters.as_str().contains(|letter| digit(letter).is_some());
    is_end.then_some((mark, dash))
}

fn is_minus(letter: char) -> bool {
    matches!(letter, '-' | '−')
}

impl<'a> Parts<'a> {
    /// The first number of a text and what stands around it; `None` where there is none, or where what
    /// follows can be no unit: a second number, a date, a range.
    pub fn of(text: &'a str) -> Option<Parts<'a>> {
        let text = text.trim();
        let parts = Parts::scan(text)?;
        let rest = &text[parts.end..];
        let mut letters = rest.trim_start().chars();
        let first = letters.next();
        let is_second = match first {
            None => false,
            Some('.' | ',') if rest.starts_with(['.', ',']) => true,
            // "1200 - 1500", "03/12", "12:30"; but "₽/мес." and "-".
            Some('-' | '–' | '—' | '/' | ':' | '~') => {
                letters.any(|letter| digit(letter).is_some())
            }
            Some(letter) => digit(letter).is_some(),
        };
        // "60 years 02 months"; but "L/100 km".
        let begins = |word: &str| {
            word.chars()
                .next()
                .is_some_and(|letter| digit(letter).is_some())
        };
        let is_second = is_second || rest.split_whitespace().any(begins);
        (!is_second).then_some(parts)
    }

    /// The number that a text begins with.
    pub fn begin(text: &'a str) -> Option<Parts<'a>> {
        let parts = Parts::scan(text)?;
        parts.before.is_empty().then_some(parts)
    }

    fn scan(text: &'a str) -> Option<Parts<'a>> {
        let (first, _) = text
            .char_indices()
            .find(|(_, letter)| digit(*letter).is_some())?;
        let (mut start, mut groups, mut marks) = (first, vec![String::new()], Vec::new());
        // ".5", but not "Rs.5", where the full stop is the word's.
        if let Some(rest) = text[..start].strip_suffix(['.', '٫'])
            && !rest.ends_with(char::is_alphanumeric)
        {
            marks.push(text[rest.len()..].chars().next()?);
            groups.push(String::new());
            start = rest.len();
        }
        let mut sign = Sign::Plus;
        if let Some(last) = text[..start].chars().next_back()
            && (is_minus(last) || last == '+')
        {
            start -= last.len_utf8();
            if is_minus(last) {
                sign = Sign::Minus;
            }
        }
        let mut end = first;
        let rest: Vec<(usize, char)> = text[first..].char_indices().collect();
        let is_digit = |at: usize| {
            rest.get(at)
                .is_some_and(|(_, letter)| digit(*letter).is_some())
        };
        let mut at = 0;
        while let Some((offset, letter)) = rest.get(at) {
            if let Some(digit) = digit(*letter) {
                groups.last_mut()?.push(digit);
            } else if let Some(found) = mark(*letter) {
                // A space stands between thousands only: before three digits, and no fourth.
                let is_group = (at + 1..at + 4).all(is_digit) && !is_digit(at + 4);
                let is_inner = is_digit(at + 1) && (found != ' ' || is_group);
                if !is_inner {
                    break;
                }
                marks.push(found);
                groups.push(String::new());
            } else {
                break;
            }
            end = first + offset + letter.len_utf8();
            at += 1;
        }
        // "450.000,-", "1200.–": no decimals, written with a dash.
        if let Some((mark, dash)) = dash_of(&text[end..]) {
            marks.push(mark);
            groups.push("00".to_owned());
            end += mark.len_utf8() + dash.len_utf8();
        }
        let before = &text[..start];
        // "A4" is a name, ",5" a slip: a unit before its number is a sign, or stands apart.
        let is_word_end =
            before.ends_with('.') && before[..before.len() - 1].ends_with(char::is_alphabetic);
        let is_close = before
            .ends_with(|letter: char| letter.is_alphanumeric() || letter == ',' || letter == '.')
            && !is_word_end;
        Some(Parts {
            before: before.trim(),
            after: text[end..].trim(),
            is_close,
            sign,
            groups,
            marks,
            end,
        })
    }

    /// Whether what precedes the number can be a unit.
    pub fn is_apart(&self) -> bool {
        !self.is_close
    }
}

/// Groups of three digits behind a first of one to three.
pub(super) fn are_thousands(groups: &[String]) -> bool {
    let mut groups = groups.iter();
    groups
        .next()
        .is_some_and(|first| (1..=3).contains(&first.len()))
        && groups.all(|group| group.len() == 3)
}

/// Groups as in India: three digits at the end, two before.
pub(super) fn are_indian(groups: &[String]) -> bool {
    let [first, middle @ .., last] = groups else {
        return false;
    };
    (1..=2).contains(&first.len()) && middle.iter().all(|group| group.len() == 2) && last.len() == 3
}

/// What the separators of a number prove: how its column writes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Digits alone, or with separators that are no question (spaces, apostrophes, `٬`, `٫`).
    Plain,
    /// The character precedes decimals, and the other one, if any, separates thousands.
    Decimal(char, Option<char>),
    /// The character stands between thousands.
    Thousands(char),
    /// The character stands between thousands as in India: `43,02,000`.
    Indian(char),
    /// The character may precede decimals or separate thousands: `450.000`.
    Either(char),
}

/// What a text with one number in it proves, and what precedes and behind the number.
pub fn shape(text: &str) -> Option<(Shape, &str, &str)> {
    // "1.230e+06" is what programs write, in one way.
    if text.contains(['e', 'E']) && text.parse::<f64>().is_ok_and(f64::is_finite) {
        return Some((Shape::Plain, "", ""));
    }
    let parts = Parts::of(text)?;
    let Parts { groups, marks, .. } = &parts;
    let asked: Vec<char> = marks
        .iter()
        .copied()
        .filter(|mark| ['.', ','].contains(mark))
        .collect();
    let is_spaced = asked.len() < marks.len();
    let last = groups.last()?;
    let shape = match asked[..] {
        [] => Shape::Plain,
        [mark] if is_spaced => match marks.last() == Some(&mark) {
            true => Shape::Decimal(mark, None),
            false => return None,
        },
        [mark] => {
            let could_group = are_thousands(groups) && !groups[0].starts_with('0');
            match could_group {
                true => Shape::Either(mark),
                false => Shape::Decimal(mark, None),
            }
        }
        [ref firsts @ .., mark] => {
            let first = firsts[0];
            if is_spaced || firsts.iter().any(|other| *other != first) {
                return None;
            }
            let whole = &groups[..groups.len() - 1];
            match first == mark {
                true if are_thousands(groups) => Shape::Thousands(mark),
                true if are_indian(groups) => Shape::Indian(mark),
                false if are_thousands(whole) || are_indian(whole) => {
                    Shape::Decimal(mark, Some(first))
                }
                _ => return None,
            }
        }
    };
    if last.is_empty() {
        return None;
    }
    Some((shape, parts.before, parts.after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_prove_how_numbers_are_written() {
        for (text, expected) in [
            ("450.000 €", Shape::Either('.')),
            ("450,000", Shape::Either(',')),
            ("1.250.000 €", Shape::Thousands('.')),
            ("₹43,02,000", Shape::Indian(',')),
            ("1.250,5", Shape::Decimal(',', Some('.'))),
            ("0.450", Shape::Decimal('.', None)),
            ("1234.500", Shape::Decimal('.', None)),
            ("82,6", Shape::Decimal(',', None)),
            ("6 050 000", Shape::Plain),
            ("6 050,25", Shape::Decimal(',', None)),
            ("۴۴", Shape::Plain),
        ] {
            assert_eq!(shape(text).map(|shape| shape.0), Some(expected), "{text}");
        }
        for text in ["03/12/2016", "1.2.3", "a", "1,2.3,4"] {
            assert_eq!(shape(text), None, "{text}");
        }
    }
}
