//! By what labels answers are judged.

use valuation::Link;

/// By what labels answers are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// Prices, learned by this link.
    Prices(Link),
    Classes,
    /// Of several classes the name of one.
    Levels,
}

impl Judged {
    /// Whether a label of 0 counts.
    pub fn takes_0(self) -> bool {
        match self {
            Judged::Prices(link) => link.takes(0.0),
            Judged::Classes | Judged::Levels => true,
        }
    }
}
