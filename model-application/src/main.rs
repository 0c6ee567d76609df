//! `model-application`: answers requests for a price.

use clap::Parser;

/// Answers requests for a price, over Kafka (topic requests to topic answers) and over HTTP.
///
/// It loads the newest model of the registry and takes a newer one up without a restart.
///
///   model-application --kafka localhost:9092 --database-url postgres://me:secret@localhost/hedonic
///   curl -d '{"id":1,"city":"Kazan","street":"Lenina","floor":3,"rooms":2}' localhost:8083/predict
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Args {
    #[command(flatten)]
    common: common::args::CommonArgs,
    /// Address of the HTTP interface (port 0 takes a free one)
    #[arg(long, value_name = "HOST:PORT")]
    http: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(probe) = args.common.healthcheck {
        return probe.ask(&args.common, "applier", args.http.as_deref());
    }
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::record_metrics();
    common::telemetry::choose_tls_provider();
    let mut config = model_application::Config::new(&args.common.layered()?)?;
    if let Some(http) = args.http {
        config.applier.http = http;
    }
    let listener = common::http::listen(&config.applier.http)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    model_application::run(config, listener, common::shutdown::on_signals()).await
}
