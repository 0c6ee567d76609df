//! Reading a schema: a built-in one or a file.

use std::path::Path;

use super::{Field, PLACE, Schema, SchemaError};

/// The default schema, compiled in: `schemas/real-estate.toml`.
const REAL_ESTATE: &str = include_str!("../../../schemas/real-estate.toml");

impl Schema {
    /// The default schema: listings of real estate.
    pub fn real_estate() -> Schema {
        Schema::parse(REAL_ESTATE, "real-estate")
            .expect("the compiled-in schema is valid: a test parses it")
    }

    /// Reads a schema by the name of a built-in one or by a file's path.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or its parts do not fit together.
    pub fn load(name_or_path: &str) -> Result<Schema, SchemaError> {
        if name_or_path == "real-estate" {
            return Ok(Schema::real_estate());
        }
        let text = std::fs::read_to_string(Path::new(name_or_path)).map_err(|source| {
            SchemaError::Read {
                path: name_or_path.to_owned(),
                source,
            }
        })?;
        Schema::parse(&text, name_or_path)
    }

    /// Parses the text of a schema file; `path` is only for messages.
    ///
    /// # Errors
    /// When the text is not TOML or its parts do not fit together.
    pub fn parse(text: &str, path: &str) -> Result<Schema, SchemaError> {
        let mut schema: Schema = toml::from_str(text).map_err(|error| SchemaError::Parse {
            path: path.to_owned(),
            detail: error.to_string(),
        })?;
        if schema.key == PLACE && schema.field(PLACE).is_none() {
            schema.fields.insert(0, Field::place());
        }
        schema.check().map_err(|detail| SchemaError::Inconsistent {
            path: path.to_owned(),
            detail,
        })?;
        Ok(schema)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Purpose;

    #[test]
    fn the_default_schema_is_valid() {
        let schema = Schema::real_estate();
        assert_eq!(schema.target.as_deref(), Some("price"));
        assert_eq!(schema.arrow(Purpose::Listing).fields().len(), 14);
        assert_eq!(schema.arrow(Purpose::Request).fields().len(), 13);
    }

    #[test]
    fn every_schema_that_ships_is_valid() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas");
        let files: Vec<_> = std::fs::read_dir(directory)
            .expect("schemas ship")
            .map(|file| file.expect("a file").path().display().to_string())
            .collect();
        assert!(files.len() >= 2, "{files:?}");
        for file in files {
            let schema = Schema::load(&file).unwrap_or_else(|error| panic!("{error}"));
            assert!(schema.features().count() > 3, "{file}");
        }
    }
}
