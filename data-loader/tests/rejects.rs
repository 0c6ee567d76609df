//! `data-loader rejects`: what was rejected is checked, fixed and sent again.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

/// Runs `data-loader rejects` with flags.
async fn rejects(bed: &Testbed, flags: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_data-loader"));
    command.args(bed.flags(&[])).arg("rejects").args(flags);
    command.output().await.expect("the program runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reject_is_shown_mended_and_sent_again() {
    let bed = Testbed::start().await;
    let topic = bed.kafka(&[]).topics.new_data;
    let without_city =
        json!({ "id": "a", "street": "Lenina", "floor": 3, "rooms": 2, "price": 5e6 });
    let messages = [
        ("a".to_owned(), without_city.to_string().into_bytes()),
        ("b".to_owned(), b"{\"id\": \"b\"".to_vec()),
    ];
    bed.send(&topic, &messages).await;
    let config = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    let running = Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown));
    let rejected = || async {
        let there = "SELECT (to_regclass('rejects') IS NOT NULL)::int::bigint";
        match bed.number(there).await {
            1 => bed.number("SELECT count(*) FROM rejects").await,
            _ => 0,
        }
    };
    eventually("two rejects", LIMIT, || async { rejected().await == 2 }).await;

    let listed = rejects(&bed, &["list"]).await;
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    let lines = text(&listed.stdout);
    assert!(
        lines.contains("2 of 2 shown; by code: malformed 1, missing_field 1"),
        "{lines}"
    );
    let listed = rejects(&bed, &["list", "--code", "missing_field", "--json"]).await;
    let reject: Value = serde_json::from_slice(&listed.stdout).expect("one JSON object");
    assert_eq!(reject["key"], "a");
    let place = format!(
        "{}/{}/{}",
        reject["topic"].as_str().expect("a topic"),
        reject["partition"],
        reject["offset"]
    );

    let shown = rejects(&bed, &["show", &place]).await;
    assert!(
        text(&shown.stderr).contains("city"),
        "{}",
        text(&shown.stderr)
    );
    let mut message: Value = serde_json::from_slice(&shown.stdout).expect("the message");
    message["city"] = json!("Kazan");
    let mended = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(mended.path(), message.to_string()).expect("writes");
    let file = mended.path().to_str().expect("text");
    let sent = rejects(&bed, &["replay", &place, "--with", file]).await;
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    eventually("the listing is stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM listings WHERE city = 'Kazan'")
            .await
            == 1
    })
    .await;

    // One that is too large to be kept whole is sent again only with the message.
    let junk = ("junk".to_owned(), vec![0xff_u8; 300_000]);
    bed.send(&topic, &[junk]).await;
    eventually("a large reject", LIMIT, || async { rejected().await == 3 }).await;
    let large = rejects(&bed, &["list", "--json", "--limit", "1"]).await;
    let large: Value = serde_json::from_slice(&large.stdout).expect("one JSON object");
    assert_eq!(large["payload_bytes"], 300_000);
    assert_eq!(large["payload_sha256"].as_str().map(str::len), Some(64));
    let large = format!(
        "{}/{}/{}",
        large["topic"].as_str().expect("a topic"),
        large["partition"],
        large["offset"]
    );
    let shown = rejects(&bed, &["show", &large]).await;
    assert!(
        text(&shown.stderr).contains("SHORTENED: the first 65536 of its 300000 bytes"),
        "{}",
        text(&shown.stderr)
    );
    let refused = rejects(&bed, &["replay", &large]).await;
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("--with FILE"),
        "{}",
        text(&refused.stderr)
    );

    // All that were not sent again: the other one, which is rejected again.
    let sent = rejects(&bed, &["replay", "--all"]).await;
    assert!(
        text(&sent.stdout).starts_with("sent again: 1"),
        "{}",
        text(&sent.stdout)
    );
    eventually("it is rejected again", LIMIT, || async {
        rejected().await == 4
    })
    .await;
    assert_eq!(
        bed.number("SELECT count(replayed_at) FROM rejects").await,
        2
    );
    running.stop().await;

    for (flags, printed) in [
        (&["show", "nothing"][..], "expected topic/partition/offset"),
        (
            &["show", "new_data/0/999"],
            "there is no reject new_data/0/999",
        ),
        (&["replay"], "<PLACES>"),
        (
            &["list", "--since", "yesterday"],
            "expected a day such as 2026-05-01",
        ),
    ] {
        let refused = rejects(&bed, flags).await;
        assert!(!refused.status.success(), "{flags:?}");
        let stderr = text(&refused.stderr);
        assert!(stderr.contains(printed), "{flags:?}: {stderr}");
    }
}
