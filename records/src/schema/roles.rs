//! Fields by their role: area, place, class, features.

use super::{Field, Kind, MissingAs, Schema, Task};

impl Schema {
    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The name of the field that states how large the thing is: the role, else a number `area`.
    pub fn area(&self) -> Option<&str> {
        let named = || {
            let measured = |field: &Field| matches!(field.kind, Kind::Number | Kind::Integer);
            self.field("area").filter(|field| measured(field))
        };
        let role = self.area.as_ref().and_then(|name| self.field(name));
        role.or_else(named).map(|field| field.name.as_str())
    }

    /// Latitude and longitude by their usual names.
    pub fn coordinates(&self) -> Option<(&str, &str)> {
        let of = |names: [&str; 3]| {
            let named = |field: &&Field| names.contains(&field.name.as_str());
            let number = |field: &&Field| field.kind == Kind::Number;
            self.features().filter(number).find(named)
        };
        let latitude = of(["latitude", "lat", "geo_lat"])?;
        let longitude = of(["longitude", "long", "lon"])?;
        Some((&latitude.name, &longitude.name))
    }

    /// The fields that state where the thing is: the role, else latitude and longitude.
    pub fn places(&self) -> Vec<&str> {
        match self.coordinates() {
            Some((latitude, longitude)) if self.place.is_empty() => vec![latitude, longitude],
            _ => self.place.iter().map(String::as_str).collect(),
        }
    }

    /// What records of the class are called: by `[class]`, else by the target's name.
    pub fn class_name(&self) -> &str {
        let named = self.class.as_ref().map(|class| class.name.as_str());
        named.or(self.target.as_deref()).unwrap_or_default()
    }

    /// Whether a classification predicts which of its levels the target has: a category without `[class]`. Otherwise
    /// it predicts whether a record is of one class.
    pub fn is_multiclass(&self) -> bool {
        let target = self.target.as_deref().and_then(|name| self.field(name));
        self.task == Task::Classification
            && self.class.is_none()
            && target.is_some_and(|target| target.kind == Kind::Category)
    }

    /// The fields a model may learn from: neither key, time, target nor free text.
    pub fn features(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| {
            field.kind != Kind::Text
                && field.learn
                && field.name != self.key
                && self.time.as_deref() != Some(field.name.as_str())
                && self.target.as_deref() != Some(field.name.as_str())
        })
    }

    /// What stands for a field's value where it is not known: what the field says, else what the
    /// schema does, else the median. Times have their median: zero would be 1970.
    pub fn missing_as(&self, field: &Field) -> MissingAs {
        match field.kind {
            Kind::Timestamp => MissingAs::Median,
            _ => field
                .missing_as
                .or(self.missing_as)
                .unwrap_or(MissingAs::Median),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_size_and_place_are_declared_or_found_by_name() {
        let schema = Schema::real_estate();
        assert_eq!(schema.area(), Some("area"));
        assert_eq!(schema.coordinates(), Some(("latitude", "longitude")));
        assert_eq!(schema.places(), ["latitude", "longitude"]);
        let text = "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntarget='y'\n\
            area='size'\nplace=['station']\n[[field]]\nname='id'\nkind='text'\n[[field]]\n\
            name='y'\nkind='number'\n[[field]]\nname='size'\nkind='number'\ncolumn='Size m2'\n\
            [[field]]\nname='station'\nkind='number'\n";
        let schema = Schema::parse(text, "x").expect("valid");
        assert_eq!(
            (schema.area(), schema.places()),
            (Some("size"), vec!["station"])
        );
        let size = schema.field("size").expect("size");
        assert!(size.is_headed("Size m2") && size.is_headed("size") && !size.is_headed("y"));
        let wrong = text.replace("area='size'", "area='id'");
        let error = Schema::parse(&wrong, "x")
            .expect_err("text is no area")
            .to_string();
        assert!(error.contains("area = \"id\" is of kind Text"), "{error}");
    }
}
