//! Materialises cleaned records and their features in a table or a file.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use common::progress::Stage;
use common::{Health, Shutdown};
use records::Schema;
use report::Materialised;
use sqlx::PgPool;
use valuation::datamart::{Change, Identity, SOURCE_LINE, State};

use super::datamart_notes::{DatamartNotes, ExistingDatamart, written};
use super::file::ToFile;
use super::source::{self, Fresh, Source};
use super::table::{self, ToTable};
use super::target::Target;
use crate::config::Config;
use crate::listings::Selection;

/// What is to be materialised.
#[derive(Debug, Clone, Default)]
pub struct Materialise {
    /// A table's name, or a file ending in `.parquet`; none for `features.table`.
    pub to: Option<String>,
    /// A CSV or Parquet file of records instead of the stored ones.
    pub data: Option<PathBuf>,
    /// Whether the state is fitted again and everything made by it.
    pub refit: bool,
}

/// Where rows go.
enum Place {
    File(ToFile),
    Table(ToTable),
}

/// Materialises records: all of them where there is no datamart of the name yet, or the state is to be
/// fitted again; else those that came since, by the state that made the others.
///
/// # Errors
/// When the name is none, something else has it, the datamart is of other records, records or
/// database cannot be read, or the target cannot be written; it is as it was then.
pub async fn features(
    config: &Config,
    options: &Materialise,
    shutdown: &Shutdown,
) -> anyhow::Result<Materialised> {
    let name = options.to.as_deref().unwrap_or(&config.features.table);
    let target = Target::parse(name, &config.schema)?;
    let mut pool = None;
    if options.data.is_none() || matches!(target, Target::Table(_)) {
        let health = Health::default();
        pool = common::database::connect(&config.database.patient(), &health, shutdown).await?;
        ensure!(pool.is_some(), "stopped before the database answered");
    }
    let source = match (&options.data, &pool) {
        (Some(file), _) => Source::File(file.clone()),
        (None, Some(pool)) => Source::Records(pool.clone()),
        (None, None) => bail!("expected a database or --data, found neither"),
    };
    let place = match (target, pool) {
        (Target::File(path), _) => Place::File(ToFile::new(path)),
        (Target::Table(table), Some(pool)) => Place::Table(ToTable::open(pool, table).await?),
        (Target::Table(_), None) => bail!("expected a database for a table, found none"),
    };
    let made = materialise(config, options.refit, &source, &place, name).await;
    if let Place::Table(table) = place {
        table.leave().await;
    }
    made
}

async fn materialise(
    config: &Config,
    refit: bool,
    source: &Source,
    place: &Place,
    name: &str,
) -> anyhow::Result<Materialised> {
    let schema = &config.schema;
    let known = match place {
        Place::File(file) => file.known()?,
        Place::Table(table) => table.known().await?,
    };
    let before = known.as_ref().map_or(0, |known| known.version);
    let known = known.filter(|known| !refit && known.is_there);
    let state = known
        .as_ref()
        .map(|known| resumed_state(known, schema, source, name));
    let state = state.transpose()?;
    let since = known.as_ref().and_then(|known| known.read_until.as_deref());
    let identity = match (source, place) {
        (Source::File(_), Place::File(_)) => Identity::Occurrence,
        _ => Identity::Key,
    };
    let needs_some = state.is_none();
    let Fresh {
        rows,
        superseded,
        rejected,
        refused,
        read_until,
    } = source.read(schema, since, identity, needs_some).await?;
    let version = before + i64::from(state.is_none());
    let notes = |state| DatamartNotes {
        state,
        version,
        source: source.word(),
        read_until: read_until.as_deref(),
    };
    let made = Materialised {
        name: name.to_owned(),
        version,
        is_new: state.is_none(),
        superseded,
        rejected,
        refused,
        ..Materialised::default()
    };
    match state {
        Some(state) => match place {
            Place::File(file) => file.add(&rows, identity, &notes(&state), made),
            Place::Table(table) => table.add(&rows, &notes(&state), made).await,
        },
        None => {
            let (state, batch) = tokio::task::block_in_place(|| -> anyhow::Result<_> {
                let _stage = Stage::start(format!("fitting on {} records", rows.lines.len()));
                let now = records::timestamp::now_us();
                let state = State::fit(schema, &rows.batch, env!("CARGO_PKG_VERSION"), now)?;
                let batch = state.materialise(&rows, version)?;
                Ok((state, batch))
            })?;
            match place {
                Place::File(file) => file.replace(&batch, &notes(&state))?,
                Place::Table(table) => table.replace(&batch, &notes(&state)).await?,
            }
            let change = Change {
                added: rows.lines.len(),
                ..Change::default()
            };
            Ok(written(made, &state, &batch, change, rows.lines.len()))
        }
    }
}

/// The state to continue with.
fn resumed_state(
    known: &ExistingDatamart,
    schema: &Schema,
    source: &Source,
    name: &str,
) -> anyhow::Result<State> {
    let of = || format!("state {} of {name}", known.version);
    let state = State::parse(&known.state).with_context(of)?;
    state.check_schema(schema).with_context(of)?;
    ensure!(
        known.source == source.word(),
        "{name} was made of {}, expected these again, found {}: {} or materialise again with \
         --refit",
        source::named(&known.source),
        source::named(source.word()),
        match source {
            Source::File(_) => "leave --data out",
            Source::Records(_) => "give --data",
        }
    );
    Ok(state)
}

/// Brings the datamart that trainings read up to date, where there is one: a loop that trains on what
/// arrives would train on the same again.
///
/// # Errors
/// As [`features`].
pub(crate) async fn refresh(config: &Config) -> anyhow::Result<()> {
    let table = &config.prepare.features;
    if table.is_empty() {
        return Ok(());
    }
    let options = Materialise {
        to: Some(table.clone()),
        ..Materialise::default()
    };
    let made = features(config, &options, &Shutdown::new()).await;
    let made = made.with_context(|| format!("the feature table {table} (prepare.features)"))?;
    tracing::info!("{made}");
    Ok(())
}

/// The rows of a datamart that a training reads.
///
/// # Errors
/// When there is no datamart of the name, or it is of another schema.
pub(crate) async fn selection(
    pool: &PgPool,
    table: &str,
    schema: &Arc<Schema>,
    days: u32,
) -> anyhow::Result<Selection> {
    let Target::Table(table) = Target::parse(table, schema)? else {
        bail!(
            "expected a table's name as prepare.features, found {table}: give a file with --data"
        );
    };
    let known = table::known(pool, &table).await?;
    let known = known.filter(|known| known.is_there).with_context(|| {
        format!(
            "expected a feature table {table} to learn from, found none in this database: \
             model-prepare features --to {table} makes it"
        )
    })?;
    let of = || format!("state {} of {table}", known.version);
    let state = State::parse(&known.state).with_context(of)?;
    state.check_schema(schema).with_context(of)?;
    Ok(Selection {
        first: Some(SOURCE_LINE),
        ..Selection::window(schema, &table, days)
    })
}
