//! Values by text, as rows look them up: by hash, in the order of the texts wherever all are gone through.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by text; in a file a map in the order of its texts, as it always was.
///
/// The hash is the same in every process and needs no secret: only texts of the training rows are ever put
/// in, and looking another up costs no more than one comparison or two.
#[derive(Debug, Clone)]
pub(crate) struct ByText<V> {
    /// In the order of the texts.
    entries: Vec<(String, V)>,
    /// Where a text stands among them.
    places: HashMap<Box<str>, u32, FixedState>,
}

impl<V> ByText<V> {
    /// The value of a text.
    #[inline]
    pub(crate) fn get(&self, text: &str) -> Option<&V> {
        let place = *self.places.get(text)?;
        Some(&self.entries[place as usize].1)
    }

    /// Texts and values, in the order of the texts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &V)> {
        self.entries.iter().map(|(text, value)| (text, value))
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Values in the order of the texts.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }
}

impl<V> From<BTreeMap<String, V>> for ByText<V> {
    fn from(sorted: BTreeMap<String, V>) -> ByText<V> {
        let entries: Vec<(String, V)> = sorted.into_iter().collect();
        let places = entries.iter().zip(0..);
        ByText {
            places: places
                .map(|((text, _), place)| (text.as_str().into(), place))
                .collect(),
            entries,
        }
    }
}

impl<V> FromIterator<(String, V)> for ByText<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(entries: I) -> ByText<V> {
        BTreeMap::from_iter(entries).into()
    }
}

impl<V: PartialEq> PartialEq for ByText<V> {
    fn eq(&self, other: &ByText<V>) -> bool {
        self.entries == other.entries
    }
}

impl<V: Serialize> Serialize for ByText<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for ByText<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ByText<V>, D::Error> {
        BTreeMap::deserialize(deserializer).map(ByText::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_and_written_in_their_order() {
        let texts: ByText<i64> = (0..500)
            .map(|number| (format!("text {number}"), number))
            .collect();
        for number in 0..500 {
            assert_eq!(texts.get(&format!("text {number}")), Some(&number));
        }
        assert_eq!((texts.get(""), texts.get("text 500")), (None, None));
        let sorted: BTreeMap<&String, &i64> = texts.iter().collect();
        let written = serde_json::to_string(&texts).unwrap();
        assert_eq!(written, serde_json::to_string(&sorted).unwrap());
        assert_eq!(
            serde_json::from_str::<ByText<i64>>(&written).unwrap(),
            texts
        );
        assert!(texts.values().eq(sorted.into_values()));
    }
}
