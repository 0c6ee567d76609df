//! Straight into the table, or beside it and merged.

/// Most batches that are merged before the straight way is retried.
const MOST: u32 = 64;

/// Remembers how the batches before fared. A batch of new keys goes straight into the table by
/// `COPY`; a single key that is there already makes it fail, so that it is written twice. The more
/// often that happens, the rarer it is tried.
#[derive(Debug, Default)]
pub(crate) struct Route {
    /// Batches still to be merged.
    merges: u32,
    /// How many were to be merged when last a key was there already.
    before: u32,
}

impl Route {
    /// Whether the next batch goes straight.
    pub fn is_straight(&mut self) -> bool {
        let straight = self.merges == 0;
        self.merges = self.merges.saturating_sub(1);
        straight
    }

    /// A batch had a key that was there already.
    pub fn met_known_key(&mut self) {
        self.before = (self.before * 2).clamp(1, MOST);
        self.merges = self.before;
    }

    /// A batch went straight.
    pub fn went_straight(&mut self) {
        self.before /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_make_the_straight_way_rare_and_new_ones_common_again() {
        let mut route = Route::default();
        let mut tries = 0;
        for _ in 0..1000 {
            if route.is_straight() {
                tries += 1;
                route.met_known_key();
            }
        }
        assert!((15..=25).contains(&tries), "{tries}");
        let mut straight = 0;
        for _ in 0..200 {
            if route.is_straight() {
                straight += 1;
                route.went_straight();
            }
        }
        assert!(straight >= 130, "{straight}");
    }
}
