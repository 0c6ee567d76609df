//! How likely a row is of a class: boosted trees on the logistic loss. What schemas of
//! `task = "classification"` are to stand on; the pipeline of prices does not use it.

use crate::boosted::{Boosted, BoostedOptions, Table, probability};
use crate::estimator::folds;

/// Folds that say how many trees to grow.
const FOLDS: usize = 5;

/// Why no classifier was fitted or read.
#[derive(Debug, thiserror::Error)]
pub enum ClassifierError {
    /// An option is out of its range.
    #[error("expected {option} {expected}, found {found}: change the setting")]
    Option {
        /// Its name.
        option: &'static str,
        /// Its range.
        expected: &'static str,
        /// Its value.
        found: f64,
    },
    /// Values and classes do not fit together.
    #[error("expected {width} values for each of {rows} rows, found {values}")]
    Shape {
        /// Values a row.
        width: usize,
        /// How many classes were given.
        rows: usize,
        /// How many values.
        values: usize,
    },
    /// Nothing to tell apart.
    #[error(
        "expected rows of both classes, found {of_class} of {rows} in the class: check what the source writes into the target"
    )]
    SingleClass {
        /// Rows in the class.
        of_class: usize,
        /// All rows.
        rows: usize,
    },
    /// Trees could not be grown or read.
    #[error("no classifier: {detail}; fit it again")]
    Trees {
        /// What is wrong.
        detail: String,
    },
}

fn trees(detail: String) -> ClassifierError {
    ClassifierError::Trees { detail }
}

/// Fitted trees that say how likely a row is of the class.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    trees: Boosted,
}

impl Classifier {
    /// Fits on rows of `width` numbers (`values` row-major, NaN where nothing is known), of which
    /// `classes` says which are of the class. As many trees are grown as rows in folds, which their
    /// trees have not seen, are best told by (the least log loss); `options.trusted` is for numbers
    /// and not used. The same bits on any number of threads.
    ///
    /// # Errors
    /// When an option is out of range, the numbers do not fit together, or all rows are of one class.
    pub fn fit(
        values: &[f32],
        width: usize,
        classes: &[bool],
        options: &BoostedOptions,
        seed: u64,
    ) -> Result<Classifier, ClassifierError> {
        let rows = classes.len();
        if width == 0 || values.len() != width * rows {
            return Err(ClassifierError::Shape {
                width,
                rows,
                values: values.len(),
            });
        }
        let broken = |(option, expected, found)| ClassifierError::Option {
            option,
            expected,
            found,
        };
        options.check().map_err(broken)?;
        let of_class = classes.iter().filter(|class| **class).count();
        if of_class == 0 || of_class == rows {
            return Err(ClassifierError::SingleClass { of_class, rows });
        }
        let options = BoostedOptions {
            trusted: 1.0,
            ..options.clone()
        };
        let targets = classes.iter().map(|class| f64::from(u8::from(*class)));
        let table = Table::new(values.to_vec(), &[], targets.collect()).map_err(trees)?;
        let table = table.of_classes();
        let folds = folds::some(rows, FOLDS, seed);
        let (_, rounds) = Boosted::out_of_fold(&table, &folds, &options, 1.0, seed);
        let fitted = Boosted::fit(&table, &options, rounds, seed).map_err(trees)?;
        Ok(Classifier { trees: fitted })
    }

    /// How likely each row of `values` (row-major) is of the class, 0 to 1.
    pub fn probabilities(&self, values: &[f32]) -> Vec<f64> {
        let log_odds = self.trees.rows(values);
        log_odds.into_iter().map(probability).collect()
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// When the trees cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, ClassifierError> {
        self.trees.encode().map_err(trees)
    }

    /// Reads what [`Classifier::encode`] wrote; the trees are checked.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Classifier, ClassifierError> {
        let trees = Boosted::decode(bytes).map_err(trees)?;
        Ok(Classifier { trees })
    }
}
