//! Why a line cannot learn on.

/// Why a line cannot learn on.
#[derive(Debug, thiserror::Error)]
pub enum OnlineError {
    /// The base is more than a line.
    #[error(
        "expected a version that is a line alone, found the members {members}: fit one with \
         prepare.effort = \"quick\", or let the follower fit its own"
    )]
    NotALine {
        /// Those it has.
        members: String,
    },
    /// A step follows the newest records wherever they go.
    #[error(
        "online learning cannot hold to `monotone` of the field {field:?}: fit on a schedule, or take `monotone` \
         from the schema"
    )]
    Monotone {
        /// A field that has a direction.
        field: String,
    },
    /// An option is out of its range.
    #[error("{option} is {found}, expected {expected}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What it may be.
        expected: &'static str,
        /// What it is.
        found: f64,
    },
    /// What was kept is not what was written.
    #[error("the state that was kept cannot be gone on from: {detail}; begin afresh")]
    State {
        /// What is wrong.
        detail: String,
    },
    /// There is no record of the base that could check its files.
    #[error("none of the base's sample records can be priced any more; fit the base again")]
    NoSample,
}
