//! Rows that the database refuses, few and many, on the server and without PL/pgSQL.

use std::time::{Duration, Instant};

use testbed::Testbed;

use crate::{Sent, becomes, execute, listing, loader, read_up_to, rows, send};

async fn tables(bed: &Testbed, sql: &str) {
    let config = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    execute(bed, &(data_loader::tables(&config.schema) + sql)).await;
}

/// N listings, of which each `nth` costs 7e6; from `first` on.
fn listings(first: usize, count: usize, nth: usize) -> Vec<Sent> {
    let listing = |n: usize| {
        let price = if nth > 0 && n.is_multiple_of(nth) {
            7e6
        } else {
            5e6
        };
        Sent::of(&listing(&n.to_string(), price))
    };
    (first..first + count).map(listing).collect()
}

/// Loads messages that are there when the loader starts, and gives how long their batches took in all.
async fn load(bed: &Testbed, messages: &[Sent], next_offset: i64) -> Duration {
    send(bed, messages).await;
    let running = loader(bed, &[("loader.batch_ms", "1000")]);
    let began = Instant::now();
    read_up_to(bed, next_offset).await;
    let took = began.elapsed();
    running.stop().await;
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn many_refused_rows_cost_a_few_times_good_ones() {
    let bed = Testbed::start().await;
    tables(
        &bed,
        "ALTER TABLE listings ADD CONSTRAINT not_seven CHECK (price <> 7e6)",
    )
    .await;
    let (count, mut offset, mut took) = (10_000, 0, Vec::new());
    for (share, nth) in [(0, 0), (1, 100), (50, 2), (100, 1)] {
        let messages = listings(offset, count, nth);
        offset += count;
        let next = i64::try_from(offset).expect("fits");
        took.push((share, load(&bed, &messages, next).await));
    }
    println!("{count} listings, by per cent refused: {took:?}");
    assert_eq!(
        bed.number("SELECT count(*) FROM listings").await,
        10_000 + 9_900 + 5_000
    );
    assert_eq!(
        bed.number("SELECT count(*) FROM rejects WHERE reason LIKE '%not_seven%'")
            .await,
        100 + 5_000 + 10_000
    );
    // Each with the reason of its own message.
    assert_eq!(
        bed.number(
            "SELECT count(*) FROM rejects WHERE convert_from(payload, 'UTF8') LIKE '%7000000.0%'"
        )
        .await,
        15_100
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_plpgsql_refused_rows_cost_themselves_alone_too() {
    let bed = Testbed::start().await;
    tables(
        &bed,
        "ALTER TABLE listings ADD CONSTRAINT not_seven CHECK (price <> 7e6)",
    )
    .await;
    // A superuser may use a language whatever is revoked: the loader is another user.
    let role = format!("loader_{:08x}", rand::random::<u32>());
    execute(
        &bed,
        &format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'of-a-test'; \
             GRANT CREATE ON SCHEMA public TO {role}; \
             DO $$ DECLARE own record; BEGIN FOR own IN SELECT tablename FROM pg_tables \
             WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE %I OWNER TO {role}', own.tablename); END LOOP; END $$"
        ),
    )
    .await;
    let url = bed.database_url();
    let (_, rest) = url.split_once('@').expect("the URL has a password");
    let url = format!("postgres://{role}:of-a-test@{rest}");
    let running = loader(&bed, &[("database.url", &url)]);
    send(&bed, &[Sent::of(&listing("first", 1e6))]).await;
    becomes(&bed, "SELECT count(*) FROM listings", 1).await;
    execute(&bed, "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC").await;
    send(&bed, &listings(0, 300, 7)).await;
    read_up_to(&bed, 301).await;
    assert_eq!(bed.number("SELECT count(*) FROM listings").await, 258);
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 43);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shows_at_the_commit_is_refused_too() {
    let bed = Testbed::start().await;
    tables(
        &bed,
        "CREATE TABLE cities (name text PRIMARY KEY); INSERT INTO cities VALUES ('Kazan'); \
         ALTER TABLE listings ADD FOREIGN KEY (city) REFERENCES cities DEFERRABLE INITIALLY DEFERRED",
    )
    .await;
    let mut other = listing("other", 1e6);
    other["city"] = "Atlantis".into();
    let running = loader(&bed, &[]);
    send(
        &bed,
        &[
            Sent::of(&listing("a", 1e6)),
            Sent::of(&other),
            Sent::of(&listing("b", 1e6)),
        ],
    )
    .await;
    read_up_to(&bed, 3).await;
    assert_eq!(
        rows(&bed, "SELECT id FROM listings ORDER BY id").await,
        ["a", "b"]
    );
    let reasons = rows(&bed, "SELECT reason FROM rejects").await;
    assert!(
        reasons.len() == 1 && reasons[0].contains("foreign key"),
        "{reasons:?}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_the_table_takes_for_one_replace_each_other() {
    let bed = Testbed::start().await;
    // Where the server was built without ICU, there is no such collation.
    let made = sqlx::raw_sql(
        "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
    )
    .execute(bed.pool())
    .await;
    if let Err(error) = made {
        eprintln!("SKIPPED: keys_that_the_table_takes_for_one needs ICU: {error}");
        return;
    }
    tables(
        &bed,
        "ALTER TABLE listings ALTER COLUMN id TYPE text COLLATE folded",
    )
    .await;
    send(
        &bed,
        &[
            Sent::of(&listing("a", 1e6)),
            Sent::of(&listing("b", 1e6)),
            Sent::of(&listing("A", 2e6)),
        ],
    )
    .await;
    let running = loader(&bed, &[]);
    becomes(&bed, "SELECT sum(price)::bigint FROM listings", 3_000_000).await;
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 0);
    running.stop().await;
}
