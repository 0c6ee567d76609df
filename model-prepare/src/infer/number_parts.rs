//! What stands around the number of a cell: a word that multiplies it, its unit, and more.

use records::measure::{digit, shape};

use super::cell_words::{self, SCALES_OF_MONEY, SCALES_OF_RUPEES, SCALES_OF_RUPIAH};
use super::column::{Cell, Column};

/// `mil` is a thousand in Spain and Brazil, and short for a million elsewhere: numbers below this leave it open.
const LEAST_THOUSANDS: f64 = 20.0;
/// "£1,200 m" is a price of a month: before `m` for a million numbers are smaller.
const MOST_MILLIONS: f64 = 1000.0;

/// The parts around a number: a word that multiplies it, its unit, and what stands behind a unit that
/// precedes it, such as `pcm` of `£1,200 pcm`.
pub(super) struct Around<'a> {
    pub(super) word: Option<(&'static str, f64)>,
    pub(super) unit: &'a str,
    pub(super) behind: &'a str,
}

/// Whether a word is of a script that writes no spaces: its unit touches it, as in `123万円`.
pub(super) fn is_unspaced(word: &str) -> bool {
    word.starts_with(|letter: char| ('\u{3000}'..='\u{9fff}').contains(&letter))
        || word.starts_with(['만', '억'])
}

/// Takes apart what precedes a number and what follows it; words of `denied` multiply nothing. `None` where
/// it is no number with its unit.
pub(super) fn around<'a>(before: &'a str, after: &'a str, denied: &[&str]) -> Option<Around<'a>> {
    let special: &[(&'static str, f64)] = if before.starts_with('₹') || before.starts_with("Rs") {
        &SCALES_OF_RUPEES
    } else if before.starts_with("Rp") {
        &SCALES_OF_RUPIAH
    } else {
        &[]
    };
    let words = special.iter().chain(&cell_words::SCALES);
    let mut found: Option<(&'static str, f64, &str)> = None;
    for (word, by) in words.chain(&SCALES_OF_MONEY) {
        let Some(rest) = after.strip_prefix(word) else {
            continue;
        };
        let is_longer = found.is_none_or(|(other, _, _)| other.len() < word.len());
        let is_inner =
            rest.starts_with(|next: char| next.is_alphanumeric() || "²³/.".contains(next));
        let is_of_money = SCALES_OF_MONEY.iter().any(|(money, _)| money == word);
        let has_money = || cell_words::is_money(before) || cell_words::is_money(rest.trim());
        let is_taken = is_longer
            && (is_unspaced(word) || !is_inner)
            && (!is_of_money || has_money())
            && !denied.contains(word);
        if is_taken {
            found = Some((*word, *by, rest.trim()));
        }
    }
    let (word, rest) = match found {
        Some((word, by, rest)) => (Some((word, by)), rest),
        None => (None, after),
    };
    let (unit, behind) = match before.is_empty() {
        true => (rest, ""),
        false => (before, rest),
    };
    let is_read = behind.is_empty() || cell_words::is_money(before);
    is_read.then_some(Around { word, unit, behind })
}

/// Words that multiply in some columns, and not in this one by the size of its numbers.
pub(super) fn denied(column: &Column) -> Vec<&'static str> {
    let typical = |word: &str| {
        let mut sizes: Vec<f64> = Vec::new();
        for Cell { text, .. } in column.values() {
            let Some((_, before, after)) = shape(text) else {
                continue;
            };
            let is_it = around(before, after, &[])
                .and_then(|found| found.word)
                .is_some_and(|(found, _)| found == word);
            if is_it {
                sizes.extend(size(text));
            }
        }
        sizes.sort_by(f64::total_cmp);
        sizes.get(sizes.len() / 2).copied()
    };
    let mut all = Vec::new();
    if typical("mil").is_some_and(|size| size < LEAST_THOUSANDS) {
        all.push("mil");
    }
    for (word, _) in SCALES_OF_MONEY {
        if typical(word).is_some_and(|size| size >= MOST_MILLIONS) {
            all.push(word);
        }
    }
    all
}

/// About how great the number of a text is: a comma before three digits stands between thousands, a full stop
/// that comes once precedes decimals.
fn size(text: &str) -> Option<f64> {
    let (mut groups, mut marks) = (vec![String::new()], Vec::new());
    let letters = text
        .chars()
        .skip_while(|letter| digit(*letter).is_none())
        .take_while(|letter| digit(*letter).is_some() || " .,'’\u{a0}\u{202f}".contains(*letter));
    for letter in letters {
        match digit(letter) {
            Some(digit) => groups.last_mut()?.push(digit),
            None => {
                marks.push(letter);
                groups.push(String::new());
            }
        }
    }
    // What follows the last digit is no mark of the number's.
    while groups.len() > 1 && groups.last().is_some_and(String::is_empty) {
        groups.pop();
        marks.pop();
    }
    let has_decimals = match marks[..] {
        [] => false,
        ['.'] => true,
        [.., last] => matches!(last, '.' | ',') && groups.last()?.len() != 3,
    };
    let whole = groups.len() - usize::from(has_decimals);
    groups[..whole].concat().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_multiply_are_told_from_units() {
        for (before, after, word, unit) in [
            ("£", "m", Some(1e6), "£"),
            ("R$", "mi", Some(1e6), "R$"),
            ("", "mi", None, "mi"),
            ("", "m", None, "m"),
            ("Rp", "M", Some(1e9), "Rp"),
            ("$", "M", Some(1e6), "$"),
            ("", "mil. Kč", Some(1e6), "Kč"),
            ("", "T€", Some(1e3), ""),
            ("", "लाख", Some(1e5), ""),
        ] {
            let found = around(before, after, &[]).expect("a number");
            assert_eq!(found.word.map(|(_, by)| by), word, "{before:?} {after:?}");
            assert_eq!(found.unit, unit, "{before:?} {after:?}");
        }
    }

    #[test]
    fn the_size_of_the_numbers_decides_of_words_with_two_meanings() {
        for (cells, expected) in [
            (&["1,2 mil €", "2,5 mil €"][..], &["mil"][..]),
            (&["850 mil €", "1,2 M€"], &[]),
            (&["£1.2m", "£0.95m"], &[]),
            (&["£1,200 m", "£1,950 m"], &["m"]),
        ] {
            let mut column = Column::new("price", 0);
            for (line, cell) in cells.iter().enumerate() {
                column.add(cell, line as u64 + 2);
            }
            assert_eq!(denied(&column), expected, "{cells:?}");
        }
    }
}
