//! The datamart: what a training on it gives, what a second run adds, and what is refused.

mod made;

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use made::{csv, output_text, run};
use model_prepare::{Config, Materialise, Materialised};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use registry::Directory;
use serde_json::Value;
use sqlx::Row;
use tempfile::TempDir;
use testbed::{Running, Testbed, eventually};
use valuation::Model;

const ROWS: usize = 600;
const LIMIT: Duration = Duration::from_secs(60);

/// A model's files by name; the head without when it was trained and how long that took.
fn files(version: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(version)
        .expect("a version")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let bytes = std::fs::read(&path).expect("reads");
            (name, bytes)
        })
        // The sums are of the rest; the registry notes the run and when it was.
        .filter(|(name, _)| name != "SHA256SUMS" && name != "registry.json")
        .map(|(name, bytes)| match name.as_str() {
            "model.json" => {
                let mut head: Value = serde_json::from_slice(&bytes).expect("JSON");
                head["trained_at_us"] = Value::Null;
                head["report"]["fit_seconds"] = Value::Null;
                (name, serde_json::to_vec(&head).expect("JSON"))
            }
            _ => (name, bytes),
        })
        .collect();
    files.sort();
    assert!(files.len() > 1, "a model has files");
    files
}

/// Two models are the same, except for when they were trained.
fn assert_same(one: &[(String, Vec<u8>)], other: &[(String, Vec<u8>)]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert!(one == other, "{} and {} differ", one.0, other.0);
    }
}

/// Prices that no sum of single effects explains, so that trees have something to say.
fn uneven(csv: &str) -> String {
    let dearer = |line: &str| -> Option<String> {
        let cells: Vec<&str> = line.split(',').collect();
        let (floor, area) = (cells[4].parse::<u32>().ok()?, cells[6].parse::<u32>().ok()?);
        let price: f64 = cells[7].parse().ok()?;
        let times = if (floor % 2 == 0) == (area > 60) {
            2.0
        } else {
            1.0
        };
        Some(format!("{},{:.0}", cells[..7].join(","), price * times))
    };
    let lines = csv
        .lines()
        .map(|line| dearer(line).unwrap_or_else(|| line.to_owned()));
    lines.map(|line| line + "\n").collect()
}

fn newest(registry: &Path) -> PathBuf {
    let versions = Directory::new(registry).versions().expect("reads");
    versions.last().expect("a version").path.clone()
}

/// Trains with the program; gives the version's files.
fn trained(home: &Path, name: &str, flags: &[&str]) -> Vec<(String, Vec<u8>)> {
    let registry = home.join(name);
    let output = run(&registry, flags);
    assert!(output.status.success(), "{:?}", output_text(&output));
    let version = newest(&registry);
    Model::load(&version).expect("the version loads");
    files(&version)
}

fn write(home: &TempDir, name: &str, text: &str) -> String {
    let path = home.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

/// The program's `features`; its standard output where it succeeds, else its error.
fn features(flags: &[&str]) -> Result<String, String> {
    let output = made::program().arg("features").args(flags).output();
    let output = output.expect("the program runs");
    let (out, error) = output_text(&output);
    match output.status.success() {
        true => Ok(out),
        false => Err(error),
    }
}

fn rows(path: &str) -> RecordBatch {
    let file = std::fs::File::open(path).expect("a file");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    let mut batches = builder.with_batch_size(1 << 20).build().expect("reads");
    batches.next().expect("rows").expect("reads")
}

#[test]
fn a_training_on_the_file_is_one_on_the_records() {
    let home = tempfile::tempdir().expect("a directory");
    // A key twice: sold again, and learned from twice.
    let twice = csv(1500) + "l7,1705000000,city1,street2,3,2,55,6000000\n";
    let data = write(&home, "listings.csv", &uneven(&twice));
    let mart = home.path().join("features.parquet").display().to_string();
    let printed = features(&["--data", &data, "--to", &mart]).expect("materialises");
    assert!(
        printed.contains("1,501 rows by state 1, a new state"),
        "{printed}"
    );

    let of_records = trained(home.path(), "raw", &["--data", &data]);
    let of_mart = trained(home.path(), "mart", &["--data", &mart]);
    assert!(of_records.iter().any(|(name, _)| name.ends_with(".trees")));
    assert_same(&of_records, &of_mart);
    let by_flag = trained(home.path(), "flag", &["--features", &mart]);
    assert_same(&of_records, &by_flag);

    let batch = rows(&mart);
    let column = |name: &str| {
        let column = batch.column_by_name(name);
        column.unwrap_or_else(|| panic!("no {name} among {:?}", batch.schema()))
    };
    let area = column("x_area").as_primitive::<Float64Type>();
    let mean = area.values().iter().sum::<f64>() / 1501.0;
    assert!(mean.abs() < 0.05, "standardised: {mean}");
    for name in [
        "x_area_log",
        "x_city_mean",
        "x_city_rows",
        "x_city_is_city3",
        "x_area_per_rooms",
    ] {
        assert_eq!(column(name).null_count(), 0, "{name}");
    }
    assert!(
        batch.column_by_name("x_price").is_none(),
        "the target is no feature"
    );
}

#[test]
fn a_file_grows_by_what_is_new_and_by_the_same_state() {
    let home = tempfile::tempdir().expect("a directory");
    let mart = home.path().join("features.parquet").display().to_string();
    let data = write(&home, "listings.csv", &csv(ROWS));
    features(&["--data", &data, "--to", &mart]).expect("materialises");
    let before = rows(&mart);

    // 50 more, one of them refused; one states what a newer one says; one is replaced.
    let mut larger = csv(ROWS + 49);
    let fifth = larger.lines().nth(5).expect("a listing").to_owned();
    let cells: Vec<&str> = fifth.split(',').collect();
    let again = [&["again", "1705000000"], &cells[2..]].concat().join(",");
    larger.push_str(&format!(
        "{again}\nbroken,1705000000,city1,street1,x,1,30,100000\n"
    ));
    let seventh = larger.lines().nth(7).expect("a listing").to_owned();
    let (rest, _) = seventh.rsplit_once(',').expect("cells");
    larger = larger.replace(&seventh, &format!("{rest},777777"));
    let data = write(&home, "listings.csv", &larger);
    let printed = features(&["--data", &data, "--to", &mart]).expect("adds");
    assert!(
        printed.contains("+50 rows by state 1 (1 replaced), 650 in total"),
        "{printed}"
    );
    assert!(printed.contains("rejected by the schema: 1"), "{printed}");

    let after = rows(&mart);
    let row_of = |batch: &RecordBatch, key: &str| {
        let keys = batch["id"].as_string::<i32>();
        keys.iter()
            .position(|known| known == Some(key))
            .expect("the key")
    };
    let same = |column: &str| {
        let (old, new) = (row_of(&before, "l3"), row_of(&after, "l3"));
        let value = |batch: &RecordBatch, row: usize| {
            batch[column]
                .as_primitive::<Float64Type>()
                .value(row)
                .to_bits()
        };
        assert_eq!(value(&before, old), value(&after, new), "{column}");
    };
    ["x_area", "x_city_mean", "x_listed_at"]
        .into_iter()
        .for_each(same);
    let excluded = |key: &str| {
        let rules = after["excluded"].as_string::<i32>();
        let row = row_of(&after, key);
        rules.is_valid(row).then(|| rules.value(row).to_owned())
    };
    assert_eq!(
        excluded("l4").as_deref(),
        Some("duplicate"),
        "of the newer one"
    );
    assert_eq!(excluded("again"), None);
    let of_records = trained(home.path(), "raw", &["--data", &data]);
    let of_mart = trained(home.path(), "mart", &["--data", &mart]);
    assert_same(&of_records, &of_mart);

    let printed = features(&["--data", &data, "--to", &mart]).expect("adds nothing");
    assert!(
        printed.contains("+0 rows by state 1 (0 replaced)"),
        "{printed}"
    );
    let printed = features(&["--data", &data, "--to", &mart, "--refit"]).expect("anew");
    assert!(
        printed.contains("650 rows by state 2, a new state"),
        "{printed}"
    );
}

#[test]
fn what_cannot_be_a_datamart_is_told() {
    let home = tempfile::tempdir().expect("a directory");
    let data = write(&home, "listings.csv", &csv(ROWS));
    let other = write(&home, "other.parquet", "PAR1");
    let mart = home.path().join("features.parquet").display().to_string();
    features(&["--data", &data, "--to", &mart]).expect("materialises");
    let refused = |flags: &[&str], parts: &[&str]| {
        let error = features(flags).expect_err("is refused");
        for part in parts {
            assert!(error.contains(part), "{error} does not say {part:?}");
        }
    };
    refused(
        &["--data", &data, "--to", "my table"],
        &["expected a file ending in .parquet", "my table"],
    );
    refused(
        &["--data", &data, "--to", "listings"],
        &["a table of its own"],
    );
    refused(&["--data", &data, "--to", &other], &["other.parquet"]);
    let nowhere = home.path().join("nowhere/x.parquet").display().to_string();
    refused(
        &["--data", &data, "--to", &nowhere],
        &["cannot write", "nowhere"],
    );
    let empty = write(&home, "empty.csv", &format!("{}\n", made::HEADER));
    let fresh = home.path().join("fresh.parquet").display().to_string();
    refused(&["--data", &empty, "--to", &fresh], &["found none"]);
    assert!(!Path::new(&fresh).exists());

    let schema = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/real-estate.toml"),
    );
    let narrower = schema.expect("ships").replacen("max = ", "max = 1", 1);
    let schema = write(&home, "schema.toml", &narrower);
    let flags = ["--data", &data, "--to", &mart, "--schema", &schema];
    refused(
        &flags,
        &[
            "state 1 of",
            "the schema real-estate",
            "differ in",
            "--refit",
        ],
    );
    let output = run(home.path(), &["--data", &mart, "--schema", &schema]);
    assert!(
        output_text(&output).1.contains("differ in"),
        "{:?}",
        output_text(&output)
    );
}

/// A bed whose table has so many stored listings.
async fn bed(count: usize) -> (Testbed, Config) {
    let bed = Testbed::on_nothing("127.0.0.1:1").await;
    let config = Config::new(&bed.settings(&[])).expect("valid settings");
    common::database::make_tables(bed.pool(), &records::table::ddl(&config.schema))
        .await
        .expect("tables");
    store(&bed, 0..count).await;
    (bed, config)
}

async fn store(bed: &Testbed, ids: std::ops::Range<usize>) {
    if ids.is_empty() {
        return;
    }
    let values: Vec<String> = ids
        .map(|id| {
            let [key, _, city, street, floor, rooms, area, price] = made::listing(id);
            // Two a second: what decides then is the key.
            format!(
                "('{key}', '2024-01-01'::timestamptz + {id} / 2 * interval '1 second', '{city}', \
                 '{street}', {floor}, {rooms}, {area}, {price})"
            )
        })
        .collect();
    execute(bed, &format!(
        "INSERT INTO listings (id, listed_at, city, street, floor, rooms, area, price) VALUES {}",
        values.join(", ")
    ))
    .await;
}

async fn execute(bed: &Testbed, sql: &str) {
    let done = sqlx::query(sql).execute(bed.pool()).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn materialise(config: &Config, refit: bool) -> anyhow::Result<Materialised> {
    let options = Materialise {
        refit,
        ..Materialise::default()
    };
    model_prepare::features(config, &options, &common::Shutdown::new()).await
}

/// Trains on the database; gives the version's files.
async fn trained_on_table(
    bed: &Testbed,
    config: &Config,
    features: &str,
) -> Vec<(String, Vec<u8>)> {
    let mut config = config.clone();
    config.prepare.features = features.to_owned();
    config.prepare.window_days = 36_500;
    let trained = model_prepare::train_on_database(&config, bed.pool())
        .await
        .expect("trains");
    files(&trained.saved.expect("is saved").path)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_holds_what_is_stored_and_a_training_on_it_is_the_same() {
    let (bed, config) = bed(ROWS).await;
    let made = materialise(&config, false).await.expect("materialises");
    assert_eq!((made.version, made.rows, made.is_new), (1, ROWS, true));
    assert!(made.columns > 10, "{made}");
    let scaled = "SELECT count(*) FROM listing_features \
        WHERE x_area BETWEEN -3 AND 3 AND state_version = 1 AND source_line IS NULL";
    assert_eq!(bed.number(scaled).await, ROWS as i64);
    let of_records = trained_on_table(&bed, &config, "").await;
    assert_same(
        &of_records,
        &trained_on_table(&bed, &config, "listing_features").await,
    );

    // What comes later, what is replaced, and what was on its way when the others were read.
    let state = "SELECT md5(state::text) FROM feature_states";
    let before: String = sqlx::query_scalar(state)
        .fetch_one(bed.pool())
        .await
        .expect("one state");
    let mut late = bed.pool().begin().await.expect("begins");
    sqlx::query(
        "INSERT INTO listings (id, listed_at, city, street, floor, rooms, area, price) \
        VALUES ('late', '2024-01-01', 'city1', 'street1', 2, 2, 50, 5000000)",
    )
    .execute(&mut *late)
    .await
    .expect("inserts");
    store(&bed, ROWS..ROWS + 20).await;
    let made = materialise(&config, false).await.expect("adds");
    assert_eq!(
        (made.version, made.change.added, made.rows),
        (1, 20, ROWS + 20)
    );
    late.commit().await.expect("commits");
    execute(
        &bed,
        "UPDATE listings SET area = area + 1 WHERE id IN ('l1', 'l2')",
    )
    .await;
    execute(
        &bed,
        "INSERT INTO listings SELECT 'again', '2024-06-01', city, street, floor, rooms, \
        floors_total, area, kitchen_area, year_built, building_type, latitude, longitude, price \
        FROM listings WHERE id = 'l9'",
    )
    .await;
    let made = materialise(&config, false).await.expect("adds");
    assert_eq!(
        (made.change.added, made.change.replaced, made.revised),
        (2, 2, 1),
        "{made}"
    );
    let message = made.to_string();
    assert!(
        message.starts_with("listing_features: +2 rows by state 1 (2 replaced)"),
        "{message}"
    );
    let excluded =
        "SELECT count(*) FROM listing_features WHERE id = 'l9' AND excluded = 'duplicate'";
    assert_eq!(bed.number(excluded).await, 1);
    let of_records = trained_on_table(&bed, &config, "").await;
    assert_same(
        &of_records,
        &trained_on_table(&bed, &config, "listing_features").await,
    );
    let after: String = sqlx::query_scalar(state)
        .fetch_one(bed.pool())
        .await
        .expect("one state");
    assert_eq!(before, after, "the same state");
    // The newer one goes: the other is learned from again.
    execute(
        &bed,
        "UPDATE listings SET price = price * 2 WHERE id = 'again'",
    )
    .await;
    let made = materialise(&config, false).await.expect("adds");
    assert_eq!((made.change.replaced, made.revised), (1, 1), "{made}");
    assert_eq!(bed.number(excluded).await, 0);

    // Rows do not depend on when they came.
    let sum = "SELECT md5(string_agg(one::text, '|' ORDER BY id)) FROM listing_features one";
    let found: String = sqlx::query_scalar(sum)
        .fetch_one(bed.pool())
        .await
        .expect("a sum");
    execute(
        &bed,
        "DELETE FROM listing_features WHERE ctid IN \
        (SELECT ctid FROM listing_features LIMIT 100)",
    )
    .await;
    execute(&bed, "UPDATE feature_states SET read_until = NULL").await;
    let made = materialise(&config, false).await.expect("adds");
    assert_eq!(made.change.added, 100, "{made}");
    let again: String = sqlx::query_scalar(sum)
        .fetch_one(bed.pool())
        .await
        .expect("a sum");
    assert_eq!(found, again, "by the same state, the same rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_the_old_rows_until_the_new_ones_are_there() {
    let (bed, config) = bed(ROWS).await;
    materialise(&config, false).await.expect("materialises");
    let reading = {
        let pool = bed.pool().clone();
        tokio::spawn(async move {
            let mut seen = Vec::new();
            let sql = "SELECT count(*), count(DISTINCT state_version), min(state_version) \
                FROM listing_features";
            loop {
                let row = sqlx::query(sql).fetch_one(&pool).await.expect("never half");
                let (rows, states, version): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
                assert_eq!((rows, states), (ROWS as i64, 1));
                seen.push(version);
                if version == 4 {
                    return seen;
                }
            }
        })
    };
    for version in 2..=4 {
        let made = materialise(&config, true).await.expect("anew");
        assert_eq!((made.version, made.rows), (version, ROWS));
    }
    let seen = reading.await.expect("reads");
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(bed.number("SELECT count(*) FROM feature_states").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_table_cannot_be_is_told() {
    let (bed, mut config) = bed(0).await;
    let refused = async |config: &Config, refit: bool, parts: &[&str]| {
        let error = materialise(config, refit).await.expect_err("is refused");
        let error = format!("{error:#}");
        for part in parts {
            assert!(error.contains(part), "{error} does not say {part:?}");
        }
    };
    refused(
        &config,
        false,
        &["found none in the table listings", "--data"],
    )
    .await;
    store(&bed, 0..50).await;
    execute(&bed, "CREATE TABLE mine (x integer)").await;
    config.features.table = "mine".to_owned();
    refused(
        &config,
        true,
        &["found mine", "no state in feature_states has made", "--to"],
    )
    .await;
    config.features.table = "order".to_owned();
    materialise(&config, false)
        .await
        .expect("a word of SQL is a name");
    assert_eq!(bed.number("SELECT count(*) FROM \"order\"").await, 50);

    execute(
        &bed,
        "UPDATE feature_states SET state = jsonb_set(state, '{format}', '0')",
    )
    .await;
    refused(&config, false, &["state 1 of order", "format 0", "--refit"]).await;
    materialise(&config, true).await.expect("is made anew");
    execute(&bed, "UPDATE feature_states SET source = 'file'").await;
    refused(&config, false, &["was made of a file", "give --data"]).await;
    execute(&bed, "UPDATE feature_states SET source = 'records'").await;

    execute(&bed, "DROP TABLE \"order\"").await;
    let made = materialise(&config, false).await.expect("is made anew");
    assert_eq!((made.version, made.is_new), (3, true));
    execute(&bed, "ALTER TABLE \"order\" RENAME TO away").await;
    execute(&bed, "ALTER TABLE mine RENAME TO \"order\"").await;
    refused(
        &config,
        true,
        &["found order", "no state in feature_states has made"],
    )
    .await;
    execute(&bed, "DROP TABLE \"order\"").await;
    execute(&bed, "ALTER TABLE away RENAME TO \"order\"").await;

    let mut other = config.clone();
    let mut schema = (*other.schema).clone();
    schema.fields.retain(|field| field.name != "kitchen_area");
    other.schema = schema.into();
    refused(&other, false, &["and they differ in kitchen_area"]).await;
    other.prepare.features = "order".to_owned();
    let error = model_prepare::train_on_database(&other, bed.pool()).await;
    let error = format!("{:#}", error.expect_err("another schema"));
    assert!(error.contains("differ in kitchen_area"), "{error}");
    other.prepare.features = "nowhere".to_owned();
    let error = model_prepare::train_on_database(&other, bed.pool()).await;
    let error = format!("{:#}", error.expect_err("no such datamart"));
    assert!(
        error.contains("model-prepare features --to nowhere makes it"),
        "{error}"
    );

    execute(&bed, "CREATE ROLE reader LOGIN PASSWORD 'x'; ").await;
    execute(&bed, "GRANT SELECT ON listings, feature_states TO reader").await;
    let url = bed.database_url();
    let (_, place) = url.split_once('@').expect("a URL with a password");
    let flags = [("database.url", &*format!("postgres://reader:x@{place}"))];
    let mut reader = Config::new(&bed.settings(&flags)).expect("valid settings");
    reader.features.table = "elsewhere".to_owned();
    refused(&reader, false, &["cannot make", "permission denied"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_brings_the_datamart_up_to_date_before_it_trains() {
    let (bed, _) = bed(ROWS).await;
    let settings = bed.settings(&[
        ("prepare.features", "mart"),
        ("prepare.window_days", "36500"),
        ("prepare.effort", "quick"),
    ]);
    let config = Config::new(&settings).expect("valid settings");
    let service =
        Running::start(|listener, leave| model_prepare::run(config, None, listener, leave));
    eventually("it is ready", LIMIT, || service.is_ready()).await;
    let (code, trained) = service.post("/train", "").await;
    assert_eq!((code, &trained["rows"]), (200, &ROWS.into()), "{trained}");
    store(&bed, ROWS..ROWS + 30).await;
    let (code, trained) = service.post("/train", "").await;
    assert_eq!(
        (code, &trained["rows"]),
        (200, &(ROWS + 30).into()),
        "{trained}"
    );
    assert_eq!(
        bed.number("SELECT count(*) FROM mart").await,
        ROWS as i64 + 30
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_records_are_grouped_on_request_and_no_version_is_made() {
    let (bed, _) = bed(ROWS).await;
    let settings = bed.settings(&[("prepare.window_days", "36500")]);
    let config = Config::new(&settings).expect("valid settings");
    let service =
        Running::start(|listener, leave| model_prepare::run(config, None, listener, leave));
    eventually("it is ready", LIMIT, || service.is_ready()).await;
    let (code, found) = service.get("/cluster?k=3").await;
    assert_eq!(code, 200, "{found}");
    assert_eq!(found["k"], 3);
    assert_eq!(found["rows"], ROWS);
    let clusters = found["clusters"].as_array().expect("clusters");
    let sizes = clusters
        .iter()
        .filter_map(|cluster| cluster["size"].as_u64());
    let sizes: Vec<u64> = sizes.collect();
    assert_eq!((sizes.len(), sizes.iter().sum::<u64>()), (3, ROWS as u64));
    assert!(sizes.is_sorted_by(|one, other| one >= other), "{sizes:?}");
    let centre = clusters[0]["centre"].as_object().expect("a centre");
    assert!(
        centre.contains_key("area") && !centre.contains_key("price"),
        "{centre:?}"
    );
    for (path, expected) in [
        ("/cluster?k=1", "found 1"),
        ("/cluster?k=101", "found 101"),
        ("/cluster?groups=2", "groups"),
    ] {
        let (code, why) = service.get(path).await;
        assert_eq!(code, 400, "{why}");
        assert!(why["error"].to_string().contains(expected), "{why}");
    }
    let (_, status) = service.get("/status").await;
    assert_eq!(status["trainings"], 0);
    assert_eq!(status["training"], false);
    let (code, document) = service.get("/openapi.json").await;
    assert_eq!(code, 200);
    assert_eq!(
        document["paths"]["/cluster"]["get"]["operationId"],
        "cluster"
    );
    service.stop().await;
}
