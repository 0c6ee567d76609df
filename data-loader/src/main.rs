//! `data-loader`: listings from Kafka to PostgreSQL, exactly once.

use clap::Parser;

/// Loads listings from Kafka into PostgreSQL, exactly once.
///
/// Bad records go to the table and the topic `rejects` with their reason. Offsets are kept in
/// PostgreSQL beside the rows: kill it at any moment and start it again, nothing is lost or doubled.
///
///   data-loader --kafka localhost:9092 --database-url postgres://me:secret@localhost/hedonic
///   curl -X POST localhost:8082/stop; curl localhost:8082/status
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
        return probe.ask(&args.common, "loader", args.http.as_deref());
    }
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::record_metrics();
    common::telemetry::choose_tls_provider();
    let mut config = data_loader::Config::new(&args.common.layered()?)?;
    if let Some(http) = args.http {
        config.loader.http = http;
    }
    let listener = common::http::listen(&config.loader.http)?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    data_loader::run(config, listener, common::shutdown::on_signals()).await
}
