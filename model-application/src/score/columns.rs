//! What is written of an answer beside its id, its prediction and the model's name.

use model_application::Answer;
use records::Task;

/// The columns that a task's answers have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    task: Task,
}

impl Columns {
    pub fn of(task: Task) -> Columns {
        Columns { task }
    }

    /// All names, in their order.
    pub fn names(self) -> Vec<&'static str> {
        let columns: &[&str] = match self.task {
            Task::Regression => &["low", "high"],
            Task::Classification => &["class"],
            Task::Clustering => &[],
        };
        [&["id", "prediction"], columns, &["model"]].concat()
    }

    /// Whether there are the ends of a range.
    pub fn has_range(self) -> bool {
        self.task == Task::Regression
    }

    /// Whether it is reported if a record is of the class.
    pub fn has_class(self) -> bool {
        self.task == Task::Classification
    }
}

/// The ends of an answer's range; the prediction itself where it has none.
pub(super) fn range(answer: &Answer) -> (f64, f64) {
    let end = |end: Option<f64>| end.unwrap_or(answer.prediction);
    (end(answer.low), end(answer.high))
}

/// Whether a record is predicted to be of the class.
pub(super) fn class(answer: &Answer) -> bool {
    answer.class.unwrap_or_default()
}
