//! A table or a file priced in a stream of batches, which continues where it was interrupted.

mod batch;
mod columns;
mod errors;
mod from_file;
mod from_table;
mod partial;
mod place;
mod pricing;
mod progress;
mod to_csv;
mod to_parquet;
mod to_table;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use common::progress::Stage;
use common::{Health, Shutdown, database};
use model_application::{Config, Scorer, Scores};
use serde::Serialize;
use sqlx::PgPool;

use self::batch::Read;
use self::columns::Columns;
use self::errors::Errors;
use self::from_file::FromFile;
use self::from_table::FromTable;
pub use self::place::Place;
use self::pricing::Pricing;
use self::progress::Progress;
use self::to_csv::ToCsv;
use self::to_parquet::ToParquet;
use self::to_table::ToTable;

/// Refused rows that are reported one by one.
const MOST_TOLD: usize = 10;

/// What is to be scored.
#[derive(Debug, Clone)]
pub struct Scoring {
    /// A table, or a CSV or Parquet file.
    pub input: Place,
    /// The same.
    pub output: Place,
    /// `NAME@ALIAS` or `NAME@VERSION`; `None` for the champion.
    pub model: Option<String>,
    /// Whether a row that is no record ends it.
    pub is_strict: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scored {
    /// The model.
    pub model: String,
    /// Rows priced, those of an earlier run among them.
    pub rows: u64,
    /// Rows of the input that are not records.
    pub refused: u64,
    /// The file or the table with their errors; `None` without such rows.
    pub errors: Option<PathBuf>,
    /// Of the rows, those of the run that was interrupted.
    pub resumed_from: u64,
}

enum Source {
    File(Box<FromFile>),
    Table(Box<FromTable>),
}

impl Source {
    /// What it is, so that a broken scoring of the same continues.
    fn identity(&self) -> String {
        match self {
            Source::File(file) => file.identity().to_owned(),
            Source::Table(table) => table.identity(),
        }
    }

    async fn next(&mut self) -> anyhow::Result<Option<Read>> {
        match self {
            Source::File(file) => file.next(),
            Source::Table(table) => table.next().await,
        }
    }

    /// Continues after what `progress` says.
    fn skip_to(&mut self, progress: &Progress) -> anyhow::Result<()> {
        match self {
            Source::File(file) => file.skip(progress.read),
            Source::Table(table) => {
                table.skip_to(progress.last_key.clone());
                Ok(())
            }
        }
    }
}

enum Sink {
    Csv(ToCsv),
    Parquet(Box<ToParquet>),
    Table(ToTable),
}

impl Sink {
    /// What an earlier run has done of the same.
    async fn progress(&mut self, input: &str, model: &str) -> anyhow::Result<Option<Progress>> {
        let progress = match self {
            Sink::Csv(csv) => csv.progress()?,
            // A Parquet file is whole or not at all: its end states what is in it.
            Sink::Parquet(_) => None,
            Sink::Table(table) => table.progress().await?,
        };
        Ok(progress.filter(|progress| progress.input == input && progress.model == model))
    }

    /// A scoring from the beginning.
    async fn begin(&self) -> anyhow::Result<()> {
        match self {
            Sink::Csv(_) | Sink::Parquet(_) => Ok(()),
            Sink::Table(table) => table.begin().await,
        }
    }

    /// Where it has the errors of rows itself: of files they stand in another.
    fn errors(&self) -> Option<PathBuf> {
        match self {
            Sink::Csv(_) | Sink::Parquet(_) => None,
            Sink::Table(table) => Some(table.errors().into()),
        }
    }

    /// Stores answers; a table also the rows that were refused.
    async fn write(
        &mut self,
        scores: &Scores,
        refused: &[(String, String)],
        progress: &Progress,
    ) -> anyhow::Result<()> {
        match self {
            Sink::Csv(csv) => csv.write(scores, progress),
            Sink::Parquet(parquet) => parquet.write(scores),
            Sink::Table(table) => table.write(scores, refused, progress).await,
        }
    }

    async fn finish(self) -> anyhow::Result<()> {
        match self {
            Sink::Csv(csv) => csv.finish(),
            Sink::Parquet(parquet) => parquet.finish(),
            Sink::Table(table) => table.finish().await,
        }
    }
}

/// Scores the input into the output. Interrupted and started again, it continues where it was, with a
/// Parquet file from its beginning.
///
/// # Errors
/// When there is no such model or input, the input does not fit the schema, or the output cannot be
/// written.
pub async fn score(config: &Config, scoring: &Scoring) -> anyhow::Result<Scored> {
    ensure!(
        scoring.input != scoring.output,
        "input and output are the same: {}",
        scoring.input
    );
    let (settings, model) = (config.clone(), scoring.model.clone());
    let loading =
        tokio::task::spawn_blocking(move || Scorer::load(&settings, model.as_deref())).await;
    let scorer = Arc::new(loading.context("the reader ended unexpectedly")??);
    let model = scorer.model().to_owned();
    let mut pool = None;
    let mut source = match &scoring.input {
        Place::File(path) => Source::File(Box::new(FromFile::open(path, &config.schema)?)),
        Place::Table(table) => {
            let pool = connection(config, &mut pool).await?;
            Source::Table(Box::new(
                FromTable::open(pool, table, &config.schema).await?,
            ))
        }
    };
    let columns = Columns::of(config.schema.task, scorer.levels());
    let mut sink = match &scoring.output {
        Place::File(path) if is_parquet(path) => {
            Sink::Parquet(Box::new(ToParquet::open(path, columns)?))
        }
        Place::File(path) => Sink::Csv(ToCsv::open(path, columns, config.score.csv_formulas)?),
        Place::Table(table) => {
            let pool = connection(config, &mut pool).await?;
            Sink::Table(ToTable::open(pool, table, columns).await?)
        }
    };
    let input = source.identity();
    let earlier = sink.progress(&input, &model).await?;
    let resumed_from = earlier.as_ref().map_or(0, |progress| progress.rows);
    let mut progress = match earlier {
        Some(progress) => {
            tracing::info!("resuming after {} rows", progress.read);
            source.skip_to(&progress)?;
            progress
        }
        None => {
            sink.begin().await?;
            Progress {
                input,
                model: model.clone(),
                read: 0,
                rows: 0,
                refused: 0,
                error_bytes: 0,
                last_key: None,
            }
        }
    };
    let mut errors = match &scoring.output {
        Place::File(path) => Some(Errors::open(
            path,
            progress.error_bytes,
            config.score.csv_formulas,
        )?),
        Place::Table(_) => None,
    };
    let stage = Stage::start(format!("scoring {} with {model}", scoring.input));
    let mut reported = 0;
    let mut pricing: Option<Pricing> = None;
    loop {
        let next = source.next().await;
        let priced = match pricing.take() {
            Some(pricing) => Some(pricing.done().await?),
            None => None,
        };
        let next = next.map(|read| read.map(|read| Pricing::begin(&scorer, read)));
        if let Some(batch) = priced {
            for (place, why) in &batch.refused {
                if reported < MOST_TOLD {
                    tracing::warn!("{}: {place} is not a valid record: {why}", scoring.input);
                }
                reported += 1;
                if scoring.is_strict {
                    bail!("{}: {place} is not a valid record: {why}", scoring.input);
                }
            }
            if let Some(errors) = &mut errors {
                progress.error_bytes = errors.write(&batch.refused)?;
            }
            stage.add(batch.read);
            progress.read += batch.read;
            progress.refused += batch.refused.len() as u64;
            progress.last_key = batch.last_key.or(progress.last_key);
            progress.rows += batch.scores.scores.len() as u64;
            sink.write(&batch.scores, &batch.refused, &progress).await?;
        }
        // After what was read before is written.
        match next? {
            Some(next) => pricing = Some(next),
            None => break,
        }
    }
    let beside = sink.errors().filter(|_| progress.refused > 0);
    sink.finish().await?;
    if reported > MOST_TOLD {
        let more = reported - MOST_TOLD;
        tracing::warn!("{}: {more} further invalid rows", scoring.input);
    }
    let errors = match errors {
        Some(errors) => errors.finish()?,
        None => beside,
    };
    Ok(Scored {
        errors,
        model: progress.model,
        rows: progress.rows,
        refused: progress.refused,
        resumed_from,
    })
}

/// One pool for the input and the output.
async fn connection(config: &Config, pool: &mut Option<PgPool>) -> anyhow::Result<PgPool> {
    if let Some(pool) = pool {
        return Ok(pool.clone());
    }
    let connected = database::connect(
        &config.database.patient(),
        &Health::default(),
        &Shutdown::new(),
    )
    .await?;
    let connected = connected.context("stopped before the database answered")?;
    *pool = Some(connected.clone());
    Ok(connected)
}

fn is_parquet(path: &std::path::Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}
