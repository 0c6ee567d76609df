//! The commands, and the flags of earlier releases.

use std::path::PathBuf;

use clap::Args;
use common::cli::Generate;

use super::evaluate::{EvaluateArgs, Split};
use super::export::ExportArgs;
use super::features::FeaturesArgs;
use super::follow::FollowArgs;
use super::import::ImportArgs;
use super::init::InitArgs;
use super::price::PriceArgs;
use super::registry::RegistryCommand;
use super::schema::SchemaCommand;
use super::serve::{ServeArgs, WatchArgs};
use super::settings::Settings;
use super::sweep::SweepArgs;
use super::train::{TrainArgs, is_file};

/// Trains the price model, judges it, and publishes a version of it.
///
///   model-prepare train --database-url postgres://me:secret@localhost/hedonic
///   model-prepare train --data listings.csv --registry models
///   model-prepare train --data cars.parquet --schema cars.toml --registry car-models
///
/// Without a command it trains on the database. A training fits on the listings that
/// data-loader has stored in the last 28 days (prepare.window_days), or on a file. It judges
/// the model on the newest fifth, which the fit has not seen, and prints the errors (RMSE, MAE,
/// R², median percentage error) beside those of a baseline, the coverage of the prediction
/// interval, and the rows that were rejected or removed. It saves the version below --registry
/// (.hedonic/models), where model-application loads the champion. Data that cannot be fitted
/// are an error: exit code 1, and nothing is written.
///
/// Every training is a run: its parameters, measures, report and training set are kept beside
/// the versions, or in an MLflow server (MLFLOW_TRACKING_URI). The new version is compared with
/// the champion on rows that neither was fitted on, and promoted by rule (prepare.promote):
///
///   model-prepare versions                     the versions, and which is the champion
///   model-prepare show champion                its run, its measures, the decisions on it
///   model-prepare compare 7 champion           which is better, with a confidence interval
///   model-prepare promote 7 --why "..."        by the rule; --force overrides it
///   model-prepare rollback                     back to the previous champion
///
/// A schema of task = "clustering" has no price: a training finds groups of similar records
/// instead (k-means; the silhouette chooses the number of clusters, or
/// prepare.clustering.clusters sets it).
///
/// serve, watch and follow stay, and serve /status, /metrics, /health/live, /health/ready;
/// serve and watch answer POST /train too, at prepare.http (127.0.0.1:8084).
#[derive(clap::Parser)]
#[command(version, verbatim_doc_comment, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    earlier: EarlierFlags,
}

/// The commands.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Train once: fit, judge, publish, promote by rule
    ///
    ///   model-prepare train --database-url postgres://me:secret@localhost/hedonic
    ///   model-prepare train --data listings.csv --registry models
    ///   model-prepare train --features listing_features
    #[command(verbatim_doc_comment)]
    Train(TrainArgs),
    /// Evaluate: fit on a part of a file, judge on the rest
    ///
    /// Prints the measures of the hold-out (errors, ratio study, coverage, speed), and writes them
    /// as JSON and as a page. A version is saved only where --registry is given.
    ///
    ///   model-prepare evaluate --data homes.csv --schema homes.toml --report out.json --html out.html \
    ///       --split random --test-fraction 0.2 --seed 42
    #[command(verbatim_doc_comment)]
    Evaluate(EvaluateArgs),
    /// Stay, and train by schedule and on demand
    ///
    ///   model-prepare serve --cron "0 0 3 * * *"              every day at 3:00 UTC
    ///   model-prepare serve                                   on demand only
    ///   curl -X POST localhost:8084/train; curl localhost:8084/status
    #[command(verbatim_doc_comment)]
    Serve(ServeArgs),
    /// Stay, and train when enough new listings are stored; a better version is promoted
    ///
    /// Listens to the notices of data-loader. A training that fails is retried with growing pauses,
    /// and the champion stays. Several trainers on one database train one at a time.
    ///
    ///   model-prepare watch --new-rows 5000
    ///   model-prepare watch --cron "0 0 3 * * *" --set prepare.threads=2
    ///   curl localhost:8084/status
    #[command(verbatim_doc_comment)]
    Watch(WatchArgs),
    /// Stay, and learn from every record of the topic new_data
    ///
    /// Starts from a linear model fitted on the stored listings (or from --base), moves its
    /// coefficients by stochastic gradient steps, and prints them. follow.pull holds them near
    /// those of the base. A version is published every follow.publish_every records, compared with
    /// the champion and promoted by rule. State and offsets are stored in PostgreSQL: after a kill
    /// it resumes where it was. docs/follow.md says more.
    ///
    ///   model-prepare follow --kafka localhost:9092 --database-url postgres://me@localhost/hedonic
    ///   model-prepare follow --data listings.csv --set follow.pull=0.1
    ///   model-prepare follow --base v000007 --set follow.group=second
    ///   model-prepare follow --stop-after 10000 | tee coefficients.txt
    ///   curl localhost:8085/status
    #[command(verbatim_doc_comment)]
    Follow(FollowArgs),
    /// Write cleaned records and their features to a table or a Parquet file: the feature table
    ///
    /// A row per record: its fields as the schema reads them, `excluded` (the rule by which a fit
    /// leaves it out), and the inputs of the models in columns x_... . The state that made them
    /// (medians, scales, levels, bounds) is stored by version: a second call adds the records
    /// stored since, by the same state. A training on the feature table gives the same model as a
    /// training on the records. docs/datamart.md names the columns.
    ///
    ///   model-prepare features --database-url postgres://me@localhost/hedonic
    ///   model-prepare features --to listing_features --refit
    ///   model-prepare features --data listings.csv --to features.parquet
    ///   model-prepare train --features listing_features
    ///   curl localhost:8083/features/ID
    #[command(verbatim_doc_comment)]
    Features(FeaturesArgs),
    /// Try many hyperparameters on a file, and register the best as challenger
    ///
    /// [[prepare.sweep.parameters]] names the hyperparameters. A trial is judged out of fold; the
    /// hold-out judges the winner alone. Trials that are hopeless on a part of the rows stop early.
    /// Every trial is a run (runs --of RUN). A call after a kill resumes the sweep; the same seed
    /// and --round give the same trials. sweep.html compares them. With a database, workers share the
    /// trials: each call with the same --name is one, on this machine or another.
    ///
    ///   model-prepare sweep --data listings.csv --trials 50 --parallel 2 --time-limit 3600
    ///   model-prepare sweep --database-url postgres://me@db/hedonic --name spring --round 6
    ///   model-prepare promote challenger
    #[command(verbatim_doc_comment)]
    Sweep(SweepArgs),
    #[command(flatten)]
    Registry(RegistryCommand),
    /// Price records: a line of JSON each on standard input, a line of JSON each on standard output
    ///
    /// A line that is not a record of the schema gets {"error": ..., "code": ...} in its place, and the others
    /// continue; --strict ends at it instead. --explain adds reasons and comparables to each price.
    #[command(verbatim_doc_comment)]
    Price(PriceArgs),
    /// From a file to a schema, settings and a first report, by questions with defaults
    ///
    /// Proposes a schema as `schema infer` does, asks what it is unsure of, writes schema.toml and
    /// hedonic.toml to a directory, trains a quick model and writes its report. It ends with the
    /// rows that the schema refuses, and the next commands. Files that exist are not replaced
    /// without --force.
    ///
    ///   model-prepare init listings.csv
    ///   model-prepare init listings.csv --target price --dir flats --yes
    #[command(verbatim_doc_comment)]
    Init(InitArgs),
    /// Schema files
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Write a member of a saved version in the format of another program
    ///
    ///   model-prepare export --model models/v000001 --format xgboost --to boosted.json
    #[command(verbatim_doc_comment)]
    Export(ExportArgs),
    /// Add a booster of XGBoost to a version, as a further base learner
    ///
    /// The booster was fitted on the design of that version (docs/spark.md), such as by xgboost.spark on
    /// more rows than one machine holds. Half of the records decide its weight, the other half judges;
    /// the new version is compared with the champion and promoted by rule.
    ///
    ///   model-prepare import --xgboost booster.json --data newest.csv --version champion
    #[command(verbatim_doc_comment)]
    Import(ImportArgs),
    #[command(flatten)]
    Generate(Generate),
}

/// The flags of a call without a command. They stand for `train`, `evaluate` and `serve`, as they did before
/// these commands were there.
#[derive(Args)]
struct EarlierFlags {
    #[arg(long, hide = true)]
    data: Option<PathBuf>,
    #[arg(long, hide = true, conflicts_with = "data")]
    features: Option<String>,
    #[arg(long, hide = true, conflicts_with = "data")]
    cron: Option<String>,
    #[arg(long, hide = true, conflicts_with = "data")]
    http: Option<String>,
    #[arg(long, hide = true, requires = "data")]
    report: Option<PathBuf>,
    #[arg(long, hide = true, requires = "data")]
    html: Option<PathBuf>,
    #[arg(long, hide = true, requires = "data")]
    predictions: Option<PathBuf>,
    #[arg(long, hide = true, requires = "data")]
    split: Option<Split>,
    #[arg(long, hide = true, requires = "data")]
    test_fraction: Option<f64>,
    #[arg(long, hide = true, requires = "data")]
    seed: Option<u64>,
    #[arg(long, hide = true)]
    force: bool,
}

impl Cli {
    /// The program as completions show it: without the flags of earlier releases.
    pub(crate) fn without_earlier_flags() -> clap::Command {
        let program = clap::Command::new(env!("CARGO_PKG_NAME")).version(env!("CARGO_PKG_VERSION"));
        <Command as clap::Subcommand>::augment_subcommands(Settings::augment_args(program))
    }

    /// The flags of every command, and the command.
    pub(crate) fn into_parts(self) -> (Settings, Command) {
        let command = self.command.unwrap_or_else(|| self.earlier.command());
        (self.settings, command)
    }
}

impl EarlierFlags {
    fn command(self) -> Command {
        let evaluates = self.report.is_some() || self.html.is_some() || self.predictions.is_some();
        let serves = self.cron.is_some() || self.http.is_some();
        match (self.data, &self.features) {
            (Some(data), _) if evaluates => Command::Evaluate(EvaluateArgs {
                data,
                report: self.report,
                html: self.html,
                predictions: self.predictions,
                split: self.split.unwrap_or(Split::Time),
                effort: None,
                test_fraction: self.test_fraction,
                seed: self.seed,
                force: self.force,
            }),
            (None, features) if serves && !features.as_deref().is_some_and(is_file) => {
                Command::Serve(ServeArgs {
                    cron: self.cron,
                    http: self.http,
                    features: self.features,
                })
            }
            (data, _) => Command::Train(TrainArgs {
                data,
                features: self.features,
                effort: None,
                test_fraction: self.test_fraction,
                seed: self.seed,
                force: self.force,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[test]
    fn verify_cli() {
        Cli::command().debug_assert();
    }

    fn command(flags: &[&str]) -> Command {
        let cli = Cli::try_parse_from(std::iter::once(&"model-prepare").chain(flags));
        cli.expect("the flags are valid").into_parts().1
    }

    #[test]
    fn flags_without_a_command_are_those_of_train_evaluate_and_serve() {
        assert!(matches!(command(&[]), Command::Train(_)));
        let Command::Train(train) = command(&["--features", "x.parquet"]) else {
            panic!("expected a training");
        };
        assert_eq!(train.features.as_deref(), Some("x.parquet"));
        let Command::Train(train) = command(&["--data", "x.csv", "--seed", "3"]) else {
            panic!("expected a training");
        };
        assert!(train.effort.is_none());
        assert_eq!((train.data, train.seed), (Some("x.csv".into()), Some(3)));
        let flags = [
            "--data",
            "x.csv",
            "--html",
            "y.html",
            "--split",
            "random",
            "--registry",
            "z",
        ];
        let Command::Evaluate(evaluate) = command(&flags) else {
            panic!("expected an evaluation");
        };
        assert_eq!(evaluate.html, Some("y.html".into()));
        assert!(matches!(evaluate.split, Split::Random));
        let Command::Serve(serve) = command(&["--http", "localhost:0", "--features", "table"])
        else {
            panic!("expected a service");
        };
        assert_eq!(serve.http.as_deref(), Some("localhost:0"));
        assert_eq!(serve.features.as_deref(), Some("table"));
    }

    #[test]
    fn an_effort_is_one_of_three() {
        for name in ["quick", "fast", "standard"] {
            let Command::Train(train) = command(&["train", "--data", "x.csv", "--effort", name])
            else {
                panic!("expected a training");
            };
            let effort = train.effort.map(valuation::Effort::from);
            let effort = effort.map(|effort| format!("{effort:?}").to_lowercase());
            assert_eq!(effort.as_deref(), Some(name));
        }
        let flags = ["model-prepare", "train", "--effort", "great"];
        let Err(error) = Cli::try_parse_from(flags) else {
            panic!("expected an error");
        };
        assert!(
            error.to_string().contains("quick, fast, standard"),
            "{error}"
        );
    }

    #[test]
    fn help_shows_the_commands_and_hides_the_earlier_flags() {
        let help = Cli::command().render_long_help();
        let help = help.to_string();
        for shown in ["train", "evaluate", "serve", "completions", "--registry"] {
            assert!(help.contains(shown), "{help}");
        }
        for hidden in ["--predictions", "--test-fraction", "--cron"] {
            assert!(!help.contains(hidden), "{help}");
        }
        let completed = Cli::without_earlier_flags();
        assert!(completed.get_arguments().all(|flag| !flag.is_hide_set()));
        assert!(completed.find_subcommand("train").is_some());
    }
}
