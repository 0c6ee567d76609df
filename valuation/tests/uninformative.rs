//! Fields that cannot say anything are found, said and not read; the price is that of a model without
//! them.

use records::{Decoder, Purpose, Schema};
use serde_json::{Value, json};
use valuation::{Dropped, Effort, FitOptions, Model, Report, Why};

/// Draws that are the same everywhere.
struct Draws(u64);

impl Draws {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn schema(useless: bool) -> Schema {
    let mut fields = vec!["make category", "mileage integer", "power number"];
    if useless {
        fields.extend([
            "picture category",
            "number_plate category",
            "is_new boolean",
            "country category",
            "wheels integer",
            "bed_height number",
            "dealer_id integer",
            "row integer",
            "checked timestamp",
        ]);
    }
    let mut text = "name='cars'\nversion=1\ntask='regression'\ntable='cars'\nkey='vin'\n\
        target='price'\n[[field]]\nname='vin'\nkind='text'\n[[field]]\nname='price'\n\
        kind='number'\n"
        .to_owned();
    for field in fields {
        let (name, kind) = field.split_once(' ').expect("a name and a kind");
        text.push_str(&format!("[[field]]\nname='{name}'\nkind='{kind}'\n"));
    }
    Schema::parse(&text, "cars").expect("the schema is valid")
}

fn cars(rows: usize) -> Vec<Value> {
    let mut draws = Draws(7);
    (0..rows)
        .map(|row| {
            let (mileage, power) = (
                (draws.next() * 100_000.0) as i64,
                80.0 + 200.0 * draws.next(),
            );
            let make = row % 3;
            let name = ["Ada", "Bea", "Cleo"][make];
            let log = 9.0 + 0.3 * make as f64 + 0.004 * power - 6e-6 * mileage as f64
                + 0.05 * draws.next();
            let mut car = json!({
                "vin": format!("v{row}"), "price": log.exp(), "mileage": mileage, "power": power,
                "make": name,
                // Called for once in a hundred rows: no name of its own for every row.
                "picture": format!("https://pictures.example/{}", row - row % 100 / 99),
                "is_new": false, "country": "Ruritania", "wheels": 4,
                "dealer_id": 5_000_000 + row * 7_919 % 100_003 * 131, "row": rows - row,
            });
            // Constant where it is known: that it is not may say something.
            if row % 2 == 0 {
                car["number_plate"] = json!("seen");
            }
            car
        })
        .collect()
}

fn fitted(schema: &Schema, cars: &[Value]) -> (Model, Report) {
    let mut decoder = Decoder::new(schema, Purpose::Listing);
    for car in cars {
        let payload = car.to_string();
        decoder.push(payload.as_bytes(), 0).expect("a good record");
    }
    let options = FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    };
    let batch = decoder.finish().batch;
    valuation::fit(schema, &batch, &options, "test", 1).expect("a model can be fitted")
}

fn price(model: &Model, schema: &Schema, record: &Value) -> f64 {
    let mut decoder = Decoder::new(schema, Purpose::Request);
    let payload = record.to_string();
    decoder.push(payload.as_bytes(), 0).expect("a request");
    model.predict(&decoder.finish().batch).expect("a price")[0].value
}

#[test]
fn what_says_nothing_is_dropped_with_its_reason() {
    let (wide, narrow, cars) = (schema(true), schema(false), cars(1000));
    let (model, report) = fitted(&wide, &cars);
    let dropped: Vec<String> = report.dropped.iter().map(ToString::to_string).collect();
    assert_eq!(
        dropped,
        [
            "picture: an identifier, 990 values in 1000 rows",
            "is_new: false in every row",
            "country: \"Ruritania\" in every row",
            "wheels: 4 in every row",
            "bed_height: no row has a value",
            "dealer_id: an identifier, 1000 values in 1000 rows",
            "row: a running number, 1 to 1000",
            "checked: no row has a value",
        ]
    );

    // The model is that of a schema without them, except for whether a plate was seen.
    let (plain, without) = fitted(&narrow, &cars);
    assert!(report.features > without.features);
    let (ours, theirs) = (report.model.mdape, without.model.mdape);
    assert!((ours - theirs).abs() < 0.002, "{ours} {theirs}");
    assert!(without.dropped.is_empty(), "{:?}", without.dropped);

    // Requests may carry them, with any value, or leave them out: nothing changes.
    let bare = json!({"vin": "a", "make": "Bea", "mileage": 30_000, "power": 120.0});
    let mut full = bare.clone();
    for (name, value) in [
        ("picture", json!("none")),
        ("is_new", json!(true)),
        ("country", json!("Freedonia")),
        ("wheels", json!(3)),
        ("bed_height", json!(12.5)),
        ("dealer_id", json!(1)),
        ("row", json!(-5)),
        ("checked", json!("2026-01-01T00:00:00Z")),
    ] {
        full[name] = value;
    }
    assert_eq!(price(&model, &wide, &bare), price(&model, &wide, &full));
    model.fits(&narrow).expect_err("the plate is read");
    let mut fewer = wide.clone();
    let is_dropped = |name: &str| report.dropped.iter().any(|field| field.field == name);
    fewer.fields.retain(|field| !is_dropped(&field.name));
    model
        .fits(&fewer)
        .expect("what is dropped is not asked for");
    assert!(price(&plain, &narrow, &bare) > 0.0);

    // What was dropped travels with the model.
    let home = tempfile::tempdir().expect("a directory");
    model.save(home.path()).expect("saves");
    let loaded = Model::load(home.path()).expect("loads");
    assert_eq!(loaded.report().dropped, report.dropped);
    let head = std::fs::read_to_string(home.path().join("model.json")).expect("reads");
    let head: Value = serde_json::from_str(&head).expect("JSON");
    let first = &head["report"]["dropped"][0];
    assert_eq!(
        (&first["field"], &first["why"]),
        (&json!("picture"), &json!("identifier"))
    );
}

#[test]
fn what_has_a_role_stays_and_few_rows_prove_no_identifier() {
    let mut wide = schema(true);
    wide.area = Some("wheels".to_owned());
    let (_, report) = fitted(&wide, &cars(1000));
    let is_dropped =
        |report: &Report, name: &str| report.dropped.iter().any(|field| field.field == name);
    assert!(!is_dropped(&report, "wheels") && is_dropped(&report, "row"));

    // A measure differs from row to row, too: it is not a number that was given out.
    assert!(!is_dropped(&report, "mileage"));
    let mut few = cars(90);
    for (row, car) in few.iter_mut().enumerate() {
        car["picture"] = json!(format!("p{row}"));
    }
    let options = FitOptions {
        effort: Effort::Quick,
        min_rows: 50,
        ..FitOptions::default()
    };
    let schema = schema(true);
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    for car in &few {
        let payload = car.to_string();
        decoder.push(payload.as_bytes(), 0).expect("a good record");
    }
    let batch = decoder.finish().batch;
    let (_, report) = valuation::fit(&schema, &batch, &options, "test", 1).expect("fits");
    assert!(!is_dropped(&report, "picture") && !is_dropped(&report, "row"));
    let constant = Dropped {
        field: "wheels".to_owned(),
        why: Why::Constant {
            value: "4".to_owned(),
        },
    };
    assert!(report.dropped.contains(&constant), "{:?}", report.dropped);
}
