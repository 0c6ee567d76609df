//! Conservation: what was produced is what was stored or rejected, each once, while loaders are
//! killed, members come and go, and the database and the broker crash, at random.
//!
//! Runs where `HEDONIC_TEST_REAL_KAFKA` is set. `HEDONIC_TEST_SEED` repeats the choices of an
//! earlier run, which prints its seed; `HEDONIC_TEST_KILLS` (50) makes it longer: 1500 take about an
//! hour.

mod ledger;

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use testbed::chaos::{self, number_of, say, taken};
use testbed::{Members, RealKafka, Testbed};

/// Longest wait for the rest once nothing is hurt any more.
const REST: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_whatever_is_killed() {
    // A killed member's partitions are given to others at once, so that kills hit members at work.
    let quick = ["--config", "group.min.session.timeout.ms=500"];
    let Some(kafka) = RealKafka::start(&quick).await else {
        return;
    };
    let seed = number_of("HEDONIC_TEST_SEED", rand::random());
    let kills = number_of("HEDONIC_TEST_KILLS", 50);
    say(&format!("HEDONIC_TEST_SEED={seed}, {kills} kills"));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);

    let bed = Testbed::on(kafka.brokers()).await;
    ledger::audit(&bed).await;
    let mut members = Members::new(
        env!("CARGO_BIN_EXE_data-loader"),
        &bed,
        &[("loader.http", "127.0.0.1:0")],
    );
    let producing = ledger::produce(&bed, ChaCha8Rng::seed_from_u64(seed ^ 1));
    let hurt = chaos::hurt(&mut rng, kills, &bed, &kafka, &mut members).await;
    let ledger = producing.finish().await;

    members.keep_at_least(2);
    let until = Instant::now() + REST;
    while taken(&bed).await != Some(ledger.produced()) {
        assert!(
            Instant::now() < until,
            "{:?} of {} messages were taken\n{}",
            taken(&bed).await,
            ledger.produced(),
            members.said()
        );
        members.check();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    members.stop().await;
    let checked = ledger.check(&bed).await;
    say(&format!("{hurt}\nconservation: {checked}"));
}
