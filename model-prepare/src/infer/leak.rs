//! Columns that reveal the target: another price, a ratio to it, what is known after the sale only. A model
//! that learns from them knows the answer, and nothing of the next listing.

use records::Kind;

use super::name_words;
use super::study::{Studied, Study};

/// Share of the variance of the target's logarithm that a column alone may explain.
const MOST_ALONE: f64 = 0.98;
/// The same of two columns multiplied, or divided, as price is area times price per area.
const MOST_TOGETHER: f64 = 0.9995;
/// Rows that prove something.
const LEAST_ROWS: usize = 30;
/// Rows looked at.
const MOST_ROWS: usize = 5_000;
/// Columns of numbers that are looked at in pairs.
const MOST_CANDIDATES: usize = 24;
/// Words in the names of what is known after the sale.
const AFTER: [&str; 4] = ["closed", "closing", "buyer", "settlement"];

/// Why each column reveals the target; none of those that do not.
pub(super) fn leaks(study: &Study<'_>, target: usize, area: Option<usize>) -> Vec<Option<String>> {
    let goal = &study.columns[target];
    let prices: Vec<Option<f64>> = goal.row_values().collect();
    let step = prices.len().div_ceil(MOST_ROWS).max(1);
    let logs: Vec<Option<f64>> = prices
        .iter()
        .step_by(step)
        .map(|price| log(*price))
        .collect();
    let mut found: Vec<Option<String>> = study
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            // What a price is in is known before the sale.
            if index == target || !is_learned(column) || column.is_currency() {
                return None;
            }
            by_name(column).or_else(|| {
                let share = explained(column, &logs, step);
                // Of made-up or plain files the size alone may do so, and is known before the sale.
                let is_size = Some(index) == area || name_words::is_area(column.name());
                (share > MOST_ALONE && !is_size).then(|| {
                    format!(
                        "alone it explains {:.1} % of the variance of {}",
                        share * 100.0,
                        goal.name()
                    )
                })
            })
        })
        .collect();
    pairs(study, target, area, &logs, step, &mut found);
    sums(study, target, step, &mut found);
    found
}

fn log(value: Option<f64>) -> Option<f64> {
    value.filter(|value| *value > 0.0).map(f64::ln)
}

fn is_learned(column: &Studied<'_>) -> bool {
    !matches!(column.kind, Kind::Text | Kind::Timestamp)
}

fn by_name(column: &Studied<'_>) -> Option<String> {
    let name = column.name();
    let is_ratio = name_words::has(name, &["per", "za", "pro"]) && name_words::is_area(name);
    if name_words::is_price(name) || name_words::has(name, &name_words::LEAKS) || is_ratio {
        return Some("by its name it is a price too".to_owned());
    }
    (name_words::has(name, &AFTER) || name.contains("on_market"))
        .then(|| "by its name it is known after the sale only".to_owned())
}

/// R² of the logarithm of the target by a column alone: by its number, its logarithm, its rank, or its level.
fn explained(column: &Studied<'_>, logs: &[Option<f64>], step: usize) -> f64 {
    if column.is_number() {
        let values: Vec<Option<f64>> = column.row_values().step_by(step).collect();
        let by_log: Vec<Option<f64>> = values.iter().map(|value| log(*value)).collect();
        // A column that few rows have may tell their price; of the few that have a logarithm nothing follows.
        let filled = values.iter().flatten().count();
        let by_rank = match filled * 2 < logs.len() {
            true => 0.0,
            false => correlation(&ranks(&values), &ranks(logs), LEAST_ROWS),
        };
        let least = (filled / 2).max(LEAST_ROWS);
        return correlation(&values, logs, LEAST_ROWS)
            .max(correlation(&by_log, logs, least))
            .max(by_rank);
    }
    let levels: Vec<Option<u32>> = column.column.rows.iter().step_by(step).copied().collect();
    by_level(&levels, logs)
}

/// The rank of each value, the mean one of equals: a price's place among all tells it too.
fn ranks(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(f64, usize)> = values
        .iter()
        .enumerate()
        .filter_map(|(index, value)| Some(((*value)?, index)))
        .collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut ranks = vec![None; values.len()];
    let mut at = 0;
    while let Some((value, _)) = order.get(at) {
        let equal = order[at..]
            .iter()
            .take_while(|other| other.0 == *value)
            .count();
        let rank = at as f64 + (equal as f64 - 1.0) / 2.0;
        for (_, index) in &order[at..at + equal] {
            ranks[*index] = Some(rank);
        }
        at += equal;
    }
    ranks
}

/// Squared correlation of those that both have, of which there must be a `least`.
fn correlation(one: &[Option<f64>], other: &[Option<f64>], least: usize) -> f64 {
    let both: Vec<(f64, f64)> = one
        .iter()
        .zip(other)
        .filter_map(|(one, other)| Some(((*one)?, (*other)?)))
        .collect();
    let rows = both.len();
    if rows < least {
        return 0.0;
    }
    let mean = |of: fn(&(f64, f64)) -> f64| both.iter().map(of).sum::<f64>() / rows as f64;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (one, other) in &both {
        xx += (one - x).powi(2);
        yy += (other - y).powi(2);
        xy += (one - x) * (other - y);
    }
    match xx > 0.0 && yy > 0.0 {
        true => xy * xy / (xx * yy),
        false => 0.0,
    }
}

/// R² by the means of levels, without what chance gives them.
fn by_level(levels: &[Option<u32>], logs: &[Option<f64>]) -> f64 {
    let mut groups: std::collections::BTreeMap<u32, (f64, f64)> = std::collections::BTreeMap::new();
    let (mut rows, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (level, value) in levels.iter().zip(logs) {
        let (Some(level), Some(value)) = (level, value) else {
            continue;
        };
        let group = groups.entry(*level).or_default();
        group.0 += 1.0;
        group.1 += value;
        rows += 1.0;
        sum += value;
        squares += value * value;
    }
    let free = rows - groups.len() as f64;
    let all = squares - sum * sum / rows;
    if rows < LEAST_ROWS as f64 || free < rows / 2.0 || all <= 0.0 {
        return 0.0;
    }
    let between: f64 = groups
        .values()
        .map(|(count, sum)| sum * sum / count)
        .sum::<f64>()
        - sum * sum / rows;
    1.0 - (all - between) / free * (rows - 1.0) / all
}

/// Rows that two columns together must have: half of all.
fn half(all: &[Option<f64>]) -> usize {
    all.len().div_ceil(2).max(LEAST_ROWS)
}

/// Price is area times price per area: the one of the two that is not a size is a ratio to the price.
fn pairs(
    study: &Study<'_>,
    target: usize,
    area: Option<usize>,
    logs: &[Option<f64>],
    step: usize,
    found: &mut [Option<String>],
) {
    let is_candidate = |index: &usize| {
        let column = &study.columns[*index];
        *index != target && column.is_number() && column.column.levels() > 2
    };
    let candidates: Vec<usize> = (0..study.columns.len())
        .filter(is_candidate)
        .take(MOST_CANDIDATES)
        .collect();
    let of = |index: usize| -> Vec<Option<f64>> {
        study.columns[index]
            .row_values()
            .step_by(step)
            .map(log)
            .collect()
    };
    let columns: Vec<Vec<Option<f64>>> = candidates.iter().map(|index| of(*index)).collect();
    for one in 0..candidates.len() {
        for other in one + 1..candidates.len() {
            let (first, second) = (candidates[one], candidates[other]);
            if found[first].is_some() || found[second].is_some() {
                continue;
            }
            let together = |sign: f64| -> Vec<Option<f64>> {
                let both = columns[one].iter().zip(&columns[other]);
                both.map(|(a, b)| Some((*a)? + sign * (*b)?)).collect()
            };
            // A product, or a quotient the one or the other way round: both have one correlation.
            let of_logs = |values: &[Option<f64>]| correlation(values, logs, half(logs));
            let best = of_logs(&together(1.0)).max(of_logs(&together(-1.0)));
            let alone = of_logs(&columns[one]).max(of_logs(&columns[other]));
            if best < MOST_TOGETHER || alone > MOST_TOGETHER {
                continue;
            }
            let is_size = |index: usize| {
                Some(index) == area || name_words::is_area(study.columns[index].name())
            };
            let (ratio, size) = if is_size(second) {
                (first, second)
            } else {
                (second, first)
            };
            if is_size(ratio) {
                continue;
            }
            found[ratio] = Some(format!(
                "with {} it gives {} to {:.2} %",
                study.columns[size].name(),
                study.columns[target].name(),
                best * 100.0
            ));
        }
    }
}

/// Columns that add up to the target, such as the worth of the land and that of the building.
fn sums(study: &Study<'_>, target: usize, step: usize, found: &mut [Option<String>]) {
    let values = |index: usize| -> Vec<Option<f64>> {
        let values = study.columns[index].row_values();
        values.step_by(step).collect()
    };
    let goal = values(target);
    let is_candidate = |index: &usize| {
        let column = &study.columns[*index];
        *index != target
            && column.is_number()
            && column.column.levels() > 2
            && found[*index].is_none()
    };
    let candidates: Vec<(usize, Vec<Option<f64>>)> = (0..study.columns.len())
        .filter(is_candidate)
        .take(MOST_CANDIDATES)
        .map(|index| (index, values(index)))
        .collect();
    for (at, (first, one)) in candidates.iter().enumerate() {
        for (second, other) in &candidates[at + 1..] {
            let together = |sign: f64| -> Vec<Option<f64>> {
                let both = one.iter().zip(other);
                both.map(|(one, other)| Some((*one)? + sign * (*other)?))
                    .collect()
            };
            let of_goal = |values: &[Option<f64>]| correlation(values, &goal, half(&goal));
            let best = of_goal(&together(1.0)).max(of_goal(&together(-1.0)));
            let alone = of_goal(one).max(of_goal(other));
            if best < MOST_TOGETHER || alone > MOST_TOGETHER {
                continue;
            }
            for (index, with) in [(*first, *second), (*second, *first)] {
                found[index] = Some(format!(
                    "with {} it adds up to {} to {:.2} %",
                    study.columns[with].name(),
                    study.columns[target].name(),
                    best * 100.0
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::column::Column;
    use crate::infer::options::InferOptions;

    #[test]
    fn ranks_parts_of_the_rows_and_currencies_are_judged_for_what_they_are() {
        const ROWS: usize = 120;
        let mut columns: Vec<Column> = ["price", "place", "old", "currency", "rooms"]
            .iter()
            .enumerate()
            .map(|(position, name)| Column::new(name, position))
            .collect();
        for row in 0..ROWS {
            let order = row * 37 % ROWS;
            let is_rouble = row % 3 == 0;
            // The rank is no line of the price nor of its logarithm.
            let price =
                1000.0 * (1.0 + order as f64 / 20.0).powi(3) * if is_rouble { 1e6 } else { 1.0 };
            let place = order + if is_rouble { ROWS } else { 0 };
            let old = if row % 4 == 0 {
                format!("{:.0}", price * 0.9)
            } else {
                String::new()
            };
            let cells = [
                format!("{price:.0}"),
                place.to_string(),
                old,
                ["RUB", "USD"][usize::from(!is_rouble)].to_owned(),
                (row * 31 % 5).to_string(),
            ];
            for (column, cell) in columns.iter_mut().zip(cells) {
                column.add(&cell, row as u64 + 2);
            }
        }
        let study = Study::new(&InferOptions::default(), &columns, ROWS, None);
        let found = leaks(&study, 0, None);
        let is_leak: Vec<bool> = found.iter().map(Option::is_some).collect();
        assert_eq!(is_leak, [false, true, true, false, false], "{found:?}");
    }

    #[test]
    fn parts_of_the_price_are_leaks_and_other_numbers_are_not() {
        const ROWS: usize = 60;
        let mut columns: Vec<Column> = ["price", "land", "house", "rooms"]
            .iter()
            .enumerate()
            .map(|(position, name)| Column::new(name, position))
            .collect();
        for row in 0..ROWS {
            let (land, house) = (
                20_000 + row * 7919 % 30_000,
                50_000 + row * 104_729 % 90_000,
            );
            let cells = [land + house, land, house, row * 31 % 5];
            for (column, cell) in columns.iter_mut().zip(cells) {
                column.add(&cell.to_string(), row as u64 + 2);
            }
        }
        let study = Study::new(&InferOptions::default(), &columns, ROWS, None);
        let found = leaks(&study, 0, None);
        assert!(found[1].as_ref().is_some_and(|why| why.contains("adds up")));
        assert!(found[2].as_ref().is_some_and(|why| why.contains("adds up")));
        assert_eq!((&found[0], &found[3]), (&None, &None));
    }
}
