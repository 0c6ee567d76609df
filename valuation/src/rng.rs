//! Reproducible draws that depend on only a number: SplitMix64 (Steele, Lea & Flood 2014,
//! Fast Splittable Pseudorandom Number Generators).

/// Mixes a counter into 64 bits that look random.
pub(crate) fn mix(counter: u64) -> u64 {
    let mut mixed = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The fold of a position, 0 to `folds` − 1: mixed, because records often come in turns, and
/// every fifth of them may be of one city.
pub(crate) fn fold_of(position: usize, folds: usize, seed: u64) -> usize {
    (mix((position as u64).wrapping_add(mix(seed))) % folds.max(1) as u64) as usize
}

/// A sequence of draws.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: u64,
}

impl Rng {
    pub(crate) fn new(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// A whole number below `bound`, which is above 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        // The bias is bound/2⁶⁴: nothing that a bootstrap could notice.
        ((u128::from(mix(self.state)) * bound as u128) >> 64) as usize
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Whether something of this likelihood happens.
    pub(crate) fn happens(&mut self, likelihood: f64) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        // 53 bits: what an `f64` holds.
        ((mix(self.state) >> 11) as f64) < likelihood * (1_u64 << 53) as f64
    }

    /// This share of some things, at least one, in their order.
    pub(crate) fn some(&mut self, all: &[usize], share: f64) -> Vec<usize> {
        let count = (all.len() as f64 * share).ceil() as usize;
        let mut order = self.order(all.len());
        order.truncate(count.clamp(all.len().min(1), all.len()));
        order.sort_unstable();
        order.into_iter().map(|index| all[index]).collect()
    }

    /// The numbers 0 to `count` − 1 in a drawn order (Fisher–Yates).
    pub(crate) fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_even_and_do_not_go_in_turns() {
        for turn in [1, 5, 10, 25] {
            let mut counts = [0; 5];
            for position in (0..5000 * turn).step_by(turn) {
                counts[fold_of(position, 5, 7)] += 1;
            }
            assert!(
                counts.iter().all(|count| (850..1150).contains(count)),
                "{turn}: {counts:?}"
            );
        }
    }

    #[test]
    fn an_order_has_every_number_once() {
        let mut order = Rng::new(3).order(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
