//! What there is in the registry, for people and for programs, and what is done with it by hand.

mod compare;
mod gc;
pub(crate) mod grid;
mod history;
mod promote;
mod runs;
mod show;
mod sync;
mod versions;

use anyhow::Context;
use registry::{Registry, Version};
use serde_json::Value;

pub use compare::compare;
pub use gc::gc;
pub use history::history;
pub use promote::{promote, rollback};
pub use runs::runs;
pub use show::show;
pub use sync::sync;
pub use versions::versions;

/// What a command has to say.
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
        (None, "champion") => registry.champion()?.map(|own| own.number),
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
        .map_or_else(|| text.clone(), |own| own.replace('T', " "))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |own| format!("{:.2} %", own * 100.0))
}
