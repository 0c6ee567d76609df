//! The command line: flags to the service, or to a command.

use std::net::TcpListener;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use common::args::CommonArgs;
use common::check::Needs;
use common::cli::Generate;
use common::config::ConfigError;
use common::service::{self, Program};
use common::{Layered, Service, Shutdown};
use model_application::Config;

use crate::score::{Place, Scoring, score};

/// Answers requests for a price, over Kafka (from the topic requests to the topic answers) and over HTTP.
///
/// It loads the champion from the registry, and swaps to a newer one without a restart.
///
///   model-application --kafka localhost:9092 --database-url postgres://me:secret@localhost/hedonic
///   curl -d '{"id":1,"city":"Kazan","street":"Lenina","floor":3,"rooms":2}' localhost:8083/predict
///
/// Without servers, it answers over HTTP from the registry alone, and stores nothing:
///
///   model-application --serve-only --schema flats/schema.toml --registry flats/models
///
/// The web app is at http://127.0.0.1:8083/, the OpenAPI document at /openapi.json (including the Open
/// Inference Protocol under /v2), and live quality at /quality.
#[derive(Parser)]
#[command(version, verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: CommonArgs,
    /// Directory of the model versions (same as registry.path)
    #[arg(long, value_name = "DIR", global = true)]
    registry: Option<PathBuf>,
    /// Address of the HTTP interface (port 0 takes a free one)
    #[arg(long, value_name = "HOST:PORT")]
    http: Option<String>,
    /// Answer over HTTP from the registry alone, without a database and without Kafka: answers are not
    /// stored (same as applier.store=false)
    #[arg(long)]
    serve_only: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Price a table or a file, and exit
    ///
    /// Reads rows of the schema (schema.source), and writes id, prediction and model; for prices also low
    /// and high, for a class also whether the record belongs to it. For a clustering the prediction is the
    /// cluster's number. If it is interrupted, the next start resumes (a Parquet file starts again); an
    /// output file appears when it is complete. An invalid row does not stop it: the summary counts such rows,
    /// and OUTPUT.errors.csv, or the table OUTPUT_errors, has each with its error.
    ///
    ///   model-application score --input homes.csv --output prices.csv
    ///   model-application score --input listings --output prices --model real-estate@challenger
    ///   model-application score --input foods --output predictions --set schema.source=schemas/food.toml
    #[command(verbatim_doc_comment)]
    Score(ScoreArgs),
    #[command(flatten)]
    Generate(Generate),
}

/// Flags of `score`.
#[derive(clap::Args)]
struct ScoreArgs {
    /// A file ending in .csv, .tsv or .parquet, or a table of the database
    #[arg(long, value_name = "TABLE|FILE")]
    input: Place,
    /// A file ending in .csv or .parquet, or a table of the database, which will be created
    #[arg(long, value_name = "TABLE|FILE")]
    output: Place,
    /// champion, challenger, previous or a version, such as real-estate@v000007 [default: champion]
    #[arg(long, value_name = "NAME@ALIAS")]
    model: Option<String>,
    /// End at the first row that is not a record, with exit code 1
    #[arg(long)]
    strict: bool,
}

impl Program for Cli {
    type Config = Config;
    const SECTION: &'static str = "applier";

    fn common(&self) -> &CommonArgs {
        &self.common
    }

    fn layered(&self) -> Result<Layered, ConfigError> {
        let mut common = self.common.clone();
        if let Some(registry) = &self.registry {
            let setting = format!("registry.path={}", registry.display());
            common.set.push(setting);
        }
        if self.serve_only {
            common.set.push("applier.store=false".to_owned());
        }
        common.layered()
    }

    fn http(&self) -> Option<&str> {
        self.http.as_deref()
    }

    fn command(&mut self) -> Option<service::Command> {
        let layered = self.layered();
        Some(match self.command.take()? {
            Command::Score(args) => Box::pin(async move { args.run(&layered?).await }),
            Command::Generate(command) => Box::pin(async move { command.run::<Cli>() }),
        })
    }

    fn config(layered: &Layered) -> anyhow::Result<Self::Config> {
        Config::new(layered)
    }

    fn needs(config: &Self::Config) -> Needs {
        config.needs()
    }

    fn address(config: &mut Self::Config) -> &mut String {
        &mut config.applier.http
    }

    fn run(config: Self::Config, listener: TcpListener, shutdown: Shutdown) -> Service {
        model_application::run(config, listener, shutdown)
    }
}

impl ScoreArgs {
    async fn run(self, layered: &Layered) -> anyhow::Result<()> {
        let config = Config::new(layered)?;
        let scoring = Scoring {
            input: self.input,
            output: self.output,
            model: self.model,
            is_strict: self.strict,
        };
        let scored = score(&config, &scoring).await?;
        common::cli::print(&serde_json::to_string(&scored)?)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn verify_cli() {
        super::Cli::command().debug_assert();
    }
}
