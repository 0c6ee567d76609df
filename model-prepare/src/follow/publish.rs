//! A version of what has been learned so far: published, judged and promoted as a training's.

use std::time::Instant;

use anyhow::Context;
use registry::{Registry, RegistryError, Run, RunStatus, Version};
use valuation::Report;

use super::FOLLOWED;
use super::base::Standing;
use super::config::Follow;
use crate::training::{self, HOLDOUT, Holdout, REPORT, Workplace};

/// Publishes; gives the version's name and what became of it. Blocks.
///
/// # Errors
/// When the registry does not take it.
pub(super) fn publish(wanted: &Follow, standing: &mut Standing) -> anyhow::Result<String> {
    let began = Instant::now();
    let mut config = wanted.training.clone();
    config.prepare.promote = wanted.follow.promote;
    let (batch, said) = standing.recent.batch(&config.schema);
    let now_us = records::timestamp::now_us();
    let code = env!("CARGO_PKG_VERSION");
    let (model, report) = standing.online.model(&batch, &said, code, now_us)?;

    let group = &wanted.follow.group;
    let mut run = Run::start(format!("{} followed by {group}", config.schema.name));
    note(&mut run, wanted, standing, &report);
    if let Some(until_us) = model.data_until_us() {
        run.param("data.until", records::timestamp::format(until_us));
    }
    let mut place = Workplace::new(&config.registry.path)?;
    place.add(REPORT, |path| {
        Ok(std::fs::write(path, serde_json::to_vec_pretty(&report)?)?)
    })?;
    if !said.is_empty() {
        place.add(HOLDOUT, |path| {
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
        None => training::keep_or_publish(registry, path, &run, &place, &|to| model.save(to))?,
    };
    let Some(version) = published else {
        return Ok("a version that waits to be sent".to_owned());
    };
    standing.counts.version = Some(version.to_string());
    let (verdict, promoted) = crate::decide(registry, &config, &version, &mut run)
        .with_context(|| format!("{version} is published, but could not be judged"))?;
    let became = match promoted {
        true => "promoted",
        false => "kept as challenger",
    };
    let keep = config.prepare.watch.keep_versions;
    if keep > 0 {
        crate::gc(registry, keep, false).context("old versions stay")?;
    }
    Ok(format!("{version}, {became}: {}", verdict.said))
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
fn note(run: &mut Run, wanted: &Follow, standing: &Standing, report: &Report) {
    let (follow, online, counts) = (&wanted.follow, &standing.online, &standing.counts);
    let schema = &wanted.training.schema;
    run.tags.insert(FOLLOWED.to_owned(), follow.group.clone());
    run.tags.insert("schema".to_owned(), schema.name.clone());
    run.param(
        "data.source",
        format!("topic {}", wanted.kafka.topics.new_data),
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
    run.param("schema.sha256", training::schema_digest(schema));
    run.param("code.version", env!("CARGO_PKG_VERSION"));
    training::measures(run, report);
    run.measure("follow.steps", 0, online.steps() as f64);
    run.measure("follow.distance", 0, online.distance());
    if let Some((own, base)) = standing.recent.errors() {
        run.measure("follow.rmse_log", 0, own);
        run.measure("follow.base.rmse_log", 0, base);
    }
}
