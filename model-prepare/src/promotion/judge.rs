//! Judges a version against another: which rows are fair, what both predict for them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use registry::{Registry, Version};
use valuation::Prediction;

use super::classes::ClassGround;
use super::clusters;
use super::contest::{Entrant, Ground, Origins};
use super::levels;
use super::rule::checks;
use super::verdict::Verdict;
use crate::config::PromotionConfig;
use crate::run_files::holdout::Holdout;
use crate::run_files::names::{FOLLOWED, HOLDOUT, TRAINING_SET};
use crate::run_files::seen_rows::SeenRows;

/// Single rows timed for the latency.
const TIMED_ROWS: usize = 200;
/// A day in microseconds.
const DAY_US: f64 = 86_400e6;

/// Judges version `number` against `rival` by the rule.
///
/// # Errors
/// When one of them is not there, or the registry cannot be read.
pub(crate) fn judge(
    registry: &dyn Registry,
    settings: &PromotionConfig,
    number: u64,
    rival: Option<&Version>,
    seed: u64,
) -> anyhow::Result<Verdict> {
    let version = registry.version(number)?;
    let version = version.with_context(|| {
        let name = Version::name(number);
        format!(
            "expected a version {name}, found none in {}",
            registry.place()
        )
    })?;
    let rival = rival.filter(|rival| rival.number != number);
    let own_path = registry.fetch(&version)?;
    let model = match valuation::TrainedModel::load(&own_path) {
        Ok(model) => model,
        Err(error) => {
            let why = format!("it does not load: {:#}", anyhow::Error::new(error));
            let rival = rival.map(|rival| rival.number);
            return Ok(Verdict::plain(number, rival, false, why));
        }
    };
    let Some(rival) = rival else {
        let why = "there is no other version yet";
        return Ok(Verdict::plain(number, None, true, why));
    };
    let plain =
        |passes, message: String| Ok(Verdict::plain(number, Some(rival.number), passes, message));
    let rival_path = registry.fetch(rival)?;
    let champion = match valuation::TrainedModel::load(&rival_path) {
        Ok(champion) => champion,
        Err(error) => {
            let why = anyhow::Error::new(error);
            return plain(true, format!("the champion {rival} cannot answer: {why:#}"));
        }
    };
    match (model.clusters(), champion.clusters()) {
        (Some(challenger), Some(champion)) => {
            return clusters::judge(registry, settings, (number, challenger), (rival, champion));
        }
        (None, None) => {}
        _ => {
            let why = format!("it is of another task than the champion {rival}");
            return plain(false, why);
        }
    }
    if let Err(mismatch) = champion.fits(model.schema()) {
        let why = format!("it prices other records than the champion {rival}: {mismatch}");
        return plain(false, why);
    }
    let Some(holdout) = holdout_of(registry, number)? else {
        let why = "nothing is kept of what it was judged on: it was published without a run";
        return plain(false, why.to_owned());
    };

    let seen = seen_by(registry, rival, &champion)?;
    let judged_before = holdout_of(registry, rival.number)?;
    let after = followed_after(registry, number, rival.number, holdout.prices.len())?;
    let valued = match champion.multiclass() {
        Some(champion) => levels::beside_levels(champion, &holdout.batch, &holdout.levels)?,
        None => champion.predict(&holdout.batch)?,
    };
    let (mut rows, mut theirs, mut origins) = (Vec::new(), Vec::new(), Origins::default());
    for (row, valued) in valued.into_iter().enumerate() {
        let identity = holdout.identity(row);
        if row >= after || !seen.has(identity, holdout.times.get(row).copied()) {
            origins.new += 1;
            theirs.push(valued);
        } else if let Some(before) = judged_before
            .as_ref()
            .and_then(|judged| judged.predicted_for(identity))
        {
            origins.judged_before += 1;
            theirs.push(before);
        } else {
            origins.left_out += 1;
            continue;
        }
        rows.push(row);
    }
    if rows.len() < settings.min_rows.max(2) {
        let why = format!(
            "too few rows to compare on: {} that the champion {rival} had not learned from, {} \
             needed (prepare.promotion.min_rows)",
            rows.len(),
            settings.min_rows
        );
        return plain(false, why);
    }
    let ours: Vec<Prediction> = rows.iter().map(|row| holdout.predicted[*row]).collect();
    let prices: Vec<f64> = rows.iter().map(|row| holdout.prices[*row]).collect();
    let fitted_on = (rows_of(&model), rows_of(&champion));
    let older_days = model.data_until_us().zip(champion.data_until_us());
    let older_days =
        older_days.map(|(challenger, champion)| (champion - challenger) as f64 / DAY_US);
    let challenger = Entrant {
        version: number,
        predicted: &ours,
        bytes: bytes_of(&own_path)?,
        row_us: row_us(&model, &holdout)?,
    };
    let champion = Entrant {
        version: rival.number,
        predicted: &theirs,
        bytes: bytes_of(&rival_path)?,
        row_us: row_us(&champion, &holdout)?,
    };
    if model.multiclass().is_some() {
        return Ok(levels::verdict(&challenger, &champion, seed, settings));
    }
    if let Some(threshold) = model.threshold() {
        let classes: Vec<bool> = prices.iter().map(|price| *price > 0.5).collect();
        let ground = ClassGround {
            classes: &classes,
            threshold,
            seed,
        };
        return match ground.verdict(&challenger, &champion, settings) {
            Some(verdict) => Ok(verdict),
            None => plain(false, "the rows to compare on are of one class".to_owned()),
        };
    }
    let ground = Ground {
        schema: model.schema(),
        batch: &holdout.batch,
        rows: &rows,
        prices: &prices,
        origins,
        confidence: model.confidence().unwrap_or_default(),
        seed,
        fitted_on,
        older_days,
    };
    let Some(contest) = ground.contest(&challenger, &champion) else {
        bail!("expected rows to compare on, found none");
    };
    let found = checks(&contest, settings);
    Ok(Verdict::of(contest, found))
}

/// Rows that the judged model was fitted on.
fn rows_of(model: &valuation::TrainedModel) -> usize {
    model.price().map_or(0, |model| model.report().train_rows)
}

fn holdout_of(registry: &dyn Registry, number: u64) -> anyhow::Result<Option<Holdout>> {
    let Some(run) = registry.info(number)?.run else {
        return Ok(None);
    };
    match registry.artifact(&run, HOLDOUT)? {
        Some(file) => Holdout::read(&file).map(Some),
        None => Ok(None),
    }
}

/// Of two versions of one follower: from which row of the newer one's hold-out on the records came after
/// the older had been published. Behind the last row where they are not.
fn followed_after(
    registry: &dyn Registry,
    number: u64,
    rival: u64,
    rows: usize,
) -> anyhow::Result<usize> {
    let follower = |number: u64| -> anyhow::Result<Option<(String, String, usize)>> {
        let Some(id) = registry.info(number)?.run else {
            return Ok(None);
        };
        Ok(registry.run(&id)?.and_then(|run| {
            let learned = run.params.get("follow.learned")?.parse().ok()?;
            let base = run.params.get("follow.base")?.clone();
            Some((run.tags.get(FOLLOWED)?.clone(), base, learned))
        }))
    };
    Ok(match (follower(number)?, follower(rival)?) {
        (Some((errors, base, learned)), Some((other, other_base, before)))
            if errors == other && base == other_base && learned >= before =>
        {
            rows.saturating_sub(learned - before)
        }
        _ => rows,
    })
}

/// What a version has learned from: by its training set, where that is kept, else by its newest time.
fn seen_by(
    registry: &dyn Registry,
    version: &Version,
    model: &valuation::TrainedModel,
) -> anyhow::Result<SeenRows> {
    let run = registry.info(version.number)?.run;
    if let Some(run) = run
        && let Some(file) = registry.artifact(&run, TRAINING_SET)?
    {
        return SeenRows::read(&file, model.schema());
    }
    Ok(match model.data_until_us() {
        Some(until_us) => SeenRows::Until(until_us),
        None => SeenRows::Unknown,
    })
}

/// Size of the files of a directory.
fn bytes_of(directory: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

/// Median time of a single row from its columns to its price, in microseconds.
fn row_us(model: &valuation::TrainedModel, holdout: &Holdout) -> anyhow::Result<f64> {
    let rows = holdout.batch.num_rows();
    let stride = (rows / TIMED_ROWS).max(1);
    let mut times = Vec::with_capacity(TIMED_ROWS);
    for row in (0..rows).step_by(stride).take(TIMED_ROWS) {
        let one = holdout.batch.slice(row, 1);
        let started = Instant::now();
        model.predict(&one)?;
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied().unwrap_or(0.0))
}
