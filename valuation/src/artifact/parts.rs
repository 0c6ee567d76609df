//! The estimator's files: one a member, and what else is large.

use records::Schema;

use super::error::ArtifactError;
use super::files::{Verified, broken};
use super::format::HEAD;
use crate::boosted::Boosted;
use crate::comparables::{Comparables, PastValues};
use crate::estimator::Estimator;
use crate::estimator::plan::Plan;
use crate::json;
use crate::members::{Fitted as _, Member};
use crate::neighbours::Neighbours;
use crate::part_error::PartError;
use crate::tree_features::TreeFeatures;

const NEIGHBOURS: &str = "neighbours.json";
const COMPARABLES: &str = "comparables.json";
/// The same where no trees were grown; releases that do not know it leave it unread.
const COMPARABLES_BY_LINE: &str = "comparables-by-line.json";
/// What they have in the fields that are read, of either; unread by the same releases.
const COMPARABLES_VALUES: &str = "comparables-values.json";
const SPREAD: &str = "spread.trees";

/// Files of what `model.json` does not hold.
///
/// # Errors
/// When a part cannot be written.
pub(crate) fn parts(estimator: &Estimator) -> Result<Vec<(String, Vec<u8>)>, ArtifactError> {
    let mut files = Vec::new();
    let part = |file: String, bytes: Result<Vec<u8>, PartError>| match bytes {
        Ok(bytes) => Ok((file, bytes)),
        Err(error) => Err(broken(&file)(error)),
    };
    // Large: without the spaces.
    let compact = |file: &str, value: &dyn erased_serde::Serialize| {
        part(file.to_owned(), json::write(value).map_err(PartError::from))
    };
    for (head, member) in estimator.plan.members.iter().zip(&estimator.members) {
        files.push(part(head.file(), member.encode())?);
    }
    if !estimator.neighbours.is_empty() {
        files.push(compact(NEIGHBOURS, &estimator.neighbours)?);
    }
    if let Some(comparables) = &estimator.comparables {
        let file = match comparables.by_line {
            true => COMPARABLES_BY_LINE,
            false => COMPARABLES,
        };
        files.push(compact(file, comparables)?);
        if let Some(values) = &comparables.values {
            files.push(compact(COMPARABLES_VALUES, values)?);
        }
    }
    if let Some(spread) = &estimator.spread {
        files.push(part(
            SPREAD.to_owned(),
            spread.encode().map_err(PartError::from),
        )?);
    }
    Ok(files)
}

/// Reads the estimator of a plan, and checks that its parts fit together and the schema.
///
/// # Errors
/// States which file is wrong.
pub(crate) fn estimator(
    files: &Verified,
    plan: &Plan,
    schema: &Schema,
) -> Result<Estimator, ArtifactError> {
    estimator_at(files, "", plan, schema)
}

/// The same of files whose names begin with `prefix`: one of several estimators.
///
/// # Errors
/// States which file is wrong.
pub(crate) fn estimator_at(
    files: &Verified,
    prefix: &str,
    plan: &Plan,
    schema: &Schema,
) -> Result<Estimator, ArtifactError> {
    let at = |file: &str| format!("{prefix}{file}");
    let (neighbours_file, spread_file) = (at(NEIGHBOURS), at(SPREAD));
    let (comparables_file, values_file) = (at(COMPARABLES), at(COMPARABLES_VALUES));
    let by_line_file = at(COMPARABLES_BY_LINE);
    let width = plan.tree_features.as_ref().map_or(0, TreeFeatures::width);
    let mut members = Vec::new();
    for head in &plan.members {
        let file = at(&head.file());
        let member = Member::decode(&head.extension, &files.bytes(&file)?, width);
        members.push(member.map_err(broken(&file))?);
    }
    let mut neighbours: Vec<Neighbours> = match files.lists(&neighbours_file)? {
        true => files.json(&neighbours_file)?,
        false => Vec::new(),
    };
    let mut comparables: Option<Comparables> = match files.lists(&comparables_file)? {
        true => Some(files.json(&comparables_file)?),
        false => None,
    };
    if files.lists(&by_line_file)? {
        let by_line: Comparables = files.json(&by_line_file)?;
        comparables = Some(Comparables {
            by_line: true,
            ..by_line
        });
    }
    if files.lists(&values_file)?
        && let Some(comparables) = &mut comparables
    {
        let values: PastValues = files.json(&values_file)?;
        let checked = values.check(schema, comparables.past.len());
        checked.map_err(broken(&values_file))?;
        comparables.values = Some(values);
    }
    let spread = match files.lists(&spread_file)? {
        true => Some(Boosted::decode(&files.bytes(&spread_file)?).map_err(broken(&spread_file))?),
        false => None,
    };
    for neighbours in &mut neighbours {
        neighbours.check(width).map_err(broken(&neighbours_file))?;
        neighbours.space.grow();
    }
    if let Some(comparables) = &mut comparables {
        // A line's are checked with the estimator, which knows their width.
        if !comparables.by_line {
            comparables
                .check(width)
                .map_err(broken(&comparables_file))?;
            comparables.space.grow();
        }
    }
    let mut estimator = Estimator {
        plan: plan.clone(),
        members,
        neighbours,
        comparables,
        spread,
        bindings: Default::default(),
        name_tables: Default::default(),
    };
    match estimator.check(schema) {
        Ok(()) => {
            if let Some(own) = estimator.comparables.as_mut().filter(|own| own.by_line) {
                own.space.grow();
            }
            estimator.share();
            Ok(estimator)
        }
        Err((file, error)) if file == HEAD => Err(broken(&file)(error)),
        Err((file, error)) => Err(broken(&at(&file))(error)),
    }
}
