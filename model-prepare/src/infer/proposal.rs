//! The schema that is proposed, with what was noticed as comments.

mod field;
mod guesses;
mod head;
pub(super) mod seen;
mod toml_text;

use anyhow::{Context, ensure};
use records::Schema;

use self::field::field;
use self::guesses::guesses;
use self::head::head;
use self::seen::{Roles, Seen};
use self::toml_text::comment;
use super::account::{self, Account};
use super::leak;
use super::options::InferOptions;

/// A schema that is proposed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Proposal {
    /// The schema file.
    pub schema: String,
    /// What it does with the file's rows, and how sure it is.
    pub account: Account,
}

/// The schema file and the account of it.
///
/// # Errors
/// When there is no target, or the proposal is not a schema.
pub(super) fn propose(seen: &Seen<'_>, options: &InferOptions) -> anyhow::Result<Proposal> {
    let study = seen.study;
    let target = study.target(seen.shown, options.target.as_deref())?;
    let target_kind = study.columns[target].target_kind(seen.shown)?;
    let area = study.area(target);
    let roles = Roles {
        target,
        is_target_given: options.target.is_some(),
        target_kind,
        key: study.key(target),
        time: study.time(),
        leaks: leak::leaks(study, target, area.as_ref().map(|area| area.column)),
        area,
        place: study.place(),
    };
    let mut text = head(seen, &roles);
    for index in 0..study.columns.len() {
        field(seen, index, &roles, &mut text);
    }
    // What is proposed must be a schema.
    let schema = Schema::parse(&text, seen.name)
        .with_context(|| format!("the schema that was made for {} is none", seen.shown))?;
    let account = account::of(
        &options.file,
        &schema,
        study,
        roles.key.as_ref(),
        guesses(seen, &roles),
    )?;
    let column = &study.columns[target];
    // A schema that refuses them asks; one that would read them as they stand must not be.
    ensure!(
        !column.is_undecided() || account.taken + column.numbers.ambiguous <= study.rows,
        "{}: {}",
        seen.shown,
        column.question()
    );
    text.push('\n');
    for line in account.to_string().lines() {
        comment(&mut text, line);
    }
    Ok(Proposal {
        schema: text,
        account,
    })
}
