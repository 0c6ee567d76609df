//! The command line: flags to a run, or to a command.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use common::check::Format;
use common::cli::Generate;
use quickstart::{Options, OwnData};

/// Runs all of Hedonic in one process: it generates and stores listings, fits a price model, and
/// answers requests with a price and a prediction interval.
///
/// It needs no servers: it starts a private PostgreSQL and an embedded Kafka broker on loopback, and the
/// services emulator, loader, applier and trainer. It generates 20,000 listings, fits a model to them, and
/// answers requests until Ctrl-C. About once a minute it trains a new version and promotes it if it is not
/// worse. The data stay in --data-dir, and the next start continues with them.
#[derive(Parser)]
#[command(name = "hedonic", version, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Directory of all data; one process at a time
    #[arg(long, value_name = "DIR", default_value = ".hedonic", global = true)]
    data_dir: PathBuf,
    /// Your own listings (.csv, .tsv, .xlsx, .json, .parquet, .zip) instead of generated ones: the schema is
    /// inferred, a fifth is held out and replayed as requests, and the model learns from the rest
    #[arg(long, value_name = "FILE", conflicts_with = "servers_only")]
    data: Option<PathBuf>,
    /// With --data: the schema file, or a built-in schema's name, instead of an inferred one
    #[arg(long, value_name = "SCHEMA.toml", requires = "data")]
    schema: Option<String>,
    /// With --data: the column to predict [default: the first column with the name of a price]
    #[arg(
        long,
        value_name = "COLUMN",
        requires = "data",
        conflicts_with = "schema"
    )]
    target: Option<String>,
    /// Directory of the model versions (same as registry.path) [default: models, below the data directory]
    #[arg(long, value_name = "DIR", global = true)]
    registry: Option<PathBuf>,
    /// Stop with exit code 0 after N requests are answered and stored
    #[arg(long, value_name = "N")]
    stop_after: Option<u64>,
    /// Start only the database and the broker, for services that you start one by one; their addresses
    /// are in DATA_DIR/servers.env
    #[arg(long, conflicts_with = "stop_after", conflicts_with = "json")]
    servers_only: bool,
    /// With --stop-after: stop after this many seconds, with the reason and exit code 1
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout_s: u64,
    /// Print only the summary (or the checks) on standard output, as one JSON object
    #[arg(long, global = true)]
    json: bool,
    /// Your own PostgreSQL instead of the embedded one,
    /// postgres://user:password@host:port/database
    #[arg(
        long,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    database_url: Option<String>,
    /// Your own Kafka brokers instead of the embedded one, host:port, separated by commas; or "apache": starts
    /// Apache Kafka by scripts/kafka, which needs Java 17, for clients that the embedded broker does not serve
    /// (Java clients such as Connect, Spark and Flink)
    #[arg(long, value_name = "BROKERS", global = true)]
    kafka: Option<String>,
    /// One setting, e.g. --set emulator.requests_count=50 (repeatable; see config/default.toml)
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", global = true)]
    set: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Check an installation and print remedies: exit code 0 if nothing failed, else 1
    ///
    /// It checks broker, topics, database, tables, model (checksums and golden rows), disk and clock, and
    /// prints one line each. It changes nothing, and takes a few seconds at most if a server is away.
    /// Without named servers it checks those of the hedonic that runs on --data-dir.
    ///
    ///   hedonic check
    ///   hedonic check --config hedonic.toml --json
    ///   hedonic check --kafka localhost:9092 --database-url postgres://me:secret@localhost/hedonic
    #[command(verbatim_doc_comment)]
    Check {
        /// Settings file of separate services; then no embedded servers are checked
        #[arg(long, value_name = "FILE", env = "HEDONIC_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Wait until services have a state: exit code 0 when they have, else 1 with what is missing
    ///
    /// Addresses and tokens are those of the settings of separate services (HEDONIC_CONFIG). Services are
    /// emulator, loader, applier, prepare, follow and crawler.
    ///
    ///   hedonic wait --servers --data-dir .hedonic/food    until hedonic --servers-only serves
    ///   hedonic wait --ready loader,applier                until GET /health/ready is 200
    ///   hedonic wait --idle loader                         until its consumer lag is 0 for 3 s
    ///   hedonic wait --until 'loader.stored>=100' --until crawler.running=false    by GET /status
    #[command(verbatim_doc_comment)]
    Wait {
        /// Settings file of the services
        #[arg(long, value_name = "FILE", env = "HEDONIC_CONFIG")]
        config: Option<PathBuf>,
        /// Wait until the servers of --servers-only serve (DATA_DIR/servers.env)
        #[arg(long)]
        servers: bool,
        /// Services that must be ready, separated by commas
        #[arg(long, value_name = "SERVICES", value_delimiter = ',', num_args = 0..=1,
              default_missing_value = "loader,applier")]
        ready: Vec<String>,
        /// Services that must have read everything, separated by commas
        #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
        idle: Vec<String>,
        /// Value that GET /status must show (repeatable)
        #[arg(long, value_name = "SERVICE.KEY=VALUE")]
        until: Vec<String>,
        /// Longest wait, in seconds
        #[arg(long = "for-s", value_name = "SECONDS", default_value_t = 120)]
        for_s: u64,
    },
    #[command(flatten)]
    Generate(Generate),
}

const EXAMPLES: &str = "\
Examples:
  hedonic                                   run until Ctrl-C
  hedonic --data listings.csv               prices for your own listings (docs/files.md)
  hedonic --stop-after 200 --json           use it in a script
  hedonic --data-dir /var/tmp/h             use another data directory
  hedonic --servers-only                    servers for separate services (docs/recipes)
  hedonic check                             find problems and their remedies
  hedonic wait --ready loader,applier       wait for separate services (in scripts)
  hedonic --set emulator.requests_count=500 --set applier.http=127.0.0.1:8083
  hedonic --kafka 127.0.0.1:9092 --database-url postgres://me:secret@127.0.0.1:5432/prices

Commands for another shell, with the addresses that it prints at its start:
  kcat -b BROKER -C -t answers              print the answers
  echo '{\"id\":\"mine\",\"city\":\"Kazan\",\"street\":\"Lenina\",\"floor\":3,\"rooms\":2}' |
    kcat -b BROKER -P -t requests           request a price
  curl http://APPLIER/predict -H 'content-type: application/json' \\
    -d '{\"id\":1,\"city\":\"Kazan\",\"street\":\"Lenina\",\"floor\":3,\"rooms\":2}'
  psql 'DATABASE URL' -c 'SELECT * FROM answers LIMIT 5'

HTTP paths of each service at its own address:
  emulator  GET /status, POST /start, /stop, /generate/new_data?count=N, /generate/requests?count=N
  loader    GET /status, POST /start, /stop, GET /start_kafka_consumer (from this machine)
  applier   GET /status, POST /predict
  each      GET /health/live, /health/ready, /metrics

Ctrl-C stops in order, within 5 s. A second Ctrl-C stops at once; the database server then keeps running,
and the next start takes it over. RUST_LOG=info shows the log of the services.";

impl Cli {
    /// Runs everything, or the command.
    ///
    /// # Errors
    /// When a setting is not valid, or the run fails.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match &self.command {
            Some(Command::Check { config }) => return Ok(self.check(config.as_deref()).await),
            Some(Command::Generate(command)) => {
                return command.run::<Cli>().map(|()| ExitCode::SUCCESS);
            }
            Some(Command::Wait {
                config,
                servers,
                ready,
                idle,
                until,
                for_s,
            }) => {
                let wait = quickstart::Wait {
                    config: config.clone(),
                    set: self.settings()?,
                    file: servers.then(|| quickstart::only_servers::file(&self.data_dir)),
                    ready: names(ready),
                    idle: names(idle),
                    until: until.clone(),
                    timeout: Duration::from_secs(*for_s),
                };
                return wait.run().await.map(|()| ExitCode::SUCCESS);
            }
            None => {}
        }
        let (options, shutdown) = (self.options()?, common::shutdown::on_signals());
        if self.servers_only {
            quickstart::only_servers::serve(options, shutdown).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let summary = quickstart::run(options, shutdown).await?;
        // A reader that has gone, such as `head`, is no failure.
        let _ = match self.json {
            true => writeln!(std::io::stdout(), "{}", summary.to_json()),
            false => writeln!(std::io::stdout(), "{summary}"),
        };
        Ok(ExitCode::SUCCESS)
    }

    /// Checks and prints; fails if a check failed.
    async fn check(&self, config: Option<&Path>) -> ExitCode {
        let options = self.options();
        let needs = options.and_then(|options| quickstart::needs(&options, config));
        let report = common::check::report(needs, common::check::LIMIT).await;
        report.print(match self.json {
            true => Format::Json,
            false => Format::Text,
        });
        match report.is_healthy() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    /// Those of --set.
    fn settings(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut set = Vec::new();
        if let Some(registry) = &self.registry {
            set.push(("registry.path".to_owned(), registry.display().to_string()));
        }
        for setting in &self.set {
            match setting.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    set.push((key.trim().to_owned(), value.trim().to_owned()));
                }
                _ => anyhow::bail!(
                    "--set {setting}: expected SECTION.KEY=VALUE, such as emulator.requests_count=50"
                ),
            }
        }
        Ok(set)
    }

    fn options(&self) -> anyhow::Result<Options> {
        Ok(Options {
            data_dir: self.data_dir.clone(),
            stop_after: self.stop_after,
            timeout: Duration::from_secs(self.timeout_s),
            database_url: self.database_url.clone().filter(|url| !url.is_empty()),
            kafka: self.kafka.clone(),
            data: self.data.clone().map(|file| OwnData {
                file,
                schema: self.schema.clone(),
                target: self.target.clone(),
            }),
            set: self.settings()?,
            live: true,
            json: self.json,
        })
    }
}

/// Names with commas between them, one by one: a default value of a flag has them, too.
fn names(texts: &[String]) -> Vec<String> {
    let names = texts.iter().flat_map(|text| text.split(','));
    names.map(|name| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn verify_cli() {
        super::Cli::command().debug_assert();
    }
}
