//! How large a message and its parts may be: one place for all transports, as they share the decoder.

/// Longest key of a record, in bytes. A PostgreSQL b-tree takes 2,704 bytes of an entry; an id is far
/// shorter, and indexes of several columns need room too.
pub const KEY_BYTES: usize = 1024;

/// Longest text that a schema may allow a field (`max_length`), in bytes.
pub const TEXT_BYTES: usize = 1024 * 1024;

/// Largest message after unpacking, in bytes, unless a service has a setting of its own: Kafka's own limit
/// is of the packed batch, of which a few kilobytes may unpack to megabytes.
pub const MESSAGE_BYTES: usize = 1024 * 1024;
