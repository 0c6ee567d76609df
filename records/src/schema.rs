//! The schema file: which fields a record has, and what they are for.

mod check;
mod class;
mod crawl;
mod currency;
mod delisting;
pub mod reserved;
mod written;

use std::path::Path;
use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::limits::KEY_BYTES;

pub use self::class::Class;
pub use self::crawl::{AREA_UNITS, Crawl, CrawlField};
pub use self::currency::currency_of;
pub use self::delisting::{DELISTED_AT, Delisting, Tombstone};
pub use self::written::Scale;

/// The default schema, compiled in: `schemas/real-estate.toml`.
const REAL_ESTATE: &str = include_str!("../../schemas/real-estate.toml");

/// The key of a schema that names none: the place that a record came from, such as topic, partition
/// and offset on a Kafka cluster.
pub const PLACE: &str = "_place";

/// Longest text of a `category` field, in bytes, unless the schema says otherwise.
const CATEGORY_MAX_LENGTH: usize = 256;
/// Longest text of a `text` field, in bytes, unless the schema says otherwise.
const TEXT_MAX_LENGTH: usize = 4096;

/// Why a schema could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file is not there or not readable.
    #[error(
        "cannot read the schema {path}: expected the path of a schema file, or the name of a \
         built-in one (real-estate)"
    )]
    Read {
        /// What was asked for.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not the TOML a schema is.
    #[error("the schema {path} is not valid: {detail}")]
    Parse {
        /// The file, or the built-in name.
        path: String,
        /// Where and what, as the TOML parser says it.
        detail: String,
    },
    /// The file is TOML, but its parts do not fit together.
    #[error("the schema {path} contradicts itself: {detail}")]
    Inconsistent {
        /// The file, or the built-in name.
        path: String,
        /// Which part, and what it should be.
        detail: String,
    },
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One of a set of names: a city, a building type.
    Category,
    /// A real number.
    Number,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// A point in time, kept in microseconds UTC.
    Timestamp,
    /// Free text or an identifier; never a feature.
    Text,
}

impl Kind {
    /// The Arrow type of a column of this kind.
    pub fn data_type(self) -> DataType {
        match self {
            Kind::Category | Kind::Text => DataType::Utf8,
            Kind::Number => DataType::Float64,
            Kind::Integer => DataType::Int64,
            Kind::Boolean => DataType::Boolean,
            Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// The PostgreSQL type of a column of this kind.
    pub fn sql_type(self) -> &'static str {
        match self {
            Kind::Category | Kind::Text => "text",
            Kind::Number => "double precision",
            Kind::Integer => "bigint",
            Kind::Boolean => "boolean",
            Kind::Timestamp => "timestamptz",
        }
    }

    /// What a JSON value of this kind is called in an error message.
    pub fn expected(self) -> &'static str {
        match self {
            Kind::Category | Kind::Text => "a text",
            Kind::Number => "a number",
            Kind::Integer => "a whole number",
            Kind::Boolean => "true or false",
            Kind::Timestamp => "a time such as 2026-01-31T12:00:00Z or seconds since 1970",
        }
    }
}

/// What is learned from the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Predict a number.
    Regression,
    /// Predict the probability of a class.
    Classification,
    /// Find groups; there is no target.
    Clustering,
}

/// What stands for a number that is not known, where records are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingAs {
    /// Zero: sources that say nothing where there is none of a thing.
    Zero,
    /// The median of the records learned from.
    Median,
}

/// What a record is decoded for: it decides whether the target must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be stored and learned from: the target is a column and required.
    Listing,
    /// To be priced: the target is no column, and ignored where it is sent.
    Request,
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The JSON key, the CSV header and the column's name at once.
    pub name: String,
    /// Decides the column's type and how the model may use it.
    pub kind: Kind,
    /// A record without it is rejected.
    #[serde(default)]
    pub required: bool,
    /// Least value allowed, inclusive: keeps absurd values out of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Greatest value allowed, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Unit of the value: shown beside numbers, and the one that a text such as `1,234 mi` may be
    /// written in; another one is refused, not converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What texts call the unit besides: sources say `mile` and `miles` for `mi`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spellings: Vec<String>,
    /// Longest text in bytes: bounds what one record may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// What the field means, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What stands for it where it is not known, if not what the schema says of all fields: a gap may
    /// mean "none" in one field, and "nobody has measured it" in another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_as: Option<MissingAs>,
    /// Its header in files where that is not `name`: other people's files have capitals, spaces,
    /// or no header at all (`""`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What stands before the decimals of numbers in texts: `.` or `,`. Left out, it is a full stop, and
    /// `450.000 €`, which may be meant in two ways, is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// What stands between the thousands of numbers in texts: `,`, `.`, `'` or a space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<char>,
    /// What numbers in texts are multiplied by: all of them, or those with a word such as `K` or `lakh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// Texts with words or several numbers, such as `{1} BHK` or `{1} years {1/12} months`.
    #[serde(
        default,
        deserialize_with = "written::one_or_more",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub pattern: Vec<String>,
    /// How times are written, such as `%d/%m/%Y`, `%Y`, `excel` or `epoch-days`.
    #[serde(
        default,
        deserialize_with = "written::one_or_more",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub format: Vec<String>,
    /// 0 says that nobody knows: sources that have no empty cells write it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub zero_is_missing: bool,
    /// Whether a model may learn from it: what tells the target, or is known after it only, is kept with
    /// `false`.
    #[serde(default = "learned", skip_serializing_if = "is_learned")]
    pub learn: bool,
}

/// What `learn` is where a field leaves it out.
fn learned() -> bool {
    true
}

fn is_learned(learn: &bool) -> bool {
    *learn
}

/// What `key` is where a schema leaves it out.
fn place() -> String {
    PLACE.to_owned()
}

impl Field {
    /// A field of a name and a kind, of which nothing more is said.
    pub fn plain(name: &str, kind: Kind) -> Field {
        Field {
            name: name.to_owned(),
            kind,
            required: false,
            min: None,
            max: None,
            unit: None,
            spellings: Vec::new(),
            max_length: None,
            about: None,
            missing_as: None,
            column: None,
            decimal: None,
            group: None,
            scale: None,
            pattern: Vec::new(),
            format: Vec::new(),
            zero_is_missing: false,
            learn: true,
        }
    }

    fn place() -> Field {
        Field {
            about: Some("where the record came from".to_owned()),
            ..Field::plain(PLACE, Kind::Text)
        }
    }

    /// Whether a file's header stands for this field.
    pub fn is_headed(&self, header: &str) -> bool {
        self.name == header || self.column.as_deref() == Some(header)
    }

    /// Whether the field holds numbers that texts may say with their unit.
    pub fn is_measured(&self) -> bool {
        self.unit.is_some() && matches!(self.kind, Kind::Number | Kind::Integer)
    }

    /// Longest text allowed, in bytes.
    pub fn text_limit(&self) -> usize {
        self.max_length.unwrap_or(match self.kind {
            Kind::Text => TEXT_MAX_LENGTH,
            _ => CATEGORY_MAX_LENGTH,
        })
    }
}

/// The schema: what a record of one kind is. One TOML file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Names the kind of record, in models and messages.
    pub name: String,
    /// Raised when fields change: a model says which version it was fitted on.
    pub version: u32,
    /// Which kind of model is fitted.
    pub task: Task,
    /// The table the loader writes and training reads.
    pub table: String,
    /// The field that says which record a later one replaces. Left out, it is [`PLACE`], a field
    /// of its own: every message is a record.
    #[serde(default = "place")]
    pub key: String,
    /// The field that orders records in time; absent in a record, its arrival counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The field to be predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The field that says how large the thing is, `area` where there is one: prices go by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// The numbers that say where the thing is: coordinates, or distances to what does not move.
    /// Latitude and longitude where there are such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub place: Vec<String>,
    /// Texts that say that there is no value, such as `--`, whatever the field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Which targets are of the class that a classification tells; a boolean target needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The columns of files that have no header, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What a message without a value does.
    #[serde(default, skip_serializing_if = "Delisting::is_default")]
    pub delisting: Delisting,
    /// What stands for numbers that are not known, of a clustering: without a target there is nothing to
    /// learn from gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_as: Option<MissingAs>,
    /// How pages say what a record has, for the crawler; no part of a model.
    #[serde(default, skip_serializing)]
    pub crawl: Option<Crawl>,
    /// The fields, in the order of the table's columns.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
}

/// Two schemas are equal where their records are: how pages are read is no part of a model, and is not kept
/// with it.
impl PartialEq for Schema {
    fn eq(&self, other: &Schema) -> bool {
        let Schema {
            name,
            version,
            task,
            table,
            key,
            time,
            target,
            area,
            place,
            missing,
            class,
            columns,
            delisting,
            missing_as,
            crawl: _,
            fields,
        } = self;
        *name == other.name
            && *version == other.version
            && *task == other.task
            && *table == other.table
            && *key == other.key
            && *time == other.time
            && *target == other.target
            && *area == other.area
            && *place == other.place
            && *missing == other.missing
            && *class == other.class
            && *columns == other.columns
            && *delisting == other.delisting
            && *missing_as == other.missing_as
            && *fields == other.fields
    }
}

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

    /// The name of the field that says how large the thing is: the role, else a number `area`.
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

    /// The fields that say where the thing is: the role, else latitude and longitude.
    pub fn places(&self) -> Vec<&str> {
        match self.coordinates() {
            Some((latitude, longitude)) if self.place.is_empty() => vec![latitude, longitude],
            _ => self.place.iter().map(String::as_str).collect(),
        }
    }

    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// What records of the class are called: by `[class]`, else by the target's name.
    pub fn class_name(&self) -> &str {
        let named = self.class.as_ref().map(|class| class.name.as_str());
        named.or(self.target.as_deref()).unwrap_or_default()
    }

    /// Whether the table has the column [`DELISTED_AT`].
    pub fn marks_delisted(&self) -> bool {
        self.delisting.tombstone == Tombstone::Mark
    }

    /// Longest text of a field, in bytes: a key's is what an index takes.
    pub fn text_limit(&self, field: &Field) -> usize {
        match field.name == self.key {
            true => field.text_limit().min(KEY_BYTES),
            false => field.text_limit(),
        }
    }

    /// The fields that are columns for a purpose: all, or all but the target.
    pub fn columns(&self, purpose: Purpose) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| {
            purpose == Purpose::Listing || self.target.as_deref() != Some(field.name.as_str())
        })
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

    /// Whether a column of decoded records can hold nulls.
    pub fn is_nullable(&self, field: &Field) -> bool {
        !(field.required
            || field.name == self.key
            || self.time.as_deref() == Some(field.name.as_str())
            || self.target.as_deref() == Some(field.name.as_str()))
    }

    /// Whether a file must have a column for the field: what is required, but neither the time nor
    /// the place, which are filled in.
    pub fn is_asked_for(&self, field: &Field) -> bool {
        let is_time = self.time.as_deref() == Some(field.name.as_str());
        !self.is_nullable(field) && !is_time && field.name != PLACE
    }

    /// The Arrow schema of decoded records.
    pub fn arrow(&self, purpose: Purpose) -> Arc<arrow_schema::Schema> {
        Arc::new(arrow_schema::Schema::new(
            self.columns(purpose)
                .map(|field| {
                    arrow_schema::Field::new(
                        &field.name,
                        field.kind.data_type(),
                        self.is_nullable(field),
                    )
                })
                .collect::<Vec<_>>(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn roles_of_size_and_place_are_declared_or_told_by_name() {
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
