//! `promote` and `rollback`: by the rule, or by force, on record.

use anyhow::bail;
use registry::{Reason, Registry};
use serde_json::json;

use super::{Shown, named};
use crate::config::PrepareConfig;
use crate::promotion::barred::barred;
use crate::promotion::judge::judge;

/// Judges a version against the champion and promotes it where it passes, or all the same with
/// `force`. `who` asks for it, `why` is kept beside the verdict.
///
/// # Errors
/// When it does not pass, is not there, or the registry cannot be written.
pub fn promote(
    registry: &dyn Registry,
    settings: &PrepareConfig,
    which: &str,
    force: bool,
    who: &str,
    why: &str,
) -> anyhow::Result<Shown> {
    let version = named(registry, which)?;
    let champion = registry.champion()?;
    if registry.aliases()?.get(&registry::Alias::Champion) == Some(&version.number) {
        bail!("{version} is the champion already");
    }
    let seed = settings.seed;
    let judged = judge(
        registry,
        &settings.promotion,
        version.number,
        champion.as_ref(),
        seed,
    )
    .and_then(|verdict| Ok(barred(registry, verdict)?));
    // A force is for what cannot be judged too.
    let (passes, message, evidence) = match judged {
        Ok(verdict) => (
            verdict.passes,
            verdict.to_string(),
            serde_json::to_value(&verdict)?,
        ),
        Err(error) if force => (false, format!("{error:#}"), serde_json::Value::Null),
        Err(error) => return Err(error),
    };
    let first_line = message.lines().next().unwrap_or_default();
    if !passes && !force {
        bail!("{version} is not promoted: {message}\n--force promotes it all the same, on record");
    }
    let why = match (passes, why) {
        (true, "") => first_line.to_owned(),
        (true, why) => format!("{why}; {first_line}"),
        (false, "") => format!("by force, though {first_line}"),
        (false, why) => format!("by force: {why}; {first_line}"),
    };
    let reason = Reason {
        who: who.to_owned(),
        why,
        evidence,
    };
    let change = registry.promote(version.number, &reason)?;
    Ok(Shown {
        text: format!("{version} is the champion\n{message}"),
        json: json!({ "version": version.to_string(), "change": change }),
    })
}

/// Goes back to the version before.
///
/// # Errors
/// When there is none or the registry cannot be written.
pub fn rollback(registry: &dyn Registry, who: &str, why: &str) -> anyhow::Result<Shown> {
    let why = match why {
        "" => "asked for",
        why => why,
    };
    let version = registry.rollback(who, why)?;
    Ok(Shown {
        text: format!("{version} is the champion again"),
        json: json!({ "version": version.to_string(), "change": registry.history()?.last() }),
    })
}
