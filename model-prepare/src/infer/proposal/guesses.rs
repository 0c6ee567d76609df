//! The guesses of a proposal, and how sure each is.

use records::Kind;

use super::seen::{Roles, Seen};
use crate::infer::account::Guess;
use crate::infer::dates::Times;
use crate::infer::name_words;
use crate::infer::roles::{CERTAIN, GUESS, LIKELY};

/// What was guessed, and how sure that is.
pub(super) fn guesses(seen: &Seen<'_>, roles: &Roles) -> Vec<Guess> {
    let study = seen.study;
    let mut all = Vec::new();
    let mut add = |what: &'static str, value: &str, sure: &'static str, why: String| {
        all.push(Guess {
            what,
            value: value.to_owned(),
            sure,
            why,
        });
    };
    if !roles.is_target_given {
        let called = study.columns.iter().filter(|column| {
            name_words::target_rank(column.name(), &column.column.header).is_some()
        });
        let (sure, why) = match called.count() {
            0 | 1 => (LIKELY, "called as prices are".to_owned()),
            several => (
                GUESS,
                format!("the plainest of {several} columns that are called as prices are"),
            ),
        };
        add("target", study.columns[roles.target].name(), sure, why);
    }
    for (what, role) in [
        ("key", &roles.key),
        ("time", &roles.time),
        ("area", &roles.area),
    ] {
        match role {
            Some(role) => add(
                what,
                study.columns[role.column].name(),
                role.sure,
                role.why.clone(),
            ),
            None => add(what, "none", GUESS, format!("no column serves as {what}")),
        }
    }
    for column in &study.columns {
        if column.is_number()
            && let Some(why) = &column.numbers.why
        {
            let sure = if why.contains("taken") || why.contains("other columns") {
                GUESS
            } else {
                CERTAIN
            };
            add("numbers", column.name(), sure, why.clone());
        }
        if let (Times::Form(form, why), Kind::Timestamp) = (&column.times, column.kind) {
            let sure = if why.contains("over 12") {
                CERTAIN
            } else {
                LIKELY
            };
            add("dates", column.name(), sure, format!("{form}: {why}"));
        }
    }
    for (column, leak) in study.columns.iter().zip(&roles.leaks) {
        if let Some(why) = leak {
            add("leak", column.name(), LIKELY, why.clone());
        }
    }
    all
}
