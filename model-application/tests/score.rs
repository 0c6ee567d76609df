//! Batch scoring: the prices of messages, whatever way, and interrupted, it continues.

#[path = "conservation/model.rs"]
mod model;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);
/// More than two batches.
const ROWS: u32 = 20_000;

/// Of a price: prediction, low, high.
type Price = [f64; 3];

fn city(n: u32) -> String {
    format!("city{}", n % 5)
}

fn record(n: u32) -> Value {
    json!({"id": format!("r{n}"), "city": city(n), "street": format!("street{}", n % 40),
           "floor": 1 + n % 9, "rooms": 1 + n % 4, "area": 20.0 + f64::from(n % 977) / 7.0})
}

fn write_csv(path: &Path) {
    let mut text = String::from("id,city,street,floor,rooms,area\n");
    for n in 0..ROWS {
        let record = record(n);
        let area = record["area"].as_f64().expect("a number");
        let rooms = if n == 10_000 { 999 } else { 1 + n % 4 };
        let (city, street, floor) = (city(n), n % 40, 1 + n % 9);
        text += &format!("r{n},{city},street{street},{floor},{rooms},{area}\n");
    }
    std::fs::write(path, text).expect("the directory is ours");
}

fn read_csv(path: &Path) -> BTreeMap<String, Price> {
    let text = std::fs::read_to_string(path).expect("the prices are there");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("id,prediction,low,high,model"));
    let prices = lines.map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[4], "real-estate@v000001", "{line}");
        let number = |cell: usize| cells[cell].parse().expect("a number");
        (cells[0].to_owned(), [number(1), number(2), number(3)])
    });
    prices.collect()
}

struct Scorer {
    flags: Vec<String>,
}

impl Scorer {
    fn command(&self, input: &str, output: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_model-application"));
        command
            .args(["score", "--input", input, "--output", output])
            .args(&self.flags);
        command
    }

    fn run(&self, input: &str, output: &str) -> Output {
        let mut command = self.command(input, output);
        command.output().expect("the program runs")
    }

    fn score(&self, input: &str, output: &str) -> Value {
        let output = self.run(input, output);
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_a_table_and_messages_get_the_same_prices() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let config = model_application::Config::new(&bed.settings(&[])).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    let asked: Vec<u32> = (0..200).map(|n| n * 97).collect();
    let messages: Vec<_> = asked
        .iter()
        .map(|n| (n.to_string(), record(*n).to_string().into_bytes()))
        .collect();
    bed.send(&topics.requests, &messages).await;
    let price = |answer: &Value| -> (String, Price) {
        let number = |part: &str| answer[part].as_f64().expect("a number");
        let id = answer["id"].as_str().expect("an id").to_owned();
        (id, [number("prediction"), number("low"), number("high")])
    };
    let answers = bed.receive(&topics.answers, asked.len(), LIMIT).await;
    let streamed: BTreeMap<String, Price> =
        answers.iter().map(|answer| price(&answer.json())).collect();
    let records: Vec<Value> = asked.iter().map(|n| record(*n)).collect();
    let (_, replies) = running.post("/predict", &json!(records).to_string()).await;
    let over_http: BTreeMap<String, Price> = replies
        .as_array()
        .expect("answers")
        .iter()
        .map(price)
        .collect();
    assert_eq!(over_http, streamed, "HTTP says what Kafka says");
    running.stop().await;

    let home = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str| -> PathBuf { home.path().join(name) };
    let scorer = Scorer {
        flags: bed.flags(&[]),
    };
    let homes = file("homes.csv");
    write_csv(&homes);
    let prices = file("prices.csv");
    let scored = scorer.score(text(&homes), text(&prices));
    assert_eq!(scored["rows"], ROWS - 1);
    assert_eq!(scored["refused"], 1, "999 rooms");
    let of_file = read_csv(&prices);
    assert_eq!(of_file.len() as u32, ROWS - 1);
    for (id, price) in &streamed {
        assert_eq!(
            &of_file[id], price,
            "{id}: the file's row says what the message got"
        );
    }
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("reads").collect();
    assert_eq!(left.len(), 3, "nothing else is left: {left:?}");
    let errors = file("prices.csv.errors.csv");
    assert_eq!(scored["errors"], text(&errors));
    let errors = std::fs::read_to_string(&errors).expect("the errors are there");
    let errors: Vec<&str> = errors.lines().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert_eq!(errors[0], "row,error");
    // The header is line 1.
    assert!(errors[1].starts_with("line 10002,"), "{errors:?}");
    assert!(errors[1].contains("rooms"), "{errors:?}");
    let scored = scorer.score(text(&homes), "file_prices");
    assert_eq!(
        (&scored["refused"], &scored["errors"]),
        (&json!(1), &json!("file_prices_errors"))
    );
    let sql = "SELECT count(*) FROM file_prices_errors WHERE \"row\" = 'line 10002' AND error LIKE '%rooms%'";
    assert_eq!(bed.number(sql).await, 1);
    assert_eq!(
        bed.number("SELECT count(*) FROM file_prices_errors").await,
        1
    );
    let strict = scorer
        .command(text(&homes), text(&file("strict.csv")))
        .arg("--strict")
        .output();
    let strict = strict.expect("the program runs");
    let printed = String::from_utf8_lossy(&strict.stderr);
    assert_eq!(strict.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("line 10002 is not a valid record"),
        "{printed}"
    );

    // The table, to a table and to Parquet, and from that nothing else.
    let sql = format!(
        "CREATE TABLE homes (id text PRIMARY KEY, city text, street text, floor bigint, \
         rooms bigint, area double precision); \
         INSERT INTO homes SELECT 'r' || n, 'city' || n % 5, 'street' || n % 40, 1 + n % 9, \
         1 + n % 4, 20.0::float8 + (n % 977)::float8 / 7.0 FROM generate_series(0, {ROWS} - 1) n"
    );
    sqlx::raw_sql(&sql)
        .execute(bed.pool())
        .await
        .expect("a table");
    // It fails in the second batch.
    let sql = "CREATE TABLE scored (id text PRIMARY KEY, prediction double precision, \
               low double precision, high double precision, model text, scored_at timestamptz); \
               CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               IF (SELECT count(*) FROM scored) > 10000 THEN RAISE 'full'; END IF; \
               RETURN NULL; END $$; \
               CREATE TRIGGER full_up AFTER INSERT ON scored FOR EACH STATEMENT \
               EXECUTE FUNCTION full_up();";
    sqlx::raw_sql(sql)
        .execute(bed.pool())
        .await
        .expect("a table");
    let broken = scorer.run("homes", "scored");
    let printed = String::from_utf8_lossy(&broken.stderr).into_owned();
    assert!(
        !broken.status.success() && printed.contains("full"),
        "{printed}"
    );
    sqlx::raw_sql("DROP TRIGGER full_up ON scored")
        .execute(bed.pool())
        .await
        .expect("dropped");
    let scored = scorer.score("homes", "scored");
    assert_eq!(scored["resumed_from"], 8192, "{scored}");
    assert_eq!(scored["rows"], ROWS);
    let rows: Vec<(String, f64, f64, f64)> =
        sqlx::query_as("SELECT id, prediction, low, high FROM scored")
            .fetch_all(bed.pool())
            .await
            .expect("prices");
    assert_eq!(rows.len() as u32, ROWS);
    for (id, prediction, low, high) in rows {
        if id != "r10000" {
            assert_eq!(of_file[&id], [prediction, low, high], "{id}");
        }
    }
    let again = scorer.score("homes", "scored");
    assert_eq!(again["resumed_from"], 0, "what is done is done anew");

    let parquet = file("prices.parquet");
    assert_eq!(scorer.score(text(&homes), text(&parquet))["rows"], ROWS - 1);
    let bytes = std::fs::read(&parquet).expect("the prices are there");
    assert_eq!(&bytes[..4], b"PAR1");

    for (input, output, expected) in [
        ("nothing", "scored", "there is no table nothing"),
        ("homes", "homes", "are the same"),
        ("homes", "offsets", "with the columns id, prediction"),
        ("nothing.csv", "scored", "nothing.csv"),
        ("a;b", "scored", "expected a file ending in"),
    ] {
        let output = scorer.run(input, output);
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && printed.contains(expected),
            "{input}: {printed}"
        );
    }
    let mut unknown = scorer.command("homes", "scored");
    let output = unknown
        .args(["--model", "real-estate@v000009"])
        .output()
        .expect("runs");
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        printed.contains("there is no real-estate@v000009"),
        "{printed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoring_that_is_killed_again_and_again_ends_as_one_that_is_not() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let home = tempfile::tempdir().expect("a temporary directory");
    let homes = home.path().join("homes.csv");
    write_csv(&homes);
    let scorer = Scorer {
        flags: bed.flags(&[]),
    };
    let (whole, killed) = (
        home.path().join("whole.csv"),
        home.path().join("killed.csv"),
    );
    scorer.score(text(&homes), text(&whole));
    for pause_ms in [20, 50, 80, 120, 160, 200] {
        let mut process = scorer
            .command(text(&homes), text(&killed))
            .spawn()
            .expect("runs");
        std::thread::sleep(Duration::from_millis(pause_ms));
        process.kill().expect("it is ours");
        process.wait().expect("it ends");
    }
    scorer.score(text(&homes), text(&killed));
    assert_eq!(read_csv(&killed), read_csv(&whole));
    let lines = |path: &Path| {
        std::fs::read_to_string(path)
            .expect("reads")
            .lines()
            .count()
    };
    assert_eq!(lines(&killed), lines(&whole), "no row is there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_is_scored_with_its_probability_and_no_range() {
    let bed = Testbed::start().await;
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str| -> PathBuf { home.path().join(name) };
    let schema_file = file("visits.toml");
    std::fs::write(
        &schema_file,
        "name='visits'\nversion=1\ntask='classification'\ntable='visits'\nkey='id'\n\
         target='bought'\n[[field]]\nname='id'\nkind='text'\n[[field]]\nname='pages'\n\
         kind='integer'\n[[field]]\nname='bought'\nkind='boolean'\n",
    )
    .expect("the directory is ours");
    let schema = records::Schema::load(text(&schema_file)).expect("a schema");
    let mut decoder = records::Decoder::new(&schema, records::Purpose::Listing);
    for n in 0..600 {
        let pages = n % 20;
        let visit = json!({"id": n, "pages": pages, "bought": n % 7 < pages / 3});
        let visit = visit.to_string();
        decoder.push(visit.as_bytes(), 0).expect("a good visit");
    }
    let batch = decoder.finish().batch;
    let options = valuation::FitOptions {
        effort: valuation::Effort::Quick,
        ..valuation::FitOptions::default()
    };
    let (fitted, _) = valuation::classify(&schema, &batch, &options, "test", 1).expect("fits");
    let flags = bed.flags(&[("schema.source", text(&schema_file))]);
    let settings = bed.settings(&[("schema.source", text(&schema_file))]);
    let config = model_application::Config::new(&settings).expect("valid settings");
    registry::Directory::new(&config.registry.path)
        .publish(|path| fitted.save(path))
        .expect("the version can be published");

    let scorer = Scorer { flags };
    let (visits, scores) = (file("visits.csv"), file("said.csv"));
    std::fs::write(&visits, "id,pages\na,1\nb,19\nc,\n").expect("the directory is ours");
    assert_eq!(scorer.score(text(&visits), text(&scores))["rows"], 3);
    let lines = std::fs::read_to_string(&scores).expect("reads");
    let mut lines = lines.lines();
    assert_eq!(lines.next(), Some("id,prediction,class,model"));
    let of = |line: Option<&str>| -> (f64, String) {
        let cells: Vec<&str> = line.expect("a line").split(',').collect();
        assert_eq!(cells[3], "visits@v000001");
        (cells[1].parse().expect("a number"), cells[2].to_owned())
    };
    let (few, many) = (of(lines.next()), of(lines.next()));
    assert!(few.0 < 0.5 && few.1 == "false", "{few:?}");
    assert!(many.0 > 0.5 && many.1 == "true", "{many:?}");
    assert_eq!(scorer.score(text(&visits), "likely")["rows"], 3);
    let rows: Vec<(String, f64, bool)> =
        sqlx::query_as("SELECT id, prediction, class FROM likely ORDER BY id")
            .fetch_all(bed.pool())
            .await
            .expect("a table");
    assert_eq!(rows[1], ("b".to_owned(), many.0, true));
    let parquet = file("said.parquet");
    assert_eq!(scorer.score(text(&visits), text(&parquet))["rows"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_classes_are_scored_with_a_column_each() {
    let bed = Testbed::start().await;
    let home = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str| -> PathBuf { home.path().join(name) };
    let schema_file = file("visits.toml");
    std::fs::write(
        &schema_file,
        "name='visits'\nversion=1\ntask='classification'\ntable='visits'\nkey='id'\n\
         target='goes'\n[[field]]\nname='id'\nkind='text'\n[[field]]\nname='pages'\n\
         kind='integer'\n[[field]]\nname='goes'\nkind='category'\n",
    )
    .expect("the directory is ours");
    let schema = records::Schema::load(text(&schema_file)).expect("a schema");
    let mut decoder = records::Decoder::new(&schema, records::Purpose::Listing);
    for n in 0..900 {
        let pages = n % 20;
        let goes = ["away", "Basket 2", "help"][((pages + n % 7) / 9) as usize];
        let visit = json!({"id": n, "pages": pages, "goes": goes}).to_string();
        decoder.push(visit.as_bytes(), 0).expect("a good visit");
    }
    let batch = decoder.finish().batch;
    let options = valuation::FitOptions {
        effort: valuation::Effort::Quick,
        ..valuation::FitOptions::default()
    };
    let fitted = valuation::classify_levels(&schema, &batch, &options, "test", 1);
    let (fitted, _) = fitted.expect("fits");
    let flags = bed.flags(&[("schema.source", text(&schema_file))]);
    let settings = bed.settings(&[("schema.source", text(&schema_file))]);
    let config = model_application::Config::new(&settings).expect("valid settings");
    registry::Directory::new(&config.registry.path)
        .publish(|path| fitted.save(path))
        .expect("the version can be published");

    let scorer = Scorer { flags };
    let (visits, scores) = (file("visits.csv"), file("said.csv"));
    std::fs::write(&visits, "id,pages\na,1\nb,19\nc,\n").expect("the directory is ours");
    assert_eq!(scorer.score(text(&visits), text(&scores))["rows"], 3);
    let lines = std::fs::read_to_string(&scores).expect("reads");
    let mut lines = lines.lines();
    let header = "id,prediction,class,probability_Basket 2,probability_away,probability_help,model";
    assert_eq!(lines.next(), Some(header));
    let cells: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let number =
        |row: usize, column: usize| -> f64 { cells[row][column].parse().expect("a number") };
    assert_eq!((cells[0][2], cells[1][2]), ("away", "help"));
    assert_eq!((number(0, 1), number(1, 1)), (number(0, 4), number(1, 5)));
    for row in 0..3 {
        let sum: f64 = (3..6).map(|column| number(row, column)).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{cells:?}");
    }
    assert_eq!(scorer.score(text(&visits), "likely")["rows"], 3);
    let rows: Vec<(String, f64, String, f64)> = sqlx::query_as(
        "SELECT id, prediction, class, \"probability_Basket 2\" FROM likely ORDER BY id",
    )
    .fetch_all(bed.pool())
    .await
    .expect("a table");
    assert_eq!(
        rows[1],
        (
            "b".to_owned(),
            number(1, 1),
            "help".to_owned(),
            number(1, 3)
        )
    );
    let parquet = file("said.parquet");
    assert_eq!(scorer.score(text(&visits), text(&parquet))["rows"], 3);
}
