//! A pooler before PostgreSQL is recognised: what works through it works, and what does not is refused by name.
//! Where no PgBouncer is installed the tests say so and look at nothing.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::check::{Needs, Outcome};
use common::database::{DatabaseConfig, open, relaxed};
use common::{Health, Shutdown};
use tempfile::TempDir;
use testbed::Testbed;

const LIMIT: Duration = Duration::from_secs(180);

/// A PgBouncer of the test's own.
struct Bouncer {
    process: Child,
    url: String,
    _home: TempDir,
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.push("/usr/sbin".into());
    let mut programs = places.iter().map(|place| place.join("pgbouncer"));
    let found = programs.find(|program| program.is_file());
    if found.is_none() {
        eprintln!("no pgbouncer is installed: nothing is tested");
    }
    found
}

async fn bouncer(bed: &Testbed, settings: &str) -> Option<Bouncer> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let program = installed()?;
    let url = bed.database_url();
    let (user, rest) = url.strip_prefix("postgres://")?.split_once('@')?;
    let (user, password) = user.split_once(':')?;
    let (server, database) = rest.split_once('/')?;
    let port = server.rsplit(':').next()?;
    let home = tempfile::tempdir().ok()?;
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o777)).ok()?;
    let listener = TcpListener::bind("127.0.0.1:0").ok()?;
    let listen_port = listener.local_addr().ok()?.port();
    drop(listener);
    let file = home.path().join("pgbouncer.ini");
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={port} user={user} password={password}\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {listen_port}\nauth_type = any\nunix_socket_dir =\n\
         default_pool_size = 6\n{settings}\n"
    );
    std::fs::write(&file, text).ok()?;
    let mut command = Command::new(program);
    command.arg("-q").arg(&file);
    if std::fs::metadata(home.path()).ok()?.uid() == 0 {
        // It refuses root.
        command.uid(65534).gid(65534);
    }
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let bouncer = Bouncer {
        process: process.expect("it starts"),
        url: format!("postgres://{user}:{password}@127.0.0.1:{listen_port}/{database}"),
        _home: home,
    };
    testbed::eventually("PgBouncer listens", LIMIT, || async {
        std::net::TcpStream::connect(("127.0.0.1", listen_port)).is_ok()
    })
    .await;
    Some(bouncer)
}

fn config(bed: &Testbed, url: &str) -> DatabaseConfig {
    let settings = bed.settings(&[("database.url", url), ("database.max_connections", "3")]);
    settings.section("database").expect("the section is valid")
}

const SQL: &str = "CREATE TABLE IF NOT EXISTS homes (\n    id text PRIMARY KEY\n);\n";

async fn start(config: &DatabaseConfig) -> anyhow::Result<Option<sqlx::PgPool>> {
    let (health, shutdown) = (Health::default(), Shutdown::new());
    let opened = open(config, SQL, &health, &shutdown);
    tokio::time::timeout(LIMIT, opened).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_keeps_sessions_works_with_the_deadlines_of_the_settings() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    for ignored in ["extra_float_digits", "extra_float_digits,options"] {
        let settings = format!("pool_mode = session\nignore_startup_parameters = {ignored}");
        let Some(bouncer) = bouncer(&bed, &settings).await else {
            return;
        };
        let config = config(&bed, &bouncer.url);
        let opened = start(&config).await;
        let pool = opened.expect("it may").expect("a pool");
        for _ in 0..20 {
            let shown: String = sqlx::query_scalar("SHOW statement_timeout")
                .fetch_one(&pool)
                .await
                .expect("shows");
            assert_eq!(shown, "30s");
        }
        // Its commits are waited for: the server's session is another's after ours.
        let relaxed = relaxed(&pool);
        let one: i32 = sqlx::query_scalar("SELECT 1")
            .fetch_one(&relaxed)
            .await
            .expect("works");
        assert_eq!(one, 1);
        let needs = Needs::default().database(&config, SQL, Vec::new());
        let report = common::check::report(Ok(needs), Duration::from_secs(60)).await;
        let database = report.of("database").expect("a line");
        assert_eq!(database.outcome, Outcome::Passed, "{report}");
        assert!(database.found.contains("a pooler (PgBouncer?)"), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_mixes_prepared_statements_is_refused_by_name_with_what_mends_it() {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    for ignored in ["extra_float_digits", "extra_float_digits,options"] {
        let settings = format!(
            "pool_mode = transaction\nmax_client_conn = 50\nignore_startup_parameters = {ignored}"
        );
        let Some(bouncer) = bouncer(&bed, &settings).await else {
            return;
        };
        let config = config(&bed, &bouncer.url);
        match start(&config).await {
            Err(error) => {
                let error = format!("{error:#}");
                assert!(error.contains("transaction mode"), "{error}");
                assert!(error.contains("max_prepared_statements = 200"), "{error}");
                let needs = Needs::default().database(&config, SQL, Vec::new());
                let report = common::check::report(Ok(needs), Duration::from_secs(60)).await;
                let database = report.of("database").expect("a line");
                assert_eq!(database.outcome, Outcome::Failed, "{report}");
                let mend = database.mend.as_deref().unwrap_or_default();
                assert!(mend.contains("pool_mode = session"), "{report}");
            }
            // A newer PgBouncer keeps prepared statements apart by default.
            Ok(pool) => {
                let pool = pool.expect("a pool");
                for number in 0..50 {
                    let same: i32 = sqlx::query_scalar("SELECT $1::integer")
                        .bind(number)
                        .fetch_one(&pool)
                        .await
                        .expect("a prepared statement");
                    assert_eq!(same, number);
                }
            }
        }
    }
}
