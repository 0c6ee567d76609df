//! Which way rows go at a split.

use super::super::coding::codes as codes_of;
use super::super::split::{Candidate, Cut};

/// Puts the rows that go left first, both parts in their order; gives how many go left.
pub(super) fn part(
    rows: &mut [u32],
    aside: &mut Vec<u32>,
    codes: &[u8],
    found: &Candidate,
) -> usize {
    // Asked once, not for every row.
    match found.cut {
        Cut::After(last) => {
            let (shift, last) = shifted(last, found);
            part_by(rows, aside, |row| codes[row].wrapping_sub(shift) > last)
        }
        Cut::Among(names) => {
            let mut set = codes_of(&names);
            set[0] |= u64::from(!found.unknown_left);
            part_by(rows, aside, |row| {
                let code = usize::from(codes[row]);
                set[code / 64] >> (code % 64) & 1 == 1
            })
        }
    }
}

/// Doubles the numbers of rows' leaves on a level, and adds one where a row goes right at the level's cut.
pub(super) fn follow(numbers: &mut [u16], codes: &[u8], found: &Candidate) {
    let Cut::After(last) = found.cut else {
        return;
    };
    let (shift, last) = shifted(last, found);
    for (number, code) in numbers.iter_mut().zip(codes) {
        *number = 2 * *number + u16::from(code.wrapping_sub(shift) > last);
    }
}

/// What is taken from codes, modulo 256, and then the last that goes left: the unknown's bin is below all
/// others, and one less makes it the greatest.
fn shifted(last: u8, found: &Candidate) -> (u8, u8) {
    let shift = u8::from(!found.unknown_left);
    (shift, last - shift)
}

#[inline]
fn part_by(rows: &mut [u32], aside: &mut Vec<u32>, right: impl Fn(usize) -> bool) -> usize {
    aside.resize(rows.len().max(aside.len()), 0);
    let aside = &mut aside[..rows.len()];
    let (mut lefts, mut rights) = (0, 0);
    // Both are written, one is kept: a branch would be guessed wrong half the time.
    for index in 0..rows.len() {
        let row = rows[index];
        let goes_right = right(row as usize);
        rows[lefts] = row;
        aside[rights] = row;
        lefts += usize::from(!goes_right);
        rights += usize::from(goes_right);
    }
    rows[lefts..].copy_from_slice(&aside[..rights]);
    lefts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_the_same_way_by_number_and_by_part() {
        let codes: Vec<u8> = (0..500_usize).map(|row| (row * 7919 % 256) as u8).collect();
        for (last, unknown_left) in [
            (1, true),
            (1, false),
            (90, false),
            (254, true),
            (254, false),
        ] {
            let found = Candidate {
                gain: 1.0,
                column: 0,
                cut: Cut::After(last),
                unknown_left,
                left: 0,
            };
            let mut numbers: Vec<u16> = (0..500).map(|row| row % 3).collect();
            follow(&mut numbers, &codes, &found);
            let mut rows: Vec<u32> = (0..500).collect();
            let lefts = part(&mut rows, &mut Vec::new(), &codes, &found);
            for (at, row) in rows.iter().enumerate() {
                let row = *row as usize;
                let right = found.right(codes[row]);
                assert_eq!(right, at >= lefts, "{last} {unknown_left} {}", codes[row]);
                assert_eq!(
                    usize::from(numbers[row]),
                    2 * (row % 3) + usize::from(right)
                );
            }
            // Both parts in their order.
            assert!(rows[..lefts].is_sorted() && rows[lefts..].is_sorted());
        }
    }

    #[test]
    fn names_go_where_the_set_sends_them() {
        let codes: Vec<u8> = (0..=255).collect();
        for unknown_left in [true, false] {
            let found = Candidate {
                gain: 1.0,
                column: 0,
                cut: Cut::Among([1, 1 << 63, 6, 1 << 62]),
                unknown_left,
                left: 0,
            };
            let mut rows: Vec<u32> = (0..256).collect();
            let lefts = part(&mut rows, &mut Vec::new(), &codes, &found);
            let mut right = vec![1, 128, 130, 131, 255];
            if !unknown_left {
                right.insert(0, 0);
            }
            assert_eq!(rows[lefts..], right);
            for (at, row) in rows.iter().enumerate() {
                assert_eq!(found.right(*row as u8), at >= lefts);
            }
        }
    }
}
