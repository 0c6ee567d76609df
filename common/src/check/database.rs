//! PostgreSQL: whether it answers, what this user may do there, its tables and its clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sqlx::{Connection, PgConnection};

use super::clock::{self, Difference};
use super::table::{ColumnThere, Made, There};
use super::{Finding, Table};
use crate::database::{DatabaseConfig, place};

/// Questions after its time: the quickest says most.
const TIMES_ASKED: usize = 3;

/// A database that a program needs.
pub(super) struct Database {
    pub config: DatabaseConfig,
    /// The tables that the program makes and writes.
    pub made: Vec<Made>,
    /// Those that a schema describes.
    pub tables: Vec<Table>,
}

/// What the server says of itself and of this user.
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

const COLUMNS: &str = "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, \
    atthasdef OR attidentity <> '' FROM pg_attribute \
    WHERE attrelid = to_regclass($1)::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

const KEY: &str = "SELECT EXISTS (SELECT FROM pg_index \
    JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] \
    WHERE indrelid = to_regclass($1)::oid AND indisunique AND indpred IS NULL \
    AND indnkeyatts = 1 AND attname = $2), \
    coalesce(has_table_privilege(to_regclass($1)::oid, 'SELECT'), false)";

impl Database {
    pub fn and(mut self, other: Database) -> Database {
        for made in other.made {
            match self.made.iter_mut().find(|own| own.name == made.name) {
                Some(own) => own.is_owned |= made.is_owned,
                None => self.made.push(made),
            }
        }
        for table in other.tables {
            match self.tables.iter_mut().find(|own| own.name == table.name) {
                Some(own) => own.is_written |= table.is_written,
                None => self.tables.push(table),
            }
        }
        self
    }

    pub async fn check(self, limit: Duration) -> Vec<Finding> {
        let options = match self.config.options() {
            Ok(options) => options,
            Err(error) => {
                let mend = "give it with --database-url, DATABASE_URL or database.url";
                return self.away(Finding::failed("database", error.to_string(), mend));
            }
        };
        let place = place(&options);
        let connecting = PgConnection::connect_with(&options);
        let mut connection = match tokio::time::timeout(limit, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                let found = format!("PostgreSQL at {place} does not let us in: {error}");
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
        let asked = tokio::time::timeout(limit, self.ask(&mut connection, &place)).await;
        let failed = |why: String| {
            let found = format!("PostgreSQL at {place} does not answer a question: {why}");
            Finding::failed("database", found, "see its log")
        };
        match asked {
            Ok(Ok(findings)) => {
                // The server notices by itself when this is not heard.
                let _ = tokio::time::timeout(limit, connection.close()).await;
                findings
            }
            Ok(Err(error)) => self.away(failed(error.to_string())),
            Err(_) => self.away(failed(format!("not within {} s", limit.as_secs_f64()))),
        }
    }

    /// What is left to say when the server cannot be asked.
    fn away(&self, failed: Finding) -> Vec<Finding> {
        let skipped = |check: String| Finding::skipped(check, "not looked at: see database");
        let mut findings = vec![failed];
        if !self.made.is_empty() {
            findings.push(skipped("tables".to_owned()));
        }
        findings.extend(self.tables.iter().map(|own| skipped(own.check_name())));
        findings.push(skipped("clock".to_owned()));
        findings
    }

    async fn ask(
        &self,
        connection: &mut PgConnection,
        place: &str,
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
        let found =
            format!("PostgreSQL {version} at {place}, database {database} as user {username}");
        let mut findings = vec![match server.is_read_only && !self.made.is_empty() {
            true => Finding::failed(
                "database",
                format!("{found}: it takes no writes"),
                "name the primary, not a standby; or set default_transaction_read_only = off",
            ),
            false => Finding::passed("database", found),
        }];
        if !self.made.is_empty() {
            findings.push(self.rights(connection, &server).await?);
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
    ) -> Result<Finding, sqlx::Error> {
        let Server {
            database, username, ..
        } = server;
        let Some(schema) = &server.schema else {
            return Ok(Finding::failed(
                "tables",
                "search_path names no schema that is there, so that no table can be made",
                format!("CREATE SCHEMA public; or ALTER DATABASE {database} SET search_path = ..."),
            ));
        };
        if !server.may_create {
            // PostgreSQL asks for this right even where every table is there already.
            return Ok(Finding::failed(
                "tables",
                format!("user {username} may not make tables in the schema {schema}"),
                format!("GRANT CREATE ON SCHEMA {schema} TO {username};"),
            ));
        }
        let names: Vec<&str> = self.made.iter().map(|own| own.name.as_str()).collect();
        let tables: Vec<(String, bool, bool, bool)> = sqlx::query_as(TABLES)
            .bind(names)
            .fetch_all(&mut *connection)
            .await?;
        let (mut found, mut mend, mut closed, mut missing) = (vec![], vec![], vec![], vec![]);
        for (made, (name, is_there, owns, may_write)) in self.made.iter().zip(&tables) {
            if !is_there {
                missing.push(name.as_str());
            } else if made.is_owned && !owns {
                found.push(format!(
                    "user {username} does not own {name}, which has an index"
                ));
                mend.push(format!("ALTER TABLE {name} OWNER TO {username};"));
            } else if !may_write {
                closed.push(name.as_str());
            }
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
        let found = format!("{there} of {} there, open to {username}", tables.len());
        Ok(Finding::passed(
            "tables",
            match missing.is_empty() {
                true => found,
                false => format!("{found}; made at the start: {}", missing.join(", ")),
            },
        ))
    }
}

const START: &str =
    "start it, or give another with --database-url, DATABASE_URL or database.url; see firewalls";

/// What to do about a connection that was not had.
fn mend_of(error: &sqlx::Error) -> &'static str {
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        // Invalid authorisation and invalid password.
        Some("28000" | "28P01") => {
            "mend user and password in the database URL (or PGPASSWORD), or pg_hba.conf"
        }
        // Invalid catalogue name.
        Some("3D000") => "make the database (createdb), or name another in the database URL",
        Some("53300") => "raise max_connections of the server, or lower database.max_connections",
        Some(_) => "see the server's log",
        None if matches!(error, sqlx::Error::Tls(_)) => {
            "mend sslmode and sslrootcert in the database URL"
        }
        None => START,
    }
}

async fn look(connection: &mut PgConnection, table: &Table) -> Result<There, sqlx::Error> {
    let columns: Vec<(String, String, bool, bool)> = sqlx::query_as(COLUMNS)
        .bind(&table.name)
        .fetch_all(&mut *connection)
        .await?;
    let (has_unique_key, may_be_read): (bool, bool) = sqlx::query_as(KEY)
        .bind(&table.name)
        .bind(&table.key)
        .fetch_one(&mut *connection)
        .await?;
    let columns = columns.into_iter();
    Ok(There {
        columns: columns
            .map(|(name, sql_type, is_not_null, has_default)| ColumnThere {
                name,
                sql_type,
                is_not_null,
                has_default,
            })
            .collect(),
        has_unique_key,
        may_be_read,
    })
}

/// The server's clock beside ours, by the quickest of some questions.
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
