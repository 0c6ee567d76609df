//! A PostgreSQL of the test's own.

use embedded::{Postgres, PostgresOptions};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor, PgConnection};
use tempfile::TempDir;

/// A server that ends with the test.
pub struct Server {
    postgres: Postgres,
    /// Outlives the server: the cluster is in it.
    _home: TempDir,
}

impl Server {
    /// Starts it.
    pub async fn start() -> Server {
        let home = tempfile::tempdir().expect("a temporary directory");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The server's user must reach it where the test runs as root.
            std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777))
                .expect("it is ours");
        }
        let mut options = PostgresOptions::new(home.path());
        // The data of a test need not survive a power cut.
        options.settings.push(("fsync".into(), "off".into()));
        let postgres = Postgres::start(options).await.expect("PostgreSQL starts");
        Server {
            postgres,
            _home: home,
        }
    }

    /// A connection to a new database.
    pub async fn database(&self, name: &str) -> PgConnection {
        let mut main = self.options().connect().await.expect("connects");
        let sql = format!("CREATE DATABASE {name}");
        main.execute(&*sql).await.expect("a new database");
        self.connect(name).await
    }

    /// A connection to a database that is there.
    pub async fn connect(&self, name: &str) -> PgConnection {
        let options = self.options().database(name);
        options.connect().await.expect("connects")
    }

    fn options(&self) -> PgConnectOptions {
        self.postgres.url().parse().expect("a URL")
    }
}
