//! Conservation: what was produced is what was stored or rejected, each once, while loaders are
//! killed, members come and go, and the database and the broker crash, at random
//! ([`testbed::conservation`]).

use testbed::Members;
use testbed::chaos::say;
use testbed::conservation::{Listings, Run};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_whatever_is_killed() {
    let Some(mut run) = Run::start().await else {
        return;
    };
    let config = data_loader::Config::new(&run.bed.settings(&[])).expect("valid settings");
    let tables = data_loader::tables(&config.schema);
    run.create_tables(&tables, "listings", "street").await;
    let mut members = Members::new(
        env!("CARGO_BIN_EXE_data-loader"),
        &run.bed,
        &[("loader.http", "127.0.0.1:0")],
    );
    let producing = run.produce(Listings::default());
    let hurt = run.hurt(run.kills, &mut members).await;
    let checked = run.finish(producing, members).await;
    say(&format!("{hurt}\nconservation: {checked}"));
}
