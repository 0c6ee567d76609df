//! What is checked in an answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use records::timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// An answer on the topic `answers` or over HTTP; unknown fields are ignored.
#[derive(Deserialize)]
pub struct Answer<'a> {
    /// The price; an answer without one is not an answer.
    #[serde(borrow)]
    pub prediction: Option<&'a RawValue>,
    /// Why there is none.
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
    /// The model that made it, where the system names it.
    #[serde(borrow)]
    pub model: Option<Cow<'a, str>>,
    /// When, RFC 3339, where the system names it.
    #[serde(borrow)]
    pub answered_at: Option<Cow<'a, str>>,
}

impl<'a> Answer<'a> {
    /// Reads one; `None` where it is not a JSON object.
    pub fn read(payload: &'a [u8]) -> Option<Answer<'a>> {
        serde_json::from_slice(payload).ok()
    }

    /// Whether it has a price and no error.
    pub fn is_priced(&self) -> bool {
        self.prediction.is_some() && self.error.is_none()
    }
}

/// Which model answered when, kept small: a run has millions of them.
#[derive(Default)]
pub struct Sayings {
    /// Each name once.
    names: BTreeMap<String, u32>,
    /// When it was named (microseconds since 1970, by the applier's own clock) and by whom.
    named: Vec<(i64, u32)>,
    /// Answers that name no model or no time.
    unnamed: u64,
}

impl Sayings {
    /// Notes who made the answer.
    pub fn note(&mut self, answer: &Answer<'_>) {
        let at_us = answer.answered_at.as_deref().and_then(timestamp::parse);
        let (Some(model), Some(at_us)) = (answer.model.as_deref(), at_us) else {
            self.unnamed += 1;
            return;
        };
        let following = self.names.len() as u32;
        let number = match self.names.get(model) {
            Some(number) => *number,
            None => *self.names.entry(model.to_owned()).or_insert(following),
        };
        self.named.push((at_us, number));
    }

    /// Adds what another has noted.
    pub fn join(&mut self, other: Sayings) {
        self.unnamed += other.unnamed;
        let mut renumbered = vec![0; other.names.len()];
        for (name, number) in other.names {
            let following = self.names.len() as u32;
            renumbered[number as usize] = *self.names.entry(name).or_insert(following);
        }
        let naming = other.named.into_iter();
        self.named
            .extend(naming.map(|(at_us, number)| (at_us, renumbered[number as usize])));
    }

    /// Answers that name no model or no time.
    pub fn unnamed(&self) -> u64 {
        self.unnamed
    }

    /// Writes a line an answer: microseconds since 1970, a space, the model's name.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut names = vec![""; self.names.len()];
        for (name, number) in &self.names {
            names[*number as usize] = name;
        }
        let mut text = String::new();
        for (at_us, number) in &self.named {
            writeln!(text, "{at_us} {}", names[*number as usize])?;
        }
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    }
}
