//! Names that a schema cannot take, as the services or PostgreSQL have taken them.

use super::delisting::DELISTED_AT;

/// Tables of the services.
pub const TABLES: [&str; 14] = [
    "actuals",
    "answers",
    "arrivals",
    "feature_states",
    "followed",
    "follows",
    "ledger_migrations",
    "offsets",
    "quality",
    "rejects",
    "scorings",
    "tallies",
    "label_tallies",
    "quality_tallies",
];

/// Beginning of the names of temporary tables and others to come.
const PREFIX: &str = "hedonic_";

/// Columns that the loader adds to the table of a schema.
const COLUMNS: [&str; 2] = ["stored_at", DELISTED_AT];

/// Columns that every table of PostgreSQL has.
const SYSTEM_COLUMNS: [&str; 6] = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// Whether a table may be called so.
///
/// # Errors
/// Why not, and what to do.
pub(super) fn check_table(name: &str) -> Result<(), String> {
    if TABLES.contains(&name) {
        return Err(format!(
            "table {name:?} is a table of the services: name another, such as table = \"{name}_records\""
        ));
    }
    match name.starts_with(PREFIX) {
        true => Err(format!(
            "table {name:?} begins with {PREFIX:?}, as temporary tables of the services do: name another"
        )),
        false => Ok(()),
    }
}

/// Whether a field, and so a column, may be called so.
///
/// # Errors
/// Why not, and what to do.
pub(super) fn check_field(name: &str) -> Result<(), String> {
    let whose = if COLUMNS.contains(&name) {
        "the loader adds to every table"
    } else if SYSTEM_COLUMNS.contains(&name) {
        "every table of PostgreSQL has"
    } else {
        return Ok(());
    };
    Err(format!(
        "field {name:?} has the name of a column that {whose}: name it otherwise, such as \
         name = \"{name}_value\" (with column = {name:?} where files have that header)"
    ))
}
