//! `model-prepare`: fits the price model and saves a version of it.

use std::path::PathBuf;

use clap::Parser;
use common::{Health, Shutdown};
use model_prepare::Config;
use tokio_cron_scheduler::{Job, JobScheduler};

/// Fits the price model on the stored listings of the last 28 days and saves a version of it.
///
///   model-prepare --database-url postgres://me:secret@localhost/hedonic
///   model-prepare --data listings.csv --registry models
///   model-prepare --cron "0 0 3 * * *"
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Args {
    #[command(flatten)]
    common: common::args::CommonArgs,
    /// Fit on a CSV or Parquet file instead of the database
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Directory in which versions are kept
    #[arg(long, value_name = "DIR")]
    registry: Option<PathBuf>,
    /// Stay, and fit by schedule: second minute hour day month weekday
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "data")]
    cron: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::choose_tls_provider();
    let mut config = Config::new(&args.common.layered()?)?;
    if let Some(registry) = args.registry {
        config.registry.path = registry;
    }
    if let Some(file) = &args.data {
        println!(
            "{}",
            model_prepare::table(&model_prepare::train_on_file(&config, file)?)
        );
        return Ok(());
    }
    let shutdown = common::shutdown::on_signals();
    match args.cron {
        None => train(&config, &shutdown).await,
        Some(expression) => {
            let mut scheduler = JobScheduler::new().await?;
            let leave = shutdown.clone();
            let job = Job::new_async(expression.as_str(), move |_, _| {
                let (config, shutdown) = (config.clone(), leave.clone());
                Box::pin(async move {
                    if let Err(error) = train(&config, &shutdown).await {
                        tracing::error!("the training failed: {error:#}; the schedule goes on");
                    }
                })
            })?;
            scheduler.add(job).await?;
            scheduler.start().await?;
            tracing::info!("fitting by schedule {expression:?}; Ctrl-C leaves");
            shutdown.cancelled().await;
            scheduler.shutdown().await?;
            Ok(())
        }
    }
}

async fn train(config: &Config, shutdown: &Shutdown) -> anyhow::Result<()> {
    let health = Health::default();
    let pool = common::database::connect(&config.database, &health, shutdown).await?;
    if let Some(pool) = pool {
        let trained = model_prepare::train_on_database(config, &pool).await?;
        println!("{}", model_prepare::table(&trained));
    }
    Ok(())
}
