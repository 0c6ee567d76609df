//! Checks PostgreSQL: the connection, the user's rights, the tables and the clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sqlx::{Connection, PgConnection};

use super::clock::{self, Difference};
use super::ddl::of_ddl;
use super::table::{ExistingColumn, ExistingTable};
use super::{Finding, Outcome, Table};
use crate::database::{DatabaseConfig, Pooler, place};
use crate::fault::Fault;

/// Number of clock queries. The fastest one is the most exact.
const TIMES_ASKED: usize = 3;

/// A database that a program needs.
pub(super) struct Database {
    pub config: DatabaseConfig,
    /// The tables that the program makes and writes.
    pub made: Vec<String>,
    /// Those that a schema describes.
    pub tables: Vec<Table>,
}

/// Properties of the server and of this user.
struct Server {
    version: String,
    database: String,
    username: String,
    /// Whether it takes no writes: a standby, or set so.
    is_read_only: bool,
    /// Where tables are made; `None` where `search_path` names nothing that is there.
    schema: Option<String>,
    may_create: bool,
}

/// The parts of [`Server`], in their order.
const SERVER: &str = "SELECT current_setting('server_version'), \
    quote_ident(current_database()), quote_ident(current_user), \
    current_setting('transaction_read_only') = 'on', quote_ident(current_schema()), \
    coalesce(has_schema_privilege(current_schema()::text, 'CREATE'), false)";

/// Of each table: its name, whether it is there, whether this user owns it, and whether it may write it.
const TABLES: &str = "SELECT name, to_regclass(name) IS NOT NULL, \
    coalesce(pg_has_role((SELECT relowner FROM pg_class \
    WHERE pg_class.oid = to_regclass(name)::oid), 'USAGE'), true), \
    coalesce(has_table_privilege(to_regclass(name)::oid, 'SELECT') \
    AND has_table_privilege(to_regclass(name)::oid, 'INSERT') \
    AND has_table_privilege(to_regclass(name)::oid, 'UPDATE'), true) \
    FROM unnest($1::text[]) WITH ORDINALITY AS made (name, place) ORDER BY place";

/// Whether the user owns the view that migrations replace; no row where there is none.
const OWNS_VIEW: &str = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class \
    WHERE oid = to_regclass('answers_readable')::oid";

const COLUMNS: &str = "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, \
    atthasdef OR attidentity <> '', attgenerated <> '' OR attidentity = 'a', quote_ident(attname) \
    FROM pg_attribute WHERE attrelid = to_regclass(quote_ident($1))::oid \
    AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

/// Of a table and its key: whether two rows of one key are refused, whether it may be read, whether it is
/// partitioned, whether a trigger may fill new rows.
const KEY: &str = "SELECT EXISTS (SELECT FROM pg_index \
    JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] \
    WHERE indrelid = pg_class.oid AND indisunique AND indimmediate AND indisvalid AND indpred IS NULL \
    AND indnkeyatts = 1 AND attname = $2), \
    has_table_privilege(pg_class.oid, 'SELECT'), relkind = 'p', \
    EXISTS (SELECT FROM pg_trigger WHERE tgrelid = pg_class.oid AND NOT tgisinternal \
    AND tgenabled <> 'D' AND tgtype & 7 = 7) \
    FROM pg_class WHERE oid = to_regclass(quote_ident($1))::oid";

/// Names as SQL takes them.
const QUOTED: &str = "SELECT name, quote_ident(name) FROM unnest($1::text[]) AS name";

impl Database {
    pub fn and(mut self, other: Database) -> Database {
        for made in other.made {
            if !self.made.contains(&made) {
                self.made.push(made);
            }
        }
        for table in other.tables {
            match self
                .tables
                .iter_mut()
                .find(|known| known.name == table.name)
            {
                Some(known) => known.is_written |= table.is_written,
                None => self.tables.push(table),
            }
        }
        self
    }

    pub async fn check(self, limit: Duration) -> Vec<Finding> {
        let options = match self.config.options() {
            Ok(options) => options,
            Err(error) => {
                let mend = "set --database-url, DATABASE_URL or database.url";
                return self.away(Finding::failed("database", error.to_string(), mend));
            }
        };
        let place = place(&options);
        let connecting = PgConnection::connect_with(&options);
        let mut connection = match tokio::time::timeout(limit, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                let found = format!("PostgreSQL at {place} refuses the connection: {error}");
                return self.away(Finding::failed("database", found, mend_of(&error)));
            }
            Err(_) => {
                let found = format!(
                    "PostgreSQL at {place} does not answer within {} s",
                    limit.as_secs_f64()
                );
                return self.away(Finding::failed("database", found, START));
            }
        };
        let pooler = tokio::time::timeout(limit, Pooler::before(&self.config, &options)).await;
        let pooler = match pooler {
            Ok(Ok(pooler)) => pooler,
            // The other checks run without it.
            Ok(Err(_)) | Err(_) => None,
        };
        if let Some(pooler) = pooler
            && pooler.must_serve().is_err()
        {
            return self.away(Finding::failed("database", pooler.remark(), pooler.mend()));
        }
        let asked = tokio::time::timeout(limit, self.query(&mut connection, &place, pooler)).await;
        let failed = |why: String| {
            let found = format!("PostgreSQL at {place} does not answer a query: {why}");
            Finding::failed("database", found, "see its log")
        };
        match asked {
            Ok(Ok(findings)) => {
                // The server notices by itself if this message is lost.
                let _ = tokio::time::timeout(limit, connection.close()).await;
                findings
            }
            Ok(Err(error)) => self.away(failed(error.to_string())),
            Err(_) => self.away(failed(format!("not within {} s", limit.as_secs_f64()))),
        }
    }

    /// The findings if the server does not answer.
    fn away(&self, failed: Finding) -> Vec<Finding> {
        let skipped = |check: String| Finding::skipped(check, "not checked: see database");
        let mut findings = vec![failed];
        if !self.made.is_empty() {
            findings.push(skipped("tables".to_owned()));
            findings.push(skipped(LEDGER.to_owned()));
        }
        findings.extend(self.tables.iter().map(|table| skipped(table.check_name())));
        findings.push(skipped("clock".to_owned()));
        findings
    }

    async fn query(
        &self,
        connection: &mut PgConnection,
        place: &str,
        pooler: Option<Pooler>,
    ) -> Result<Vec<Finding>, sqlx::Error> {
        let asked: (String, String, String, bool, Option<String>, bool) =
            sqlx::query_as(SERVER).fetch_one(&mut *connection).await?;
        let (version, database, username, is_read_only, schema, may_create) = asked;
        let server = Server {
            version,
            database,
            username,
            is_read_only,
            schema,
            may_create,
        };
        let Server {
            version,
            database,
            username,
            ..
        } = &server;
        let mut found =
            format!("PostgreSQL {version} at {place}, database {database} as user {username}");
        if let Some(pooler) = pooler {
            found = format!("{found}; {}", pooler.remark());
        }
        let mut findings = vec![match server.is_read_only && !self.made.is_empty() {
            true => Finding::failed(
                "database",
                format!("{found}: it is read-only"),
                "connect to the primary instead of a standby, or set default_transaction_read_only \
                 = off",
            ),
            false => Finding::passed("database", found),
        }];
        if !self.made.is_empty() {
            let version = match ledger::migrations::applied(connection).await {
                // The line of rights says that the list may not be read.
                Err(error) if Fault::of_database(&error) == Fault::Setup => {
                    ledger::migrations::newest()
                }
                version => version?,
            };
            findings.push(self.rights(connection, &server, version).await?);
            findings.push(ledger_tables(connection, version).await?);
        }
        for table in &self.tables {
            let there = look(connection, table).await?;
            findings.push(match there.columns.is_empty() {
                true => table.absent(),
                false => table.judge(&there),
            });
        }
        findings.push(clock::judge(difference(connection).await?));
        Ok(findings)
    }

    /// Whether this user may make and write the tables.
    async fn rights(
        &self,
        connection: &mut PgConnection,
        server: &Server,
        version: i32,
    ) -> Result<Finding, sqlx::Error> {
        let Server {
            database, username, ..
        } = server;
        let Some(schema) = &server.schema else {
            return Ok(Finding::failed(
                "tables",
                "no schema of search_path exists, so tables cannot be created",
                format!("CREATE SCHEMA public; or ALTER DATABASE {database} SET search_path = ..."),
            ));
        };
        let tables: Vec<(String, bool, bool, bool)> = sqlx::query_as(TABLES)
            .bind(&self.made)
            .fetch_all(&mut *connection)
            .await?;
        let (mut found, mut mend, mut closed, mut missing) = (vec![], vec![], vec![], vec![]);
        let is_old = version < ledger::migrations::newest();
        let is_migrated = |name: &str| MIGRATED.contains(&name);
        for (name, is_there, owns, may_write) in &tables {
            if !is_there {
                missing.push(name.as_str());
            } else if is_old && is_migrated(name) && !owns {
                found.push(format!(
                    "user {username} does not own {name}, which needs an upgrade"
                ));
                mend.push(format!("ALTER TABLE {name} OWNER TO {username};"));
            } else if !may_write {
                closed.push(name.as_str());
            }
        }
        if is_old {
            let owns: Option<bool> = sqlx::query_scalar(OWNS_VIEW)
                .fetch_optional(&mut *connection)
                .await?;
            if owns == Some(false) {
                found.push(format!(
                    "user {username} does not own the view answers_readable, which needs an upgrade"
                ));
                mend.push(format!("ALTER VIEW answers_readable OWNER TO {username};"));
            }
        }
        if !server.may_create && (is_old || !missing.is_empty()) {
            return Ok(Finding::failed(
                "tables",
                format!("user {username} may not create tables in the schema {schema}"),
                format!("GRANT CREATE ON SCHEMA {schema} TO {username};"),
            ));
        }
        if !closed.is_empty() {
            let closed = closed.join(", ");
            found.push(format!("user {username} may not read and write {closed}"));
            mend.push(format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON {closed} TO {username};"
            ));
        }
        if !found.is_empty() {
            let (found, mend) = (found.join("; "), mend.join(" "));
            return Ok(Finding::failed("tables", found, mend));
        }
        let there = tables.len() - missing.len();
        let found = format!(
            "{there} of {} exist, and {username} may use them",
            tables.len()
        );
        Ok(Finding::passed(
            "tables",
            match missing.is_empty() {
                true => found,
                false => format!("{found}; created at the start: {}", missing.join(", ")),
            },
        ))
    }
}

/// The name of the line of the tables that the services share.
const LEDGER: &str = "tables of the services";

/// The tables that migrations alter.
const MIGRATED: [&str; 6] = [
    "actuals",
    "answers",
    "labelled_answers",
    "offsets",
    "quality",
    "rejects",
];

/// SQL of the tables that the services share, as the newest version has them.
const LEDGER_DDL: [&str; 6] = [
    ledger::arrivals::DDL,
    ledger::answers::DDL,
    ledger::quality::DDL,
    ledger::offsets::DDL,
    ledger::rejects::DDL,
    ledger::sweeps::DDL,
];

/// Whether the tables that the services share are what they take them for.
pub(super) async fn ledger_tables(
    connection: &mut PgConnection,
    version: i32,
) -> Result<Finding, sqlx::Error> {
    let newest = ledger::migrations::newest();
    if version < newest {
        let found = match version {
            0 => "they do not exist or are older than version 1; created at the start".to_owned(),
            _ => format!("version {version}; upgraded to version {newest} at the start"),
        };
        return Ok(Finding::passed(LEDGER, found));
    }
    let mut failures = Vec::new();
    for table in LEDGER_DDL.iter().flat_map(|ddl| of_ddl(ddl)) {
        let there = look(connection, &table).await?;
        let judged = match there.columns.is_empty() {
            true => Finding::failed(
                "",
                "it is missing, although ledger_migrations contains its migration",
                "DROP TABLE ledger_migrations;",
            ),
            false => table.judge(&there),
        };
        if judged.outcome == Outcome::Failed {
            failures.push((table.name, judged));
        }
    }
    if failures.is_empty() {
        return Ok(Finding::passed(LEDGER, format!("version {version}")));
    }
    let found = failures.iter();
    let found: Vec<String> = found
        .map(|(name, failure)| format!("{name}: {}", failure.found))
        .collect();
    let mend = failures
        .iter()
        .filter_map(|(_, failure)| failure.mend.as_deref());
    let mend: Vec<&str> = mend
        .map(|mend| mend.split(" -- ").next().unwrap_or(mend))
        .collect();
    Ok(Finding::failed(LEDGER, found.join("; "), mend.join(" ")))
}

const START: &str = "start it, or name another server with --database-url, DATABASE_URL or database.url; check \
     firewalls";

/// The remedy for a failed connection.
fn mend_of(error: &sqlx::Error) -> &'static str {
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        // Invalid authorisation and invalid password.
        Some("28000" | "28P01") => {
            "correct the user and password in the database URL (or PGPASSWORD), or pg_hba.conf"
        }
        // Invalid catalogue name.
        Some("3D000") => "create the database (createdb), or name another in the database URL",
        Some("53300") => "raise max_connections of the server, or lower database.max_connections",
        Some(_) => "see the server's log",
        None if matches!(error, sqlx::Error::Tls(_)) => {
            "correct sslmode and sslrootcert in the database URL"
        }
        None => START,
    }
}

/// The existing table; a missing one has no columns.
pub(super) async fn look(
    connection: &mut PgConnection,
    table: &Table,
) -> Result<ExistingTable, sqlx::Error> {
    let columns: Vec<(String, String, bool, bool, bool, String)> = sqlx::query_as(COLUMNS)
        .bind(&table.name)
        .fetch_all(&mut *connection)
        .await?;
    let key: Option<(bool, bool, bool, bool)> = sqlx::query_as(KEY)
        .bind(&table.name)
        .bind(&table.key)
        .fetch_optional(&mut *connection)
        .await?;
    let (has_unique_key, may_be_read, is_partitioned, has_insert_trigger) = key.unwrap_or_default();
    let mut names = vec![table.name.clone(), table.key.clone()];
    names.extend(table.columns.iter().map(|column| column.name.clone()));
    let quoted: Vec<(String, String)> = sqlx::query_as(QUOTED)
        .bind(names)
        .fetch_all(&mut *connection)
        .await?;
    let mut there = ExistingTable {
        quoted: quoted.into_iter().collect(),
        is_partitioned,
        has_insert_trigger,
        has_unique_key,
        may_be_read,
        ..ExistingTable::default()
    };
    for (name, sql_type, is_not_null, has_default, is_generated, quoted) in columns {
        there.quoted.insert(name.clone(), quoted);
        there.columns.push(ExistingColumn {
            name,
            sql_type,
            is_not_null,
            has_default,
            is_generated,
        });
    }
    Ok(there)
}

/// The difference of the server's clock and ours, by the fastest of some queries.
async fn difference(connection: &mut PgConnection) -> Result<Difference, sqlx::Error> {
    let mut best: Option<Difference> = None;
    for _ in 0..TIMES_ASKED {
        let before = SystemTime::now().duration_since(UNIX_EPOCH);
        let began = Instant::now();
        let theirs_s: f64 =
            sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp())::float8")
                .fetch_one(&mut *connection)
                .await?;
        let give_or_take_s = began.elapsed().as_secs_f64() / 2.0;
        // A clock before 1970 is that far behind.
        let ours_s = before.unwrap_or_default().as_secs_f64() + give_or_take_s;
        if best.is_none_or(|best| give_or_take_s < best.give_or_take_s) {
            best = Some(Difference {
                ahead_s: theirs_s - ours_s,
                give_or_take_s,
            });
        }
    }
    Ok(best.expect("it was asked at least once"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::MIGRATED;

    #[test]
    fn every_table_that_a_migration_alters_is_named() {
        let sql = ledger::migrations::whole();
        let words: Vec<&str> = sql.split_whitespace().collect();
        let altered: BTreeSet<&str> = words
            .windows(3)
            .filter(|words| words[..2] == ["ALTER", "TABLE"])
            .map(|words| words[2])
            .collect();
        assert!(!altered.is_empty());
        for table in altered {
            assert!(MIGRATED.contains(&table), "{table} is not in MIGRATED");
        }
    }
}
