//! The model that is there when the first request is answered.

use anyhow::{Context, bail};
use registry::Version;
use serde_json::Value;
use sqlx::PgPool;

use crate::amount::whole;
use crate::bounds::Bounds;
use crate::screen::Screen;
use crate::services::{LOOK, Services};

/// Fits a model where none is kept from before, and waits until the applier has one.
///
/// # Errors
/// When the history cannot be learned from, or a service does not answer.
pub(crate) async fn ensure(
    prepare: &model_prepare::Config,
    services: &Services,
    pool: &PgPool,
    bounds: &Bounds,
    screen: &Screen,
) -> anyhow::Result<()> {
    let mut prepare = prepare.clone();
    if let Some(kept) = champion(prepare.registry.clone()).await? {
        bounds.wait_for(format!("the applier to load {kept} of an earlier run"));
        match taken_up(&kept, services).await? {
            Taken::Up(status) => {
                let kept = format!("{} of an earlier run", describe(&status));
                screen.done("model", &kept);
                return Ok(());
            }
            Taken::Refused(why) => {
                screen.note(&format!("the model of an earlier run is not usable: {why}"));
                // What cannot answer is no rival.
                prepare.prepare.promote = model_prepare::PromotionMode::Always;
            }
        }
    }
    let fitted = fit(&prepare, pool, bounds, screen).await?;
    bounds.wait_for(format!("the applier to load {fitted}"));
    match taken_up(&fitted, services).await? {
        Taken::Up(_) => Ok(()),
        Taken::Refused(why) => bail!("the applier refuses the new model: {why}"),
    }
}

/// The version that is to answer, kept from before.
async fn champion(config: registry::RegistryConfig) -> anyhow::Result<Option<Version>> {
    // A server is asked by a thread that may wait for it.
    let looking = tokio::task::spawn_blocking(move || registry::open(&config)?.champion());
    Ok(looking.await.context("cannot read the registry")??)
}

async fn fit(
    prepare: &model_prepare::Config,
    pool: &PgPool,
    bounds: &Bounds,
    screen: &Screen,
) -> anyhow::Result<Version> {
    bounds.wait_for("the first model to be fitted");
    screen.doing("model", "");
    let trained = model_prepare::train_on_database(prepare, pool).await?;
    let found = &trained.report;
    screen.done(
        "model",
        &format!(
            "{} fitted on {} listings; hold-out: {} listings",
            trained.name(),
            whole(found.rows() as f64),
            whole(found.holdout_rows() as f64),
        ),
    );
    screen.note(&model_prepare::summary(found));
    trained.saved.context(
        "the MLflow server does not answer: start it, or unset MLFLOW_TRACKING_URI and registry.mlflow_tracking_uri",
    )
}

/// What the applier made of the newest model.
enum Taken {
    /// It answers with one; its status.
    Up(Value),
    /// It refused the newest and has no other; the reason.
    Refused(String),
}

async fn taken_up(newest: &Version, services: &Services) -> anyhow::Result<Taken> {
    loop {
        let status = services.status(services.applier).await;
        if has_model(&status) {
            return Ok(Taken::Up(status));
        }
        if let Some(why) = status["refused_model"].as_str()
            && why.starts_with(&newest.to_string())
        {
            return Ok(Taken::Refused(why.to_owned()));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn has_model(status: &Value) -> bool {
    status["model"]
        .as_str()
        .is_some_and(|name| !name.is_empty())
}

/// The applier's model with its hold-out error, for people.
pub(crate) fn describe(applier: &Value) -> String {
    let name = applier["model"].as_str().unwrap_or("none yet");
    match applier["holdout_mdape"].as_f64() {
        Some(error) => format!("{name}, hold-out error {:.1} %", error * 100.0),
        None => name.to_owned(),
    }
}
