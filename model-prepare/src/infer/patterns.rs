//! Cells with words or several numbers: which of the usual forms they have.

use std::collections::BTreeMap;

use records::measure::{Custom, Reading, digit};

use super::column::Column;
use super::{cell_words, name_words};

/// Forms of a column at most.
const MOST: usize = 12;

/// A piece of a cell.
enum Piece {
    Number,
    Word(String),
}

/// Patterns of the schema for those cells that `custom` does not read; the most frequent first.
pub(super) fn of(column: &Column, custom: &Custom) -> Vec<String> {
    let is_floor = name_words::is_floor(&column.name);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for cell in column.values() {
        if matches!(custom.read(&cell.text), Reading::Value(_)) {
            continue;
        }
        if let Some(pattern) = pattern(&pieces(&cell.text), is_floor) {
            *found.entry(pattern).or_default() += cell.count;
        }
    }
    let mut found: Vec<(String, usize)> = found.into_iter().collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    found.truncate(MOST);
    found.into_iter().map(|(pattern, _)| pattern).collect()
}

fn pieces(text: &str) -> Vec<Piece> {
    let letters: Vec<char> = text.chars().collect();
    let (mut pieces, mut word) = (Vec::new(), String::new());
    let is_digit = |at: usize| {
        letters
            .get(at)
            .is_some_and(|letter| digit(*letter).is_some())
    };
    let close = |word: &mut String, pieces: &mut Vec<Piece>| {
        let text = word.trim().to_owned();
        word.clear();
        if !text.is_empty() {
            pieces.push(Piece::Word(text));
        }
    };
    let mut at = 0;
    while at < letters.len() {
        if is_digit(at) {
            close(&mut word, &mut pieces);
            while is_digit(at) || (matches!(letters.get(at), Some('.' | ',')) && is_digit(at + 1)) {
                at += 1;
            }
            pieces.push(Piece::Number);
        } else {
            word.push(letters[at]);
            at += 1;
        }
    }
    close(&mut word, &mut pieces);
    pieces
}

/// The pattern of a usual form; of a floor the first number is meant, of `3/9` the third.
fn pattern(pieces: &[Piece], is_floor: bool) -> Option<String> {
    let is = |word: &str, list: &[&str]| list.contains(&word.to_lowercase().as_str());
    match pieces {
        [Piece::Number, Piece::Word(word), Piece::Number]
            if is_floor && is(word, &cell_words::OUT_OF) =>
        {
            Some(format!("{{1}} {word} {{0}}"))
        }
        [Piece::Number, Piece::Word(word), Piece::Number] if is(word, &cell_words::RANGES) => {
            Some(format!("{{1/2}} {word} {{1/2}}"))
        }
        [
            Piece::Number,
            Piece::Word(years),
            Piece::Number,
            Piece::Word(months),
        ] if is(years, &cell_words::YEARS) && is(months, &cell_words::MONTHS) => {
            Some(format!("{{1}} {years} {{1/12}} {months}"))
        }
        [Piece::Number, Piece::Word(word)] if is(word, &cell_words::MONTHS) => {
            Some(format!("{{1/12}} {word}"))
        }
        [Piece::Number, Piece::Word(word)]
            if is(word, &cell_words::YEARS) || is(word, &cell_words::COUNTED) =>
        {
            Some(format!("{{1}} {word}"))
        }
        _ => None,
    }
}
