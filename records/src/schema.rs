//! The schema file: which fields a record has, and what they are for.

mod check;
mod class;
mod columns;
mod crawl;
mod currency;
mod definition;
mod delisting;
mod error;
mod field;
mod kind;
mod load;
mod missing;
mod monotone;
mod purpose;
pub mod reserved;
mod roles;
mod stored;
mod task;
mod written;

pub use self::class::Class;
pub use self::crawl::{AREA_UNITS, Crawl, CrawlField};
pub use self::currency::currency_of;
pub use self::definition::Schema;
pub use self::delisting::{DELISTED_AT, Delisting, Tombstone};
pub use self::error::SchemaError;
pub use self::field::{Field, PLACE};
pub use self::kind::Kind;
pub use self::missing::MissingAs;
pub use self::monotone::Monotone;
pub use self::purpose::Purpose;
pub use self::task::Task;
pub use self::written::Scale;
