//! `model-prepare`: fits the price model and saves a version of it.

mod cli;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use common::{Health, Shutdown};
use model_prepare::{
    Base, Config, Evaluation, Export, ExportFormat, Follow, Materialise, SamplerKind, Screen, Sweep,
};
use valuation::SplitBy;

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
/// --registry (.hedonic/models), where model-application takes the champion up by itself.
/// What cannot be learned from is an error: exit code 1, and nothing is written.
///
/// With --report it judges instead: fits on a part of --data, and writes every measure of the rest
/// (errors, ratio study, coverage, speed) as JSON; a version is saved only where --registry is given.
///
///   model-prepare --data homes.csv --schema homes.toml --report out.json --html out.html \
///       --split random --test-fraction 0.2 --seed 42
///   model-prepare schema infer homes.csv --target price > homes.toml
///   model-prepare export --model models/v000001 --format xgboost --to boosted.json
///
/// A schema of task = "clustering" has no price: records that are alike are found instead (k-means; how
/// many clusters, the silhouette says, or prepare.clustering.clusters). --report, --html and --predictions
/// write the clusters of --data.
///
/// Every training is a run: its parameters, measures, report and training set are kept beside the
/// versions, or in an MLflow server (MLFLOW_TRACKING_URI). The new version is judged against the
/// champion on rows that neither had learned from, and promoted by rule (prepare.promote):
///
///   model-prepare versions                     what there is, and which of it answers
///   model-prepare show champion                its run, its measures, what was decided of it
///   model-prepare compare 7 champion           which is better, and how sure that is
///   model-prepare promote 7 --why "..."        by the rule; --force does it all the same
///   model-prepare rollback                     back to the champion before
///
/// Cleaned records and their features, for other tools and for trainings: model-prepare features.
/// Other settings of the members: model-prepare sweep (--help says more).
/// The whole loop, training on what arrives: model-prepare watch (--help says more).
/// A line that learns from every record as it streams: model-prepare follow (--help says more).
///
/// With --cron or --http it stays, and serves /status, /metrics, /health/live, /health/ready and
/// POST /train at prepare.http (127.0.0.1:8084):
///
///   model-prepare --cron "0 0 3 * * *"                    every day at 3:00 UTC
///   model-prepare --http 127.0.0.1:8084                   on demand only
///   curl -X POST localhost:8084/train; curl localhost:8084/status
#[derive(Parser)]
#[command(version, verbatim_doc_comment, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: common::args::CommonArgs,
    /// Fit on a CSV or Parquet file instead of the database
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Learn from the cleaned fields of a datamart: its table, or its .parquet file, which is as --data
    /// (same as prepare.features)
    #[arg(long, value_name = "TABLE|FILE", conflicts_with = "data")]
    features: Option<String>,
    /// What a record is: a schema file, or a built-in schema's name (same as schema.source)
    #[arg(long, value_name = "SCHEMA.toml", global = true)]
    schema: Option<PathBuf>,
    /// Directory in which versions are kept (same as registry.path)
    #[arg(long, value_name = "DIR", global = true)]
    registry: Option<PathBuf>,
    /// Stay, and fit by schedule: second minute hour day month weekday, in UTC
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "data")]
    cron: Option<String>,
    /// Stay, and serve the HTTP interface at this address (port 0 takes a free one)
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "data")]
    http: Option<String>,
    /// Judge: write every measure as JSON to this file
    #[arg(long, value_name = "OUT.json", requires = "data")]
    report: Option<PathBuf>,
    /// Judge: write a page with plots to this file
    #[arg(long, value_name = "OUT.html", requires = "data")]
    html: Option<PathBuf>,
    /// Judge: write which side each row was on, and what was said of it
    #[arg(long, value_name = "OUT.csv", requires = "data")]
    predictions: Option<PathBuf>,
    /// Judge on the newest rows (time) or on drawn ones (random)
    #[arg(long, value_name = "HOW", requires = "data")]
    split: Option<Split>,
    /// Share of the rows to judge on (same as prepare.holdout_fraction)
    #[arg(long, value_name = "SHARE", requires = "data")]
    test_fraction: Option<f64>,
    /// Seed of the split, of folds and of trees (same as prepare.seed)
    #[arg(long, value_name = "NUMBER", requires = "data")]
    seed: Option<u64>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Split {
    Time,
    Random,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Schema files
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Write a member of a saved version in another program's format
    Export {
        /// Directory of the version
        #[arg(long, value_name = "DIR")]
        model: PathBuf,
        /// xgboost: its JSON; csv: the weights of the linear member, or importances
        #[arg(long, value_name = "FORMAT")]
        format: Format,
        /// Which member; the first that the format can express
        #[arg(long, value_name = "NAME")]
        member: Option<String>,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Also write the trees' values of these records, a row each, for the other program
        #[arg(long, value_name = "FILE")]
        rows_of: Option<PathBuf>,
    },
    /// Price records: a line of JSON each on standard input, a line of JSON each on standard output
    Price {
        /// Directory of the version; the champion where it is left out
        #[arg(long, value_name = "DIR")]
        model: Option<PathBuf>,
    },
    /// Stay, and train when enough new listings have been stored; a better version is promoted
    ///
    /// Listens to data-loader's notices. A training that fails is tried again with longer and longer
    /// pauses, and the champion stays. Of several on one database one trains at a time.
    ///
    ///   model-prepare watch --new-rows 5000
    ///   model-prepare watch --cron "0 0 3 * * *" --set prepare.threads=2
    ///   curl localhost:8084/status
    #[command(verbatim_doc_comment)]
    Watch {
        /// Train when so many have been stored since the last training (same as prepare.watch.new_rows)
        #[arg(long, value_name = "COUNT")]
        new_rows: Option<u64>,
        /// Train by schedule too: second minute hour day month weekday, in UTC
        #[arg(long, value_name = "EXPRESSION")]
        cron: Option<String>,
        /// Address of the HTTP interface (same as prepare.http)
        #[arg(long, value_name = "HOST:PORT")]
        http: Option<String>,
    },
    /// Materialise cleaned records and their features in a table or a Parquet file: the datamart
    ///
    /// A row a record: its fields as the schema reads them, `excluded` (the rule by which a fit does
    /// not learn from it), and what models see of them in columns x_... . The state that made
    /// them (medians, scales, levels, bounds) is kept, by version: a second call adds what was stored
    /// since, by the same state. A training on it gives the same model as one on the records.
    /// docs/datamart.md names the columns.
    ///
    ///   model-prepare features --database-url postgres://me@localhost/hedonic
    ///   model-prepare features --to listing_features --refit
    ///   model-prepare features --data listings.csv --to features.parquet
    ///   model-prepare --features listing_features
    ///   curl localhost:8083/features/ID
    #[command(verbatim_doc_comment)]
    Features {
        /// A table's name, or a file ending in .parquet (same as features.table)
        #[arg(long, value_name = "TABLE|FILE")]
        to: Option<String>,
        /// Records of this CSV or Parquet file instead of the stored ones
        #[arg(long = "data", value_name = "FILE")]
        file: Option<PathBuf>,
        /// Fit the state anew, and make every row by it; readers see the old rows until all are there
        #[arg(long)]
        refit: bool,
    },
    /// Stay, and learn from every record of the topic new_data as it streams
    ///
    /// Begins from a line fitted on the stored listings (or as --base says), moves its coefficients by
    /// stochastic gradient steps, and shows them as they move. follow.pull holds them near the
    /// base's. A version is published every follow.publish_every records, judged against the champion
    /// and promoted by rule. State and offsets are kept in PostgreSQL: killed at any moment and started
    /// again it goes on where it was. docs/follow.md says more.
    ///
    ///   model-prepare follow --kafka localhost:9092 --database-url postgres://me@localhost/hedonic
    ///   model-prepare follow --data listings.csv --set follow.pull=0.1
    ///   model-prepare follow --base v000007 --set follow.group=second
    ///   model-prepare follow --stop-after 10000 | tee coefficients.txt
    ///   curl localhost:8085/status
    #[command(verbatim_doc_comment)]
    Follow {
        /// What to begin from, where it has not begun before: listings (those stored in the last
        /// prepare.window_days), followed (the version that a follower published last), or a version
        #[arg(long, value_name = "WHICH", default_value = "listings")]
        base: String,
        /// Begin from a line fitted on this CSV or Parquet file
        #[arg(long = "data", value_name = "FILE", conflicts_with = "base")]
        file: Option<PathBuf>,
        /// Forget what was learned before, and begin again from the base
        #[arg(long)]
        afresh: bool,
        /// Leave when so many messages have been read in all, those before a restart too
        #[arg(long, value_name = "RECORDS")]
        stop_after: Option<u64>,
        /// Address of the HTTP interface (same as follow.http)
        #[arg(long, value_name = "HOST:PORT")]
        http: Option<String>,
    },
    /// Try many settings of the members on a file, and register the best as challenger
    ///
    /// What is varied is in [[prepare.sweep.parameters]]. A trial is judged out of fold; the hold-out is
    /// kept for the winner. Trials that are hopeless on a part of the rows are given up. Every trial
    /// is a run (runs --of RUN); called again after a kill, it goes on; the same seed and --parallel
    /// give the same trials. sweep.html compares them.
    ///
    ///   model-prepare sweep --data listings.csv --trials 50 --parallel 2 --time-limit 3600
    ///   model-prepare promote challenger
    #[command(verbatim_doc_comment)]
    Sweep {
        /// The file to learn from; a sweep that goes on has its own copy
        #[arg(long = "data", value_name = "FILE")]
        file: Option<PathBuf>,
        /// How many trials, those of earlier calls too
        #[arg(long, value_name = "COUNT", default_value_t = 30)]
        trials: usize,
        /// How many at a time; they share the cores
        #[arg(long, value_name = "COUNT", default_value_t = 1)]
        parallel: usize,
        /// Begin no further round after so long
        #[arg(long, value_name = "SECONDS")]
        time_limit: Option<u64>,
        /// How the next trial is chosen
        #[arg(long, value_name = "HOW", default_value = "tpe")]
        sampler: Sampler,
        /// The same name goes on with what was tried
        #[arg(long, value_name = "NAME", default_value = "sweep")]
        name: String,
        /// Seed of draws and fits (same as prepare.seed)
        #[arg(long = "seed", value_name = "NUMBER")]
        draws: Option<u64>,
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Registry(cli::RegistryCommand),
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Sampler {
    Tpe,
    Random,
}

#[derive(clap::Subcommand)]
enum SchemaCommand {
    /// Propose a schema for a file (.csv, .xlsx, .json, .parquet), to be read and edited; printed
    ///
    /// It ends with an account: rows that the schema refuses, rows that replace each other, and how sure
    /// each guess is.
    Infer {
        /// The file
        file: PathBuf,
        /// The column to be predicted; left out, the one that is called as prices are
        #[arg(long, value_name = "COLUMN")]
        target: Option<String>,
        /// The columns of a file without a header
        #[arg(long, value_name = "NAME,NAME,...", value_delimiter = ',')]
        columns: Vec<String>,
        /// What stands before decimals, where the file does not prove it
        #[arg(long, value_name = "CHARACTER")]
        decimal: Option<Decimal>,
        /// Which of day and month comes first, where the file does not prove it
        #[arg(long, value_name = "ORDER")]
        dates: Option<Dates>,
        /// One JSON object: the schema, and the account
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Decimal {
    #[value(name = ".")]
    Point,
    #[value(name = ",")]
    Comma,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Dates {
    Dmy,
    Mdy,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Xgboost,
    Csv,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    if let Some(probe) = args.common.healthcheck {
        if let Some(Command::Follow { http, .. }) = &args.command {
            return probe.ask(&args.common, "follow", http.as_deref());
        }
        return probe.ask(&args.common, "prepare", args.http.as_deref());
    }
    if let Some(format) = args.common.check {
        common::check::answer(needs(&mut args), format).await;
    }
    common::telemetry::log("info", args.common.log_json);
    common::telemetry::choose_tls_provider();
    match args.command {
        Some(Command::Schema(SchemaCommand::Infer {
            file,
            target,
            columns,
            decimal,
            dates,
            json,
        })) => {
            let proposal = model_prepare::infer(&model_prepare::InferOptions {
                file,
                target,
                columns,
                decimal: decimal.map(|mark| match mark {
                    Decimal::Point => '.',
                    Decimal::Comma => ',',
                }),
                days_first: dates.map(|order| matches!(order, Dates::Dmy)),
            })?;
            match json {
                true => println!("{}", serde_json::to_string_pretty(&proposal)?),
                false => print!("{}", proposal.schema),
            }
            return Ok(());
        }
        Some(Command::Export {
            model,
            format,
            member,
            to,
            rows_of,
        }) => {
            let format = match format {
                Format::Xgboost => ExportFormat::Xgboost,
                Format::Csv => ExportFormat::Csv,
            };
            let wanted = Export {
                format,
                member,
                to,
                rows_of,
            };
            println!("{}", model_prepare::export(&model, &wanted)?);
            return Ok(());
        }
        Some(Command::Price { model }) => {
            let mut config = Config::new(&args.common.layered()?)?;
            config.registry.path = args.registry.unwrap_or(config.registry.path);
            return tokio::task::spawn_blocking(move || cli::price(&config, model)).await?;
        }
        Some(Command::Watch {
            new_rows,
            cron,
            http,
        }) => {
            if let Some(expression) = &cron {
                model_prepare::check_schedule(expression)?;
            }
            let mut config = Config::new(&args.common.layered()?)?;
            config.registry.path = args.registry.unwrap_or(config.registry.path);
            config.prepare.http = http.unwrap_or(config.prepare.http);
            let watch = &mut config.prepare.watch;
            watch.new_rows = new_rows.unwrap_or(watch.new_rows);
            common::telemetry::record_metrics();
            let listener = common::http::listen(&config.prepare.http)?;
            tracing::info!("listening on http://{}", listener.local_addr()?);
            let shutdown = common::shutdown::on_signals();
            return model_prepare::watch(config, cron, listener, shutdown).await;
        }
        Some(Command::Follow {
            base,
            file,
            afresh,
            stop_after,
            http,
        }) => {
            if let Some(schema) = &args.schema {
                let setting = format!("schema.source={}", schema.display());
                args.common.set.push(setting);
            }
            let mut wanted = Follow::new(&args.common.layered()?)?;
            let registry = &mut wanted.training.registry;
            registry.path = args.registry.unwrap_or(registry.path.clone());
            wanted.follow.http = http.unwrap_or(wanted.follow.http);
            wanted.afresh = afresh;
            wanted.stop_after = stop_after;
            wanted.base = match (file, base.as_str()) {
                (Some(file), _) => Base::File(file),
                (None, "listings") => Base::Listings,
                (None, "followed") => Base::Followed,
                (None, version) => Base::Version(version.to_owned()),
            };
            common::telemetry::record_metrics();
            let listener = common::http::listen(&wanted.follow.http)?;
            tracing::info!("listening on http://{}", listener.local_addr()?);
            let out = std::io::stdout();
            let is_terminal = std::io::IsTerminal::is_terminal(&out);
            let screen = Screen::new(Box::new(out), is_terminal);
            let shutdown = common::shutdown::on_signals();
            return model_prepare::follow(wanted, screen, listener, shutdown).await;
        }
        Some(Command::Features { to, file, refit }) => {
            if let Some(schema) = &args.schema {
                let setting = format!("schema.source={}", schema.display());
                args.common.set.push(setting);
            }
            let config = Config::new(&args.common.layered()?)?;
            let data = file;
            let wanted = Materialise { to, data, refit };
            // A signal ends it at once: what is not whole was never there.
            let made = model_prepare::features(&config, &wanted, &Shutdown::new()).await?;
            println!("{made}");
            return Ok(());
        }
        Some(Command::Sweep {
            file,
            trials,
            parallel,
            time_limit,
            sampler,
            name,
            draws,
            json,
        }) => {
            if let Some(schema) = &args.schema {
                let setting = format!("schema.source={}", schema.display());
                args.common.set.push(setting);
            }
            let mut config = Config::new(&args.common.layered()?)?;
            config.registry.path = args.registry.unwrap_or(config.registry.path);
            config.prepare.seed = draws.unwrap_or(config.prepare.seed);
            let wanted = Sweep {
                name,
                data: file,
                trials,
                parallel,
                time_limit: time_limit.map(Duration::from_secs),
                sampler: match sampler {
                    Sampler::Tpe => SamplerKind::Tpe,
                    Sampler::Random => SamplerKind::Random,
                },
            };
            let sweeping = move || model_prepare::sweep(&config, &wanted);
            let shown = tokio::task::spawn_blocking(sweeping).await??;
            match json {
                true => println!("{}", serde_json::to_string_pretty(&shown.json)?),
                false => println!("{}", shown.text),
            }
            return Ok(());
        }
        Some(Command::Registry(command)) => {
            let mut config = Config::new(&args.common.layered()?)?;
            config.registry.path = args.registry.unwrap_or(config.registry.path);
            return tokio::task::spawn_blocking(move || command.run(&config)).await?;
        }
        None => {}
    }
    if let Some(schema) = &args.schema {
        let setting = format!("schema.source={}", schema.display());
        args.common.set.push(setting);
    }
    if let Some(expression) = &args.cron {
        model_prepare::check_schedule(expression)?;
    }
    let mut config = Config::new(&args.common.layered()?)?;
    match args.features {
        Some(file) if file.to_ascii_lowercase().ends_with(".parquet") => {
            args.data = Some(file.into())
        }
        Some(table) => config.prepare.features = table,
        None => {}
    }
    config.prepare.seed = args.seed.unwrap_or(config.prepare.seed);
    config.prepare.holdout_fraction = args
        .test_fraction
        .unwrap_or(config.prepare.holdout_fraction);
    let judges = args.report.is_some() || args.html.is_some() || args.predictions.is_some();
    if let Some(file) = args.data.clone().filter(|_| judges) {
        let wanted = Evaluation {
            report: args.report,
            html: args.html,
            predictions: args.predictions,
            split: match args.split {
                Some(Split::Random) => SplitBy::Random,
                Some(Split::Time) | None => SplitBy::Time,
            },
            test_fraction: config.prepare.holdout_fraction,
            seed: config.prepare.seed,
            registry: args.registry,
        };
        if config.schema.task == records::Task::Clustering {
            let judge = move || model_prepare::evaluate_clusters(&config, &file, &wanted);
            println!("{}", tokio::task::spawn_blocking(judge).await??);
            return Ok(());
        }
        let judge = move || model_prepare::evaluate(&config, &file, &wanted);
        let evaluated = tokio::task::spawn_blocking(judge).await??;
        println!("{}", report::text::evaluation(&evaluated));
        return Ok(());
    }
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

/// What is looked at by --check: what following needs, else what a training does.
fn needs(args: &mut Args) -> anyhow::Result<common::check::Needs> {
    if let Some(schema) = &args.schema {
        let setting = format!("schema.source={}", schema.display());
        args.common.set.push(setting);
    }
    if let Some(registry) = &args.registry {
        let setting = format!("registry.path={}", registry.display());
        args.common.set.push(setting);
    }
    let layered = args.common.layered()?;
    Ok(match &args.command {
        Some(Command::Follow { .. }) => Follow::new(&layered)?.needs(),
        _ => Config::new(&layered)?.needs(),
    })
}

async fn on_file(config: Config, file: PathBuf) -> anyhow::Result<()> {
    let train = move || model_prepare::train_on_file(&config, Path::new(&file));
    let trained = tokio::task::spawn_blocking(train).await??;
    println!("{}", trained.table());
    Ok(())
}

async fn once(config: &Config, shutdown: &Shutdown) -> anyhow::Result<()> {
    let health = Health::default();
    let pool = common::database::connect(&config.database.patient(), &health, shutdown).await?;
    if let Some(pool) = pool {
        let trained = model_prepare::train_on_database(config, &pool).await?;
        println!("{}", trained.table());
    }
    Ok(())
}
