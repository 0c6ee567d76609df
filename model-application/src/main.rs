//! `model-application`: answers requests for a price.

mod score;

use clap::Parser;

use crate::score::{Place, Scoring, score};

/// Answers requests for a price, over Kafka (from the topic requests to the topic answers) and over HTTP.
///
/// It loads the champion from the registry, and swaps to a newer one without a restart.
///
///   model-application --kafka localhost:9092 --database-url postgres://me:secret@localhost/hedonic
///   curl -d '{"id":1,"city":"Kazan","street":"Lenina","floor":3,"rooms":2}' localhost:8083/predict
///
/// The web app is at http://127.0.0.1:8083/, the OpenAPI document at /openapi.json (including the Open
/// Inference Protocol under /v2), and live quality at /quality.
#[derive(Parser)]
#[command(version, verbatim_doc_comment, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: common::args::CommonArgs,
    /// Address of the HTTP interface (port 0 takes a free one)
    #[arg(long, value_name = "HOST:PORT")]
    http: Option<String>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Price a table or a file, and exit
    ///
    /// Reads rows of the schema (schema.source), and writes id, prediction and model; for prices also low
    /// and high, for a class also whether the record belongs to it. For a clustering the prediction is the
    /// cluster's number. If it is interrupted, the next start resumes (a Parquet file starts again); an
    /// output file appears when it is complete. Invalid rows are reported and skipped.
    ///
    ///   model-application score --input homes.csv --output prices.csv
    ///   model-application score --input listings --output prices --model real-estate@challenger
    ///   model-application score --input foods --output predictions --set schema.source=schemas/food.toml
    #[command(verbatim_doc_comment)]
    Score {
        /// A file ending in .csv, .tsv or .parquet, or a table of the database
        #[arg(long, value_name = "TABLE|FILE")]
        input: Place,
        /// A file ending in .csv or .parquet, or a table of the database, which will be created
        #[arg(long, value_name = "TABLE|FILE")]
        output: Place,
        /// champion, challenger, previous or a version, such as real-estate@v000007 [default: champion]
        #[arg(long, value_name = "NAME@ALIAS")]
        model: Option<String>,
        /// Directory of model versions (same as registry.path)
        #[arg(long, value_name = "DIR")]
        registry: Option<std::path::PathBuf>,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(probe) = args.common.healthcheck {
        return probe.ask(&args.common, "applier", args.http.as_deref());
    }
    if let Some(format) = args.common.check {
        let config = args.common.layered().map_err(anyhow::Error::from);
        let config = config.and_then(|layered| model_application::Config::new(&layered));
        common::check::answer(config.map(|config| config.needs()), format).await;
    }
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::record_metrics();
    common::telemetry::choose_tls_provider();
    let mut config = model_application::Config::new(&args.common.layered()?)?;
    if let Some(Command::Score {
        input,
        output,
        model,
        registry,
    }) = args.command
    {
        if let Some(registry) = registry {
            config.registry.path = registry;
        }
        let scoring = Scoring {
            input,
            output,
            model,
        };
        let scored = score(&config, &scoring).await?;
        println!("{}", serde_json::to_string(&scored)?);
        return Ok(());
    }
    if let Some(http) = args.http {
        config.applier.http = http;
    }
    let listener = common::http::listen(&config.applier.http)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    model_application::run(config, listener, common::shutdown::on_signals()).await
}
