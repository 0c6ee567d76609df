//! A version of what has been learned so far: published, judged and promoted as a training's.

use std::time::Instant;

use anyhow::Context;
use registry::{Registry, RegistryError, Run, RunStatus, Version};
use valuation::Report;

use super::base::Standing;
use super::config::Follow;
use crate::commands::gc::gc;
use crate::run_files::holdout::Holdout;
use crate::run_files::names::{FOLLOWED, HOLDOUT, REPORT, schema_digest};
use crate::run_files::staging::Staging;
use crate::training::decide::decide_and_log;
use crate::training::publish::keep_or_publish;
use crate::training::run_log::measures;

/// Publishes; gives the version's name and what became of it. Blocks.
///
/// # Errors
/// When the registry does not take it.
pub(super) fn publish(options: &Follow, standing: &mut Standing) -> anyhow::Result<String> {
    let began = Instant::now();
    let mut config = options.training.clone();
    config.prepare.promote = options.follow.promote;
    let (batch, predictions) = standing.recent.batch(&config.schema);
    let now_us = records::timestamp::now_us();
    let code = env!("CARGO_PKG_VERSION");
    let (model, report) = standing.online.model(&batch, &predictions, code, now_us)?;

    let group = &options.follow.group;
    let mut run = Run::start(format!("{} followed by {group}", config.schema.name));
    note(&mut run, options, standing, &report);
    if let Some(until_us) = model.data_until_us() {
        run.param("data.until", records::timestamp::format(until_us));
    }
    let mut staging = Staging::new(&config.registry.path)?;
    staging.add(REPORT, |path| {
        Ok(std::fs::write(path, serde_json::to_vec_pretty(&report)?)?)
    })?;
    if !predictions.is_empty() {
        staging.add(HOLDOUT, |path| {
            Holdout::write(path, &config.schema, &batch, &report.judged, report.widened)
        })?;
    }
    run.measure("seconds.total", 0, began.elapsed().as_secs_f64());
    run.end(RunStatus::Finished);

    let registry = registry::open(&config.registry)?;
    let registry = &*registry;
    let path = &config.registry.path;
    let published = match published_before(registry, &run)? {
        // Killed after it was published, before that was noted.
        Some((version, before)) => {
            run = before;
            Some(version)
        }
        None => keep_or_publish(registry, path, &run, &staging, &|to| model.save(to))?,
    };
    let Some(version) = published else {
        return Ok("a version that waits to be sent".to_owned());
    };
    standing.counts.version = Some(version.to_string());
    let (verdict, promoted) = decide_and_log(registry, &config, &version, &mut run)
        .with_context(|| format!("{version} is published, but could not be judged"))?;
    let became = match promoted {
        true => "promoted",
        false => "kept as challenger",
    };
    let keep = config.prepare.watch.keep_versions;
    if keep > 0 {
        gc(registry, keep, false).context("old versions stay")?;
    }
    Ok(format!("{version}, {became}: {}", verdict.message))
}

/// The newest version, where it is of the same follower at the same place.
fn published_before(
    registry: &dyn Registry,
    run: &Run,
) -> Result<Option<(Version, Run)>, RegistryError> {
    let Some(newest) = registry.versions()?.pop() else {
        return Ok(None);
    };
    let before = match registry.info(newest.number)?.run {
        Some(id) => registry.run(&id)?,
        None => None,
    };
    let is_same = |before: &Run| {
        let params = ["follow.base", "follow.read", "follow.learned"];
        before.tags.get(FOLLOWED) == run.tags.get(FOLLOWED)
            && params
                .iter()
                .all(|key| before.params.get(*key) == run.params.get(*key))
    };
    Ok(before.filter(is_same).map(|before| (newest, before)))
}

/// What it was given and what it came to.
fn note(run: &mut Run, options: &Follow, standing: &Standing, report: &Report) {
    let (follow, online, counts) = (&options.follow, &standing.online, &standing.counts);
    let schema = &options.training.schema;
    run.tags.insert(FOLLOWED.to_owned(), follow.group.clone());
    run.tags.insert("schema".to_owned(), schema.name.clone());
    run.param(
        "data.source",
        format!("topic {}", options.kafka.topics.new_data),
    );
    run.param("follow.base", &counts.base);
    run.param("follow.read", counts.read);
    run.param("follow.learned", counts.learned);
    run.param("follow.rate", follow.rate);
    run.param("follow.rate_least", follow.rate_least);
    run.param("follow.decay_steps", follow.decay_steps);
    run.param("follow.pull", follow.pull);
    run.param("follow.clip", follow.clip);
    run.param("follow.batch_rows", follow.batch_rows);
    run.param("schema.name", &schema.name);
    run.param("schema.version", schema.version);
    run.param("schema.sha256", schema_digest(schema));
    run.param("code.version", env!("CARGO_PKG_VERSION"));
    measures(run, report);
    run.measure("follow.steps", 0, online.steps() as f64);
    run.measure("follow.distance", 0, online.distance());
    if let Some((error, base)) = standing.recent.errors(online.base().link()) {
        run.measure("follow.rmse_log", 0, error);
        run.measure("follow.base.rmse_log", 0, base);
    }
}
