//! Trials that several workers share: each is claimed by one at a time, and a dead worker's goes to another.

mod server;

use std::collections::BTreeSet;
use std::time::Duration;

use ledger::sweeps::{self, Begun, Worker};
use server::Server;
use sqlx::{Executor, PgConnection};

const SWEEP: &str = "spring";

fn worker(name: &str, lease_s: f64) -> Worker {
    Worker {
        sweep: SWEEP.to_owned(),
        name: name.to_owned(),
        lease_s,
    }
}

fn begun(seed: u8) -> Begun {
    Begun {
        plan: format!("{{\"seed\": {seed}}}"),
        run: "{\"id\": \"run\"}".to_owned(),
    }
}

async fn forgotten(connection: &mut PgConnection, days: i32) -> u64 {
    sweeps::forget(connection, days).await.expect("deletes")
}

async fn begin(server: &Server, database: &str, trials: usize) -> PgConnection {
    let mut connection = server.database(database).await;
    ledger::migrations::migrate(&mut connection)
        .await
        .expect("the tables");
    let is_first = sweeps::begin(&mut connection, SWEEP, &begun(1), b"rows").await;
    assert!(is_first.expect("begins"));
    let points: Vec<Vec<f64>> = (0..trials).map(|number| vec![0.1, number as f64]).collect();
    for _ in 0..2 {
        // Each worker offers the round; the second changes nothing.
        sweeps::offer(&mut connection, SWEEP, 0, &points)
            .await
            .expect("offers");
    }
    connection
}

#[tokio::test]
async fn a_sweep_is_begun_once_and_keeps_its_rows() {
    let server = Server::start().await;
    let mut connection = begin(&server, "once", 0).await;
    let again = sweeps::begin(&mut connection, SWEEP, &begun(2), b"others").await;
    assert!(!again.expect("asks"));
    let found = sweeps::find(&mut connection, SWEEP).await.expect("asks");
    assert_eq!(found, Some(begun(1)));
    let rows = sweeps::training_set(&mut connection, SWEEP).await;
    assert_eq!(rows.expect("asks"), b"rows");
    let other = sweeps::find(&mut connection, "autumn").await.expect("asks");
    assert_eq!(other, None);
}

#[tokio::test]
async fn workers_at_the_same_time_claim_each_trial_once() {
    const TRIALS: usize = 40;
    let server = Server::start().await;
    let mut connection = begin(&server, "many", TRIALS).await;
    let mut workers = tokio::task::JoinSet::new();
    for name in 0..4 {
        let mut connection = server.connect("many").await;
        workers.spawn(async move {
            let worker = worker(&name.to_string(), 600.0);
            let mut mine = Vec::new();
            while let Some(claim) = sweeps::claim(&mut connection, &worker, TRIALS as i32)
                .await
                .expect("claims")
            {
                assert_eq!(claim.point, [0.1, f64::from(claim.number)]);
                assert_eq!(claim.tries, 1);
                let trial = format!("{{\"number\": {}}}", claim.number);
                let is_kept = sweeps::finish(&mut connection, &worker, claim.number, &trial).await;
                assert!(is_kept.expect("finishes"));
                mine.push(claim.number);
            }
            mine
        });
    }
    let all = workers.join_all().await.concat();
    assert_eq!(all.len(), TRIALS, "a trial is claimed by one worker");
    let different: BTreeSet<i32> = all.into_iter().collect();
    assert_eq!(different.len(), TRIALS);
    let finished = sweeps::finished(&mut connection, SWEEP, 38).await;
    let finished = finished.expect("asks");
    assert_eq!(finished, ["{\"number\": 38}", "{\"number\": 39}"]);
    assert_eq!(
        sweeps::under_way(&mut connection, SWEEP)
            .await
            .expect("asks"),
        0
    );
}

#[tokio::test]
async fn a_trial_whose_lease_is_over_goes_to_another_worker_and_its_first_result_is_dropped() {
    let server = Server::start().await;
    let mut connection = begin(&server, "lease", 1).await;
    let (dead, heir) = (worker("dead", 600.0), worker("heir", 600.0));
    let claim = sweeps::claim(&mut connection, &dead, 1)
        .await
        .expect("claims");
    assert_eq!(claim.expect("the trial is free").tries, 1);
    let claim = sweeps::claim(&mut connection, &heir, 1)
        .await
        .expect("claims");
    assert_eq!(claim, None, "it is under a lease");
    assert!(
        sweeps::renew(&mut connection, &dead, 0)
            .await
            .expect("renews")
    );
    assert_eq!(
        sweeps::under_way(&mut connection, SWEEP)
            .await
            .expect("asks"),
        1
    );

    // Its worker is not heard of any more.
    let late = "UPDATE hedonic_sweep_trials SET lease_until = now() - interval '1 second'";
    connection.execute(late).await.expect("is ours");
    assert_eq!(
        sweeps::under_way(&mut connection, SWEEP)
            .await
            .expect("asks"),
        0
    );
    let claim = sweeps::claim(&mut connection, &heir, 1)
        .await
        .expect("claims");
    assert_eq!(claim.expect("the lease is over").tries, 2);
    // It was only slow.
    assert!(
        !sweeps::renew(&mut connection, &dead, 0)
            .await
            .expect("asks")
    );
    assert!(
        !sweeps::finish(&mut connection, &dead, 0, "{\"by\": 1}")
            .await
            .expect("asks")
    );
    // The answer may be lost, and the call repeated.
    for text in ["{\"by\": 2}", "{\"by\": 3}"] {
        assert!(
            sweeps::finish(&mut connection, &heir, 0, text)
                .await
                .expect("asks")
        );
    }
    let finished = sweeps::finished(&mut connection, SWEEP, 0).await;
    assert_eq!(finished.expect("asks"), ["{\"by\": 2}"]);
    let claim = sweeps::claim(&mut connection, &dead, 1)
        .await
        .expect("asks");
    assert_eq!(claim, None, "it is finished");
}

#[tokio::test]
async fn one_worker_closes_a_sweep_and_more_trials_open_it_again() {
    let server = Server::start().await;
    let mut connection = begin(&server, "close", 2).await;
    let (one, two) = (worker("one", 0.2), worker("two", 600.0));
    for _ in 0..2 {
        // The second is a renewal.
        assert!(
            sweeps::claim_closing(&mut connection, &one, 2)
                .await
                .expect("asks")
        );
    }
    assert!(
        !sweeps::claim_closing(&mut connection, &two, 2)
            .await
            .expect("asks")
    );
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(
        sweeps::claim_closing(&mut connection, &two, 2)
            .await
            .expect("asks")
    );
    assert!(
        !sweeps::close(&mut connection, &one, 2, "{\"by\": 1}")
            .await
            .expect("asks")
    );
    assert_eq!(
        sweeps::result(&mut connection, SWEEP, 2)
            .await
            .expect("asks"),
        None
    );
    sweeps::release_closing(&mut connection, &two)
        .await
        .expect("asks");
    assert!(
        sweeps::claim_closing(&mut connection, &one, 2)
            .await
            .expect("asks")
    );
    assert!(
        sweeps::close(&mut connection, &one, 2, "{\"by\": 1}")
            .await
            .expect("asks")
    );
    let result = sweeps::result(&mut connection, SWEEP, 2)
        .await
        .expect("asks");
    assert_eq!(result.as_deref(), Some("{\"by\": 1}"));
    assert!(
        !sweeps::claim_closing(&mut connection, &two, 2)
            .await
            .expect("asks")
    );
    assert_eq!(
        sweeps::result(&mut connection, SWEEP, 3)
            .await
            .expect("asks"),
        None
    );
    assert!(
        sweeps::claim_closing(&mut connection, &two, 3)
            .await
            .expect("asks")
    );

    // An old sweep is forgotten with its trials, unless a worker is at it.
    let old = "UPDATE hedonic_sweeps SET started_at = now() - interval '8 days'";
    connection.execute(old).await.expect("is ours");
    assert_eq!(forgotten(&mut connection, 7).await, 0, "it is being closed");
    sweeps::release_closing(&mut connection, &two)
        .await
        .expect("asks");
    let claim = sweeps::claim(&mut connection, &two, 2).await;
    assert!(claim.expect("asks").is_some());
    assert_eq!(forgotten(&mut connection, 7).await, 0, "a trial is fitted");
    let over = "UPDATE hedonic_sweep_trials SET lease_until = now() - interval '1 second'";
    connection.execute(over).await.expect("is ours");
    assert_eq!(forgotten(&mut connection, 9).await, 0, "it is not so old");
    assert_eq!(forgotten(&mut connection, 7).await, 1);
    assert!(
        sweeps::finished(&mut connection, SWEEP, 0)
            .await
            .expect("asks")
            .is_empty()
    );
    let left = connection
        .fetch_all("SELECT 1 FROM hedonic_sweep_trials")
        .await;
    assert!(left.expect("asks").is_empty());
}
