//! `model-prepare --check`: the table it learns from, and the flags of its subcommands.

use std::process::Command;
use std::time::Duration;

use common::check::{Outcome, Report};
use testbed::Testbed;

/// Longest wait for an answer: all of them come.
const PATIENCE: Duration = Duration::from_secs(60);

async fn report(bed: &Testbed) -> Report {
    let config = model_prepare::Config::new(&bed.settings(&[]));
    common::check::report(config.map(|config| config.needs()), PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_needs_the_table_but_no_model() {
    let bed = Testbed::start().await;
    let none = report(&bed).await;
    let line = none.of("table listings").expect("it has a line");
    assert_eq!(line.outcome, Outcome::Failed, "{none}");
    assert!(
        line.mend
            .as_ref()
            .is_some_and(|mend| mend.contains("start data-loader")),
        "{none}"
    );
    let ddl = records::table::ddl(&records::Schema::real_estate());
    common::database::make_tables(bed.pool(), &ddl)
        .await
        .expect("the table can be made");
    let well = report(&bed).await;
    assert!(well.is_healthy(), "{well}");
    let model = well.of("model").expect("it has a line");
    assert!(model.found.contains("none yet in"), "{well}");
    assert!(well.of("broker").is_none(), "a training has no broker");

    let mut flags = vec!["follow".to_owned(), "--check".to_owned()];
    flags.extend(bed.flags(&[]));
    let asked = move || {
        Command::new(env!("CARGO_BIN_EXE_model-prepare"))
            .env_remove("HEDONIC_CONFIG")
            .env_remove("DATABASE_URL")
            .args(flags)
            .output()
    };
    let follower = tokio::task::spawn_blocking(asked).await;
    let follower = follower.expect("no panic").expect("it starts");
    let printed = String::from_utf8_lossy(&follower.stdout).into_owned();
    assert_eq!(follower.status.code(), Some(0), "{printed}");
    assert!(printed.contains("passed   broker"), "{printed}");
    assert!(printed.contains("passed   table listings"), "{printed}");
}
