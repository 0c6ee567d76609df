//! The schema as a value: its fields and their roles.

use serde::{Deserialize, Serialize};

use super::{Class, Crawl, Delisting, Field, MissingAs, PLACE, Task};

/// The schema: what a record of one kind is. One TOML file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Names the kind of record, in models and messages.
    pub name: String,
    /// Raised when fields change: a model states which version it was fitted on.
    pub version: u32,
    /// Which kind of model is fitted.
    pub task: Task,
    /// The table the loader writes and training reads.
    pub table: String,
    /// The field that states which record a later one replaces. Left out, it is [`PLACE`], a field
    /// of its own: every message is a record.
    #[serde(default = "place")]
    pub key: String,
    /// The field that orders records in time; absent in a record, its arrival counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The field to be predicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The field that states how large the thing is, `area` where there is one: prices go by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// The numbers that state where the thing is: coordinates, or distances to what does not move.
    /// Latitude and longitude where there are such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub place: Vec<String>,
    /// Texts that say that there is no value, such as `--`, whatever the field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Which targets are of the class that a classification predicts; a boolean target needs none, and a category
    /// without it has a class a level.
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
    /// How pages state what a record has, for the crawler; no part of a model.
    #[serde(default, skip_serializing)]
    pub crawl: Option<Crawl>,
    /// The fields, in the order of the table's columns.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
}

/// Two schemas are equal where their records are: how pages are read is not part of a model, and is not kept
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

/// What `key` is where a schema leaves it out.
fn place() -> String {
    PLACE.to_owned()
}
