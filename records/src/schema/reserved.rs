//! Names that a schema cannot take, as the services or PostgreSQL have taken them.

use super::delisting::DELISTED_AT;

/// Tables of the services.
pub const TABLES: &[&str] = &[
    "actuals",
    "answer_counts",
    "answers",
    "answers_readable",
    "arrivals",
    "crawler_hosts",
    "crawler_listings",
    "crawler_migrations",
    "crawler_pages",
    "crawler_sites",
    "feature_states",
    "followed",
    "follows",
    "hedonic_sweep_trials",
    "hedonic_sweeps",
    "labelled_answers",
    "ledger_migrations",
    "offsets",
    "quality",
    "quality_progress",
    "rejects",
    "scorings",
    "tallies",
    "topic_ids",
];

/// Beginning of the names of temporary tables and others to come.
const PREFIX: &str = "hedonic_";

/// Columns that the loader adds to the table of a schema.
const COLUMNS: [&str; 2] = ["stored_at", DELISTED_AT];

/// Columns that every table of PostgreSQL has.
const SYSTEM_COLUMNS: [&str; 6] = ["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// A name for a table: itself, or one beside it where it is taken.
pub fn free_table(name: String) -> String {
    match check_table(&name) {
        Ok(()) => name,
        Err(_) if name.starts_with(PREFIX) => format!("of_{name}"),
        Err(_) => format!("{name}_records"),
    }
}

/// A name for a field: itself, or one beside it where it is taken.
pub fn free_field(name: String) -> String {
    match check_field(&name) {
        Ok(()) => name,
        Err(_) => format!("{name}_value"),
    }
}

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
        "field {name:?} has the name of a column that {whose}: use another name, such as name = \
         \"{name}_value\" (with column = {name:?} if files have that header)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_has_a_free_one_beside_it() {
        let tables = ["homes", "rejects", "hedonic_incoming"];
        let free = tables.map(|name| free_table(name.to_owned()));
        assert_eq!(free, ["homes", "rejects_records", "of_hedonic_incoming"]);
        assert!(free.iter().all(|name| check_table(name).is_ok()));
        assert!(TABLES.is_sorted());
        assert_eq!(free_field("price".to_owned()), "price");
        assert_eq!(free_field("stored_at".to_owned()), "stored_at_value");
    }
}
