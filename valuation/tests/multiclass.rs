//! Which of several levels a record has.
#![allow(clippy::unwrap_used)]

mod made;

use arrow_array::RecordBatch;
use made::Uniform;
use records::{Decoder, Purpose, Schema};
use valuation::{
    ArtifactError, Cell, Effort, FitError, FitOptions, FitReport, MemberOptions, MulticlassMetrics,
    MulticlassModel, MulticlassReport, Provenance, ScoredRow, TrainedModel, classify,
    classify_levels, predicted_level, train,
};

const SCHEMA: &str = "name='visits'\nversion=1\ntask='classification'\ntable='visits'\nkey='id'\n\
    target='goes'\n[[field]]\nname='id'\nkind='text'\n[[field]]\nname='page'\nkind='category'\n\
    [[field]]\nname='hour'\nkind='number'\n[[field]]\nname='depth'\nkind='number'\n\
    [[field]]\nname='noise'\nkind='number'\n[[field]]\nname='goes'\nkind='category'\n";

const LEVELS: [&str; 3] = ["away", "basket", "help"];

fn schema() -> Schema {
    Schema::parse(SCHEMA, "visits").unwrap()
}

/// Records of three levels that overlap, and how likely each level of a record is in truth.
fn records(count: usize, seed: u64) -> (RecordBatch, Vec<[f64; 3]>) {
    records_with(count, seed, &|_, level| Some(level.to_owned()))
}

/// The same with other names of levels, by row; `None` for no level.
fn records_with(
    count: usize,
    seed: u64,
    name: &dyn Fn(usize, &str) -> Option<String>,
) -> (RecordBatch, Vec<[f64; 3]>) {
    let schema = schema();
    let mut random = Uniform(seed);
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    let mut likely = Vec::new();
    for row in 0..count {
        let page = ["start", "news", "shop"][(random.next() * 3.0) as usize];
        let (hour, depth) = (random.next() * 24.0, random.next());
        let of_page = if page == "shop" { 1.5 } else { 0.0 };
        let scores = [
            1.0 - depth,
            of_page + 1.5 * (hour / 4.0).sin() - 0.5,
            2.0 * depth - 1.0 - of_page / 2.0,
        ];
        let parts = scores.map(f64::exp);
        let sum: f64 = parts.iter().sum();
        let shares = parts.map(|part| part / sum);
        let drawn = random.next();
        let level = match drawn {
            drawn if drawn < shares[0] => 0,
            drawn if drawn < shares[0] + shares[1] => 1,
            _ => 2,
        };
        let mut record = serde_json::json!({
            "id": format!("v{row}"), "page": page, "hour": hour, "depth": depth, "noise": random.next(),
        });
        if let Some(name) = name(row, LEVELS[level]) {
            record["goes"] = name.into();
        }
        let payload = record.to_string();
        // A record without its target is no listing: it is decoded as one whose target is empty.
        if decoder.push(payload.as_bytes(), 0).is_ok() {
            likely.push(shares);
        }
    }
    (decoder.finish().batch, likely)
}

fn fit(batch: &RecordBatch, options: &FitOptions) -> (MulticlassModel, MulticlassReport) {
    classify_levels(&schema(), batch, options, "test", 1).unwrap()
}

fn quick() -> FitOptions {
    FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    }
}

/// The number of each row's level.
fn levels(model: &MulticlassModel, batch: &RecordBatch) -> Vec<usize> {
    let column = batch.column_by_name("goes").unwrap();
    let of = |row: usize| match Cell::of(column, row) {
        Cell::Text(text) => model.levels().iter().position(|level| level == text),
        _ => None,
    };
    (0..batch.num_rows()).map(|row| of(row).unwrap()).collect()
}

#[test]
fn levels_are_told_nearly_as_well_as_by_who_knows_and_probabilities_are_calibrated() {
    let (batch, _) = records(4000, 4);
    let (model, report) = fit(&batch, &FitOptions::default());
    assert_eq!(model.levels(), LEVELS);
    let (unseen, likely) = records(4000, 5);
    let actual = levels(&model, &unseen);
    let predicted = model.probabilities(&unseen).unwrap();
    for row in &predicted {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{row:?}");
        assert!(row.iter().all(|value| *value > 0.0 && *value < 1.0));
    }
    let known: Vec<Vec<f64>> = likely.iter().map(|row| row.to_vec()).collect();
    let found = MulticlassMetrics::of(&predicted, &actual).unwrap();
    let best = MulticlassMetrics::of(&known, &actual).unwrap();
    eprintln!("log loss {} of {}", found.log_loss, best.log_loss);
    assert!(found.log_loss < 1.05 * best.log_loss, "{found:?} {best:?}");
    assert!(found.accuracy > best.accuracy - 0.03, "{found:?} {best:?}");
    // Of those that are predicted to be likely by so much, as many have the level.
    for level in 0..3 {
        for fifth in 0..5 {
            let near = |row: &&usize| (predicted[**row][level] * 5.0) as usize == fifth;
            let rows: Vec<usize> = (0..predicted.len()).collect();
            let of: Vec<&usize> = rows.iter().filter(near).collect();
            if of.len() < 200 {
                continue;
            }
            let count = of.len() as f64;
            let mean = of.iter().map(|row| predicted[**row][level]).sum::<f64>() / count;
            let truth = of.iter().map(|row| likely[**row][level]).sum::<f64>() / count;
            assert!(
                (mean - truth).abs() < 0.06,
                "{level} {fifth}: {mean} {truth}"
            );
        }
    }
    // What the report says of the hold-out is what the shares do not reach.
    let (ours, shares) = (&report.model, &report.baseline);
    assert!(ours.log_loss < 0.9 * shares.log_loss, "{report:?}");
    assert!(ours.accuracy > shares.accuracy + 0.1, "{report:?}");
    assert!(ours.auc.unwrap() > shares.auc.unwrap() + 0.2);
    assert!(ours.brier < shares.brier && ours.macro_f1 > shares.macro_f1);
    assert!(report.calibration_error < 0.08, "{report:?}");
    assert!(
        (report.fold_log_loss - ours.log_loss).abs() < 0.1,
        "{report:?}"
    );
    let confused: usize = ours.confusion.iter().flatten().sum();
    assert_eq!((confused, ours.rows), (800, 800));
    assert_eq!((report.train_rows, report.holdout_rows), (3200, 800));
    for (number, level) in report.levels.iter().enumerate() {
        assert_eq!(level.level, LEVELS[number]);
        let weights: f64 = level.members.iter().map(|member| member.weight).sum();
        assert!((weights - 1.0).abs() < 1e-9, "{level:?}");
        let counted: usize = ours.confusion[number].iter().sum();
        assert_eq!(level.metrics.rows, counted);
        assert!(level.metrics.auc.unwrap().value > 0.6, "{level:?}");
    }
    let last = report.importance.last().map(|field| field.field.as_str());
    assert_eq!(last, Some("noise"), "{:?}", report.importance);
    assert_eq!(report.judged.len(), 800);
    let right = report
        .judged
        .iter()
        .filter(|row| row.low == row.value)
        .count();
    assert!((right as f64 / 800.0 - ours.accuracy).abs() < 1e-9);
}

#[test]
fn a_kept_model_says_the_same_bits_and_one_that_was_changed_is_refused() {
    let (batch, _) = records(900, 7);
    let options = FitOptions::default();
    let provenance = Provenance {
        code_version: "test".to_owned(),
        trained_at_us: 1,
    };
    let (trained, report) = train(&schema(), &batch, &options, provenance).unwrap();
    assert!(matches!(report, FitReport::Multiclass(_)));
    let dir = tempfile::tempdir().unwrap();
    trained.save(dir.path()).unwrap();
    let files: Vec<String> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        files.iter().any(|file| file.starts_with("level-2-")),
        "{files:?}"
    );
    let names = |file: &String| LEVELS.iter().any(|level| file.contains(level));
    assert!(!files.iter().any(names), "{files:?}");
    let loaded = TrainedModel::load(dir.path()).unwrap();
    assert_eq!(loaded, trained);
    assert_eq!((loaded.threshold(), loaded.confidence()), (None, None));
    let (one, other) = (trained.multiclass().unwrap(), loaded.multiclass().unwrap());
    let bits = |model: &MulticlassModel| -> Vec<u64> {
        let rows = model.probabilities(&batch).unwrap();
        rows.into_iter().flatten().map(f64::to_bits).collect()
    };
    assert_eq!(bits(one), bits(other));
    loaded.fits(&schema()).unwrap();
    let of_one = SCHEMA.replace(
        "[[field]]\nname='id'",
        "[class]\nname='x'\nlevel='help'\n[[field]]\nname='id'",
    );
    let of_one = Schema::parse(&of_one, "visits").unwrap();
    let error = loaded.fits(&of_one).unwrap_err().to_string();
    assert!(error.contains("found one class ([class])"), "{error}");
    let (binary, _) = classify(&of_one, &batch, &quick(), "test", 1).unwrap();
    let error = binary.fits(&schema()).unwrap_err().to_string();
    assert!(error.contains("expected one class ([class])"), "{error}");

    let head = dir.path().join("model.json");
    let text = std::fs::read_to_string(&head).unwrap();
    std::fs::write(&head, text.replace("\"help\"", "\"hope\"")).unwrap();
    let error = TrainedModel::load(dir.path()).unwrap_err();
    assert!(matches!(error, ArtifactError::Checksum { .. }));
    std::fs::write(&head, text).unwrap();
    // The parts of two levels, exchanged: the golden rows tell.
    let part = |level: usize| {
        let mut of = files
            .iter()
            .filter(|file| file.starts_with(&format!("level-{level}-")));
        dir.path().join(of.next().unwrap())
    };
    std::fs::remove_file(part(1)).unwrap();
    assert!(TrainedModel::load(dir.path()).is_err());
}

#[test]
fn a_record_alone_has_the_bits_of_a_batch_and_what_is_unseen_is_said_once() {
    let (batch, _) = records(900, 8);
    let (model, _) = fit(&batch, &FitOptions::default());
    let fields: Vec<&str> = batch
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let bound = model.bind_record(&fields).unwrap();
    let (whole, assessed) = (
        model.predict(&batch).unwrap(),
        model.assess(&batch).unwrap(),
    );
    for row in 0..100 {
        let cells: Vec<Cell> = batch
            .columns()
            .iter()
            .map(|column| Cell::of(column, row))
            .collect();
        let alone = model.assess_record(&bound, &cells);
        assert_eq!(alone, assessed[row]);
        assert_eq!(model.predict_record(&bound, &cells), whole[row]);
        assert_eq!(alone.prediction, whole[row]);
        let level = predicted_level(&alone.probabilities);
        assert_eq!(alone.prediction.value, alone.probabilities[level]);
        assert!(alone.unseen.is_empty() && alone.warnings.is_empty());
    }
    let mut decoder = Decoder::new(&schema(), Purpose::Request);
    decoder
        .push(br#"{"id":"x","page":"unheard of"}"#, 0)
        .unwrap();
    let asked = decoder.finish().batch;
    let trained = TrainedModel::Multiclass(Box::new(model));
    let found = trained.assess(&asked).unwrap();
    assert_eq!(found[0].unseen.len(), 1, "{found:?}");
    assert_eq!(found[0].unseen[0].name, "unheard of");
    assert!(!trained.names()["page"].contains("unheard of"));
    assert!(trained.names()["page"].contains("shop"));
}

#[test]
fn reasons_add_up_to_the_log_odds_of_the_predicted_level() {
    let (batch, _) = records(1500, 9);
    let (model, _) = fit(&batch, &FitOptions::default());
    let probabilities = model.probabilities(&batch).unwrap();
    for (row, shares) in probabilities.iter().enumerate().take(40) {
        let explained = model.explain(&batch, row).unwrap();
        let level = predicted_level(shares);
        assert_eq!(explained.level.as_deref(), Some(LEVELS[level]));
        assert_eq!(explained.scale, Some(valuation::Scale::LogOdds));
        let sum = explained.base + explained.reasons.iter().map(|one| one.amount).sum::<f64>();
        // Before normalisation: the probabilities of all levels sum to something near one.
        let alone = 1.0 / (1.0 + (-sum).exp());
        let ratio = alone / shares[level];
        assert!((0.6..1.6).contains(&ratio), "{ratio} {explained:?}");
    }
    assert!(model.explain(&batch, 1500).is_err());
}

#[test]
fn rare_levels_are_left_out_and_counted() {
    // Nineteen rows of one level, and one that none of the last fifth has.
    let name = |row: usize, level: &str| match row {
        row if row % 50 == 3 && row < 950 => Some("rare".to_owned()),
        row if row < 400 && row % 9 == 1 => Some("early".to_owned()),
        _ => Some(level.to_owned()),
    };
    let schema = "name='visits'\nversion=1\ntask='classification'\ntable='visits'\nkey='id'\ntime='at'\n\
        target='goes'\n[[field]]\nname='id'\nkind='text'\n[[field]]\nname='at'\nkind='timestamp'\n[[field]]\n\
        name='depth'\nkind='number'\n[[field]]\nname='goes'\nkind='category'\n";
    let schema = Schema::parse(schema, "visits").unwrap();
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    let mut random = Uniform(3);
    for row in 0..1000 {
        let depth = random.next();
        let level = LEVELS[((depth + random.next()) * 1.4999) as usize];
        let record = serde_json::json!({
            "id": format!("v{row}"), "at": 1_600_000_000 + 60 * row, "depth": depth, "goes": name(row, level),
        });
        decoder
            .push(record.to_string().as_bytes(), 1_700_000_000_000_000)
            .unwrap();
    }
    let batch = decoder.finish().batch;
    let (model, report) = classify_levels(&schema, &batch, &quick(), "test", 1).unwrap();
    assert_eq!(model.levels(), LEVELS);
    let early = (0..400).filter(|row| row % 9 == 1 && row % 50 != 3).count();
    assert_eq!(
        report.removed["rare_class"],
        19 + early,
        "{:?}",
        report.removed
    );
    assert_eq!(report.removed["no_target"], 0);
    assert_eq!(report.train_rows + report.holdout_rows, 1000 - 19 - early);
}

#[test]
fn a_level_of_few_rows_is_fitted_with_all_members() {
    // Twenty rows among a thousand: folds and trees see next to none of them.
    let name = |row: usize, level: &str| {
        let is_rare = row % 51 == 4;
        Some(if is_rare {
            "few".to_owned()
        } else {
            level.to_owned()
        })
    };
    let (batch, _) = records_with(1000, 11, &name);
    let (model, report) = fit(&batch, &FitOptions::default());
    assert_eq!(model.levels(), ["away", "basket", "few", "help"]);
    assert!(report.model.log_loss.is_finite() && report.fold_log_loss.is_finite());
    let few = &report.levels[2];
    assert_eq!(few.train_rows + few.metrics.rows, 20);
    // Nothing tells them from others.
    let predicted = model.probabilities(&batch).unwrap();
    let mean = predicted.iter().map(|row| row[2]).sum::<f64>() / 1000.0;
    assert!((0.005..0.08).contains(&mean), "{mean}");
}

#[test]
fn a_level_that_comes_late_is_not_in_every_fold() {
    // From 5,000 training rows on folds follow time: the first of them have not seen the level.
    let schema = "name='visits'\nversion=1\ntask='classification'\ntable='visits'\nkey='id'\ntime='at'\n\
        target='goes'\n[[field]]\nname='id'\nkind='text'\n[[field]]\nname='at'\nkind='timestamp'\n[[field]]\n\
        name='depth'\nkind='number'\n[[field]]\nname='page'\nkind='category'\n[[field]]\nname='goes'\n\
        kind='category'\n";
    let schema = Schema::parse(schema, "visits").unwrap();
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    let mut random = Uniform(21);
    for row in 0..6500 {
        let depth = random.next();
        let goes = match random.next() {
            drawn if row > 4900 && drawn < 0.1 => "late",
            drawn if drawn < depth => "away",
            _ => "basket",
        };
        let page = ["start", "news", "shop"][(random.next() * 3.0) as usize];
        let record = serde_json::json!({
            "id": format!("v{row}"), "at": 1_600_000_000 + 60 * row, "depth": depth, "page": page, "goes": goes,
        });
        decoder
            .push(record.to_string().as_bytes(), 1_700_000_000_000_000)
            .unwrap();
    }
    let batch = decoder.finish().batch;
    let mut members = Effort::Standard.class_members(5200);
    for member in &mut members {
        match &mut member.options {
            MemberOptions::Boosted(options) => options.rounds = 40,
            MemberOptions::Forest(options) => options.trees = 20,
            _ => {}
        }
    }
    let options = FitOptions {
        members,
        ..FitOptions::default()
    };
    let (model, report) = classify_levels(&schema, &batch, &options, "test", 1).unwrap();
    assert_eq!(model.levels(), ["away", "basket", "late"]);
    assert!(report.levels[2].train_rows < 60, "{report:?}");
    assert!(report.fold_log_loss.is_finite() && report.model.log_loss.is_finite());
    let mean = |level: usize| {
        let rows = model.probabilities(&batch).unwrap();
        rows.iter().map(|row| row[level]).sum::<f64>() / rows.len() as f64
    };
    // A fortieth of the rows: what the folds that have never met it predict says nothing of how likely it is.
    assert!(
        (0.008..0.06).contains(&mean(2)) && mean(0) > 0.4,
        "{} {}",
        mean(0),
        mean(2)
    );
}

#[test]
fn levels_that_are_too_few_or_too_many_are_refused() {
    let (batch, _) = records_with(400, 12, &|_, _| Some("only".to_owned()));
    let error = classify_levels(&schema(), &batch, &quick(), "test", 1).unwrap_err();
    assert!(
        matches!(error, FitError::Levels { found: 1, .. }),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.contains("2 to 50 levels of goes") && text.contains("found 1 (only)"),
        "{text}"
    );
    let many = |count: usize| {
        let (batch, _) = records_with(count * 30, 13, &|row, _| {
            Some(format!("l{}", (row + row / count) % count))
        });
        classify_levels(&schema(), &batch, &quick(), "test", 1)
    };
    let error = many(51).unwrap_err();
    assert!(
        matches!(error, FitError::Levels { found: 51, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("l0, l1, l10, l11, l12, …"),
        "{error}"
    );
    assert_eq!(many(50).unwrap().0.levels().len(), 50);
    // One class is asked of a schema of several.
    let error = classify(&schema(), &batch, &quick(), "test", 1).unwrap_err();
    assert!(matches!(error, FitError::SeveralClasses { .. }), "{error}");
    let (batch, _) = records(100, 14);
    let error = classify_levels(&schema(), &batch, &quick(), "test", 1).unwrap_err();
    assert!(matches!(error, FitError::TooFewRows { .. }), "{error}");
}

#[test]
fn the_same_bytes_on_one_thread_and_on_four() {
    let (batch, _) = records(700, 15);
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

#[test]
fn metrics_are_those_of_scikit_learn() {
    let row = |i: usize| {
        let raw = [1 + i * 37 % 11, 1 + i * 13 % 7, 1 + i * 7 % 5].map(|value| value as f64);
        let sum: f64 = raw.iter().sum();
        let level = (i * 5 % 17 + i * 3 % 4) % 3;
        (
            raw.iter().map(|value| value / sum).collect::<Vec<f64>>(),
            level,
        )
    };
    let (probabilities, actual): (Vec<Vec<f64>>, Vec<usize>) = (0..90).map(row).unzip();
    let found = MulticlassMetrics::of(&probabilities, &actual).unwrap();
    for (found, expected) in [
        found.log_loss,
        found.brier,
        found.accuracy,
        found.balanced_accuracy,
        found.macro_f1,
        found.auc.unwrap(),
    ]
    .into_iter()
    .zip(SKLEARN)
    {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    assert_eq!(found.confusion, CONFUSION);
    // A level that is not among them is impossible, and the loss finite.
    let strange = ScoredRow::of(&[0.5, 0.5], None);
    assert_eq!(
        (strange.of_actual, strange.is_right, strange.brier),
        (0.0, false, 1.5)
    );
    assert!(strange.log_loss() > 30.0 && strange.log_loss().is_finite());
}

/// scikit-learn 1.9.1: log_loss, brier_score_loss, accuracy_score, balanced_accuracy_score, f1_score (macro) and
/// roc_auc_score (ovr).
const SKLEARN: [f64; 6] = [
    1.256_200_185_404_947_2,
    0.746_719_643_428_277_2,
    0.344_444_444_444_444_44,
    0.325_942_684_766_214_2,
    0.291_528_822_055_137_8,
    0.481_148_141_414_685_5,
];
const CONFUSION: [[usize; 3]; 3] = [[22, 11, 1], [19, 6, 1], [20, 7, 3]];
