//! One request, one answer: every request ends with exactly one stored answer or reject, and what is
//! published for it twice is byte for byte the same, while appliers are killed, members come and go,
//! and the database and the broker crash, at random.
//!
//! Runs where `HEDONIC_TEST_REAL_KAFKA` is set. `HEDONIC_TEST_SEED` repeats the choices of an
//! earlier run, which prints its seed; `HEDONIC_TEST_KILLS` (50) makes it longer.

mod ledger;
mod model;

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use testbed::chaos::{self, number_of, say, taken};
use testbed::{Members, RealKafka, Testbed};

/// Longest wait for the rest once nothing is hurt any more.
const REST: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn every_request_gets_one_answer_whatever_is_killed() {
    let quick = ["--config", "group.min.session.timeout.ms=500"];
    let Some(kafka) = RealKafka::start(&quick).await else {
        return;
    };
    let seed = number_of("HEDONIC_TEST_SEED", rand::random());
    let kills = number_of("HEDONIC_TEST_KILLS", 50);
    say(&format!("HEDONIC_TEST_SEED={seed}, {kills} kills"));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);

    let bed = Testbed::on(kafka.brokers()).await;
    // Two models of different prices: an answer that was made again would differ.
    model::publish(&bed, 100_000.0);
    ledger::audit(&bed).await;
    let mut members = Members::new(
        env!("CARGO_BIN_EXE_model-application"),
        &bed,
        &[
            ("applier.http", "127.0.0.1:0"),
            ("applier.max_swap_change", "0"),
        ],
    );
    let producing = ledger::produce(&bed, ChaCha8Rng::seed_from_u64(seed ^ 1));
    let half = chaos::hurt(&mut rng, kills / 2, &bed, &kafka, &mut members).await;
    model::publish(&bed, 200_000.0);
    let rest = chaos::hurt(&mut rng, kills - kills / 2, &bed, &kafka, &mut members).await;
    let ledger = producing.finish().await;

    members.keep_at_least(2);
    let until = Instant::now() + REST;
    while taken(&bed).await != Some(ledger.produced()) {
        assert!(
            Instant::now() < until,
            "{:?} of {} requests were taken\n{}",
            taken(&bed).await,
            ledger.produced(),
            members.said()
        );
        members.check();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    members.stop().await;
    let checked = ledger.check(&bed).await;
    say(&format!(
        "first {half}; then {rest}\nconservation: {checked}"
    ));
}
