//! The commands on the registry: what it holds, and what is done with it by hand.

pub(crate) mod compare;
pub(crate) mod gc;
pub(crate) mod history;
pub(crate) mod promote;
pub(crate) mod runs;
pub(crate) mod show;
pub(crate) mod sync;
pub(crate) mod versions;

use anyhow::Context;
use registry::{Registry, Version};
use serde_json::Value;

/// The result of a command.
#[derive(Debug, Clone)]
pub struct Shown {
    /// For people.
    pub text: String,
    /// The same for programs.
    pub json: Value,
}

/// The version that somebody named: `v000007`, `v7`, `7`, or an alias.
pub(crate) fn named(registry: &dyn Registry, text: &str) -> anyhow::Result<Version> {
    let aliases = registry.aliases()?;
    let alias = aliases.iter().find(|(alias, _)| alias.as_str() == text);
    let number = match (alias, text) {
        (Some((_, number)), _) => Some(*number),
        // There is one without an alias too.
        (None, "champion") => registry.champion()?.map(|champion| champion.number),
        (None, _) => Version::parse(text),
    };
    let version = match number {
        Some(number) => registry.version(number)?,
        None => None,
    };
    version.with_context(|| {
        format!(
            "expected a version such as v000007, 7 or champion, found {text:?}, which is not in {}: \
             `model-prepare versions` lists what is there",
            registry.place()
        )
    })
}

/// A time in milliseconds since 1970, to the second.
fn time(at_ms: i64) -> String {
    let text = records::timestamp::format(at_ms.saturating_mul(1000));
    // 2026-01-31T12:00:00.000000Z
    text.get(..19)
        .map_or_else(|| text.clone(), |time| time.replace('T', " "))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0))
}
