//! What is written of an answer beside its id, its prediction and the model's name.

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
