//! `schema infer` on files as people have them: what is proposed reads the file, and states what it is unsure of.

mod made;

use std::fmt::Write as _;
use std::process::Command;

use made::{output_text, run};
use records::measure::Reading;
use records::{Kind, Schema};

/// A proposal for a file: the schema, its text, and its account as JSON.
struct Proposed {
    schema: Schema,
    text: String,
    account: serde_json::Value,
}

fn infer(name: &str, content: &[u8], flags: &[&str]) -> Result<Proposed, String> {
    let home = tempfile::tempdir().expect("temporary directory");
    let file = home.path().join(name);
    std::fs::write(&file, content).expect("file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_model-prepare"));
    let command = command
        .args(["schema", "infer", "--json"])
        .arg(&file)
        .args(flags);
    let output = command.output().expect("runs");
    let (out, error) = output_text(&output);
    if output.status.code() != Some(0) {
        return Err(error);
    }
    let proposal: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let text = proposal["schema"].as_str().expect("a schema").to_owned();
    Ok(Proposed {
        schema: Schema::parse(&text, name).expect("a valid schema"),
        account: proposal["account"].clone(),
        text,
    })
}

fn propose(name: &str, content: &str, flags: &[&str]) -> Proposed {
    infer(name, content.as_bytes(), flags).unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl Proposed {
    /// All rows are taken, and none replaces another.
    fn takes(&self, rows: usize) -> &Proposed {
        assert_eq!(self.account["taken"], rows, "{}", self.text);
        assert_eq!(self.account["replaced"], 0, "{}", self.text);
        self
    }

    fn says(&self, part: &str) -> &Proposed {
        assert!(
            self.text.contains(part),
            "{}\ndoes not say {part:?}",
            self.text
        );
        self
    }

    fn kind(&self, field: &str) -> Kind {
        self.schema
            .field(field)
            .unwrap_or_else(|| panic!("no {field}: {}", self.text))
            .kind
    }

    fn is_learned(&self, field: &str) -> bool {
        self.schema.features().any(|feature| feature.name == field)
    }
}

/// Rows by a header and a line for each number.
fn rows(header: &str, count: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = format!("{header}\n");
    (0..count).for_each(|row| {
        let _ = writeln!(text, "{}", line(row));
    });
    text
}

/// A price that rooms, an area and chance make: nothing tells it alone.
fn price(row: usize) -> usize {
    let chance = [3, 17, 8, 29, 11, 23, 5][row * row % 7] * 10_000;
    200_000 + (row * 37 % 90) * 4_000 + (row % 4) * 50_000 + chance
}

#[test]
fn a_key_is_unique_or_none() {
    let text = rows("agency_id,listing_id,city,price", 300, |row| {
        format!("a{},r{row},{},{}", row % 9, ["K", "P"][row % 2], price(row))
    });
    assert_eq!(
        propose("homes.csv", &text, &["--target", "price"])
            .takes(300)
            .schema
            .key,
        "listing_id"
    );
    let repeats = text.replace(",r", ",x");
    let repeats = repeats
        .lines()
        .map(|line| line.replacen(",x1", ",x2", 1))
        .collect::<Vec<_>>()
        .join("\n");
    let none = propose("homes.csv", &repeats, &["--target", "price"]);
    assert_eq!(none.schema.key, records::schema::PLACE);
    none.says("# As a key \"agency_id\" would keep 9 of 300 rows")
        .says("No key");
    let snapshots = rows("listing_id,day,price", 90, |row| {
        format!("r{},2024-0{}-01,{}", row / 3, row % 3 + 1, price(row))
    });
    propose("homes.csv", &snapshots, &[])
        .takes(90)
        .says("# \"listing_id\" and \"day\" together have another value in every row");
}

#[test]
fn numbers_are_read_as_the_column_writes_them() {
    let grouped = |number: usize, mark: &str| {
        let digits = number.to_string();
        let mut text = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push_str(mark);
            }
            text.push(digit);
        }
        text
    };
    let cases: Vec<(&str, String)> = vec![
        (
            "dots",
            rows("id;preis", 90, |row| {
                format!("a{row};{} €", grouped(5 * price(row), "."))
            }),
        ),
        (
            "commas",
            rows("id;preis", 90, |row| {
                format!("a{row};{}", grouped(5 * price(row), ","))
            }),
        ),
        (
            "spaces",
            rows("id;preis", 90, |row| {
                format!("a{row};{} ₽", grouped(5 * price(row), "\u{a0}"))
            }),
        ),
        (
            "apostrophes",
            rows("id;preis", 90, |row| {
                format!("a{row};CHF {}", grouped(5 * price(row), "'"))
            }),
        ),
        (
            "decimal comma",
            rows("id;preis", 90, |row| {
                format!("a{row};{},00", 5 * price(row))
            }),
        ),
        (
            "words",
            rows("id;preis", 90, |row| {
                format!("a{row};${}K", 5 * price(row) / 1000)
            }),
        ),
        (
            "a script",
            rows("id;preis", 90, |row| {
                let digits = (5 * price(row)).to_string();
                let digits = digits
                    .bytes()
                    .map(|byte| char::from_u32(0x06F0 + u32::from(byte - b'0')));
                format!(
                    "a{row};{} تومان",
                    digits
                        .map(|digit| digit.expect("a digit"))
                        .collect::<String>()
                )
            }),
        ),
    ];
    for (what, text) in cases {
        let proposed = propose("homes.csv", &text, &["--target", "preis"]);
        proposed.takes(90);
        let field = proposed.schema.field("preis").expect("the target");
        let cell = text
            .lines()
            .nth(1)
            .and_then(|line| line.split_once(';'))
            .expect("a row")
            .1;
        let value = (5 * price(0)) as f64;
        assert_eq!(
            field.read(cell),
            records::measure::Reading::Value(value),
            "{what}: {}",
            proposed.text
        );
    }
}

#[test]
fn what_may_be_meant_in_two_ways_is_asked_about() {
    let text = rows("id,preis", 90, |row| {
        format!("a{row},{}.{:03} €", 100 + row * 7 % 800, row * 50 % 1000)
    });
    let undecided = propose("homes.csv", &text, &["--target", "preis"]);
    undecided
        .takes(0)
        .says("may be thousands or decimals")
        .says("--decimal ,");
    // Bare, they would be read as they stand.
    let bare = text.replace(" €", "");
    let error = infer("homes.csv", bare.as_bytes(), &["--target", "preis"])
        .err()
        .expect("ambiguous");
    assert!(
        error.contains("may be thousands or decimals") && error.contains("--decimal ,"),
        "{error}"
    );
    let by = |flag: &str| {
        let proposed = propose(
            "homes.csv",
            &text,
            &["--target", "preis", "--decimal", flag],
        );
        proposed.takes(90);
        let field = proposed.schema.field("preis").expect("the target").clone();
        match field.read("143.400 €") {
            records::measure::Reading::Value(value) => value,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((by(","), by(".")), (143_400.0, 143.4));
    // Beside the target it is left as a text, with the reason.
    let beside = rows("id,plot,price", 90, |row| {
        format!(
            "a{row},{}.{:03},{}",
            1 + row % 9,
            row * 50 % 1000,
            price(row)
        )
    });
    let beside = propose("homes.csv", &beside, &[]);
    assert_eq!(beside.kind("plot"), Kind::Text);
    beside.takes(90).says("may be thousands or decimals");
    let dates = rows("id,listed,price", 40, |row| {
        format!(
            "a{row},{}/{}/2025,{}",
            row % 12 + 1,
            row % 11 + 1,
            price(row)
        )
    });
    let either = propose("homes.csv", &dates, &[]);
    assert_eq!(either.schema.time, None);
    either.says("whether the day or the month comes first");
    let proposed = propose("homes.csv", &dates, &["--dates", "mdy"]);
    proposed.takes(40).says("format = \"%m/%d/%Y\"");
    assert_eq!(proposed.schema.time.as_deref(), Some("listed"));
}

#[test]
fn marks_dates_and_words_are_proposed() {
    for mark in [
        "NA", "N/A", "NULL", "None", "nan", "\\N", "#N/A", "-", ".", "?",
    ] {
        let text = rows("id,lot,built,city,price", 200, |row| {
            let lot = if row % 3 == 0 {
                mark.to_owned()
            } else {
                format!("{}.5", row % 70)
            };
            let built = if row % 5 == 0 {
                mark.to_owned()
            } else {
                format!("{}/11/2026", row % 28 + 1)
            };
            let city = if row % 7 == 0 {
                mark
            } else {
                ["K", "P"][row % 2]
            };
            format!("a{row},{lot},{built},{city},{}", price(row))
        });
        let proposed = propose("homes.csv", &text, &["--target", "price"]);
        assert_eq!(
            proposed.kind("lot"),
            Kind::Number,
            "{mark}: {}",
            proposed.text
        );
        assert_eq!(
            proposed.kind("built"),
            Kind::Timestamp,
            "{mark}: {}",
            proposed.text
        );
        assert!(
            proposed
                .schema
                .missing
                .iter()
                .any(|missing| missing == mark),
            "{mark}"
        );
        proposed.takes(200).says("format = \"%d/%m/%Y\"");
    }
    let text = rows("id,size,lease,storey,sqft,price", 120, |row| {
        let size = ["2 BHK", "4 Bedroom", "3 BHK"][row % 3];
        let lease = if row % 4 == 0 {
            "61 years".to_owned()
        } else {
            format!("{} years 0{} months", 60 + row % 9, row % 9)
        };
        let storey = ["01 TO 03", "04 TO 06"][row % 2];
        let sqft = match row {
            7 => "34.46 Sq. Meter".to_owned(),
            8 => "1100 - 1300".to_owned(),
            row => (900 + row * 13 % 700).to_string(),
        };
        format!("a{row},{size},{lease},{storey},{sqft},{}", price(row))
    });
    let proposed = propose("flats.csv", &text, &["--target", "price"]);
    for field in ["size", "lease", "storey", "sqft"] {
        let kind = proposed.kind(field);
        assert!(
            matches!(kind, Kind::Number | Kind::Integer),
            "{field}: {}",
            proposed.text
        );
    }
    let sqft = proposed.schema.field("sqft").expect("sqft");
    assert_eq!(
        (sqft.unit.as_deref(), sqft.read("1100 - 1300")),
        (None, records::measure::Reading::Value(1200.0))
    );
    proposed.says("1 row has the unit \"Sq. Meter\", which is refused");
    assert_eq!(proposed.account["refused"][0]["rows"], 1);
    assert_eq!(proposed.schema.area(), Some("sqft"));
}

#[test]
fn roles_are_what_they_are_called_as_whole_words() {
    let text = rows(
        "Suburb,Rooms,Price,Date,Bedroom2,Landsize,BuildingArea,Lattitude,Longtitude,last_review",
        100,
        |row| {
            let building = if row % 3 == 0 {
                String::new()
            } else {
                (50 + row % 60).to_string()
            };
            format!(
                "S{},{},{},{}/12/2016,{},{},{building},-37.{:04},144.{:04},2020-01-{:02}",
                row % 5,
                row % 4 + 1,
                price(row),
                row % 28 + 1,
                row % 4,
                100 + row % 90,
                7000 + row,
                9000 + row,
                row % 28 + 1
            )
        },
    );
    let proposed = propose("melbourne.csv", &text, &["--target", "Price"]);
    assert_eq!(proposed.schema.area(), Some("building_area"));
    assert_eq!(proposed.schema.time.as_deref(), Some("date"));
    assert_eq!(proposed.schema.places(), ["lattitude", "longtitude"]);
    proposed.takes(100);
    let reviewed = rows("id,price,last_review", 60, |row| {
        format!("{row},{},2020-01-{:02}", price(row), row % 28 + 1)
    });
    let proposed = propose("airbnb.csv", &reviewed, &["--target", "price"]);
    assert_eq!(proposed.schema.time, None);
    proposed.says("No time: \"last_review\" is not that of a listing");
    let ames = rows(
        "PID,Lot Area,Gr Liv Area,Garage Area,SalePrice",
        60,
        |row| {
            format!(
                "05263{row:05},{},{},{},{}",
                9000 + row,
                900 + row * 7 % 300,
                300 + row,
                price(row)
            )
        },
    );
    let ames = propose("ames.csv", &ames, &[]);
    assert_eq!(
        (ames.schema.area(), ames.schema.target.as_deref()),
        (Some("gr_liv_area"), Some("sale_price"))
    );
    assert_eq!(
        (ames.schema.key.as_str(), ames.kind("pid")),
        ("pid", Kind::Text)
    );
}

#[test]
fn letters_of_hemispheres_are_signs_of_coordinates() {
    let mut text = "id,price,area,lat,lon\n".to_owned();
    for row in 0..200 {
        let _ = writeln!(
            text,
            "h{row},{},{},{}.{:03}° N,{}.{:03}{}",
            200_000 + row * 1_370,
            40 + row % 60,
            37 + row % 3,
            row * 4,
            row % 4,
            100 + row * 3,
            if row % 3 == 0 { "E" } else { "W" }
        );
    }
    let proposed = propose("homes.csv", &text, &[]);
    proposed.takes(200).says("\"W\" = -1").says("\"° N\" = 1");
    assert_eq!(proposed.schema.places(), ["lat", "lon"]);
    let longitude = proposed.schema.field("lon").expect("a field");
    assert_eq!(longitude.read("3.125W"), Reading::Value(-3.125));
}

#[test]
fn what_tells_the_target_is_named_and_not_learned_from() {
    let text = rows(
        "id,area,rooms,PriceUSD,ppm,band,days_on_market,price",
        300,
        |row| {
            let (area, price) = (40 + row * 7 % 61, price(row));
            format!(
                "a{row},{area},{},{:.2},{:.4},{},{},{price}",
                row % 4,
                price as f64 / 30_000.0,
                price as f64 / area as f64,
                price / 8_000,
                row % 30
            )
        },
    );
    let proposed = propose("homes.csv", &text, &["--target", "price"]);
    for field in ["price_usd", "ppm", "band", "days_on_market"] {
        assert!(!proposed.is_learned(field), "{field}: {}", proposed.text);
    }
    for field in ["area", "rooms"] {
        assert!(proposed.is_learned(field), "{field}: {}", proposed.text);
    }
    proposed
        .takes(300)
        .says("with area it gives price to")
        .says("by its name it is a price too");
    let leaks = proposed.account["guesses"].as_array().expect("guesses");
    assert_eq!(
        leaks.iter().filter(|leak| leak["what"] == "leak").count(),
        4
    );
}

#[test]
fn headers_of_any_script_are_told_apart_and_shown_as_written() {
    let text = rows(
        "номер;Площадь m2;Цена за m2;цена;Цена;;",
        60,
        |row| {
            format!(
                "r{row};{},5;{};{};{};x{};y{}",
                40 + row,
                2000 + row,
                price(row),
                row % 7,
                row % 3,
                row % 2
            )
        },
    );
    let proposed = propose("файл.csv", &text, &["--target", "цена"]);
    proposed.takes(60);
    let names: Vec<&str> = proposed
        .schema
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "nomer",
            "ploshchad_m2",
            "tsena_za_m2",
            "tsena",
            "tsena_2",
            "column_6",
            "column_7"
        ],
        "{}",
        proposed.text
    );
    assert_eq!(proposed.schema.target.as_deref(), Some("tsena"));
    assert_eq!(
        proposed.schema.fields[1].column.as_deref(),
        Some("Площадь m2")
    );
    assert_eq!(proposed.schema.area(), Some("ploshchad_m2"));
    let record = rows("{0000-1},1567329,2022-02-25,AB1 1CD,1", 30, |row| {
        format!(
            "{{0000-{}}},{},2022-08-{:02},AB1 {}CD,{row}",
            row + 2,
            price(row),
            row % 28 + 1,
            row % 9
        )
    });
    let error = infer("uk.csv", record.as_bytes(), &["--target", "price"])
        .err()
        .expect("no header");
    assert!(
        error.contains("what looks like a record") && error.contains("--columns"),
        "{error}"
    );
    let flags = [
        "--target",
        "price",
        "--columns",
        "id,price,date,code,number",
    ];
    let named = propose("uk.csv", &record, &flags);
    named
        .takes(31)
        .says("columns = [\"id\", \"price\", \"date\", \"code\", \"number\"]");
    // Years as headers are headers, where another column has a name.
    let years = rows("id,2019,2020,price", 40, |row| {
        format!("a{row},{row},{},{}", row * 3 % 7, price(row))
    });
    assert_eq!(
        propose("years.csv", &years, &[])
            .takes(40)
            .schema
            .fields
            .len(),
        4
    );
}

#[test]
fn a_proposal_takes_the_rows_of_its_file_whatever_the_file() {
    let text = rows("id,district,note,floor,price", 400, |row| {
        let district = if row % 10 == 0 {
            format!("D{}{}", row % 20, "x".repeat(300))
        } else {
            format!("D{}", row % 20)
        };
        let note = if row == 5 {
            "long ".repeat(1500)
        } else {
            format!("note {row}, of a flat")
        };
        format!(
            "a{row},{district},\"{note}\",{},{}",
            if row % 4 == 0 { 0 } else { row % 9 },
            price(row)
        )
    });
    let proposed = propose("long.csv", &text, &["--target", "price"]);
    proposed
        .takes(400)
        .says("max_length = 512")
        .says("rows are 0: if that means");
    let excel = rows("sep=;\nprice;published;lat;lon;area", 40, |row| {
        format!(
            "{} 050 000;{:02}.02.2018;59,8058{row:03};30,376{row:03};{},6",
            row % 9 + 1,
            row % 28 + 1,
            40 + row
        )
    });
    let excel = propose("excel.csv", &excel, &["--target", "price"]);
    excel
        .takes(40)
        .says("format = \"%d.%m.%Y\"")
        .says("decimal = \",\"");
    assert_eq!(
        (excel.kind("area"), excel.schema.time.as_deref()),
        (Kind::Number, Some("published"))
    );
    let lines = (0..60)
        .map(|row| {
            format!(
                "{{\"id\": {row}, \"Sale Price\": {}, \"lat\": 54.{:03}, \"tags\": [1]}}",
                price(row),
                100 + row
            )
        })
        .collect::<Vec<_>>()
        .join("\n");
    let json = propose("homes.jsonl", &lines, &["--target", "Sale Price"]);
    json.takes(60).says("\"tags\" is nested");
    assert_eq!(
        (json.kind("lat"), json.schema.key.as_str()),
        (Kind::Number, "id")
    );
    let (cyrillic, _, _) = encoding_rs::WINDOWS_1251.encode("Город;Цена;Площадь\n");
    let mut bytes = cyrillic.into_owned();
    for row in 0..60 {
        let line = format!(
            "{};{};{},5\n",
            ["Казань", "Пермь"][row % 2],
            price(row),
            40 + row
        );
        bytes.extend_from_slice(&encoding_rs::WINDOWS_1251.encode(&line).0);
    }
    let cyrillic = infer("cp1251.csv", &bytes, &["--target", "Цена"])
        .unwrap_or_else(|error| panic!("{error}"));
    cyrillic.takes(60).says("read as windows-1251");
}

#[test]
fn what_is_proposed_is_learned_from() {
    let home = tempfile::tempdir().expect("temporary directory");
    let text = rows("id;Город;Площадь, м²;Цена", 400, |row| {
        let area = 30 + row * 7 % 60;
        format!(
            "r{row};{};{area},5;{} 000 ₽",
            ["Казань ", "Пермь"][row % 2],
            area * (6 + row % 2 * 3) + row * 13 % 17
        )
    });
    let file = home.path().join("homes.csv");
    std::fs::write(&file, &text).expect("file");
    let file = file.display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_model-prepare"));
    let (schema, error) = output_text(
        &command
            .args(["schema", "infer", &file, "--target", "Цена"])
            .output()
            .expect("runs"),
    );
    let schema_file = home.path().join("homes.toml");
    std::fs::write(&schema_file, &schema).expect("file");
    let schema_file = schema_file.display().to_string();
    let output = run(
        &home.path().join("models"),
        &[
            "--data",
            &file,
            "--schema",
            &schema_file,
            "--set",
            "prepare.effort=quick",
        ],
    );
    let (out, trouble) = output_text(&output);
    assert!(
        out.contains("saved as v000001"),
        "{schema}{error}{out}{trouble}"
    );
    assert!(out.contains("rows rejected by the schema: 0;"), "{out}");
    assert!(schema.contains("area = \"ploshchad_m2\""), "{schema}");
}

#[test]
fn a_column_of_one_value_has_no_role() {
    let text = rows("id,month,area,price", 40, |row| {
        format!("a{row},2018-03,54,{}", price(row))
    });
    let proposed = propose("homes.csv", &text, &[]);
    proposed.takes(40).says("has one value only");
    assert_eq!(
        (&proposed.schema.time, &proposed.schema.area),
        (&None, &None)
    );
}

#[test]
fn what_would_be_wrong_without_a_word_is_said() {
    let future = rows("id,handover_date,price", 90, |row| {
        format!("a{row},209{}-0{}-01,{}", row % 6, row % 9 + 1, price(row))
    });
    let future = propose("homes.csv", &future, &[]);
    assert_eq!(future.takes(90).schema.time, None);
    future.says("# No time: \"handover_date\" has times to come");

    let persian = rows("id,date,price", 90, |row| {
        format!(
            "a{row},140{}/{:02}/{:02},{}",
            row % 4,
            row % 6 + 1,
            row % 31 + 1,
            price(row)
        )
    });
    propose("homes.csv", &persian, &[]).says("Persian or Islamic calendar, which is not read");

    let currencies = rows("id,city,currency,price", 90, |row| {
        let (city, currency) = (["K", "P"][row % 2], ["USD", "EUR", "USD"][row % 3]);
        format!("a{row},{city},{currency},{}", price(row))
    });
    let currencies = propose("homes.csv", &currencies, &[]);
    currencies.says("# Prices in several currencies: USD (60), EUR (30).");
    assert!(currencies.is_learned("currency"));

    let marks = rows("id,floor,year,price", 90, |row| {
        let floor = if row % 9 == 0 {
            -1
        } else {
            1 + (row % 9) as i32
        };
        let year = if row % 10 == 0 { 9999 } else { 1950 + row % 70 };
        format!("a{row},{floor},{year},{}", price(row))
    });
    propose("homes.csv", &marks, &[])
        .says("# 10 of 90 rows are -1, far from all others")
        .says("# 9 of 90 rows are 9999, far from all others");

    let garage = rows("id,kitchen,garage,price", 90, |row| {
        let kitchen = if row % 9 == 0 {
            "none".to_owned()
        } else {
            (5 + row % 12).to_string()
        };
        let garage = ["none", "attached", "built-in"][row % 3];
        format!("a{row},{kitchen},{garage},{}", price(row))
    });
    let garage = propose("homes.csv", &garage, &[]);
    assert_eq!(garage.takes(90).schema.missing, Vec::<String>::new());
    let field = garage.schema.field("kitchen").expect("a field");
    assert_eq!(field.missing, ["none"]);
    garage.says("# 3 levels.");
}

#[test]
fn a_land_that_is_larger_is_not_the_living_area() {
    for (living, land) in [
        ("Alapterület", "Telekterület"),
        ("Stambena površina", "Površina zemljišta"),
        ("Kokonaispinta-ala", "Tontin pinta-ala"),
        ("室内面积", "花园面积"),
        ("Platība", "Zemes platība"),
        ("GFA", "Land size"),
    ] {
        let text = rows(&format!("id,{land},{living},price"), 90, |row| {
            format!(
                "a{row},{},{},{}",
                500 + row * 13 % 700,
                30 + row * 7 % 60,
                price(row)
            )
        });
        let found = propose("homes.csv", &text, &[]);
        let area = found.schema.area.as_deref().expect("an area");
        let field = found.schema.field(area).expect("a field");
        assert_eq!(field.column.as_deref(), Some(living), "{}", found.text);
    }
}

#[test]
fn records_and_header_of_different_lengths_are_explained() {
    for (text, part) in [
        (
            "id,city,price0,K,5\n1,P,6\n2,U,7\n",
            "if the first record is in the header's line, break it there",
        ),
        (
            "id;city;price\n1,K,5\n2,P,6\n",
            "write the header and the records with one separator",
        ),
        (
            "id,city,price\n1,K,5,x\n2,P,6,y\n",
            "give the column that the header lacks a name",
        ),
        (
            "city#area#price\nK#1#5\nP#2#6\n",
            "found one cell in the header, \"city#area#price\"",
        ),
    ] {
        let error = infer("homes.csv", text.as_bytes(), &[])
            .err()
            .expect("refused");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_target_of_few_words_is_of_several_classes() {
    let kinds = ["flat", "house", "studio"];
    let line = |row: usize| format!("a{row},{},{}", 20 + row * 7 % 90, kinds[row % 3]);
    let text = rows("id,area,type", 90, line);
    let proposed = propose("types.csv", &text, &["--target", "type"]);
    proposed.takes(90).says("task = \"classification\"");
    assert!(proposed.schema.is_multiclass(), "{}", proposed.text);
    assert!(proposed.is_learned("area"));
    // Too few records of each, or too many levels.
    for (count, levels) in [(30, 3), (5_000, 60)] {
        let line = |row: usize| format!("a{row},{},kind {}x", 20 + row * 7 % 90, row % levels);
        let text = rows("id,area,type", count, line);
        let error = infer("types.csv", text.as_bytes(), &["--target", "type"]);
        let error = error.err().expect("no classes");
        assert!(error.contains("expected numbers in the target"), "{error}");
    }
}
