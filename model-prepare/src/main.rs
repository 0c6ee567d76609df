//! `model-prepare`: fits the price model and saves a version of it.

use std::path::{Path, PathBuf};

use clap::Parser;
use common::{Health, Shutdown};
use model_prepare::Config;

/// Fits the price model and saves a version of it.
///
/// Learns from the listings that data-loader has stored in the last 28 days (prepare.window_days),
/// or from a file, then leaves. The model is judged on the newest fifth, which it has not seen.
///
///   model-prepare --database-url postgres://me:secret@localhost/hedonic
///   model-prepare --data listings.csv --registry models
///   model-prepare --data cars.parquet --schema cars.toml --registry car-models
///
/// It prints a table of errors (RMSE, MAE, R², median percentage error) beside those of the
/// baseline, which always says the median price of the listing's city; how much of the range holds;
/// what was rejected and removed; and where the version was saved: v000001 and so on below
/// --registry (.hedonic/models), where model-application takes the newest up by itself.
/// What cannot be learned from is an error: exit code 1, and nothing is written.
///
/// With --cron or --http it stays, and serves /status, /metrics, /health/live, /health/ready and
/// POST /train at prepare.http (127.0.0.1:8084):
///
///   model-prepare --cron "0 0 3 * * *"                    every day at 3:00 UTC
///   model-prepare --http 127.0.0.1:8084                   on demand only
///   curl -X POST localhost:8084/train; curl localhost:8084/status
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Args {
    #[command(flatten)]
    common: common::args::CommonArgs,
    /// Fit on a CSV or Parquet file instead of the database
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// What a record is: a schema file, or a built-in schema's name (same as schema.source)
    #[arg(long, value_name = "SCHEMA.toml")]
    schema: Option<PathBuf>,
    /// Directory in which versions are kept (same as registry.path)
    #[arg(long, value_name = "DIR")]
    registry: Option<PathBuf>,
    /// Stay, and fit by schedule: second minute hour day month weekday, in UTC
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "data")]
    cron: Option<String>,
    /// Stay, and serve the HTTP interface at this address (port 0 takes a free one)
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "data")]
    http: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    if let Some(probe) = args.common.healthcheck {
        return probe.ask(&args.common, "prepare", args.http.as_deref());
    }
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::choose_tls_provider();
    if let Some(schema) = &args.schema {
        let setting = format!("schema.source={}", schema.display());
        args.common.set.push(setting);
    }
    if let Some(expression) = &args.cron {
        model_prepare::check_schedule(expression)?;
    }
    let mut config = Config::new(&args.common.layered()?)?;
    if let Some(registry) = args.registry {
        config.registry.path = registry;
    }
    if let Some(file) = args.data {
        return on_file(config, file).await;
    }
    let shutdown = common::shutdown::on_signals();
    if args.cron.is_none() && args.http.is_none() {
        return once(&config, &shutdown).await;
    }
    common::telemetry::record_metrics();
    if let Some(http) = args.http {
        config.prepare.http = http;
    }
    let listener = common::http::listen(&config.prepare.http)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    model_prepare::run(config, args.cron, listener, shutdown).await
}

async fn on_file(config: Config, file: PathBuf) -> anyhow::Result<()> {
    let train = move || model_prepare::train_on_file(&config, Path::new(&file));
    let trained = tokio::task::spawn_blocking(train).await??;
    println!("{}", model_prepare::table(&trained));
    Ok(())
}

async fn once(config: &Config, shutdown: &Shutdown) -> anyhow::Result<()> {
    let health = Health::default();
    let pool = common::database::connect(&config.database, &health, shutdown).await?;
    if let Some(pool) = pool {
        let trained = model_prepare::train_on_database(config, &pool).await?;
        println!("{}", model_prepare::table(&trained));
    }
    Ok(())
}
