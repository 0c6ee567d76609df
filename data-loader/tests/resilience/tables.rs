//! Tables that people have made themselves.

use testbed::Testbed;

use crate::{Sent, becomes, execute, listing, loader, read_up_to, rows, send};

/// Columns of the default schema, without its key.
const COLUMNS: &str = "listed_at timestamptz NOT NULL, city text NOT NULL, street text NOT NULL, \
    floor bigint NOT NULL, rooms bigint NOT NULL, floors_total bigint, area double precision, \
    kitchen_area double precision, year_built bigint, building_type text, \
    latitude double precision, longitude double precision, price double precision NOT NULL";

/// Sends two versions of `a`, and `b` with the second: the merging way.
async fn versions(bed: &Testbed) {
    send(bed, &[Sent::of(&listing("a", 1e6))]).await;
    becomes(bed, "SELECT count(*) FROM listings", 1).await;
    send(
        bed,
        &[Sent::of(&listing("a", 2e6)), Sent::of(&listing("b", 3e6))],
    )
    .await;
    becomes(bed, "SELECT sum(price)::bigint FROM listings", 5_000_000).await;
    assert_eq!(rows(bed, "SELECT reason FROM rejects").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_generated_and_trigger_filled_columns_are_left_to_the_table() {
    let bed = Testbed::start().await;
    execute(
        &bed,
        &format!(
            "CREATE TABLE listings (number bigint GENERATED ALWAYS AS IDENTITY, id text PRIMARY KEY, \
             {COLUMNS}, stored_at timestamptz NOT NULL DEFAULT now(), \
             per_room double precision NOT NULL GENERATED ALWAYS AS (price / rooms) STORED, \
             place text NOT NULL); \
             CREATE FUNCTION place() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN NEW.place := NEW.city || NEW.street; RETURN NEW; END $$; \
             CREATE TRIGGER place BEFORE INSERT OR UPDATE ON listings \
             FOR EACH ROW EXECUTE FUNCTION place()"
        ),
    )
    .await;
    // What the start-up check makes of the trigger's column is not the matter here.
    let running = loader(&bed, &[]);
    versions(&bed).await;
    assert_eq!(
        rows(&bed, "SELECT place || per_room FROM listings ORDER BY id").await,
        ["KazanLenina1000000", "KazanLenina1500000"]
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partitioned_table_holds_an_id_once() {
    let bed = Testbed::start().await;
    execute(
        &bed,
        &format!(
            "CREATE TABLE listings (number bigint GENERATED ALWAYS AS IDENTITY, id text NOT NULL, \
             {COLUMNS}, stored_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id, listed_at)) \
             PARTITION BY RANGE (listed_at); \
             CREATE TABLE of_old PARTITION OF listings FOR VALUES FROM (MINVALUE) TO ('2024-01-01'); \
             CREATE TABLE of_new PARTITION OF listings FOR VALUES FROM ('2024-01-01') TO ('2026-01-01')"
        ),
    )
    .await;
    let at = |id: &str, price: f64, day: &str| {
        let mut listing = listing(id, price);
        listing["listed_at"] = day.into();
        Sent::of(&listing)
    };
    let running = loader(&bed, &[]);
    send(
        &bed,
        &[at("a", 1e6, "2023-05-01"), at("b", 1e6, "2023-05-01")],
    )
    .await;
    read_up_to(&bed, 2).await;
    // To another partition; an older one changes nothing; within one batch the newest counts.
    let second = [
        at("a", 2e6, "2025-05-01"),
        at("b", 9e6, "2020-05-01"),
        at("c", 7e6, "2025-05-02"),
        at("c", 3e6, "2023-05-01"),
    ];
    send(&bed, &second).await;
    read_up_to(&bed, 6).await;
    let stored =
        "SELECT id || ' ' || price::bigint || ' ' || tableoid::regclass FROM listings ORDER BY 1";
    assert_eq!(
        rows(&bed, stored).await,
        ["a 2000000 of_new", "b 1000000 of_old", "c 7000000 of_new"]
    );
    // There is no partition for one of them: it costs itself alone.
    send(
        &bed,
        &[
            at("d", 1e6, "2026-02-01"),
            at("e", 1e6, "2025-02-01"),
            at("a", 4e6, "2025-06-01"),
        ],
    )
    .await;
    read_up_to(&bed, 9).await;
    assert_eq!(
        rows(&bed, stored).await,
        [
            "a 4000000 of_new",
            "b 1000000 of_old",
            "c 7000000 of_new",
            "e 1000000 of_new"
        ]
    );
    let refused = rows(&bed, "SELECT code || ' ' || reason FROM rejects").await;
    assert!(
        refused.len() == 1 && refused[0].contains("no partition of relation"),
        "{refused:?}"
    );
    assert_eq!(
        bed.number("SELECT max(number) FROM of_new WHERE id = 'a'")
            .await,
        1
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_loaders_write_a_partitioned_table_and_an_id_stands_once() {
    let bed = Testbed::start().await;
    execute(
        &bed,
        &format!(
            "CREATE TABLE listings (id text NOT NULL, {COLUMNS}, \
             stored_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id, listed_at)) \
             PARTITION BY RANGE (listed_at); \
             CREATE TABLE of_all PARTITION OF listings DEFAULT"
        ),
    )
    .await;
    // The same ids on all partitions of the topic, as of producers without keys.
    let topic = bed.kafka(&[]).topics.new_data;
    let messages: Vec<_> = (0..3000)
        .map(|n| {
            let mut listing = listing(&format!("{}", n % 100), f64::from(1000 + n));
            listing["listed_at"] = (1_700_000_000 + n).into();
            (n.to_string(), listing.to_string().into_bytes())
        })
        .collect();
    let set = [("loader.batch_rows", "50")];
    let (one, other) = (loader(&bed, &set), loader(&bed, &set));
    bed.send(&topic, &messages).await;
    becomes(&bed, "SELECT sum(next_offset)::bigint FROM offsets", 3000).await;
    assert_eq!(bed.number("SELECT count(*) FROM listings").await, 100);
    assert_eq!(
        bed.number("SELECT count(*) FROM listings WHERE price >= 3900")
            .await,
        100,
        "the newest version of each"
    );
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 0);
    one.stop().await;
    other.stop().await;
}
