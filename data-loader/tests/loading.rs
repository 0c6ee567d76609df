//! The loader on Kafka (`HEDONIC_TEST_KAFKA`, or the embedded broker) and PostgreSQL.

use std::time::{Duration, Instant};

use serde_json::json;
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

fn loader(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = data_loader::Config::new(&bed.settings(set)).expect("valid settings");
    Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown))
}

fn listing(id: impl std::fmt::Display, price: f64, listed_at: i64) -> (String, Vec<u8>) {
    let listing = json!({
        "id": id.to_string(), "listed_at": listed_at, "city": "Kazan", "street": "Lenina",
        "floor": 3, "rooms": 2, "price": price,
    });
    (id.to_string(), listing.to_string().into_bytes())
}

async fn stored(bed: &Testbed, expected: i64) {
    let sql = "SELECT (SELECT count(*) FROM listings) + (SELECT count(*) FROM rejects)";
    eventually(&format!("{expected} rows"), LIMIT, || async {
        bed.number(
            "SELECT (to_regclass('listings') IS NOT NULL AND to_regclass('rejects') IS NOT NULL)::int::bigint",
        )
            .await
            == 1
            && bed.number(sql).await >= expected
    })
    .await;
    assert_eq!(bed.number(sql).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_stored_or_rejected_once_over_restarts() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let dirty = |n: i32| {
        (
            format!("d{n}"),
            format!("{{\"id\":\"d{n}\",\"price\":").into_bytes(),
        )
    };

    let mut messages: Vec<_> = (0..500)
        .map(|n| listing(n, 5e6, 1_700_000_000 + n))
        .collect();
    messages.extend((0..20).map(dirty));
    bed.send(&topics.new_data, &messages).await;
    let first = loader(&bed, &[]);
    stored(&bed, 520).await;
    let (_, status) = first.get("/status").await;
    assert_eq!(status["stored"], 500, "{status}");
    assert_eq!(status["rejected"], 20, "{status}");
    first.stop().await;

    let more: Vec<_> = (500..800)
        .map(|n| listing(n, 5e6, 1_700_000_000 + n))
        .collect();
    bed.send(&topics.new_data, &more).await;
    let second = loader(&bed, &[]);
    stored(&bed, 820).await;
    let (_, status) = second.get("/status").await;
    assert_eq!(status["stored"], 300, "only what was new: {status}");
    second.stop().await;

    assert_eq!(
        bed.number("SELECT count(*) FROM rejects WHERE code = 'malformed'")
            .await,
        20
    );
    assert_eq!(
        bed.number("SELECT sum(next_offset)::bigint FROM offsets")
            .await,
        820,
        "the offsets are those of the rows"
    );
    let rejects = bed.receive(&topics.rejects, 20, LIMIT).await;
    assert_eq!(rejects.len(), 20);
    assert!(
        rejects[0].json()["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_version_of_a_listing_wins_also_within_one_batch() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    bed.send(
        &topics.new_data,
        &[
            listing("a", 1e6, 1_700_000_000),
            listing("a", 3e6, 1_700_000_002),
            listing("a", 2e6, 1_700_000_001),
        ],
    )
    .await;
    let running = loader(&bed, &[]);
    eventually("a price", LIMIT, || async {
        bed.number("SELECT (to_regclass('listings') IS NOT NULL)::int::bigint")
            .await
            == 1
            && bed.number("SELECT count(*) FROM listings").await == 1
    })
    .await;
    let price = || bed.number("SELECT price::bigint FROM listings");
    assert_eq!(price().await, 3_000_000);

    // An older version that comes late changes nothing; a newer one does.
    bed.send(
        &topics.new_data,
        &[
            listing("a", 9e6, 1_600_000_000),
            listing("b", 1e6, 1_600_000_000),
        ],
    )
    .await;
    eventually("the second listing", LIMIT, || async {
        bed.number("SELECT count(*) FROM listings").await == 2
    })
    .await;
    assert_eq!(
        bed.number("SELECT price::bigint FROM listings WHERE id = 'a'")
            .await,
        3_000_000
    );
    bed.send(&topics.new_data, &[listing("a", 4e6, 1_700_000_009)])
        .await;
    eventually("the newer price", LIMIT, || async {
        bed.number("SELECT price::bigint FROM listings WHERE id = 'a'")
            .await
            == 4_000_000
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_lost_its_place_is_fenced_and_reads_again() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let messages: Vec<_> = (0..100).map(|n| listing(n, 5e6, 1_700_000_000)).collect();
    bed.send(&topics.new_data, &messages).await;
    let running = loader(&bed, &[]);
    stored(&bed, 100).await;

    // As if another had written these partitions up to an older place and nobody told us.
    sqlx::raw_sql("DELETE FROM listings; UPDATE offsets SET next_offset = 1")
        .execute(bed.pool())
        .await
        .expect("updates");
    let more: Vec<_> = (100..130).map(|n| listing(n, 5e6, 1_700_000_000)).collect();
    bed.send(&topics.new_data, &more).await;
    // All but the first of each partition come again, and nothing occurs twice.
    let missing = bed
        .number("SELECT count(DISTINCT partition) FROM offsets")
        .await;
    stored(&bed, 130 - missing).await;
    let (_, status) = running.get("/status").await;
    assert!(
        status["last_error"]
            .as_str()
            .is_some_and(|error| error.contains("another consumer")),
        "{status}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_by_http_it_reads_nothing_and_goes_on_where_it_was() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let running = loader(&bed, &[("loader.autostart", "false")]);
    eventually("the tables", LIMIT, || async {
        bed.number("SELECT (to_regclass('listings') IS NOT NULL)::int::bigint")
            .await
            == 1
    })
    .await;
    bed.send(&topics.new_data, &[listing(1, 5e6, 1_700_000_000)])
        .await;
    eventually("not ready", LIMIT, || async {
        let (code, body) = running.get("/health/ready").await;
        code == 503 && body["parts"]["loading"] == "stopped; POST /start continues"
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bed.number("SELECT count(*) FROM listings").await, 0);

    assert_eq!(running.post("/start", "").await.0, 200);
    stored(&bed, 1).await;
    assert!(running.is_ready().await);
    assert_eq!(running.post("/stop", "").await.0, 200);
    eventually("not ready", LIMIT, || async { !running.is_ready().await }).await;
    bed.send(&topics.new_data, &[listing(2, 5e6, 1_700_000_000)])
        .await;
    assert_eq!(running.get("/start_kafka_consumer").await.0, 200);
    stored(&bed, 2).await;
    let (code, document) = running.get("/openapi.json").await;
    assert_eq!(code, 200);
    let start = &document["paths"]["/start_kafka_consumer"]["get"];
    assert_eq!(start["operationId"], "startKafkaConsumer");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_late_or_goes_away_is_waited_for() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let (gate, url) = bed.behind_a_gate().await;
    bed.send(&topics.new_data, &[listing(1, 5e6, 1_700_000_000)])
        .await;
    let running = loader(
        &bed,
        &[("database.url", &url), ("database.timeout_ms", "2000")],
    );
    eventually("it says what it waits for", LIMIT, || async {
        let (code, body) = running.get("/health/ready").await;
        let why = body["parts"]["database"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        code == 503 && why.contains("does not answer")
    })
    .await;
    assert_eq!(running.get("/health/live").await.0, 200);

    gate.set_open(true);
    stored(&bed, 1).await;
    eventually("ready", LIMIT, || running.is_ready()).await;

    gate.set_open(false);
    bed.send(&topics.new_data, &[listing(2, 5e6, 1_700_000_000)])
        .await;
    eventually("the failure is told", LIMIT, || async {
        let (_, status) = running.get("/status").await;
        status["last_error"].is_string()
    })
    .await;
    gate.set_open(true);
    stored(&bed, 2).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_it_stays_a_member_and_its_lag_shows() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let (gate, url) = bed.behind_a_gate().await;
    gate.set_open(true);
    let running = loader(
        &bed,
        &[
            ("database.url", &url),
            ("database.timeout_ms", "1000"),
            // Anyone who does not poll for so long is put out of the group.
            ("kafka.properties.max.poll.interval.ms", "6000"),
        ],
    );
    bed.send(&topics.new_data, &[listing(0, 5e6, 1_700_000_000)])
        .await;
    stored(&bed, 1).await;

    gate.set_open(false);
    let messages: Vec<_> = (1..=300)
        .map(|n| listing(n, 5e6, 1_700_000_000 + n))
        .collect();
    bed.send(&topics.new_data, &messages).await;
    let until = Instant::now() + Duration::from_secs(9);
    let mut lag = serde_json::Value::Null;
    while Instant::now() < until {
        let (_, health) = running.get("/health/ready").await;
        assert_eq!(health["parts"]["partitions"], "ready", "{health}");
        lag = running.get("/status").await.1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(lag["lag_records"], 300, "{lag}");
    assert!(
        lag["lag_seconds"].as_f64().is_some_and(|age| age > 5.0),
        "{lag}"
    );

    gate.set_open(true);
    stored(&bed, 301).await;
    eventually("no lag", LIMIT, || async {
        let (_, status) = running.get("/status").await;
        status["lag_records"] == 0 && status["lag_seconds"] == 0.0
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_leaves_at_once_while_it_waits() {
    let bed = Testbed::start().await;
    let (_gate, url) = bed.behind_a_gate().await;
    let running = loader(&bed, &[("database.url", &url)]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_database_refuses_costs_itself_alone() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let config = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    let sql = data_loader::tables(&config.schema)
        + "ALTER TABLE listings ADD CONSTRAINT not_seven CHECK (price <> 7e6);
           CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN
                   IF NEW.price = 8e6 THEN RAISE EXCEPTION 'eight is not sold here'; END IF;
                   RETURN NEW;
               END $$;
           CREATE TRIGGER refuse BEFORE INSERT ON listings
               FOR EACH ROW EXECUTE FUNCTION refuse();";
    sqlx::raw_sql(&sql)
        .execute(bed.pool())
        .await
        .expect("the tables are made");

    let mut messages: Vec<_> = (0..600)
        .map(|n| listing(n, 5e6, 1_700_000_000 + n))
        .collect();
    messages[17] = listing(17, 7e6, 1_700_000_017);
    messages[313] = listing(313, 8e6, 1_700_000_313);
    messages[599] = listing(599, 7e6, 1_700_000_599);
    messages.push(("broken".to_owned(), b"{".to_vec()));
    let seventh = String::from_utf8(messages[17].1.clone()).expect("text");
    bed.send(&topics.new_data, &messages).await;
    let running = loader(&bed, &[]);
    stored(&bed, 601).await;
    assert_eq!(bed.number("SELECT count(*) FROM listings").await, 597);
    let by_check =
        "SELECT count(*) FROM rejects WHERE code = 'refused' AND reason LIKE '%not_seven%'";
    assert_eq!(bed.number(by_check).await, 2);
    let by_trigger = "SELECT count(*) FROM rejects WHERE reason LIKE '%eight is not sold here%'";
    assert_eq!(bed.number(by_trigger).await, 1);
    let kept: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT payload FROM rejects WHERE code = 'refused'")
            .fetch_all(bed.pool())
            .await
            .expect("the rejects");
    assert!(
        kept.contains(&seventh.into_bytes()),
        "its bytes are kept as they came"
    );
    eventually("all are told", LIMIT, || async {
        let (_, status) = running.get("/status").await;
        status["stored"] == 597 && status["rejected"] == 4
    })
    .await;
    let metrics = running.text("/metrics").await;
    assert!(
        metrics.contains("hedonic_loader_rejected_total{code=\"refused\"}"),
        "{metrics}"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_every_message_is_a_record() {
    let schema = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(
        schema.path(),
        "name = 'event'\nversion = 1\ntask = 'regression'\ntable = 'events'\ntarget = 'clicks'\n\
         [[field]]\nname = 'page'\nkind = 'category'\n\
         [[field]]\nname = 'clicks'\nkind = 'integer'\n",
    )
    .expect("writes");
    let source = schema.path().to_str().expect("text");
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let event = json!({ "page": "home", "clicks": 3 }).to_string();
    let same: Vec<_> = (0..200)
        .map(|n| (n.to_string(), event.clone().into_bytes()))
        .collect();
    bed.send(&topics.new_data, &same).await;
    let set = [("schema.source", source)];
    let running = loader(&bed, &set);
    let count = || async {
        match bed
            .number("SELECT (to_regclass('events') IS NOT NULL)::int::bigint")
            .await
        {
            1 => bed.number("SELECT count(*) FROM events").await,
            _ => 0,
        }
    };
    eventually("200 events", LIMIT, || async { count().await == 200 }).await;
    running.stop().await;
    let place: String = sqlx::query_scalar("SELECT _place FROM events ORDER BY 1 LIMIT 1")
        .fetch_one(bed.pool())
        .await
        .expect("a place");
    assert!(
        place.ends_with(&format!("/{}/0/0", topics.new_data)),
        "{place} is cluster, topic, partition and offset"
    );

    // Another member of another life continues after them: none comes twice.
    let running = loader(&bed, &set);
    bed.send(&topics.new_data, &same[..50]).await;
    eventually("250 events", LIMIT, || async { count().await == 250 }).await;
    running.stop().await;
}
