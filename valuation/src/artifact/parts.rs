//! The estimator's files: one a member, and what else is large.

use records::Schema;

use super::ArtifactError;
use super::files::{Verified, broken};
use crate::boosted::Boosted;
use crate::comparables::Comparables;
use crate::estimator::{Estimator, MemberHead, Plan};
use crate::frame::Frame;
use crate::json;
use crate::member::Member;
use crate::neighbours::Neighbours;

const NEIGHBOURS: &str = "neighbours.json";
const COMPARABLES: &str = "comparables.json";
const SPREAD: &str = "spread.trees";

/// The file of a member.
fn file_of(member: &MemberHead) -> String {
    format!("member-{}.{}", member.name, member.extension)
}

/// Files of what `model.json` does not hold.
///
/// # Errors
/// When a part cannot be written.
pub(crate) fn parts(estimator: &Estimator) -> Result<Vec<(String, Vec<u8>)>, ArtifactError> {
    let mut files = Vec::new();
    let part = |file: String, bytes: Result<Vec<u8>, String>| match bytes {
        Ok(bytes) => Ok((file, bytes)),
        Err(detail) => Err(ArtifactError::Content { file, detail }),
    };
    // Large: without the spaces.
    let compact = |file: &str, value: &dyn erased_serde::Serialize| {
        let bytes = json::write(value).map_err(|error| error.to_string());
        part(file.to_owned(), bytes)
    };
    for (head, member) in estimator.plan.members.iter().zip(&estimator.members) {
        files.push(part(file_of(head), member.encode())?);
    }
    if !estimator.neighbours.is_empty() {
        files.push(compact(NEIGHBOURS, &estimator.neighbours)?);
    }
    if let Some(comparables) = &estimator.comparables {
        files.push(compact(COMPARABLES, comparables)?);
    }
    if let Some(spread) = &estimator.spread {
        files.push(part(SPREAD.to_owned(), spread.encode())?);
    }
    Ok(files)
}

/// Reads the estimator of a plan, and checks that its parts fit together and the schema.
///
/// # Errors
/// Says which file is wrong.
pub(crate) fn estimator(
    files: &Verified,
    plan: &Plan,
    schema: &Schema,
) -> Result<Estimator, ArtifactError> {
    let width = plan.frame.as_ref().map_or(0, Frame::width);
    let mut members = Vec::new();
    for own in &plan.members {
        let file = file_of(own);
        let bytes = files.bytes(&file)?;
        let mut member = Member::decode(&own.extension, &bytes).map_err(broken(&file))?;
        if let Member::Comparison(comparison) = &mut member {
            comparison.check(width).map_err(broken(&file))?;
            comparison.space.grow();
        }
        members.push(member);
    }
    let mut neighbours: Vec<Neighbours> = match files.lists(NEIGHBOURS)? {
        true => files.json(NEIGHBOURS)?,
        false => Vec::new(),
    };
    let mut comparables: Option<Comparables> = match files.lists(COMPARABLES)? {
        true => Some(files.json(COMPARABLES)?),
        false => None,
    };
    let spread = match files.lists(SPREAD)? {
        true => Some(Boosted::decode(&files.bytes(SPREAD)?).map_err(broken(SPREAD))?),
        false => None,
    };
    for neighbours in &mut neighbours {
        neighbours.check(width).map_err(broken(NEIGHBOURS))?;
        neighbours.space.grow();
    }
    if let Some(comparables) = &mut comparables {
        comparables.check(width).map_err(broken(COMPARABLES))?;
        comparables.space.grow();
    }
    let mut estimator = Estimator {
        plan: plan.clone(),
        members,
        neighbours,
        comparables,
        spread,
        bindings: Default::default(),
    };
    match estimator.check(schema) {
        Ok(()) => {
            estimator.share();
            Ok(estimator)
        }
        Err((file, detail)) => Err(ArtifactError::Content { file, detail }),
    }
}
