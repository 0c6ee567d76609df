//! Names in alphabetical order, of which one is found by its hash.

use std::collections::HashMap;
use std::fmt;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

/// Names in alphabetical order; in a file, and shown, a list.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub(super) struct Levels {
    names: Vec<String>,
    /// Where a name is among them.
    places: HashMap<String, usize, FixedState>,
}

impl Levels {
    /// The names.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Where a name is among them.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }
}

impl From<Vec<String>> for Levels {
    fn from(names: Vec<String>) -> Levels {
        let places = names.iter().enumerate();
        Levels {
            places: places.map(|(at, name)| (name.clone(), at)).collect(),
            names,
        }
    }
}

impl From<Levels> for Vec<String> {
    fn from(levels: Levels) -> Vec<String> {
        levels.names
    }
}

impl PartialEq for Levels {
    fn eq(&self, other: &Levels) -> bool {
        self.names == other.names
    }
}

/// As the list: the id of a profile is made of it.
impl fmt::Debug for Levels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names.fmt(out)
    }
}
