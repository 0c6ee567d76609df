//! `schema infer`: propose a schema for a file.

use std::path::PathBuf;

use model_prepare::InferOptions;

use common::cli::{print, write};

/// The commands of `schema`.
#[derive(clap::Subcommand)]
pub(crate) enum SchemaCommand {
    /// Propose a schema for a file (.csv, .xlsx, .json, .parquet, .zip) and print it; read and edit it
    ///
    /// The schema ends with an account: rows that it rejects, rows that replace each other, and how sure
    /// each guess is.
    Infer(InferArgs),
}

/// A file, and how it is read.
#[derive(clap::Args)]
pub(crate) struct FileArgs {
    /// The file
    file: PathBuf,
    /// The column to predict [default: the first column with the name of a price]
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// The columns of a file without a header
    #[arg(long, value_name = "NAME,NAME,...", value_delimiter = ',')]
    columns: Vec<String>,
    /// The decimal mark, where the file does not prove it
    #[arg(long, value_name = "CHARACTER")]
    decimal: Option<Decimal>,
    /// The order of day and month, where the file does not prove it
    #[arg(long, value_name = "ORDER")]
    dates: Option<Dates>,
}

/// Flags of `schema infer`.
#[derive(clap::Args)]
pub(crate) struct InferArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Print one JSON object: the schema, and the account
    #[arg(long)]
    json: bool,
}

impl FileArgs {
    /// The options of a proposal.
    pub(crate) fn options(self) -> InferOptions {
        InferOptions {
            file: self.file,
            target: self.target,
            columns: self.columns,
            decimal: self.decimal.map(|mark| match mark {
                Decimal::Point => '.',
                Decimal::Comma => ',',
            }),
            days_first: self.dates.map(|order| matches!(order, Dates::Dmy)),
        }
    }
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

impl SchemaCommand {
    /// Proposes a schema, and prints it.
    ///
    /// # Errors
    /// When the file cannot be read, or has no such column.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let SchemaCommand::Infer(args) = self;
        let proposal = model_prepare::infer(&args.file.options())?;
        match args.json {
            true => print(&serde_json::to_string_pretty(&proposal)?),
            false => write(proposal.schema.as_bytes()),
        }
    }
}
