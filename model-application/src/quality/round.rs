//! Quality, computed again and again: for each window by model and segment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::Shutdown;
use common::database::Session;
use records::{Task, timestamp};
use sqlx::{PgConnection, PgPool};
use tokio::time::timeout_at;
use valuation::{Link, Model};

use super::adapted::Adapted;
use super::figures::Figures;
use super::gauges;
use super::judged::Judged;
use super::labelled::{Labelled, answered, labelled};
use super::results::{Group, Moved, Quality};
use super::rolled;
use super::watch::{Watch, tally};
use super::window::Window;
use crate::config::{Config, QualityConfig};
use crate::serving::{Loaded, Serving};

/// Beyond, a segment is not reported: a field of many values is not a market.
const MOST_SEGMENTS: usize = 100;

/// A round may take as long as so many statements that take longest.
const MOST_STATEMENTS: u32 = 10;
const SILENT: &str = "PostgreSQL did not answer in time; the next round continues";

/// The rounds, and the last one's results.
pub(crate) struct Rounds {
    config: QualityConfig,
    /// Whether intervals follow the labels.
    is_adaptive: bool,
    /// Whether the task is to predict a class.
    is_of_class: bool,
    /// Whether it is to predict one of several.
    is_of_levels: bool,
    serving: Arc<Serving>,
    watch: Arc<Watch>,
    last: Mutex<Arc<Quality>>,
}

impl Rounds {
    pub fn new(config: &Config, serving: Arc<Serving>, watch: Arc<Watch>) -> Rounds {
        Rounds {
            config: config.quality.clone(),
            is_adaptive: config.applier.adaptive_intervals,
            is_of_class: config.schema.task == Task::Classification,
            is_of_levels: config.schema.is_multiclass(),
            serving,
            watch,
            last: Mutex::default(),
        }
    }

    /// The last round's results.
    pub(super) fn last(&self) -> Arc<Quality> {
        Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The last round's results of whole models, and how far each field has moved.
    pub(crate) fn in_short(&self) -> serde_json::Value {
        let mut quality = Quality::clone(&self.last());
        quality.groups.retain(|group| group.segment.is_none());
        serde_json::json!(quality)
    }

    /// A round and its rows in the table, within `deadline`: a connection that is silent costs one round.
    async fn at_once(&self, pool: &PgPool, deadline: Duration) -> anyhow::Result<Quality> {
        let mut session = Session::begin(pool, deadline).await?;
        let until = session.until();
        let working_out = async {
            let quality = self.round(&mut session).await?;
            self.store(&mut session, &quality).await?;
            anyhow::Ok(quality)
        };
        let quality = timeout_at(until, working_out).await;
        let quality = quality.map_err(|_| anyhow::anyhow!(SILENT))??;
        session.give_back();
        Ok(quality)
    }

    async fn round(&self, connection: &mut PgConnection) -> anyhow::Result<Quality> {
        self.watch.write(&mut *connection).await?;
        let windows = &self.config.windows;
        let longest = windows.iter().map(Window::seconds).max().unwrap_or(0);
        let most = i64::try_from(self.config.max_rows)?;
        rolled::up_to_now(&mut *connection, longest, most).await?;
        let loaded = self.serving.current();
        let price = loaded.as_ref().and_then(|active| active.model.price());
        let link = price.map(Model::link).unwrap_or_default();
        let judged = match (self.is_of_class, self.is_of_levels) {
            (true, true) => Judged::Levels,
            (true, false) => Judged::Classes,
            (false, _) => Judged::Prices(link),
        };
        let rows = labelled(&mut *connection, judged, longest, most).await?;
        let is_sample = rows.len() == self.config.max_rows;
        let mut quality = Quality {
            is_sample,
            ..Quality::default()
        };
        let rows = Arc::new(rows);
        if let Some(loaded) = &loaded
            && self.is_adaptive
        {
            quality.adaptive_intervals = adapt(loaded, link, &rows).await?;
        }
        let answered = answered(&mut *connection, windows.iter().map(Window::seconds)).await?;
        for (window, answered) in windows.iter().zip(answered) {
            let seconds = window.seconds();
            let answers = counts(
                answered
                    .iter()
                    .map(|row| (row.model.as_str(), row.segment.as_deref(), row.answers)),
            );
            let (rows, window_of, min_count) =
                (Arc::clone(&rows), window.clone(), self.config.min_count);
            // Hundreds of resamples of thousands of ratios: not on a thread that serves others.
            let groups = tokio::task::spawn_blocking(move || {
                groups(judged, &window_of, answers, &rows, min_count)
            });
            quality.groups.extend(groups.await?);
            let Some(loaded) = &loaded else {
                continue;
            };
            if let (Some(profile), Some(tally)) = (
                loaded.model.profile(),
                tally(&mut *connection, loaded, seconds).await?,
            ) {
                quality.drift.push(Moved {
                    window: window.to_string(),
                    model: loaded.name.clone(),
                    rows: tally.rows(),
                    fields: profile.psi(&tally),
                });
            }
        }
        if let Some(loaded) = &loaded {
            quality.expected_mdape = self.watch.expected_ape(loaded);
            let price = loaded.model.price();
            quality.holdout_mdape = price.map(|model| model.report().model.mdape);
            let class = loaded.model.class();
            quality.holdout_log_loss = class.map(|model| model.report().model.log_loss);
            if let Some(model) = loaded.model.multiclass() {
                let metrics = &model.report().model;
                quality.holdout_log_loss = Some(metrics.log_loss);
                quality.holdout_accuracy = Some(metrics.accuracy);
            }
        }
        quality.computed_at = Some(timestamp::format(timestamp::now_us()));
        Ok(quality)
    }

    /// Keeps the results in the table: one row a group for each ten minutes, the last of them.
    async fn store(
        &self,
        connection: &mut PgConnection,
        quality: &Quality,
    ) -> Result<(), sqlx::Error> {
        for group in &quality.groups {
            let figures = group.figures.as_ref().and_then(Figures::prices);
            let errors = group.figures.as_ref().and_then(Figures::classes);
            let levels = group.figures.as_ref().and_then(Figures::levels);
            let ratios = figures.and_then(|figures| figures.ratios.as_ref());
            let row = ledger::quality::Group {
                time_window: &group.window,
                model: &group.model,
                segment: group.segment.as_deref().unwrap_or_default(),
                answers: group.answers,
                labelled: i64::try_from(group.labelled).unwrap_or(i64::MAX),
                mdape: figures.map(|figures| figures.mdape.value),
                rmse: figures.map(|figures| figures.rmse),
                bias: figures.map(|figures| figures.bias),
                within_10: figures.map(|figures| figures.within_10),
                within_20: figures.map(|figures| figures.within_20),
                cod: ratios.map(|ratios| ratios.cod.value),
                prd: ratios.map(|ratios| ratios.prd.value),
                prb: ratios.map(|ratios| ratios.prb.value),
                coverage: figures.map(|figures| figures.coverage.value),
                log_loss: (errors.map(|errors| errors.log_loss))
                    .or(levels.map(|errors| errors.log_loss)),
                brier: (errors.map(|errors| errors.brier)).or(levels.map(|errors| errors.brier)),
                auc: errors.and_then(|errors| Some(errors.auc?.value)),
                calibration_error: (errors.map(|errors| errors.calibration_error))
                    .or(levels.map(|errors| errors.calibration_error)),
                accuracy: levels.map(|errors| errors.accuracy),
            };
            ledger::quality::store(&mut *connection, &row).await?;
        }
        Ok(())
    }
}

/// Adapts the intervals of the model that answers to the labels of its earlier answers; `None` for a model without
/// intervals.
async fn adapt(
    loaded: &Arc<Loaded>,
    link: Link,
    rows: &Arc<Vec<Labelled>>,
) -> anyhow::Result<Option<Adapted>> {
    let Some(confidence) = loaded.model.confidence() else {
        return Ok(None);
    };
    let (name, rows) = (loaded.name.clone(), Arc::clone(rows));
    // Up to quality.max_rows labels, one after the other.
    let adapting = tokio::task::spawn_blocking(move || Adapted::of(&name, link, confidence, &rows));
    let adapted = adapting.await?;
    loaded.adapt(Some(adapted.factor));
    Ok(Some(adapted))
}

/// Groups by model, and by model and segment.
type Counts = BTreeMap<(String, Option<String>), i64>;

fn counts<'a>(rows: impl Iterator<Item = (&'a str, Option<&'a str>, i64)>) -> Counts {
    let mut counts = Counts::new();
    for (model, segment, answers) in rows {
        *counts.entry((model.to_owned(), None)).or_default() += answers;
        if let Some(segment) = segment {
            let place = (model.to_owned(), Some(segment.to_owned()));
            *counts.entry(place).or_default() += answers;
        }
    }
    counts
}

fn groups(
    judged: Judged,
    window: &Window,
    answers: Counts,
    rows: &[Labelled],
    min_count: usize,
) -> Vec<Group> {
    let seconds = f64::from(window.seconds());
    let mut by_group: BTreeMap<(&str, Option<&str>), Vec<&Labelled>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.age_s <= seconds) {
        by_group.entry((&row.model, None)).or_default().push(row);
        if let Some(segment) = &row.segment {
            let place = (row.model.as_str(), Some(segment.as_str()));
            by_group.entry(place).or_default().push(row);
        }
    }
    let mut biggest: Vec<((String, Option<String>), i64)> = answers.into_iter().collect();
    biggest.sort_by(|one, other| {
        // All of a model come before its segments.
        let by_kind = one.0.1.is_some().cmp(&other.0.1.is_some());
        by_kind.then(other.1.cmp(&one.1)).then(one.0.cmp(&other.0))
    });
    let models = biggest.iter().filter(|group| group.0.1.is_none()).count();
    biggest.truncate(models + MOST_SEGMENTS);
    let nothing = Vec::new();
    biggest
        .into_iter()
        .map(|((model, segment), answers)| {
            let known = by_group.get(&(model.as_str(), segment.as_deref()));
            let known = known.unwrap_or(&nothing);
            let is_enough = known.len() >= min_count.max(1);
            let mut delays: Vec<f64> = known.iter().map(|row| row.delay_s).collect();
            delays.sort_by(f64::total_cmp);
            Group {
                window: window.to_string(),
                labelled: known.len(),
                label_coverage: known.len() as f64 / answers.max(1) as f64,
                label_delay_s: delays.get(delays.len() / 2).copied(),
                figures: if is_enough {
                    Figures::of(judged, known)
                } else {
                    None
                },
                too_few: (!is_enough).then(|| {
                    let found = known.len();
                    format!("labels: {found}; at least {min_count} are needed")
                }),
                model,
                segment,
                answers,
            }
        })
        .collect()
}

/// Works quality out every so often until shutdown.
pub(crate) async fn keep(
    rounds: Arc<Rounds>,
    pool: PgPool,
    deadline: Duration,
    shutdown: Shutdown,
) {
    let pause = Duration::from_secs(rounds.config.every_s.max(1));
    let shown = common::series::Writer::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // Another version begins with the factor that its labels give.
            () = rounds.serving.swapped(), if rounds.is_adaptive => {}
            () = shutdown.cancelled() => break,
        }
        let began = Instant::now();
        match rounds.at_once(&pool, deadline * MOST_STATEMENTS).await {
            Ok(quality) => {
                shown.show(gauges::of(&quality));
                *rounds.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(quality);
                tracing::debug!(took_ms = began.elapsed().as_millis() as u64, "quality");
            }
            Err(error) => {
                tracing::warn!(error = %format_args!("{error:#}"), "cannot compute live quality")
            }
        }
    }
    // What was counted since the last round is not lost.
    let written = async {
        let mut session = Session::begin(&pool, deadline).await?;
        let written = timeout_at(session.until(), rounds.watch.write(&mut session)).await;
        written.map_err(|_| sqlx::Error::PoolTimedOut)??;
        session.give_back();
        Ok::<_, sqlx::Error>(())
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, "the last request counts are lost");
    }
}
