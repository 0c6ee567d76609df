//! How likely a record is of a class.
#![allow(clippy::unwrap_used)]

mod made;

use arrow_array::RecordBatch;
use made::Uniform;
use records::{Decoder, Purpose, Schema};
use valuation::{
    ArtifactError, ClassModel, ClassReport, Effort, FitError, FitOptions, ForestOptions,
    LinearOptions, LogisticOptions, MemberOptions, NamedMember, TrainedModel, classify,
};

const SCHEMA: &str = "name='visits'\nversion=1\ntask='classification'\ntable='visits'\nkey='id'\n\
    target='minutes'\n[class]\nname='long'\nat_least=10\n\
    [[field]]\nname='id'\nkind='text'\n[[field]]\nname='page'\nkind='category'\n\
    [[field]]\nname='hour'\nkind='number'\n[[field]]\nname='depth'\nkind='number'\n\
    [[field]]\nname='noise'\nkind='number'\n[[field]]\nname='minutes'\nkind='integer'\n";

fn schema() -> Schema {
    Schema::parse(SCHEMA, "visits").unwrap()
}

/// Records, and how likely each is of the class in truth.
fn records(count: usize, seed: u64) -> (RecordBatch, Vec<f64>) {
    let schema = schema();
    let mut random = Uniform(seed);
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    let mut likely = Vec::new();
    for row in 0..count {
        let page = ["start", "news", "shop"][(random.next() * 3.0) as usize];
        let (hour, depth) = (random.next() * 24.0, random.next());
        let log_odds = match page {
            "shop" => 1.5,
            "news" => 0.0,
            _ => -1.0,
        } + 2.0 * (hour / 4.0).sin()
            + 2.0 * depth
            - 1.5;
        let probability = 1.0 / (1.0 + f64::exp(-log_odds));
        let minutes = if random.next() < probability {
            10 + row % 20
        } else {
            row % 10
        };
        let record = serde_json::json!({
            "id": format!("v{row}"), "page": page, "hour": hour, "depth": depth,
            "noise": random.next(), "minutes": minutes,
        });
        decoder.push(record.to_string().as_bytes(), 0).unwrap();
        likely.push(probability);
    }
    (decoder.finish().batch, likely)
}

fn fit(batch: &RecordBatch, options: &FitOptions) -> (ClassModel, ClassReport) {
    classify(&schema(), batch, options, "test", 1).unwrap()
}

fn named(name: &str, options: MemberOptions) -> NamedMember {
    NamedMember {
        name: name.to_owned(),
        options,
    }
}

/// Mean log loss.
fn loss(predicted: &[f64], classes: &[Option<bool>]) -> f64 {
    let rows = predicted.iter().zip(classes);
    let sum: f64 = rows
        .map(|(predicted_value, class)| {
            -if *class == Some(true) {
                predicted_value.ln()
            } else {
                (1.0 - predicted_value).ln()
            }
        })
        .sum();
    sum / predicted.len() as f64
}

#[test]
fn classes_are_told_nearly_as_well_as_by_who_knows_and_what_is_said_is_calibrated() {
    let (batch, _) = records(4000, 4);
    let (model, report) = fit(&batch, &FitOptions::default());
    let (unseen, likely) = records(4000, 5);
    let classes = valuation::classes(&schema(), &unseen);
    let predicted: Vec<f64> = model
        .predict(&unseen)
        .unwrap()
        .iter()
        .map(|prediction| prediction.value)
        .collect();
    assert!(predicted.iter().all(|value| *value > 0.0 && *value < 1.0));
    let (found, known) = (loss(&predicted, &classes), loss(&likely, &classes));
    assert!(found < 1.06 * known, "{found} {known}");
    // Of those that are predicted to be likely by so much, as many are of the class.
    for tenth in [1, 3, 5, 7, 9] {
        let near = |value: &f64| (value * 10.0) as usize == tenth;
        let of: Vec<usize> = (0..predicted.len())
            .filter(|row| near(&predicted[*row]))
            .collect();
        let mean = of.iter().map(|row| predicted[*row]).sum::<f64>() / of.len() as f64;
        let truth = of.iter().map(|row| likely[*row]).sum::<f64>() / of.len() as f64;
        assert!((mean - truth).abs() < 0.06, "{tenth}: {mean} {truth}");
    }
    assert!(report.model.auc.value > report.baseline.auc.value + 0.2);
    assert!(report.model.log_loss < report.baseline.log_loss);
    assert!(
        report.calibration_error < 0.08,
        "{}",
        report.calibration_error
    );
    let weights: f64 = report.members.iter().map(|member| member.weight).sum();
    assert!((weights - 1.0).abs() < 1e-9);
    assert_eq!(
        report.members.len(),
        Effort::Standard.class_members(3200).len()
    );
    // What shows nothing matters least; the page and the hour matter.
    assert_eq!(
        report.importance.last().map(|field| field.field.as_str()),
        Some("noise")
    );
    assert!(
        report.importance[0].auc_lost > 0.05,
        "{:?}",
        report.importance
    );
    assert_eq!(report.judged.len(), report.holdout_rows);
    assert_eq!((report.train_rows, report.holdout_rows), (3200, 800));
}

/// Base and amounts of a row, which must be the log odds of its probability.
fn explained(model: &ClassModel, batch: &RecordBatch, row: usize) -> valuation::Explanation {
    let explained = model.explain(batch, row).unwrap();
    let sum = explained.base + explained.reasons.iter().map(|one| one.amount).sum::<f64>();
    let probability = model.predict(&batch.slice(row, 1)).unwrap()[0].value;
    let log_odds = (probability / (1.0 - probability)).ln();
    assert!(
        (sum - log_odds).abs() < 1e-6,
        "{sum} {log_odds} {explained:?}"
    );
    assert_eq!(explained.scale, Some(valuation::Scale::LogOdds));
    assert!(explained.comparables.is_empty());
    explained
}

#[test]
fn reasons_add_up_to_the_log_odds_whatever_the_members_are() {
    let (batch, _) = records(1500, 14);
    let forest = |drawn_cuts| ForestOptions {
        trees: 20,
        leaves: 100,
        leaf_rows: 3.0,
        row_share: 0.63,
        column_share: 0.6,
        drawn_cuts,
    };
    let only = |name: &str, options: MemberOptions| FitOptions {
        members: vec![named(name, options)],
        ..FitOptions::default()
    };
    let logistic = MemberOptions::Logistic(LogisticOptions { penalty: 1e-3 });
    for options in [
        FitOptions::default(),
        only("line", logistic.clone()),
        only("forest", MemberOptions::Forest(forest(false))),
        only("extra", MemberOptions::Forest(forest(true))),
        FitOptions {
            members: vec![
                named("line", logistic),
                named("forest", MemberOptions::Forest(forest(false))),
            ],
            ..FitOptions::default()
        },
    ] {
        let (model, _) = fit(&batch, &options);
        for row in 0..60 {
            explained(&model, &batch, row);
        }
        let trained = TrainedModel::Class(Box::new(model.clone()));
        let same = trained.explain(&batch, 7, 3).unwrap().unwrap();
        assert_eq!(same.clone().stated(), same, "log odds are not rounded");
        assert_eq!(same, model.explain(&batch, 7).unwrap());
    }
    let (model, _) = fit(&batch, &FitOptions::default());
    assert!(model.explain(&batch, 1500).is_err());
}

#[test]
fn what_makes_a_class_likely_is_what_the_records_are_made_of() {
    let (batch, _) = records(4000, 15);
    let (model, _) = fit(&batch, &FitOptions::default());
    let mut decoder = Decoder::new(&schema(), Purpose::Request);
    for page in ["shop", "start"] {
        let record = format!(r#"{{"id":"x","page":"{page}","hour":6,"depth":0.5,"noise":0.5}}"#);
        decoder.push(record.as_bytes(), 0).unwrap();
    }
    let asked = decoder.finish().batch;
    let of = |row: usize, field: &str| {
        let explained = explained(&model, &asked, row);
        let own = explained.reasons.iter().find(|one| one.field == field);
        own.map_or(0.0, |one| one.amount)
    };
    // 1.5 and -1 log odds in truth.
    let apart = of(0, "page") - of(1, "page");
    assert!((1.5..3.5).contains(&apart), "{apart}");
    // Two thirds of a sine more than usual, and nothing.
    assert!(of(0, "hour") > 1.0, "{}", of(0, "hour"));
    assert!(of(0, "noise").abs() < 0.3, "{}", of(0, "noise"));
}

#[test]
fn a_line_alone_tells_what_a_line_can_and_a_threshold_is_where_it_is_set() {
    let (batch, _) = records(2000, 6);
    let logistic = MemberOptions::Logistic(LogisticOptions { penalty: 1e-3 });
    let options = FitOptions {
        members: vec![named("line", logistic)],
        threshold: 0.8,
        ..FitOptions::default()
    };
    let (model, report) = fit(&batch, &options);
    assert_eq!(model.threshold(), 0.8);
    assert!(report.model.auc.value > 0.7, "{:?}", report.model);
    // Of few that are predicted to be of it most are.
    assert!(
        report.model.precision > 0.75 && report.model.recall < 0.6,
        "{:?}",
        report.model
    );
    let confident = report.judged.iter().filter(|row| row.value >= 0.8).count();
    let confusion = report.model.confusion;
    assert_eq!(
        confusion.true_positive + confusion.false_positive,
        confident
    );
}

#[test]
fn a_kept_model_says_the_same_and_one_that_was_changed_is_refused() {
    let (batch, _) = records(800, 7);
    let (model, _) = fit(&batch, &FitOptions::default());
    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path()).unwrap();
    let loaded = TrainedModel::load(dir.path()).unwrap();
    assert_eq!(loaded, TrainedModel::Class(Box::new(model.clone())));
    assert_eq!((loaded.threshold(), loaded.confidence()), (Some(0.5), None));
    assert_eq!(
        loaded.predict(&batch).unwrap(),
        model.predict(&batch).unwrap()
    );
    loaded.fits(&schema()).unwrap();
    let other = SCHEMA.replace(
        "name='depth'\nkind='number'",
        "name='depth'\nkind='integer'",
    );
    let other = Schema::parse(&other, "visits").unwrap();
    assert!(
        loaded
            .fits(&other)
            .unwrap_err()
            .to_string()
            .contains("depth")
    );
    // A record of which little is known gets an answer too.
    let mut decoder = Decoder::new(&schema(), Purpose::Request);
    decoder
        .push(br#"{"id":"x","page":"unheard of"}"#, 0)
        .unwrap();
    let predicted = loaded.predict(&decoder.finish().batch).unwrap()[0].value;
    assert!(predicted > 0.0 && predicted < 1.0);
    let head = dir.path().join("model.json");
    let text = std::fs::read_to_string(&head).unwrap();
    std::fs::write(
        &head,
        text.replace("\"threshold\": 0.5", "\"threshold\": 0.4"),
    )
    .unwrap();
    assert!(matches!(
        TrainedModel::load(dir.path()),
        Err(ArtifactError::Checksum { .. })
    ));
}

#[test]
fn what_cannot_be_told_apart_is_said() {
    let (batch, _) = records(400, 8);
    let refused = |schema: &Schema, options: &FitOptions| {
        classify(schema, &batch, options, "test", 1).unwrap_err()
    };
    let never = Schema::parse(&SCHEMA.replace("at_least=10", "at_least=1000"), "x").unwrap();
    let error = refused(&never, &FitOptions::default());
    assert!(matches!(error, FitError::SingleClass { found: 0, .. }));
    assert!(
        error.to_string().contains("check minutes and [class]"),
        "{error}"
    );
    let options = FitOptions {
        members: vec![named("linear", MemberOptions::Linear(LinearOptions {}))],
        ..FitOptions::default()
    };
    let error = refused(&schema(), &options).to_string();
    assert!(
        error.contains("expected one of logistic, boosted, forest"),
        "{error}"
    );
    let options = FitOptions {
        threshold: 1.5,
        ..FitOptions::default()
    };
    let error = refused(&schema(), &options).to_string();
    assert!(error.contains("threshold between 0 and 1"), "{error}");
    let error = valuation::fit(&schema(), &batch, &FitOptions::default(), "test", 1).unwrap_err();
    assert!(error.to_string().contains("task regression"), "{error}");
}

#[test]
fn the_same_bytes_on_one_thread_and_on_four() {
    let (batch, _) = records(900, 9);
    let files = |threads: usize| {
        let options = FitOptions {
            threads,
            ..FitOptions::default()
        };
        let dir = tempfile::tempdir().unwrap();
        fit(&batch, &options).0.save(dir.path()).unwrap();
        std::fs::read_to_string(dir.path().join("SHA256SUMS")).unwrap()
    };
    assert_eq!(files(1), files(4));
}
