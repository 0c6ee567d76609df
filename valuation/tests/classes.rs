//! How likely a row is of a class.
#![allow(clippy::unwrap_used)]

mod made;

use made::Uniform;
use valuation::{BoostedOptions, Classifier, ClassifierError, Growth};

fn options(growth: Growth) -> BoostedOptions {
    BoostedOptions {
        growth,
        rounds: 200,
        rate: 0.1,
        leaves: 8,
        depth: 4,
        leaf_rows: 5.0,
        row_share: 0.8,
        column_share: 1.0,
        penalty: 1.0,
        trusted: 0.9,
        patience: 20,
    }
}

/// Rows of three numbers, the third of which says nothing, with how likely each is of the class.
fn rows(count: usize) -> (Vec<f32>, Vec<bool>, Vec<f64>) {
    let mut random = Uniform(4);
    let (mut values, mut classes, mut likely) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let own = [random.next(), random.next(), random.next()];
        let log_odds = 3.0 * (6.0 * own[0]).sin() + 2.0 * own[1] - 1.0;
        let probability = 1.0 / (1.0 + f64::exp(-log_odds));
        values.extend(own.map(|value| value as f32));
        classes.push(random.next() < probability);
        likely.push(probability);
    }
    (values, classes, likely)
}

/// Mean log loss.
fn loss(said: &[f64], classes: &[bool]) -> f64 {
    let rows = said.iter().zip(classes);
    let sum: f64 = rows
        .map(|(said, class)| -if *class { said.ln() } else { (1.0 - said).ln() })
        .sum();
    sum / said.len() as f64
}

#[test]
fn rows_not_seen_are_told_nearly_as_well_as_by_who_knows() {
    let (values, classes, likely) = rows(6000);
    let (learned, judged) = values.split_at(3 * 4000);
    let known = loss(&likely[4000..], &classes[4000..]);
    for growth in [Growth::LeafWise, Growth::Symmetric] {
        let fitted = Classifier::fit(learned, 3, &classes[..4000], &options(growth), 1).unwrap();
        let said = fitted.probabilities(judged);
        assert!(said.iter().all(|own| *own > 0.0 && *own < 1.0));
        let found = loss(&said, &classes[4000..]);
        // Saying the same of all loses 0.65, knowing everything 0.42.
        assert!(found < 1.08 * known, "{growth:?}: {found} {known}");
        // Of those that are said to be likely by so much, as many are of the class.
        for tenth in [1, 3, 5, 7, 9] {
            let near = |own: &f64| (own * 10.0) as usize == tenth;
            let of: Vec<usize> = (0..said.len()).filter(|row| near(&said[*row])).collect();
            let mean = of.iter().map(|row| said[*row]).sum::<f64>() / of.len() as f64;
            let truth = of.iter().map(|row| likely[4000 + row]).sum::<f64>() / of.len() as f64;
            assert!((mean - truth).abs() < 0.1, "{growth:?}: {mean} {truth}");
        }
        let again = Classifier::decode(&fitted.encode().unwrap()).unwrap();
        assert_eq!(again.probabilities(judged), said);
    }
}

#[test]
fn what_cannot_be_told_apart_is_said() {
    let (values, classes, _) = rows(100);
    let options = options(Growth::LeafWise);
    let refused = |values: &[f32], classes: &[bool], options: &BoostedOptions| {
        Classifier::fit(values, 3, classes, options, 1).unwrap_err()
    };
    let error = refused(&values, &[true; 100], &options);
    assert!(matches!(
        error,
        ClassifierError::SingleClass {
            of_class: 100,
            rows: 100
        }
    ));
    assert!(error.to_string().contains("both classes"), "{error}");
    let error = refused(&values[1..], &classes, &options);
    assert!(
        error.to_string().contains("3 values for each of 100 rows"),
        "{error}"
    );
    let leafless = BoostedOptions {
        leaves: 1,
        ..options
    };
    let error = refused(&values, &classes, &leafless);
    assert!(error.to_string().contains("leaves 2 to 1024"), "{error}");
    let error = Classifier::decode(b"oak").unwrap_err();
    assert!(error.to_string().contains("fit it again"), "{error}");
}

#[test]
fn the_same_bytes_on_one_thread_and_on_four() {
    let (values, classes, _) = rows(900);
    let fit = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let options = options(Growth::LeafWise);
            let fitted = Classifier::fit(&values, 3, &classes, &options, 1).unwrap();
            fitted.encode().unwrap()
        })
    };
    assert!(fit(1) == fit(4));
}
