//! The SQL that writes a schema's rows, and how a row replaces the one that is there.

use common::Fault;
use records::identifier::{literal, quoted};
use records::schema::DELISTED_AT;
use records::table::{column_list, columns, update_list};
use records::{Schema, Tombstone};
use sqlx::PgConnection;

/// First half of the advisory lock's key: "hedo". The second is the table.
const LOCK: i32 = 0x6865_646f;

/// How it is made sure that a key stands once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Uniqueness {
    /// By a unique index of the key alone, on which `ON CONFLICT` rests.
    Index,
    /// By a lock of the table among loaders, as a partitioned table has no such index: a unique index
    /// there holds the columns of the partitioning too.
    Lock,
}

/// The SQL of one schema.
#[derive(Debug)]
pub(crate) struct Statements {
    /// How keys stay unique.
    pub uniqueness: Uniqueness,
    /// `COPY` straight into the table.
    pub copy: String,
    /// Makes the staging table, and has deferred constraints judged at once.
    pub stage: String,
    /// Empties it.
    pub clear: String,
    /// `COPY` into it.
    pub copy_stage: String,
    /// One transaction's statements from the staging table into the table.
    pub merge: String,
    /// The same row by row, on the server: what is refused goes into `pg_temp.hedonic_refused`.
    pub merge_rows: String,
    /// What was refused: the place in the staging table from 0, SQLSTATE and message.
    pub refused: &'static str,
    /// Delists the keys `$1` as of `$2`, and gives those that the table has; `None` where the schema
    /// refuses tombstones.
    pub delist: Option<String>,
}

impl Statements {
    /// Of a schema, and of its table as it is.
    pub fn new(schema: &Schema, uniqueness: Uniqueness) -> Statements {
        let table = quoted(&schema.table);
        let names = column_list(schema);
        // Its name states which columns it has: behind a pooler, others use the same session.
        let stage = format!("pg_temp.{}", stage_name(schema));
        let lock = match uniqueness {
            Uniqueness::Index => String::new(),
            Uniqueness::Lock => format!(
                "SELECT pg_advisory_xact_lock({LOCK}, {}::regclass::oid::int); ",
                literal(&table)
            ),
        };
        Statements {
            uniqueness,
            copy: format!("COPY {table} ({names}) FROM STDIN WITH (FORMAT binary)"),
            stage: format!(
                "{lock}SET CONSTRAINTS ALL IMMEDIATE; \
                 CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS",
                stage_name(schema),
                definitions(schema)
            ),
            clear: format!("TRUNCATE {stage}"),
            copy_stage: format!("COPY {stage} ({names}) FROM STDIN WITH (FORMAT binary)"),
            merge: merge(schema, uniqueness, &stage),
            merge_rows: merge_rows(schema, uniqueness, &stage),
            refused: "SELECT place, code, message FROM pg_temp.hedonic_refused ORDER BY place",
            delist: delist(schema),
        }
    }
}

/// Looks how keys stay unique in the schema's table.
///
/// # Errors
/// When the database fails, or the table has no unique key and is not partitioned either.
pub(crate) async fn uniqueness(
    connection: &mut PgConnection,
    schema: &Schema,
) -> Result<Uniqueness, sqlx::Error> {
    let table = quoted(&schema.table);
    let looked: Option<(bool, bool)> = sqlx::query_as(
        "SELECT relkind = 'p', EXISTS (SELECT FROM pg_index \
         JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] \
         WHERE indrelid = pg_class.oid AND indisunique AND indimmediate AND indisvalid \
         AND indpred IS NULL AND indnkeyatts = 1 AND attname = $2) \
         FROM pg_class WHERE oid = to_regclass($1)::oid",
    )
    .bind(table.as_ref())
    .bind(&schema.key)
    .fetch_optional(connection)
    .await?;
    match looked {
        Some((_, true)) => Ok(Uniqueness::Index),
        Some((true, false)) => Ok(Uniqueness::Lock),
        Some((false, false)) => {
            let key = quoted(&schema.key);
            Err(sqlx::Error::Configuration(
                format!(
                    "expected a unique key {key} of the table {table}, found none: ALTER TABLE \
                     {table} ADD PRIMARY KEY ({key});"
                )
                .into(),
            ))
        }
        None => Err(sqlx::Error::Configuration(
            format!(
                "expected the table {table}, which the loader creates at its start, found none: \
                 restart the loader"
            )
            .into(),
        )),
    }
}

/// The columns of the staging table: the schema's alone and without rules, as only the table itself can
/// meet those (a trigger, a generated value). Types are the schema's: the table's may be ones that these
/// can be assigned to.
fn definitions(schema: &Schema) -> String {
    let columns =
        columns(schema).map(|column| format!("{} {}", quoted(column.name), column.sql_type));
    columns.collect::<Vec<_>>().join(", ")
}

fn stage_name(schema: &Schema) -> String {
    // FNV-1a: sessions of several versions of the program may share a server's session.
    let hash = definitions(schema)
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("hedonic_incoming_{hash:016x}")
}

/// Condition under which `newer` replaces `kept`: a version that is not an older.
fn is_newer(schema: &Schema, newer: &str) -> String {
    match &schema.time {
        Some(time) => {
            let time = quoted(time);
            format!("{newer}.{time} >= kept.{time}")
        }
        None => "true".to_owned(),
    }
}

fn merge(schema: &Schema, uniqueness: Uniqueness, stage: &str) -> String {
    let (table, key) = (quoted(&schema.table), quoted(&schema.key));
    let names = column_list(schema);
    // `ctid` is the order of arrival within the batch: of two versions of the same time, the later one
    // wins.
    let order = match &schema.time {
        Some(time) => format!("{} DESC, ctid DESC", quoted(time)),
        None => "ctid DESC".to_owned(),
    };
    let newest = format!("SELECT DISTINCT ON ({key}) {names} FROM {stage} ORDER BY {key}, {order}");
    match uniqueness {
        Uniqueness::Index => format!(
            "INSERT INTO {table} AS kept ({names}) {newest} \
             ON CONFLICT ({key}) DO UPDATE SET {} WHERE {}",
            update_list(schema, "excluded"),
            is_newer(schema, "excluded")
        ),
        Uniqueness::Lock => format!(
            "UPDATE {table} AS kept SET {} FROM ({newest}) AS newest \
             WHERE kept.{key} = newest.{key} AND {}; \
             INSERT INTO {table} ({names}) SELECT {names} FROM ({newest}) AS newest \
             WHERE NOT EXISTS (SELECT FROM {table} AS kept WHERE kept.{key} = newest.{key})",
            update_list(schema, "newest"),
            is_newer(schema, "newest")
        ),
    }
}

fn merge_rows(schema: &Schema, uniqueness: Uniqueness, stage: &str) -> String {
    let (table, key) = (quoted(&schema.table), quoted(&schema.key));
    let names = column_list(schema);
    let values: Vec<String> = columns(schema)
        .map(|column| format!("incoming.{}", quoted(column.name)))
        .collect();
    let values = values.join(", ");
    let one = match uniqueness {
        Uniqueness::Index => format!(
            "INSERT INTO {table} AS kept ({names}) VALUES ({values}) \
             ON CONFLICT ({key}) DO UPDATE SET {} WHERE {};",
            update_list(schema, "excluded"),
            is_newer(schema, "excluded")
        ),
        Uniqueness::Lock => format!(
            "UPDATE {table} AS kept SET {} WHERE kept.{key} = incoming.{key} AND {}; \
             IF NOT EXISTS (SELECT FROM {table} AS kept WHERE kept.{key} = incoming.{key}) THEN \
             INSERT INTO {table} ({names}) VALUES ({values}); END IF;",
            update_list(schema, "incoming"),
            is_newer(schema, "incoming")
        ),
    };
    let row_classes: Vec<String> = Fault::ROW_CLASSES
        .iter()
        .map(|class| literal(class))
        .collect();
    let row_classes = row_classes.join(", ");
    format!(
        "CREATE TEMP TABLE IF NOT EXISTS hedonic_refused (place bigint, code text, message text) \
         ON COMMIT DELETE ROWS; TRUNCATE pg_temp.hedonic_refused; \
         DO $hedonic$ \
         #variable_conflict use_column\n\
         DECLARE incoming record; hedonic_place bigint := -1; hedonic_code text; hedonic_message text; \
         BEGIN \
         FOR incoming IN SELECT {names} FROM {stage} ORDER BY ctid LOOP \
           hedonic_place := hedonic_place + 1; \
           BEGIN {one} \
           EXCEPTION WHEN assert_failure OR OTHERS THEN \
             GET STACKED DIAGNOSTICS hedonic_code = RETURNED_SQLSTATE, hedonic_message = MESSAGE_TEXT; \
             IF left(hedonic_code, 2) NOT IN ({row_classes}) THEN RAISE; END IF; \
             INSERT INTO pg_temp.hedonic_refused \
             VALUES (hedonic_place, hedonic_code, left(hedonic_message, 1000)); \
           END; \
         END LOOP; \
         END $hedonic$"
    )
}

fn delist(schema: &Schema) -> Option<String> {
    let (table, key) = (quoted(&schema.table), quoted(&schema.key));
    let gone = "unnest($1::text[], $2::timestamptz[]) AS gone (key, at)";
    match schema.delisting.tombstone {
        Tombstone::Refuse => None,
        // The first time stays: a tombstone that is sent again adds nothing.
        Tombstone::Mark => Some(format!(
            "UPDATE {table} AS kept SET {DELISTED_AT} = coalesce(kept.{DELISTED_AT}, gone.at) \
             FROM {gone} WHERE kept.{key} = gone.key RETURNING gone.key"
        )),
        Tombstone::Delete => Some(format!(
            "DELETE FROM {table} AS kept USING {gone} WHERE kept.{key} = gone.key RETURNING gone.key"
        )),
    }
}
