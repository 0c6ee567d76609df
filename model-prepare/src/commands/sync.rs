//! `sync`: what an MLflow server could not take is sent.

use registry::{Outbox, Registry};
use serde_json::json;

use super::Shown;
use crate::config::Config;
use crate::run_files::names::PROGRAM;
use crate::training::decide::decide;

/// Sends every run and version that waits, the oldest first, and judges the versions as a training
/// would have.
///
/// # Errors
/// When the server does not take one: that one and those after it continue waiting.
pub fn sync(registry: &dyn Registry, config: &Config) -> anyhow::Result<Shown> {
    let outbox = Outbox::new(&config.registry.path);
    let (mut lines, mut sent) = (Vec::new(), Vec::new());
    for kept in outbox.waiting()? {
        registry.pin(PROGRAM)?;
        let version = outbox.send(&kept, registry)?;
        let decided = match &version {
            Some(version) => Some(decide(registry, &config.prepare, version.number)?),
            None => None,
        };
        let became = match (&version, &decided) {
            (Some(version), Some((verdict, true))) => format!(" as {version}, promoted: {verdict}"),
            (Some(version), Some((verdict, false))) => {
                format!(" as {version}, kept as challenger: {verdict}")
            }
            _ => String::new(),
        };
        lines.push(format!("sent {}{became}", kept.run.id));
        sent.push(json!({
            "run": kept.run.id,
            "version": version.map(|version| version.to_string()),
            "verdict": decided.as_ref().map(|decision| &decision.0),
            "promoted": decided.as_ref().map(|decision| decision.1),
        }));
    }
    Ok(Shown {
        text: match lines.is_empty() {
            true => "nothing waits to be sent".to_owned(),
            false => lines.join("\n"),
        },
        json: json!({ "place": registry.place(), "sent": sent }),
    })
}
