//! One request, one answer: every request ends with exactly one stored answer or reject, and what is
//! published for it twice is byte for byte the same, while appliers are killed, members come and go,
//! and the database and the broker crash, at random ([`testbed::conservation`]).

mod model;

use testbed::Members;
use testbed::chaos::say;
use testbed::conservation::{Requests, Run};

#[tokio::test(flavor = "multi_thread")]
async fn every_request_gets_one_answer_whatever_is_killed() {
    let Some(mut run) = Run::start().await else {
        return;
    };
    // Two models of different prices: an answer that was made again would differ.
    model::publish(&run.bed, 100_000.0);
    let tables = model_application::tables(&records::Schema::real_estate());
    run.create_tables(&tables, "answers", "request_id").await;
    let mut members = Members::new(
        env!("CARGO_BIN_EXE_model-application"),
        &run.bed,
        &[
            ("applier.http", "127.0.0.1:0"),
            ("applier.max_swap_change", "0"),
        ],
    );
    let producing = run.produce(Requests::default());
    let half = run.hurt(run.kills / 2, &mut members).await;
    model::publish(&run.bed, 200_000.0);
    let rest = run.hurt(run.kills - run.kills / 2, &mut members).await;
    let checked = run.finish(producing, members).await;
    say(&format!(
        "first {half}; then {rest}\nconservation: {checked}"
    ));
}
