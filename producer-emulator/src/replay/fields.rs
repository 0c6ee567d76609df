//! Which fields of a record are sent.

use anyhow::bail;

use super::Config;

impl Config {
    /// Sends these fields of a record and its key, and none else. What is not chosen is not read either:
    /// a value in it that the schema would refuse rejects nothing.
    ///
    /// # Errors
    /// When the schema has no such field; the message states which there are.
    pub fn choosing(mut self, fields: &[String]) -> anyhow::Result<Config> {
        let schema = &mut self.schema;
        if let Some(unknown) = fields.iter().find(|name| schema.field(name).is_none()) {
            let there: Vec<&str> = schema
                .fields
                .iter()
                .map(|field| field.name.as_str())
                .collect();
            bail!(
                "--fields: expected fields of the schema {}, found {unknown:?}; it has {}",
                schema.name,
                there.join(", ")
            );
        }
        let key = schema.key.clone();
        let is_sent = |name: &String| *name == key || fields.contains(name);
        schema.fields.retain(|field| is_sent(&field.name));
        schema.place.retain(is_sent);
        for role in [&mut schema.time, &mut schema.area, &mut schema.target] {
            *role = role.take().filter(is_sent);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new(&common::Layered::load(None, &[]).unwrap()).unwrap()
    }

    fn fields(names: &str) -> Vec<String> {
        names.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn the_key_is_kept_and_the_order_is_the_schemas() {
        let chosen = config().choosing(&fields("price,city")).unwrap().schema;
        let names: Vec<&str> = chosen
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        assert_eq!(names, ["id", "city", "price"]);
        assert_eq!((chosen.time, chosen.area), (None, None));
        assert_eq!(chosen.target.as_deref(), Some("price"));
        let chosen = config().choosing(&fields("city")).unwrap().schema;
        assert_eq!(chosen.target, None);
    }

    #[test]
    fn an_unknown_field_is_told_with_those_there_are() {
        let error = config().choosing(&fields("city,colour")).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("found \"colour\""), "{error}");
        assert!(
            error.contains("real-estate") && error.contains("city, street"),
            "{error}"
        );
    }
}
