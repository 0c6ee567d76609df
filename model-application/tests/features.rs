//! `GET /features/{id}`: rows of the datamart, and what is reported where there are none.

use std::time::Duration;

use serde_json::json;
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(60);

async fn execute(bed: &Testbed, sql: &str) {
    let done = sqlx::raw_sql(sql).execute(bed.pool()).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_told_with_the_state_that_made_it() {
    let bed = Testbed::start().await;
    let (gate, url) = bed.behind_a_gate().await;
    gate.set_open(true);
    let config = bed.settings(&[("database.url", &url), ("database.timeout_ms", "1000")]);
    let config = model_application::Config::new(&config).expect("valid settings");
    let running = Running::start(|listener, leave| model_application::run(config, listener, leave));
    eventually("the database has answered", LIMIT, || async {
        running.get("/features/a").await.0 == 404
    })
    .await;
    let (_, answer) = running.get("/features/a").await;
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("model-prepare features --to listing_features"),
        "{answer}"
    );

    let stored: Vec<String> = (0..40)
        .map(|id| {
            let (city, area) = (id % 3, 30 + id);
            let price = area * 100_000;
            format!("('r/{id}', now(), 'city{city}', 'street', 3, 2, {area}, {price})")
        })
        .collect();
    let settings = bed.settings(&[]);
    let of_training = model_prepare::Config::new(&settings).expect("valid settings");
    execute(&bed, &records::table::ddl(&of_training.schema)).await;
    execute(&bed, &format!(
        "INSERT INTO listings (id, listed_at, city, street, floor, rooms, area, price) VALUES {}",
        stored.join(", ")
    ))
    .await;
    let options = model_prepare::Materialise::default();
    let leave = common::Shutdown::new();
    model_prepare::features(&of_training, &options, &leave)
        .await
        .expect("materialises");

    let (code, row) = running.get("/features/r%2F7").await;
    assert_eq!(code, 200, "{row}");
    assert_eq!(
        (&row["id"], &row["state_version"]),
        (&json!("r/7"), &json!(1))
    );
    assert_eq!(row["excluded"], json!(null));
    assert_eq!(
        (&row["record"]["area"], &row["record"]["price"]),
        (&json!(37), &json!(3_700_000))
    );
    assert!(row["features"]["x_area"].is_number(), "{row}");
    assert!(row["features"]["x_city_mean"].is_number(), "{row}");
    assert!(row["features"].get("area").is_none(), "{row}");
    assert_eq!(
        running.get("/features/r/7").await.0,
        200,
        "an id may have slashes"
    );
    let (code, answer) = running.get("/features/r%2F77").await;
    assert_eq!(code, 404);
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(
        error.contains("no record \"r/77\" in the feature table listing_features"),
        "{answer}"
    );

    gate.set_open(false);
    let (code, answer) = running.get("/features/r%2F7").await;
    assert_eq!(code, 503, "{answer}");
    assert!(
        answer["error"]
            .as_str()
            .unwrap_or_default()
            .contains("away"),
        "{answer}"
    );
    gate.set_open(true);
    eventually("it is back", LIMIT, || async {
        running.get("/features/r%2F7").await.0 == 200
    })
    .await;
    let (_, document) = running.get("/openapi.json").await;
    assert!(document["paths"]["/features/{id}"]["get"].is_object());
    running.stop().await;
}
