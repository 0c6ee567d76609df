//! What the cells of a file prove about how it writes numbers.

use records::measure::{Shape, shape};

use super::column::{Cell, Column};

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
                Shape::Plain => {}
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
