//! `producer-emulator`: makes listings and requests, and sends them to Kafka.

use clap::Parser;

/// Makes listings and requests, and sends them to the Kafka topics new_data and requests.
///
///   producer-emulator --kafka localhost:9092
///   curl -X POST localhost:8081/start
///   curl -X POST 'localhost:8081/generate/new_data?count=1000'
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
        return probe.ask(&args.common, "emulator", args.http.as_deref());
    }
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::record_metrics();
    let mut config = producer_emulator::Config::new(&args.common.layered()?)?;
    if let Some(http) = args.http {
        config.emulator.http = http;
    }
    let listener = common::http::listen(&config.emulator.http)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    producer_emulator::run(config, listener, common::shutdown::on_signals()).await
}
