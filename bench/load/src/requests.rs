//! Requests made of listings: the same without the price, the time and the listing's own id.

use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Map, Value};

/// Different requests that are taken from a file at most: they are sent again and again.
const MOST: usize = 10_000;

/// Requests in turn, each with a number as its id.
pub struct Requests {
    /// What follows the id, the comma and the closing brace included.
    rests: Vec<Vec<u8>>,
}

impl Requests {
    /// Reads listings, one JSON object a line.
    ///
    /// # Errors
    /// When the file cannot be read, has no line, or a line is not an object.
    pub fn read(path: &Path) -> anyhow::Result<Requests> {
        let file = std::fs::File::open(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let mut rests = Vec::new();
        for line in BufReader::new(file).lines().take(MOST) {
            let mut listing: Map<String, Value> = serde_json::from_str(&line?)
                .with_context(|| format!("a line of {} is no JSON object", path.display()))?;
            for name in ["id", "listed_at", "price"] {
                listing.remove(name);
            }
            let object = serde_json::to_string(&listing)?;
            rests.push(format!(",{}", &object[1..]).into_bytes());
        }
        ensure!(!rests.is_empty(), "{} has no line", path.display());
        Ok(Requests { rests })
    }

    /// Writes the request with this number into `buffer`, which is emptied first.
    pub fn write(&self, number: u64, buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(b"{\"id\":");
        buffer.extend_from_slice(number.to_string().as_bytes());
        buffer.extend_from_slice(&self.rests[number as usize % self.rests.len()]);
    }
}
