//! What is written of an answer beside its id, its prediction and the model's name.

use std::collections::BTreeSet;

use model_application::Levels;
use records::Task;
use records::identifier::NAME_BYTES;

/// The columns that a task's answers have.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    task: Task,
    /// Of several classes the column of each one's probability.
    probabilities: Vec<String>,
}

impl Columns {
    /// `levels` are those of a model of several classes.
    pub fn of(task: Task, levels: Option<&Levels>) -> Columns {
        let levels = levels.map_or(&[][..], Levels::names);
        let mut taken = BTreeSet::new();
        let names = levels.iter().map(|level| column_of(level, &mut taken));
        Columns {
            task,
            probabilities: names.collect(),
        }
    }

    /// All names, in their order.
    pub fn names(&self) -> Vec<&str> {
        let columns: &[&str] = match self.task {
            Task::Regression => &["low", "high"],
            Task::Classification => &["class"],
            Task::Clustering => &[],
        };
        let probabilities: Vec<&str> = self.probabilities.iter().map(String::as_str).collect();
        [&["id", "prediction"], columns, &probabilities, &["model"]].concat()
    }

    /// Whether there are the ends of a range.
    pub fn has_range(&self) -> bool {
        self.task == Task::Regression
    }

    /// Whether it is reported if a record is of the class.
    pub fn has_class(&self) -> bool {
        self.task == Task::Classification && !self.has_levels()
    }

    /// Whether it is reported which of several classes a record has.
    pub fn has_levels(&self) -> bool {
        !self.probabilities.is_empty()
    }
}

/// `probability_` and the level, as far as a column's name may be long; one that another level has gets a number.
fn column_of(level: &str, taken: &mut BTreeSet<String>) -> String {
    let named = |end: &str| {
        let mut name = format!("probability_{level}");
        let mut bytes = name.len().min(NAME_BYTES - end.len());
        while !name.is_char_boundary(bytes) {
            bytes -= 1;
        }
        name.truncate(bytes);
        name + end
    };
    let mut name = named("");
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = named(&format!("_{number}"));
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_has_a_column_of_its_own() {
        let mut taken = BTreeSet::new();
        let long = "я".repeat(40);
        let names: Vec<String> = ["red", &long, &format!("{long}!")]
            .iter()
            .map(|level| column_of(level, &mut taken))
            .collect();
        assert_eq!(names[0], "probability_red");
        assert!(
            names.iter().all(|name| name.len() <= NAME_BYTES),
            "{names:?}"
        );
        assert!(
            names[1] != names[2] && names[2].ends_with("_2"),
            "{names:?}"
        );
    }
}
