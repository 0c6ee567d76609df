//! What was rolled back is not promoted again by rule: it passed once, and that was a mistake.

use registry::{Action, Registry, RegistryError, Version};

use super::verdict::Verdict;

/// The verdict, against the version where the history says that it was rolled back.
///
/// # Errors
/// When the registry cannot be read.
pub(crate) fn barred(registry: &dyn Registry, verdict: Verdict) -> Result<Verdict, RegistryError> {
    let number = verdict.challenger;
    let history = registry.history()?;
    let gone = history
        .iter()
        .rev()
        .find(|change| change.action == Action::RolledBack && change.from == Some(number));
    Ok(match gone {
        Some(change) => Verdict {
            passes: false,
            message: format!(
                "{} was rolled back by {} ({}), and is not promoted again by rule; otherwise {}",
                Version::name(number),
                change.who,
                change.why,
                verdict.message
            ),
            ..verdict
        },
        None => verdict,
    })
}
