//! What the cells of a file prove about how it writes numbers.

use records::measure::{Shape, digit, shape};

use super::column::{Cell, Column};

/// As many numbers with decimals hardly ever have three decimals each.
const MANY: usize = 20;

/// How often the cells of a column prove how numbers are written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    /// A full stop, and a comma, before decimals.
    pub(super) dot: usize,
    pub(super) comma: usize,
    /// The same between thousands.
    pub(super) dot_group: usize,
    pub(super) comma_group: usize,
    /// Cells such as `450.000` and `450,000`, which prove nothing.
    pub(super) dot_either: usize,
    pub(super) comma_either: usize,
    /// Of `dot_either`, those whose last decimal is 0.
    pub(super) dot_round: usize,
    /// The same of `comma_either`.
    pub(super) comma_round: usize,
    /// Cells with one number in them.
    pub(super) numbers: usize,
    /// Groups as in India.
    pub(super) indian: usize,
    /// Digits alone: up to three of them, exactly three, and more.
    pub(super) short: usize,
    pub(super) three_digits: usize,
    pub(super) long: usize,
}

impl Evidence {
    pub(super) fn of(column: &Column) -> Evidence {
        let mut all = Evidence::default();
        for Cell { text, count, .. } in column.values() {
            let Some((shape, _, _)) = shape(text) else {
                continue;
            };
            all.numbers += count;
            match shape {
                Shape::Plain => all.add_plain(text, *count),
                Shape::Decimal('.', group) => {
                    all.dot += count;
                    all.comma_group += if group.is_some() { *count } else { 0 };
                }
                Shape::Decimal(_, group) => {
                    all.comma += count;
                    all.dot_group += if group.is_some() { *count } else { 0 };
                }
                Shape::Thousands('.') => all.dot_group += count,
                Shape::Thousands(_) => all.comma_group += count,
                Shape::Indian('.') => {}
                Shape::Indian(_) => {
                    all.indian += count;
                    all.comma_group += count;
                }
                Shape::Either(mark) => {
                    let digits = text.trim_end_matches(|last: char| !last.is_ascii_digit());
                    let round = if digits.ends_with('0') { *count } else { 0 };
                    let (either, rounds) = match mark {
                        '.' => (&mut all.dot_either, &mut all.dot_round),
                        _ => (&mut all.comma_either, &mut all.comma_round),
                    };
                    *either += count;
                    *rounds += round;
                }
            }
        }
        all
    }

    fn add_plain(&mut self, text: &str, count: usize) {
        let digits: String = text.chars().filter_map(digit).collect();
        // Those with spaces or apostrophes prove nothing of full stops and commas, and 0 is written as 0.
        if is_grouped(text) || digits.bytes().all(|digit| digit == b'0') {
            return;
        }
        match digits.len() {
            0..=2 => self.short += count,
            3 => {
                self.short += count;
                self.three_digits += count;
            }
            _ => self.long += count,
        }
    }

    /// What digits alone prove beside cells such as `1.250`, of which there are `either`: where numbers below
    /// 1000 have no mark and all others have three digits behind it, it stands between thousands. `None` where
    /// nothing is proven; `Some(false)` where decimals are doubtful: of many, some would end in 0, and be
    /// shorter.
    pub(super) fn are_thousands(&self, either: usize) -> Option<bool> {
        let has_proof = self.dot + self.comma + self.dot_group + self.comma_group > 0;
        if has_proof || either == 0 || self.short == 0 || self.long > 0 {
            return None;
        }
        match self.three_digits * 2 >= self.short {
            true => Some(true),
            false => (either >= MANY).then_some(false),
        }
    }
}

/// Whether digits stand apart, as in `6 050 000`.
fn is_grouped(text: &str) -> bool {
    let mut letters = text
        .chars()
        .skip_while(|letter| digit(*letter).is_none())
        .skip_while(|letter| digit(*letter).is_some());
    letters.next().is_some() && letters.next().is_some_and(|letter| digit(letter).is_some())
}

/// What the other columns of a file prove.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Elsewhere {
    pub(super) dot: bool,
    pub(super) comma: bool,
    /// Columns are separated by semicolons, as where a comma precedes decimals.
    pub(super) semicolons: bool,
    /// What the user says.
    pub(super) asked: Option<char>,
}

impl Elsewhere {
    pub(super) fn add(&mut self, column: &Column, evidence: &Evidence) {
        // Texts with a number here and there prove nothing.
        if evidence.numbers * 10 >= column.filled() * 9 {
            self.dot |= evidence.dot > evidence.comma;
            self.comma |= evidence.comma > evidence.dot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_tell_thousands_from_decimals() {
        for (cells, expected) in [
            (&["1.250", "950", "870", "2.345"][..], Some(true)),
            (&["1,250", "950", "0"], Some(true)),
            // Of a few, and where nothing else is written, nothing follows.
            (&["1.598", "2"], None),
            (&["1.250", "1250"], None),
            (&["1.598", "1.998"], None),
            (&["1.598", "2.5", "900"], None),
            (&["1.250", "6 050 000"], None),
        ] {
            let mut column = Column::new("rent", 0);
            for (line, cell) in cells.iter().enumerate() {
                column.add(cell, line as u64 + 2);
            }
            let evidence = Evidence::of(&column);
            let either = evidence.dot_either + evidence.comma_either;
            assert_eq!(evidence.are_thousands(either), expected, "{cells:?}");
        }
        let mut sizes = Column::new("depth", 0);
        for row in 0..30_u64 {
            sizes.add(&format!("1.{}", 111 + row * 7), row + 2);
        }
        sizes.add("12", 40);
        let evidence = Evidence::of(&sizes);
        assert_eq!(evidence.are_thousands(evidence.dot_either), Some(false));
    }
}
