//! JSON of the artifact's parts, by one reader and one writer for all of them: a third less to compile
//! than one for each.

use serde::de::{DeserializeOwned, Error};
use serde_json::ser::{Formatter, PrettyFormatter};

/// Reads one value.
///
/// # Errors
/// When the bytes are not its JSON.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut erased = <dyn erased_serde::Deserializer>::erase(&mut json);
    let erased: &mut dyn erased_serde::Deserializer = &mut erased;
    let value = T::deserialize(erased).map_err(serde_json::Error::custom)?;
    json.end()?;
    Ok(value)
}

/// On one line.
///
/// # Errors
/// When a map's key is not a text.
pub(crate) fn write(value: &dyn erased_serde::Serialize) -> serde_json::Result<Vec<u8>> {
    write_with(value, serde_json::ser::CompactFormatter)
}

/// With indents, for people.
///
/// # Errors
/// As [`write`].
pub(crate) fn write_pretty(value: &dyn erased_serde::Serialize) -> serde_json::Result<Vec<u8>> {
    write_with(value, PrettyFormatter::new())
}

fn write_with(
    value: &dyn erased_serde::Serialize,
    formatter: impl Formatter,
) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut json = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    erased_serde::serialize(value, &mut json)?;
    Ok(bytes)
}
