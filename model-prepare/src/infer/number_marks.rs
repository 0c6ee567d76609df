//! Decides the decimal mark and the mark between thousands of a column.

use records::Field;

use super::column::Column;
use super::name_words;
use super::number_evidence::{Elsewhere, Evidence};

/// Why a mark before three digits stands between thousands.
const MIXED: &str = "numbers below 1000 have none, and all others have three digits behind it";

/// Decides decimals and thousands, and states why; the field stays without them where nothing is proven.
/// `are_many` says that words behind the numbers multiply each by 100,000 or more.
pub(super) fn marks(
    column: &Column,
    evidence: &Evidence,
    elsewhere: &Elsewhere,
    are_many: bool,
    field: &mut Field,
) -> Option<String> {
    let mut decimal = match (elsewhere.asked, evidence.comma.cmp(&evidence.dot)) {
        (Some(asked), _)
            if evidence.dot_either + evidence.comma_either > 0
                && evidence.dot + evidence.comma == 0 =>
        {
            Some(asked)
        }
        (_, std::cmp::Ordering::Greater) => Some(','),
        (_, std::cmp::Ordering::Less) => Some('.'),
        _ => None,
    };
    let mut group = match (evidence.dot_group, evidence.comma_group) {
        (0, 0) => None,
        (dot, comma) if dot > comma => Some('.'),
        _ => Some(','),
    };
    group = group.filter(|group| Some(*group) != decimal);
    if let Some(group) = group
        && decimal.is_none()
    {
        decimal = Some(if group == '.' { ',' } else { '.' });
    }
    let is_place = name_words::is_latitude(&column.name) || name_words::is_longitude(&column.name);
    let mut why = None;
    let either = evidence.dot_either + evidence.comma_either;
    if are_many
        && decimal.is_none()
        && either > 0
        && evidence.dot_either * evidence.comma_either == 0
    {
        let mark = if evidence.comma_either > 0 { ',' } else { '.' };
        decimal = Some(mark);
        why = Some(format!(
            "{mark:?} precedes decimals: the words behind the numbers multiply them"
        ));
    } else if evidence.dot_either > 0 && decimal.is_none() {
        // A thousand ends in 0 more often than a thousandth.
        let is_measured =
            field.unit.is_none() && elsewhere.dot && evidence.dot_round * 2 < evidence.dot_either;
        let thousands = evidence.are_thousands(either).filter(|_| !is_place);
        if thousands == Some(true) {
            (decimal, group) = (Some(','), Some('.'));
            why = Some(format!(
                "a full stop is taken to stand between thousands: {MIXED}"
            ));
        } else if is_place || (is_measured && !elsewhere.comma && thousands.is_none()) {
            decimal = Some('.');
            why = Some("a full stop precedes decimals, as in other columns".to_owned());
        } else if elsewhere.comma && !elsewhere.dot {
            (decimal, group) = (Some(','), Some('.'));
            why = Some(
                "a full stop stands between thousands: other columns have a decimal comma"
                    .to_owned(),
            );
        }
    } else if evidence.comma_either > 0
        && decimal.is_none()
        && (is_place
            || elsewhere.comma
                && !elsewhere.dot
                && evidence.are_thousands(either).is_none()
                // A thousand ends in 0 more often than a thousandth.
                && evidence.comma_round * 2 < evidence.comma_either)
    {
        decimal = Some(',');
        why = Some("a comma precedes decimals, as in other columns".to_owned());
    } else if evidence.comma_either > 0
        && decimal.is_none()
        // In such files either is common: left to the user.
        && (!elsewhere.semicolons || evidence.are_thousands(either) == Some(true))
        && (elsewhere.dot || !elsewhere.comma)
    {
        (decimal, group) = (Some('.'), Some(','));
        why = Some("a comma is taken to stand between thousands".to_owned());
    }
    if decimal == Some(',') && evidence.dot_either > 0 {
        group = Some('.');
    }
    if decimal == Some('.') && evidence.comma_either > 0 {
        group = Some(',');
    }
    if why.is_none() && (decimal == Some(',') || group.is_some()) {
        why = Some(match (decimal, group) {
            (Some(','), Some(group)) => format!("decimal comma, and {group:?} between thousands"),
            (Some(','), None) => "decimal comma".to_owned(),
            (_, Some(_)) if evidence.indian > 0 => "groups as in India".to_owned(),
            (_, group) => format!("{:?} between thousands", group.unwrap_or(',')),
        });
    }
    // A full stop before decimals is the usual: said only where a text could be meant otherwise.
    field.decimal = decimal.filter(|mark| *mark == ',' || evidence.dot_either > 0);
    field.group = group;
    why
}
