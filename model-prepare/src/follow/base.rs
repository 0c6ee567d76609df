//! What a follower begins from: what it has kept, or a line of its own.

use std::time::Duration;

use anyhow::{Context, bail};
use common::database::within;
use common::{Health, Shutdown};
use ledger::offsets;
use registry::Registry;
use valuation::{FitOptions, LinearOptions, Link, MemberOptions, Model, NamedMember, Online};

use super::config::{Base, Follow};
use super::counts::Counts;
use super::packed::{pack, unpack};
use super::recent::Recent;
use super::store::{Store, StoredState};
use crate::commands::named;
use crate::config::Config;
use crate::listings::{self, Listings};
use crate::run_files::names::{FOLLOWED, schema_digest};
use crate::training::stored::listings_of_table;

/// Pause before the table is checked again: listings may not have come yet.
const RETRY: Duration = Duration::from_secs(2);
/// Longest that the database may take for the loader's offsets.
const READING: Duration = Duration::from_secs(10);

/// Where a follower stands.
pub(super) struct Standing {
    pub(super) online: Online,
    pub(super) counts: Counts,
    pub(super) recent: Recent,
}

impl Standing {
    /// As it is kept.
    ///
    /// # Errors
    /// When it is of another schema, or not what was written.
    pub(super) fn of(kept: StoredState, options: &Follow) -> anyhow::Result<Standing> {
        let schema = &options.training.schema;
        if kept.schema_sha256 != schema_digest(schema) {
            bail!(
                "the follower {} has learned from records of another schema than {:?} is now: \
                 --afresh forgets what it has learned, follow.group gives it another name",
                options.follow.group,
                schema.name
            );
        }
        let base = unpack(&kept.base, &options.training.registry.path)?;
        Ok(Standing {
            online: Online::restore(base, options.follow.options(), &kept.state)?,
            counts: kept.counts,
            recent: Recent::new(options.follow.judge_rows, kept.recent),
        })
    }
}

/// Where it stands: as it was left, or at a base that is made now. `None` when shut down before there was
/// something to begin from.
///
/// # Errors
/// When a setting is wrong or the base is not available; listings that have not come yet are waited
/// for.
pub(super) async fn stand(
    options: &Follow,
    store: &Store,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<Standing>> {
    if !options.afresh
        && let Some(kept) = store.load().await?
    {
        let options = options.clone();
        let standing = tokio::task::spawn_blocking(move || Standing::of(kept, &options)).await??;
        tracing::info!(
            "resuming after {} messages; the base is {}",
            standing.counts.read,
            standing.counts.base
        );
        return Ok(Some(standing));
    }
    let Some((model, source, from)) = base(options, store, health, shutdown).await? else {
        return Ok(None);
    };
    health.ready("base");
    tracing::info!(
        "beginning from {source}: error {:.2} %{} on its hold-out",
        model.report().model.mdape * 100.0,
        match model.link() {
            Link::Log => "",
            Link::LogOnePlus => " of 1 + the count",
        }
    );
    let packing = options.clone();
    let (kept, standing) = tokio::task::spawn_blocking(move || {
        let packed = pack(&model, &packing.training.registry.path)?;
        let online = Online::new(model, packing.follow.options())?;
        let counts = Counts {
            base: source,
            ..Counts::default()
        };
        let kept = StoredState {
            schema_sha256: schema_digest(&packing.training.schema),
            base: packed,
            state: online.encode()?,
            counts: counts.clone(),
            recent: Vec::new(),
        };
        let standing = Standing {
            online,
            counts,
            recent: Recent::new(packing.follow.judge_rows, Vec::new()),
        };
        anyhow::Ok((kept, standing))
    })
    .await??;
    let topic = &options.kafka.topics.new_data;
    store.begin(&kept, topic, from.as_deref()).await?;
    Ok(Some(standing))
}

/// A base, where it is from in words, and the offsets to resume at.
type NewBase = (Model, String, Option<Vec<(i32, i64)>>);

async fn base(
    options: &Follow,
    store: &Store,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<NewBase>> {
    let training = options.training.clone();
    let which = match &options.base {
        Base::Listings => return of_listings(options, store, health, shutdown).await,
        which => which.clone(),
    };
    let group = options.follow.group.clone();
    let finding = move || -> anyhow::Result<(Model, String)> {
        if let Base::File(file) = &which {
            let listings = listings::of_file(file, &training.schema)?;
            return Ok((fit(&training, &listings)?, file.display().to_string()));
        }
        let registry = registry::open(&training.registry)?;
        let version = match &which {
            Base::Version(name) => named(&*registry, name)?,
            _ => followed(&*registry, &group)?,
        };
        let model = Model::load(&registry.fetch(&version)?)?;
        if let Err(mismatch) = model.fits(&training.schema) {
            bail!("{version} prices other records than the schema says: {mismatch}");
        }
        Ok((model, version.to_string()))
    };
    let (model, source) = tokio::task::spawn_blocking(finding).await??;
    Ok(Some((model, source, None)))
}

/// The newest version that a follower has published, this one's first.
fn followed(registry: &dyn Registry, group: &str) -> anyhow::Result<registry::Version> {
    let mut others = None;
    for version in registry.versions()?.into_iter().rev() {
        let run = match registry.info(version.number)?.run {
            Some(run) => registry.run(&run)?,
            None => None,
        };
        match run.as_ref().and_then(|run| run.tags.get(FOLLOWED)) {
            Some(follower) if follower == group => return Ok(version),
            Some(_) => others = others.or(Some(version)),
            None => {}
        }
    }
    others.with_context(|| {
        format!(
            "expected a version that a follower has published, found none in {}: begin from the \
             stored listings, or from --data FILE",
            registry.place()
        )
    })
}

/// A line on what the loader has stored, waiting until that is enough.
async fn of_listings(
    options: &Follow,
    store: &Store,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<NewBase>> {
    let anchor = &store.anchor;
    let (pool, training) = (&anchor.pool, &options.training);
    let mut logged = String::new();
    while !shutdown.is_cancelled() {
        // Before the rows are read: what comes meanwhile may be used twice, but not never.
        let topic = &options.kafka.topics.new_data;
        let from = within(pool, READING, async |connection| {
            offsets::stored(connection, &anchor.cluster, &options.loader, topic).await
        });
        let from = from.await?;
        let fitted = async {
            let listings = listings_of_table(training, pool).await?;
            let training = training.clone();
            tokio::task::spawn_blocking(move || fit(&training, &listings)).await?
        };
        match fitted.await {
            Ok(model) => {
                let rows = model.report().rows;
                let source = format!("{rows} listings of the table {}", training.schema.table);
                let from = from
                    .into_iter()
                    .map(|(partition, stored)| (partition, stored.next));
                return Ok(Some((model, source, Some(from.collect()))));
            }
            Err(error) => {
                let why = format!("there is no base yet: {error:#}");
                if why != logged {
                    tracing::info!("{why}; waiting for listings");
                }
                health.waiting("base", why.clone());
                logged = why;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            () = shutdown.cancelled() => {}
        }
    }
    Ok(None)
}

/// The line alone, with the settings of a training.
fn fit(training: &Config, listings: &Listings) -> anyhow::Result<Model> {
    let options = FitOptions {
        members: vec![NamedMember {
            name: "linear".to_owned(),
            options: MemberOptions::Linear(LinearOptions {}),
        }],
        ..training.prepare.fit_options()
    };
    let (model, _) = valuation::fit(
        &training.schema,
        &listings.batch,
        &options,
        env!("CARGO_PKG_VERSION"),
        records::timestamp::now_us(),
    )?;
    Ok(model)
}
