//! `export`: a member of a version in another program's format.

use std::path::PathBuf;

use model_prepare::{Export, ExportFormat};

use common::cli::print;

/// Flags of `export`.
#[derive(clap::Args)]
pub(crate) struct ExportArgs {
    /// Directory of the version
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// xgboost: its JSON; csv: the weights of the linear member, or importances
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// The member [default: the first that the format can express]
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Also write the trees' values of these records, a row each, for the other program
    #[arg(long, value_name = "FILE")]
    rows_of: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Xgboost,
    Csv,
}

impl ExportArgs {
    /// Writes the file.
    ///
    /// # Errors
    /// When the version cannot be read, or the format cannot express the member.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let export = Export {
            format: match self.format {
                Format::Xgboost => ExportFormat::Xgboost,
                Format::Csv => ExportFormat::Csv,
            },
            member: self.member,
            to: self.to,
            rows_of: self.rows_of,
        };
        print(&model_prepare::export(&self.model, &export)?)
    }
}
