//! One field of a record.

use serde::{Deserialize, Serialize};

use super::written;
use super::{Kind, MissingAs, Monotone, Scale};

/// The key of a schema that names none: the place that a record came from, such as topic, partition
/// and offset on a Kafka cluster.
pub const PLACE: &str = "_place";

/// Longest text of a `category` field, in bytes, unless the schema says otherwise.
const CATEGORY_MAX_LENGTH: usize = 256;
/// Longest text of a `text` field, in bytes, unless the schema says otherwise.
const TEXT_MAX_LENGTH: usize = 4096;

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
    /// What precedes the decimals of numbers in texts: `.` or `,`. Left out, it is a full stop, and
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
    /// Texts that mean "no value" in this field, besides those of the schema: in another field they may be a name.
    #[serde(
        default,
        deserialize_with = "written::one_or_more",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub missing: Vec<String>,
    /// Whether a model may learn from it: what reveals the target, or is known after it only, is kept with
    /// `false`.
    #[serde(default = "learned", skip_serializing_if = "is_learned")]
    pub learn: bool,
    /// Which way a price goes as the field grows: a model's estimates then never contradict it, whatever a
    /// few records say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monotone: Option<Monotone>,
}

/// What `learn` is where a field leaves it out.
fn learned() -> bool {
    true
}

fn is_learned(learn: &bool) -> bool {
    *learn
}

impl Field {
    /// A field of a name and a kind, of which nothing more is reported.
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
            missing: Vec::new(),
            learn: true,
            monotone: None,
        }
    }

    /// The field [`PLACE`], which a schema without a key has.
    pub(super) fn place() -> Field {
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
