//! Messages with a key and no value: a listing is delisted.

use testbed::{Running, Testbed, eventually};

use crate::{LIMIT, Sent, becomes, execute, listing, loader, read_up_to, rows, send};

/// The default schema with a section `[delisting]`.
pub(crate) fn schema(tombstone: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text = include_str!("../../../schemas/real-estate.toml");
    let section = format!("[delisting]\ntombstone = \"{tombstone}\"\n\n[[field]]");
    std::fs::write(file.path(), text.replacen("[[field]]", &section, 1)).expect("writes");
    file
}

pub(crate) async fn status(running: &Running, name: &str, expected: u64) {
    eventually(&format!("{name} = {expected}"), LIMIT, || async {
        let (_, status) = running.get("/status").await;
        status[name] == expected
    })
    .await;
}

fn of(id: &str, price: f64) -> Sent {
    Sent::of(&listing(id, price))
}

/// All in one batch: the loader starts when they are there.
async fn mixture(bed: &Testbed) {
    let messages = [
        of("stays", 1e6),
        of("goes", 1e6),
        Sent::tombstone("goes"),
        of("comes-again", 1e6),
        Sent::tombstone("comes-again"),
        of("comes-again", 2e6),
        of("comes-and-goes", 1e6),
        Sent::tombstone("comes-and-goes"),
        of("comes-and-goes", 2e6),
        Sent::tombstone("comes-and-goes"),
        Sent::tombstone("never-seen"),
        Sent::default(),
        Sent {
            key: Some(vec![0xff, 0xfe]),
            ..Sent::default()
        },
    ];
    send(bed, &messages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn marked_listings_stay_until_they_come_again() {
    let (bed, schema) = (Testbed::start().await, schema("mark"));
    let source = schema.path().display().to_string();
    // A table of an earlier life, without the column.
    let plain = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    execute(&bed, &data_loader::tables(&plain.schema)).await;
    mixture(&bed).await;
    let running = loader(&bed, &[("schema.source", &source)]);
    read_up_to(&bed, 13).await;
    let stored = "SELECT id || ' ' || price::bigint || CASE WHEN delisted_at IS NULL THEN '' \
                  WHEN delisted_at > now() - interval '1 hour' THEN ' gone' ELSE ' ?' END \
                  FROM listings ORDER BY 1";
    assert_eq!(
        rows(&bed, stored).await,
        [
            "comes-again 2000000",
            "comes-and-goes 2000000 gone",
            "goes 1000000 gone",
            "stays 1000000"
        ]
    );
    status(&running, "delisted", 4).await;
    status(&running, "delisted_unknown", 1).await;
    status(&running, "stored", 6).await;
    status(&running, "rejected", 2).await;
    assert_eq!(
        rows(&bed, "SELECT code FROM rejects ORDER BY \"offset\"").await,
        ["tombstone", "tombstone"]
    );

    // In batches of their own; the first time stays.
    let before = rows(
        &bed,
        "SELECT delisted_at::text FROM listings WHERE id = 'goes'",
    )
    .await;
    send(&bed, &[Sent::tombstone("stays"), Sent::tombstone("goes")]).await;
    read_up_to(&bed, 15).await;
    assert_eq!(
        bed.number("SELECT count(delisted_at) FROM listings").await,
        3
    );
    let after = rows(
        &bed,
        "SELECT delisted_at::text FROM listings WHERE id = 'goes'",
    )
    .await;
    assert_eq!(before, after);
    send(&bed, &[of("goes", 5e6)]).await;
    becomes(&bed, "SELECT count(delisted_at) FROM listings", 2).await;
    let metrics = running.text("/metrics").await;
    assert!(
        metrics.contains("hedonic_loader_delisted_total{known=\"yes\"}"),
        "{metrics}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_listings_are_gone_and_may_come_again() {
    let (bed, schema) = (Testbed::start().await, schema("delete"));
    let source = schema.path().display().to_string();
    mixture(&bed).await;
    let running = loader(&bed, &[("schema.source", &source)]);
    read_up_to(&bed, 13).await;
    let stored = "SELECT id || ' ' || price::bigint FROM listings ORDER BY 1";
    assert_eq!(
        rows(&bed, stored).await,
        ["comes-again 2000000", "stays 1000000"]
    );
    send(&bed, &[Sent::tombstone("stays"), of("new", 1e6)]).await;
    read_up_to(&bed, 15).await;
    assert_eq!(
        rows(&bed, stored).await,
        ["comes-again 2000000", "new 1000000"]
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_and_a_refused_tombstone_cost_themselves_alone() {
    let (bed, schema) = (Testbed::start().await, schema("delete"));
    let source = schema.path().display().to_string();
    let plain = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    execute(
        &bed,
        &(data_loader::tables(&plain.schema)
            + "ALTER TABLE listings ADD CONSTRAINT not_seven CHECK (price <> 7e6);
               CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'monument'; END $$;
               CREATE TRIGGER keep BEFORE DELETE ON listings FOR EACH ROW
               WHEN (OLD.id = 'monument') EXECUTE FUNCTION keep();"),
    )
    .await;
    let messages = [
        of("monument", 1e6),
        of("bad", 7e6),
        Sent::tombstone("monument"),
        of("again", 1e6),
        Sent::tombstone("again"),
        of("again", 2e6),
        of("again-bad", 1e6),
        Sent::tombstone("again-bad"),
        of("again-bad", 7e6),
    ];
    send(&bed, &messages).await;
    let running = loader(&bed, &[("schema.source", &source)]);
    read_up_to(&bed, 9).await;
    assert_eq!(
        rows(
            &bed,
            "SELECT id || ' ' || price::bigint FROM listings ORDER BY 1"
        )
        .await,
        ["again 2000000", "monument 1000000"]
    );
    assert_eq!(
        rows(
            &bed,
            "SELECT \"offset\" || ' ' || code FROM rejects ORDER BY \"offset\""
        )
        .await,
        ["1 refused", "2 refused", "8 refused"]
    );
    status(&running, "stored", 4).await;
    status(&running, "rejected", 3).await;
    status(&running, "delisted", 2).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_setting_a_tombstone_is_rejected_and_says_what_to_set() {
    let bed = Testbed::start().await;
    let running = loader(&bed, &[]);
    send(&bed, &[of("a", 1e6), Sent::tombstone("a"), of("b", 1e6)]).await;
    read_up_to(&bed, 3).await;
    assert_eq!(bed.number("SELECT count(*) FROM listings").await, 2);
    let reasons = rows(&bed, "SELECT code || ': ' || reason FROM rejects").await;
    assert!(
        reasons.len() == 1
            && reasons[0].starts_with("tombstone: ")
            && reasons[0].contains("[delisting]"),
        "{reasons:?}"
    );
    running.stop().await;
}
