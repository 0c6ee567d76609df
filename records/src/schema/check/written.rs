//! Checks that the settings for the texts of a field agree.

use crate::measure;
use crate::schema::{Field, Kind, Scale};
use crate::timestamp::Form;

impl Field {
    /// Checks that the settings for its texts agree.
    pub(super) fn check_written(&self) -> Result<(), String> {
        let name = &self.name;
        let is_number = matches!(self.kind, Kind::Number | Kind::Integer);
        let says_numbers = self.decimal.is_some()
            || self.group.is_some()
            || self.scale.is_some()
            || !self.pattern.is_empty()
            || self.zero_is_missing;
        if says_numbers && !is_number {
            return Err(format!(
                "field {name:?}: decimal, group, scale, pattern and zero_is_missing are for \
                 numbers; expected kind number or integer, found {:?}",
                self.kind
            ));
        }
        if let Some(mark) = self.decimal.filter(|mark| !['.', ','].contains(mark)) {
            return Err(format!(
                "field {name:?}: decimal = {mark:?}: expected \".\" or \",\""
            ));
        }
        let is_group = |mark: &char| [',', '.', ' ', '\''].contains(mark);
        if let Some(mark) = self.group.filter(|mark| !is_group(mark)) {
            return Err(format!(
                "field {name:?}: group = {mark:?}: expected \",\", \".\", \" \" or \"'\""
            ));
        }
        // A group of "." alone says that decimals have a comma, where they have any.
        if self.decimal.is_some() && self.group == self.decimal {
            return Err(format!(
                "field {name:?}: decimal and group are the same character; expected two"
            ));
        }
        let factors: Vec<f64> = match &self.scale {
            None => Vec::new(),
            Some(Scale::All(by)) => vec![*by],
            Some(Scale::Words(by)) => by.values().copied().collect(),
        };
        if factors.iter().any(|by| !by.is_finite() || *by == 0.0) {
            return Err(format!(
                "field {name:?}: scale: expected numbers other than 0, such as 1000"
            ));
        }
        for pattern in &self.pattern {
            measure::check_pattern(pattern)
                .map_err(|why| format!("field {name:?}: pattern {pattern:?}: {why}"))?;
        }
        if !self.format.is_empty() && self.kind != Kind::Timestamp {
            return Err(format!(
                "field {name:?}: format is for times; expected kind timestamp, found {:?}",
                self.kind
            ));
        }
        for format in &self.format {
            Form::parse(format).map_err(|why| format!("field {name:?}: {why}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Schema;

    fn parse(field: &str) -> Result<Schema, String> {
        let text = format!(
            "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntarget='y'\n\
             [[field]]\nname='id'\nkind='text'\n[[field]]\nname='y'\nkind='number'\n[[field]]\nname='z'\n{field}"
        );
        Schema::parse(&text, "x").map_err(|error| error.to_string())
    }

    #[test]
    fn how_texts_are_written_is_checked_and_comes_back() {
        let field = "kind='number'\ndecimal=','\ngroup='.'\nscale={K=1000}\npattern='{1} BHK'\nlearn=false\n";
        let schema = parse(field).expect("fits");
        assert!(schema.features().all(|feature| feature.name != "z"));
        let json = serde_json::to_string(&schema).expect("written");
        let again: Schema = serde_json::from_str(&json).expect("read");
        assert_eq!(again, schema);
        let plain = serde_json::to_string(&Schema::real_estate()).expect("written");
        assert!(
            !plain.contains("learn") && !plain.contains("decimal"),
            "as before: {plain}"
        );
        for (field, part) in [
            ("kind='category'\ndecimal=','\n", "expected kind number"),
            ("kind='number'\ndecimal=';'\n", "expected \".\" or \",\""),
            ("kind='number'\ngroup='x'\n", "group = 'x'"),
            (
                "kind='number'\ndecimal=','\ngroup=','\n",
                "the same character",
            ),
            ("kind='number'\nscale=0\n", "other than 0"),
            ("kind='number'\npattern='BHK'\n", "numbers in braces"),
            ("kind='number'\nformat='%Y'\n", "expected kind timestamp"),
            ("kind='timestamp'\nformat='%d'\n", "with a year"),
        ] {
            let error = parse(field).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
        assert!(parse("kind='timestamp'\nformat=['%d/%m/%Y','%Y']\n").is_ok());
    }
}
