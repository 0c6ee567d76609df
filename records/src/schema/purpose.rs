//! What a record is decoded for.

/// What a record is decoded for: it decides whether the target must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be stored and learned from: the target is a column and required.
    Listing,
    /// To be priced: the target is not a column, and ignored where it is sent.
    Request,
}
