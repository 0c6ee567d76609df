//! What a record is: the schema file, decoding and validation into Arrow columns, the table for it.
//!
//! Bytes from Kafka, lines of a CSV and rows of a Parquet file all end as the same typed
//! [`arrow_array::RecordBatch`], or as rejects with a reason. Knows nothing of Kafka, of SQL
//! connections or of models.

pub mod arrival;
pub mod arrow_rows;
mod arrow_value;
pub mod columns;
pub mod decode;
mod digest;
pub mod encode;
#[cfg(feature = "files")]
pub mod file;
mod formulas;
pub mod identifier;
pub mod limits;
mod matching;
pub mod measure;
pub mod reject;
pub mod row;
pub mod schema;
pub mod table;
pub mod timestamp;
pub mod truth;

pub use arrival::Arrival;
pub use arrow_rows::{ArrowBatch, ArrowRows, ColumnsError};
pub use columns::Columns;
pub use decode::{Decoded, Decoder, Key, without_bom};
pub use digest::Digest;
pub use formulas::Formulas;
pub use reject::Reason;
pub use schema::{
    Class, Crawl, CrawlField, Delisting, Field, Kind, MissingAs, Monotone, Purpose, Scale, Schema,
    SchemaError, Task, Tombstone,
};
