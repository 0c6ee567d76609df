//! What a fit tells its observer, whatever the task; and that telling changes nothing.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use records::{Decoder, Purpose, Schema, Task};
use valuation::{
    ClusteringOptions, Effort, FitOptions, FitProgress, FitReport, FitStage, Measure,
    MemberOptions, NamedMember, Observer, Provenance, TrainedModel, train,
};

const NOW_US: i64 = 1_767_225_600_000_000;
const ROWS: usize = 900;

const REGRESSION: &str = "task='regression'\ntarget='minutes'";
const CLASSIFICATION: &str =
    "task='classification'\ntarget='minutes'\n[class]\nname='long'\nat_least=8";
const CLUSTERING: &str = "task='clustering'";

/// Visits of pages, of which no line says how long they are. `roles` are the lines of the task.
fn visits(roles: &str, rows: usize) -> (Schema, RecordBatch) {
    let text = format!(
        "name='visits'\nversion=1\ntable='visits'\nkey='id'\n{roles}\n\
         [[field]]\nname='id'\nkind='text'\n[[field]]\nname='depth'\nkind='number'\n\
         [[field]]\nname='hour'\nkind='number'\n[[field]]\nname='minutes'\nkind='number'\n"
    );
    let schema = Schema::parse(&text, "visits").unwrap();
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    for row in 0..rows {
        let depth = (row * 37 % 1009) as f64 / 10.0;
        let hour = (row * 53 % 997) as f64 / 41.5;
        let noise = (row * 29 % 83) as f64 / 83.0;
        let minutes = 8.0 + 4.0 * (depth / 9.0).sin() * (hour / 5.0).cos() + noise;
        let record = serde_json::json!({
            "id": format!("v{row}"), "depth": depth, "hour": hour, "minutes": minutes,
        });
        decoder.push(record.to_string().as_bytes(), NOW_US).unwrap();
    }
    (schema, decoder.finish().batch)
}

/// The default members, with few trees.
fn members(task: Task) -> Vec<NamedMember> {
    let mut members = match task {
        Task::Regression => Effort::Standard.members(ROWS),
        Task::Classification => Effort::Standard.class_members(ROWS),
        Task::Clustering => Vec::new(),
    };
    for member in &mut members {
        match &mut member.options {
            MemberOptions::Boosted(options) => options.rounds = 30,
            MemberOptions::Forest(options) => options.trees = 20,
            _ => {}
        }
    }
    members
}

fn options(schema: &Schema, observer: Observer, threads: usize) -> FitOptions {
    FitOptions {
        members: members(schema.task),
        clustering: ClusteringOptions {
            most: 5,
            ..ClusteringOptions::default()
        },
        threads,
        observer,
        ..FitOptions::default()
    }
}

fn trained(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
) -> (TrainedModel, FitReport) {
    let provenance = Provenance {
        code_version: "test".to_owned(),
        trained_at_us: NOW_US,
    };
    train(schema, batch, options, provenance).unwrap()
}

/// An observer, and what it is told.
fn watching() -> (Observer, Arc<Mutex<Vec<FitProgress>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let observer = Observer::new(move |progress: &FitProgress| {
        kept.lock().unwrap().push(progress.clone());
    });
    (observer, told)
}

/// What a fit on two threads tells, with what holds of every task.
fn watched(roles: &str) -> (Vec<FitProgress>, FitReport) {
    let (schema, batch) = visits(roles, ROWS);
    let (observer, told) = watching();
    let (_, report) = trained(&schema, &batch, &options(&schema, observer, 2));
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(told[0].stage, FitStage::Binding);
    let last = told.last().unwrap();
    assert_eq!((last.stage, last.fraction), (FitStage::Done, 1.0));
    assert_eq!(last.left_s, Some(0.0));
    for pair in told.windows(2) {
        let [before, after] = pair else {
            unreachable!("two of them")
        };
        assert!(before.stage <= after.stage, "{before:?}\n{after:?}");
        assert!(before.fraction <= after.fraction, "{before:?}\n{after:?}");
        assert!(before.elapsed_s <= after.elapsed_s);
        let is_kept = before.estimated_s.is_none() || before.estimated_s == after.estimated_s;
        assert!(is_kept, "{before:?}\n{after:?}");
        for (earlier, later) in before.members.iter().zip(&after.members) {
            assert!(earlier.folds_done <= later.folds_done, "{later:?}");
        }
    }
    let nearly = &told[..told.len() - 1];
    assert!(nearly.iter().all(|one| (0.0..1.0).contains(&one.fraction)));
    assert!(nearly.iter().any(|one| one.left_s > Some(0.0)), "{told:#?}");
    for member in &last.members {
        assert_eq!(member.folds_done, member.folds, "{member:?}");
    }
    (told, report)
}

fn stages(told: &[FitProgress]) -> Vec<FitStage> {
    let mut stages: Vec<FitStage> = told.iter().map(|one| one.stage).collect();
    stages.dedup();
    stages
}

const SUPERVISED: [FitStage; 8] = [
    FitStage::Binding,
    FitStage::Folds,
    FitStage::Weights,
    FitStage::Intervals,
    FitStage::Judging,
    FitStage::Refit,
    FitStage::Explaining,
    FitStage::Done,
];

/// Every fold of every member is told of.
fn every_fold(told: &[FitProgress]) {
    let last = told.last().unwrap();
    for member in &last.members {
        let folds = told
            .iter()
            .filter(|one| one.member.as_ref() == Some(&member.name));
        for number in 1..=last.folds {
            let mut folds = folds.clone();
            let is_told = folds.any(|one| one.fold == Some(number));
            assert!(is_told, "fold {number} of {}", member.name);
        }
    }
}

#[test]
fn a_regression_tells_its_stages_folds_and_errors() {
    let (told, report) = watched(REGRESSION);
    assert_eq!(stages(&told), SUPERVISED);
    every_fold(&told);
    let last = told.last().unwrap();
    let report = report.price().unwrap();
    assert_eq!((last.rows, last.folds), (report.train_rows, 5));
    assert_eq!((last.fields, last.measure), (2, Measure::RmseLog));
    assert_eq!(last.members.len(), report.members.len());
    for (told, known) in last.members.iter().zip(&report.members) {
        assert_eq!(told.name, known.name);
        let value = told.value.unwrap();
        assert!(
            (value - known.fold_error).abs() < 1e-9,
            "{told:?} {known:?}"
        );
    }
    let members = report.members.iter();
    let best = members.min_by(|one, other| one.fold_error.total_cmp(&other.fold_error));
    assert_eq!(last.best.as_ref(), best.map(|best| &best.name));
    // An error is known before all folds are done.
    let early = told.iter().flat_map(|one| &one.members);
    let mut early = early.filter(|member| member.folds_done < member.folds);
    assert!(early.any(|member| member.value.is_some()));
}

#[test]
fn a_classification_tells_its_stages_folds_and_losses() {
    let (told, report) = watched(CLASSIFICATION);
    assert_eq!(stages(&told), SUPERVISED);
    every_fold(&told);
    let last = told.last().unwrap();
    assert_eq!(last.measure, Measure::LogLoss);
    let names: Vec<&str> = last.members.iter().map(|one| one.name.as_str()).collect();
    let known = &report.class().unwrap().members;
    let known: Vec<&str> = known.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, known);
    let values = last.members.iter().map(|one| one.value.unwrap());
    let least = values.clone().fold(f64::MAX, f64::min);
    // A coin has ln 2.
    assert!(least < 0.6, "{:?}", values.collect::<Vec<_>>());
    let best = last.members.iter().find(|one| one.value == Some(least));
    assert_eq!(last.best.as_ref(), best.map(|best| &best.name));
}

#[test]
fn a_clustering_tells_every_number_of_clusters() {
    let (told, report) = watched(CLUSTERING);
    let expected = [
        FitStage::Binding,
        FitStage::Clusters,
        FitStage::Explaining,
        FitStage::Done,
    ];
    assert_eq!(stages(&told), expected);
    let (last, report) = (told.last().unwrap(), report.clusters().unwrap());
    assert_eq!(last.measure, Measure::Silhouette);
    assert_eq!(last.members.len(), report.tried.len());
    for (told, known) in last.members.iter().zip(&report.tried) {
        assert_eq!(told.name, known.clusters.to_string());
        assert_eq!(told.value, Some(known.silhouette));
    }
    assert_eq!(last.best, Some(report.clusters.to_string()));
}

#[test]
fn the_model_is_the_same_whoever_watches() {
    for roles in [REGRESSION, CLASSIFICATION, CLUSTERING] {
        let (schema, batch) = visits(roles, ROWS);
        let bits = |observer: Observer, threads: usize| -> Vec<[u64; 3]> {
            let (model, _) = trained(&schema, &batch, &options(&schema, observer, threads));
            let predicted = model.predict(&batch).unwrap();
            let bits = predicted.iter().map(|one| [one.value, one.low, one.high]);
            bits.map(|one| one.map(f64::to_bits)).collect()
        };
        let unwatched = bits(Observer::default(), 2);
        for threads in [1, 4] {
            let (observer, told) = watching();
            assert_eq!(bits(observer, threads), unwatched, "{roles}");
            assert!(told.lock().unwrap().len() > 3);
        }
    }
}

#[test]
fn a_fit_that_is_refused_is_not_said_to_be_done() {
    let (schema, batch) = visits(REGRESSION, 60);
    let (observer, told) = watching();
    let provenance = Provenance {
        code_version: "test".to_owned(),
        trained_at_us: NOW_US,
    };
    let refused = train(&schema, &batch, &options(&schema, observer, 1), provenance);
    assert!(refused.is_err());
    let told = told.lock().unwrap();
    let stages: Vec<FitStage> = told.iter().map(|one| one.stage).collect();
    assert_eq!(stages, [FitStage::Binding]);
}

#[test]
fn of_several_classes_it_is_that_of_the_members_of_all_of_them() {
    let text = "name='visits'\nversion=1\ntable='visits'\nkey='id'\ntask='classification'\ntarget='goes'\n\
         [[field]]\nname='id'\nkind='text'\n[[field]]\nname='depth'\nkind='number'\n\
         [[field]]\nname='goes'\nkind='category'\n";
    let schema = Schema::parse(text, "visits").unwrap();
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    for row in 0..600 {
        let depth = (row * 37 % 1009) as f64 / 10.0;
        let goes = ["away", "basket", "help"][(depth as usize / 20 + row % 3) % 3];
        let record = serde_json::json!({"id": format!("v{row}"), "depth": depth, "goes": goes});
        decoder.push(record.to_string().as_bytes(), NOW_US).unwrap();
    }
    let batch = decoder.finish().batch;
    let (observer, heard) = watching();
    let options = FitOptions {
        effort: Effort::Quick,
        observer,
        ..FitOptions::default()
    };
    valuation::classify_levels(&schema, &batch, &options, "test", 1).unwrap();
    let heard = heard.lock().unwrap();
    let last = heard.last().unwrap();
    assert_eq!((last.stage, last.fraction), (FitStage::Done, 1.0));
    let names: Vec<&str> = last
        .members
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    let expected = ["away", "basket", "help"].map(|level| format!("logistic of {level}"));
    assert_eq!(names, expected);
    // A rare level has less loss, which makes its members no better.
    assert_eq!(last.best, None);
    for pair in heard.windows(2) {
        assert!(pair[0].stage <= pair[1].stage && pair[0].fraction <= pair[1].fraction);
    }
    // All members are fitted before the stage is over.
    let weighed = heard.iter().find(|one| one.stage == FitStage::Weights);
    let members = &weighed.unwrap().members;
    let is_done = |member: &valuation::MemberProgress| {
        member.value.is_some() && member.folds_done == member.folds
    };
    assert!(members.iter().all(is_done), "{members:?}");
}
