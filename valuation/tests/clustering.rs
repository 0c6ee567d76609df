//! Foods of four kinds: the clusters that are found are the kinds they were made of, the same on any
//! number of threads, and come back from their files or not at all.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use arrow_array::RecordBatch;
use records::{Decoder, Purpose, Schema};
use serde_json::{Value, json};
use valuation::{
    ArtifactError, ClusterReport, Clustering, ClusteringError, ClusteringOptions, Clusters, Why,
};

const NOW_US: i64 = 1_780_000_000_000_000;
/// Energy, fat, sugar and protein of oils, sweets, meats and drinks.
const KINDS: [[f64; 4]; 4] = [
    [880.0, 98.0, 0.5, 0.5],
    [400.0, 4.0, 80.0, 2.0],
    [180.0, 9.0, 0.5, 24.0],
    [25.0, 0.2, 5.0, 0.3],
];
const PACKED: [&str; 4] = ["jar", "bag", "tray", "bottle"];
/// Which kind the rows are of, in turns: drinks are the most frequent.
const TURNS: [usize; 10] = [3, 1, 3, 2, 3, 1, 0, 3, 2, 1];
/// The kinds by falling size.
const BY_SIZE: [usize; 4] = [3, 1, 2, 0];

fn schema(more: &str) -> Schema {
    let mut text =
        "name='food'\nversion=1\ntask='clustering'\ntable='foods'\nkey='id'\n".to_owned();
    text.push_str(more);
    for field in [
        "id text",
        "energy number",
        "fat number",
        "sugars number",
        "proteins number",
        "shelf integer",
        "country category",
        "packed category",
    ] {
        let (name, kind) = field.split_once(' ').unwrap();
        text.push_str(&format!("[[field]]\nname='{name}'\nkind='{kind}'\n"));
    }
    Schema::parse(&text, "food").expect("the schema is valid")
}

fn kind_of(row: usize) -> usize {
    TURNS[row % 10]
}

/// Whether its sugars are not known.
fn is_gap(row: usize) -> bool {
    kind_of(row) == 3 && row.is_multiple_of(3)
}

/// Each within three tenths of its kind; some drinks lack their sugars, every fortieth food how it is packed.
fn foods(rows: usize) -> Vec<Value> {
    let mut state: u64 = 11;
    let mut draw = || {
        state = state * 16_807 % 2_147_483_647;
        0.7 + 0.6 * state as f64 / 2_147_483_647.0
    };
    let food = |row: usize| {
        let [energy, fat, sugars, proteins] = KINDS[kind_of(row)].map(|amount| amount * draw());
        let mut food = json!({
            "id": format!("f{row}"), "energy": energy, "fat": fat, "sugars": sugars,
            "proteins": proteins, "shelf": 1000 + row, "country": "any",
            "packed": PACKED[kind_of(row)],
        });
        if row % 40 == 3 {
            food["packed"] = Value::Null;
        }
        if is_gap(row) {
            food["sugars"] = Value::Null;
        }
        food
    };
    (0..rows).map(food).collect()
}

fn decode(schema: &Schema, rows: &[Value], purpose: Purpose) -> RecordBatch {
    let mut decoder = Decoder::new(schema, purpose);
    for row in rows {
        decoder.push(row.to_string().as_bytes(), NOW_US).unwrap();
    }
    decoder.finish().batch
}

fn fit(
    schema: &Schema,
    batch: &RecordBatch,
    options: ClusteringOptions,
    threads: usize,
) -> Result<(Clusters, ClusterReport), ClusteringError> {
    let clustering = Clustering {
        schema,
        batch,
        options,
        min_rows: 100,
        seed: 42,
        threads,
    };
    clustering.fit("test", NOW_US, &|_| {})
}

fn chosen() -> ClusteringOptions {
    ClusteringOptions {
        most: 7,
        ..ClusteringOptions::default()
    }
}

#[test]
fn the_kinds_are_found_by_the_silhouette_the_largest_first() {
    let schema = schema("");
    let rows = foods(500);
    let batch = decode(&schema, &rows, Purpose::Listing);
    let (clusters, report) = fit(&schema, &batch, chosen(), 0).unwrap();
    assert_eq!(report.tried.len(), 6);
    assert_eq!(
        (report.clusters, report.given),
        (4, false),
        "{:?}",
        report.tried
    );
    let sizes: Vec<usize> = report.found.iter().map(|cluster| cluster.size).collect();
    assert_eq!(sizes, [200, 150, 100, 50]);
    let expected: Vec<usize> = (0..500)
        .map(|row| {
            BY_SIZE
                .iter()
                .position(|kind| *kind == kind_of(row))
                .unwrap()
        })
        .collect();
    assert_eq!(report.members, expected);
    assert_eq!(clusters.predict(&batch).unwrap(), expected);
    assert!(report.silhouette > 0.5, "{}", report.silhouette);
    let again = clusters.silhouette(&batch, &expected).unwrap();
    assert!((again - report.silhouette).abs() < 1e-12);

    // Identifiers and constants are dropped, with a line each.
    let dropped: Vec<&str> = report
        .dropped
        .iter()
        .map(|field| field.field.as_str())
        .collect();
    assert_eq!(dropped, ["shelf", "country"]);
    assert!(matches!(report.dropped[0].why, Why::RunningNumber { .. }));
    let names: Vec<String> = report
        .features
        .iter()
        .map(|feature| feature.name())
        .collect();
    let numbers = ["energy", "fat", "sugars", "proteins"];
    assert_eq!(names[..4], numbers);
    assert_eq!(
        names[4..],
        [
            "packed = bottle",
            "packed = bag",
            "packed = tray",
            "packed = jar"
        ]
    );

    // Shares of the levels: nearly all of its own, and none of the others'.
    let packed = &report.found[1].centre[4..];
    assert!(packed[1] > 0.9 && packed[1] < 1.0, "{packed:?}");
    assert!(
        [packed[0], packed[2], packed[3]]
            .iter()
            .all(|share| share.abs() < 1e-9)
    );

    // Centres are means in the fields' own units.
    for (cluster, kind) in report.found.iter().zip(BY_SIZE) {
        for (found, made) in cluster.centre.iter().zip(KINDS[kind]) {
            let filled = report.features[2].fill;
            let near = (found - made).abs() < 0.06 * made + 0.5 * (filled - made).abs();
            assert!(near, "{kind}: {found}, made of {made}");
        }
    }
    let [first, second] = report.picture.explained;
    assert!(first >= second && second > 0.0 && first + second <= 1.0);
    assert_eq!(report.picture.points.len(), 500);
}

#[test]
fn a_number_of_clusters_may_be_given() {
    let schema = schema("");
    let batch = decode(&schema, &foods(300), Purpose::Listing);
    let options = ClusteringOptions {
        clusters: 3,
        ..ClusteringOptions::default()
    };
    let (_, report) = fit(&schema, &batch, options, 0).unwrap();
    assert_eq!(
        (report.clusters, report.given, report.tried.len()),
        (3, true, 1)
    );
    assert!((report.tried[0].inertia - report.inertia).abs() < 1e-9);
}

#[test]
fn gaps_are_filled_as_the_schema_says() {
    let rows = foods(300);
    let fill = |schema: &Schema| {
        let batch = decode(schema, &rows, Purpose::Listing);
        let (_, report) = fit(schema, &batch, chosen(), 0).unwrap();
        let sugars = report
            .features
            .into_iter()
            .find(|feature| feature.field == "sugars");
        let sugars = sugars.unwrap();
        assert_eq!(sugars.filled, (0..300).filter(|row| is_gap(*row)).count());
        sugars.fill
    };
    assert!(fill(&schema("")) > 1.0, "the median");
    let zero = schema("missing_as='zero'\n");
    assert_eq!(fill(&zero), 0.0);
    let mut back = zero.clone();
    back.fields[3].missing_as = Some(records::MissingAs::Median);
    assert!(fill(&back) > 1.0, "the field's own word counts");
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let schema = schema("");
    let batch = decode(&schema, &foods(400), Purpose::Listing);
    let (one, _) = fit(&schema, &batch, chosen(), 1).unwrap();
    let (many, _) = fit(&schema, &batch, chosen(), 3).unwrap();
    assert_eq!(one, many);
}

#[test]
fn clusters_come_back_from_their_files_or_not_at_all() {
    let schema = schema("");
    let batch = decode(&schema, &foods(300), Purpose::Listing);
    let (clusters, report) = fit(&schema, &batch, chosen(), 0).unwrap();
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("v1");
    std::fs::create_dir(&dir).unwrap();
    clusters.save(&dir).unwrap();
    assert!(matches!(clusters.save(&dir), Err(ArtifactError::NotEmpty)));
    let loaded = Clusters::load(&dir).unwrap();
    assert_eq!(loaded, clusters);
    // A request says less than a listing may: the kind is reported nevertheless.
    let asked = json!({"id": "mine", "energy": 890, "fat": 99});
    let asked = decode(&schema, &[asked], Purpose::Request);
    assert_eq!(loaded.predict(&asked).unwrap(), [report.clusters - 1]);
    assert!(loaded.fits(&schema).is_ok());
    let mut other = schema.clone();
    other.fields[1].unit = Some("kJ".to_owned());
    assert!(loaded.fits(&other).is_ok(), "the model's field has no unit");
    other.fields.remove(2);
    let error = loaded.fits(&other).unwrap_err().to_string();
    assert!(
        error.contains("fat: expected number, found none"),
        "{error}"
    );

    let edit = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(dir.join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(dir.join(file), text.replacen(from, to, 1)).unwrap();
        let error = Clusters::load(&dir).unwrap_err().to_string();
        std::fs::write(dir.join(file), text).unwrap();
        error
    };
    let error = edit("golden.json", "\"prediction\": 0", "\"prediction\": 1");
    assert!(error.contains("does not match SHA256SUMS"), "{error}");
    Clusters::load(&dir).unwrap();
    let error = sums_made_again(
        &dir,
        "golden.json",
        "\"prediction\": 0",
        "\"prediction\": 1",
    );
    assert!(error.contains("golden.json row"), "{error}");
}

/// Edits a file and makes the checksums again, as somebody with a mind to it would.
fn sums_made_again(dir: &Path, file: &str, from: &str, to: &str) -> String {
    use sha2::{Digest, Sha256};
    let text = std::fs::read_to_string(dir.join(file)).unwrap();
    let edited = text.replacen(from, to, 1);
    let hex = |text: &str| -> String {
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let sums = std::fs::read_to_string(dir.join("SHA256SUMS")).unwrap();
    std::fs::write(
        dir.join("SHA256SUMS"),
        sums.replace(&hex(&text), &hex(&edited)),
    )
    .unwrap();
    std::fs::write(dir.join(file), edited).unwrap();
    Clusters::load(dir).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_clustered_is_said() {
    let schema = schema("");
    let few = decode(&schema, &foods(50), Purpose::Listing);
    let error = fit(&schema, &few, chosen(), 0).unwrap_err().to_string();
    assert!(error.contains("at least 100 records, found 50"), "{error}");

    let batch = decode(&schema, &foods(200), Purpose::Listing);
    let option = |options| fit(&schema, &batch, options, 0).unwrap_err().to_string();
    let one = ClusteringOptions {
        clusters: 1,
        ..chosen()
    };
    assert!(option(one).contains("clusters to be 0, or 2 to 100, found 1"));
    let turned = ClusteringOptions {
        least: 9,
        ..chosen()
    };
    assert!(option(turned).contains("most to be 100 at most, and not below least, found 7"));

    let same: Vec<Value> = (0..200)
        .map(|row| json!({"id": row, "energy": row % 2}))
        .collect();
    let same = decode(&schema, &same, Purpose::Listing);
    let (_, report) = fit(&schema, &same, chosen(), 0).unwrap();
    assert_eq!(report.tried.len(), 1, "no three of two distinct records");
    let three = ClusteringOptions {
        clusters: 3,
        ..chosen()
    };
    let error = fit(&schema, &same, three, 0).unwrap_err().to_string();
    assert!(error.contains("fewer distinct records"), "{error}");
    let none: Vec<Value> = (0..200).map(|row| json!({"id": row})).collect();
    let none = decode(&schema, &none, Purpose::Listing);
    let error = fit(&schema, &none, chosen(), 0).unwrap_err().to_string();
    assert!(error.contains("energy: no row has a value"), "{error}");
    let huge: Vec<Value> = (0..200)
        .map(|row| json!({"id": row, "energy": if row % 2 == 0 { 1e300 } else { 0.0 }}))
        .collect();
    let huge = decode(&schema, &huge, Purpose::Listing);
    let error = fit(&schema, &huge, chosen(), 0).unwrap_err().to_string();
    assert!(
        error.contains("numbers in energy that can be squared"),
        "{error}"
    );
    let price = Schema::real_estate();
    let error = fit(&price, &batch, chosen(), 0).unwrap_err().to_string();
    assert!(
        error.contains("expected a schema of task clustering"),
        "{error}"
    );
}
