//! Dates of other calendars: read as they stand, they would be centuries off.

use records::measure;

use super::column::Column;

/// The calendar of dates whose years nobody would sell a thing in, where such a share of the rows has them.
pub(super) fn foreign(column: &Column, share: f64) -> Option<&'static str> {
    const CALENDARS: [(std::ops::RangeInclusive<u32>, &str); 2] = [
        (1300..=1499, "Persian or Islamic"),
        (2440..=2640, "Buddhist"),
    ];
    let year = |text: &str| {
        let digits: String = text
            .chars()
            .map(|letter| measure::digit(letter).unwrap_or(letter))
            .collect();
        let parts: Vec<&str> = digits.split(['/', '-', '.', ' ', 'T']).take(3).collect();
        let numbers = [
            parts.first()?.parse::<u32>().ok()?,
            parts.get(1)?.parse::<u32>().ok()?,
            parts.get(2)?.parse::<u32>().ok()?,
        ];
        let years = || numbers.iter().filter(|number| **number > 31);
        (years().count() == 1).then(|| years().next().copied())?
    };
    let filled = column.filled();
    let is_of = |range: &std::ops::RangeInclusive<u32>| {
        let cells = column.values();
        let of_range =
            cells.filter(|cell| year(&cell.text).is_some_and(|year| range.contains(&year)));
        let rows: usize = of_range.map(|cell| cell.count).sum();
        filled > 0 && rows as f64 >= share * filled as f64
    };
    let found = CALENDARS.iter().find(|(range, _)| is_of(range));
    found.map(|(_, name)| *name)
}
