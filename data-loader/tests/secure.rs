//! Kafka over TLS and SASL, PostgreSQL over TLS, each for real, where `HEDONIC_TEST_REAL_KAFKA` is
//! set and the feature `kafka-tls` is on.
#![cfg(feature = "kafka-tls")]

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use testbed::{RealKafka, Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

fn loader(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = data_loader::Config::new(&bed.settings(set)).expect("valid settings");
    Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown))
}

async fn send_one(bed: &Testbed, id: &str) {
    let listing = json!({
        "id": id, "city": "Kazan", "street": "Lenina", "floor": 3, "rooms": 2, "price": 5e6,
    });
    let topic = bed.kafka(&[]).topics.new_data;
    bed.send(&topic, &[(id.to_owned(), listing.to_string().into_bytes())])
        .await;
}

async fn stored(bed: &Testbed, expected: i64) {
    eventually(&format!("{expected} listings"), LIMIT, || async {
        bed.number("SELECT (to_regclass('listings') IS NOT NULL)::int::bigint")
            .await
            == 1
            && bed.number("SELECT count(*) FROM listings").await == expected
    })
    .await;
}

/// Waits until the service says that a part is missing for this reason, and nothing secret.
async fn refused(running: &Running, part: &str, reason: &str, secret: &str) {
    eventually(&format!("{part}: {reason}"), LIMIT, || async {
        let (code, body) = running.get("/health/ready").await;
        let why = body["parts"][part]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        code == 503 && why.contains(reason)
    })
    .await;
    for path in ["/health/ready", "/status", "/metrics"] {
        let text = running.text(path).await;
        assert!(!text.contains(secret), "{path} shows the secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_over_tls_and_every_kind_of_sasl() {
    let Some(kafka) = RealKafka::start(&["--secure"]).await else {
        return;
    };
    let secure = kafka.secure();
    let of = |name: &str| secure[name].as_str();
    let bed = Testbed::on(kafka.brokers()).await;

    let tls = [
        ("kafka.brokers", of("KAFKA_SSL_ADDRESSES")),
        ("kafka.properties.security.protocol", "SSL"),
        ("kafka.properties.ssl.ca.location", of("KAFKA_CA_LOCATION")),
    ];
    send_one(&bed, "over TLS").await;
    let running = loader(&bed, &tls);
    stored(&bed, 1).await;
    running.stop().await;

    let sasl = |mechanism: &'static str, password: &'static str| {
        [
            ("kafka.brokers", of("KAFKA_SASL_ADDRESSES")),
            ("kafka.properties.security.protocol", "SASL_SSL"),
            ("kafka.properties.ssl.ca.location", of("KAFKA_CA_LOCATION")),
            ("kafka.properties.sasl.username", of("KAFKA_SASL_USERNAME")),
            ("kafka.properties.sasl.mechanism", mechanism),
            (
                "kafka.properties.sasl.password",
                if password.is_empty() {
                    of("KAFKA_SASL_PASSWORD")
                } else {
                    password
                },
            ),
        ]
    };
    for (count, mechanism) in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
        .into_iter()
        .enumerate()
    {
        send_one(&bed, mechanism).await;
        let running = loader(&bed, &sasl(mechanism, ""));
        stored(&bed, count as i64 + 2).await;
        running.stop().await;
    }

    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        let running = loader(&bed, &sasl(mechanism, "wrong-geheim"));
        refused(&running, "kafka", "authentication", "wrong-geheim").await;
        running.stop().await;
    }
    let mut wrong_authority = tls;
    wrong_authority[2].1 = of("KAFKA_WRONG_CA_LOCATION");
    let running = loader(&bed, &wrong_authority);
    refused(
        &running,
        "kafka",
        "certificate verify failed",
        "wrong-geheim",
    )
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_over_tls() {
    // Its certificates serve PostgreSQL too.
    let Some(kafka) = RealKafka::start(&["--secure"]).await else {
        return;
    };
    let secure = kafka.secure();
    let authority = secure["KAFKA_CA_LOCATION"].clone();
    let certs = Path::new(&authority)
        .parent()
        .expect("a directory")
        .to_owned();
    let bed = Testbed::on(kafka.brokers()).await;
    let data: String = sqlx::query_scalar("SHOW data_directory")
        .fetch_one(bed.pool())
        .await
        .expect("the server says where its data are");
    let owner = std::fs::metadata(&data).expect("the data are there");
    for (from, to) in [("broker.pem", "server.crt"), ("broker.key", "server.key")] {
        let to = Path::new(&data).join(to);
        std::fs::copy(certs.join(from), &to).expect("copies");
        std::os::unix::fs::chown(&to, Some(owner.uid()), Some(owner.gid())).expect("gives away");
    }
    for sql in ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"] {
        sqlx::query(sql)
            .execute(bed.pool())
            .await
            .expect("turns TLS on");
    }
    let url = |authority: &str| {
        let plain = bed.database_url();
        format!("{plain}?sslmode=verify-full&sslrootcert={authority}")
    };

    send_one(&bed, "a").await;
    let running = loader(&bed, &[("database.url", &url(&authority))]);
    stored(&bed, 1).await;
    let encrypted = "SELECT count(*) FROM pg_stat_ssl WHERE ssl";
    assert!(
        bed.number(encrypted).await > 0,
        "the loader's connections are over TLS"
    );
    running.stop().await;

    let wrong = url(&secure["KAFKA_WRONG_CA_LOCATION"]);
    let running = loader(&bed, &[("database.url", &wrong)]);
    let password = wrong
        .split([':', '@'])
        .nth(2)
        .expect("a password")
        .to_owned();
    refused(&running, "database", "certificate", &password).await;
    running.stop().await;
}
