//! What is left by `kill -9`: of the server, of the process that had it; and two processes at once.

mod home;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use embedded::{EmbeddedError, Postgres, PostgresOptions};
use home::{number_of, open_home};
use sqlx::{Connection, PgConnection};

/// Names the directory to [`holder`], in the process that is to be killed.
const HOLD: &str = "EMBEDDED_TEST_HOLD";

/// No test by itself: holds a server in a process of its own, until that is killed.
#[tokio::test]
async fn holder() {
    let Ok(home) = std::env::var(HOLD) else {
        return;
    };
    let postgres = Postgres::start(PostgresOptions::new(home))
        .await
        .expect("starts");
    println!("\nholding {}", postgres.url());
    std::future::pending::<()>().await;
}

/// Another process with a server, and the server's URL.
fn hold(home: &Path) -> (Child, String) {
    let mut other = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", "holder", "--nocapture", "--test-threads", "1"])
        .env(HOLD, home)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts itself");
    let output = BufReader::new(other.stdout.take().expect("its output is piped"));
    let url = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("holding ").map(str::to_owned))
        .expect("the other process has a server");
    (other, url)
}

fn kill(pid: &str) {
    let killed = Command::new("sh")
        .args(["-c", "kill -9 \"$0\"", pid])
        .status()
        .expect("kill runs");
    assert!(killed.success());
}

fn server_pid(home: &Path) -> String {
    let text = std::fs::read_to_string(home.join("postgres/postmaster.pid")).expect("pid file");
    text.lines().next().expect("a pid").to_owned()
}

#[tokio::test]
async fn a_second_process_is_refused_and_after_kill_9_adopts_the_orphan() {
    let home = open_home();
    let (mut other, url) = hold(home.path());
    let pid = other.id();
    match Postgres::start(PostgresOptions::new(home.path())).await {
        Err(error @ EmbeddedError::InUse { .. }) => {
            assert!(error.to_string().contains(&pid.to_string()), "{error}");
        }
        Err(other) => panic!("expected to hear who has it, found: {other}"),
        Ok(_) => panic!("expected a refusal"),
    }
    assert_eq!(
        number_of(&url, "SELECT 1::bigint").await,
        1,
        "the first goes on undisturbed"
    );
    let mut connection = PgConnection::connect(&url).await.expect("connects");
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 7::bigint AS n")
        .execute(&mut connection)
        .await
        .expect("creates");

    kill(&pid.to_string());
    other.wait().expect("ended");
    assert_eq!(
        number_of(&url, "SELECT n FROM kept").await,
        7,
        "an orphan now"
    );
    let adopted = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("adopts");
    assert!(adopted.is_adopted());
    assert_eq!(adopted.url(), url);
    assert_eq!(number_of(&url, "SELECT n FROM kept").await, 7);
    adopted.stop().await.expect("stops the adopted server");
    assert!(
        PgConnection::connect(&url).await.is_err(),
        "the server is gone"
    );
}

#[tokio::test]
async fn a_killed_server_starts_again_with_what_was_committed() {
    let home = open_home();
    let first = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("starts");
    let mut connection = PgConnection::connect(&first.url()).await.expect("connects");
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 7::bigint AS n")
        .execute(&mut connection)
        .await
        .expect("creates");
    kill(&server_pid(home.path()));
    drop(first);
    assert!(
        home.path().join("postgres/postmaster.pid").exists(),
        "a stale pid file is there"
    );
    let second = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("starts again");
    assert!(!second.is_adopted());
    assert_eq!(number_of(&second.url(), "SELECT n FROM kept").await, 7);
}

#[tokio::test]
async fn a_pid_that_went_to_another_program_is_no_server() {
    let home = open_home();
    let first = Postgres::start(PostgresOptions::new(home.path()))
        .await
        .expect("starts");
    let pid_file = home.path().join("postgres/postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).expect("pid file");
    let pid = server_pid(home.path());
    first.stop().await.expect("stops");

    // As after a reboot: the file is still there, its pid is some program of the same user.
    let owner = std::fs::metadata(home.path().join("postgres")).expect("cluster");
    let mut sleeper = Command::new("sleep");
    sleeper.arg("60");
    if Path::new("/proc/self")
        .metadata()
        .is_ok_and(|me| me.uid() == 0)
    {
        sleeper.uid(owner.uid()).gid(owner.gid());
    }
    let mut sleeper = sleeper.spawn().expect("sleeps");
    let stale = text.replacen(&pid, &sleeper.id().to_string(), 1);
    std::fs::write(&pid_file, stale).expect("writes");
    std::os::unix::fs::chown(&pid_file, Some(owner.uid()), Some(owner.gid())).expect("chown");

    let second = Postgres::start(PostgresOptions::new(home.path())).await;
    let spared = matches!(sleeper.try_wait(), Ok(None));
    sleeper.kill().expect("ends");
    sleeper.wait().expect("ended");
    let second = second.expect("starts in spite of it");
    assert!(!second.is_adopted());
    assert!(spared, "the other program was stopped");
    assert_eq!(number_of(&second.url(), "SELECT 1::bigint").await, 1);
}
