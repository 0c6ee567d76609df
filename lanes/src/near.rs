//! The nearest neighbours so far, in order.

/// Neighbours that are kept in order by moving all of them at once; more are sorted in one by one.
pub(crate) const FEW: usize = 16;

/// A neighbour: the square of its distance above its position, so that the order of the numbers is that
/// of the neighbours (the bits of numbers not below 0 are in the order of the numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near(i64);

impl Near {
    /// What is farther away than any point.
    pub(crate) const NONE: Near = Near::new(f32::MAX, u32::MAX);

    pub(crate) const fn new(squared: f32, position: u32) -> Near {
        Near((squared.to_bits() as i64) << 32 | position as i64)
    }

    /// The neighbour of a number, see [`Near::number`].
    pub(crate) const fn of(number: i64) -> Near {
        Near(number)
    }

    /// The number whose order is that of neighbours.
    pub(crate) const fn number(self) -> i64 {
        self.0
    }

    pub(crate) fn squared(self) -> f32 {
        f32::from_bits((self.0 >> 32) as u32)
    }

    /// Which point.
    pub fn position(self) -> usize {
        self.0 as u32 as usize
    }

    /// How far away it is.
    pub fn distance(self) -> f32 {
        self.squared().sqrt()
    }
}

/// The nearest so far.
pub(crate) trait Nearest {
    /// The square of the distance that a point must not be beyond.
    fn limit(&self) -> f32;
    /// Takes a point, if it is nearer than the last.
    fn add(&mut self, near: Near);
}

/// A few neighbours, in order.
pub(crate) trait FewNearest: Nearest {
    /// Appends those that were found, nearest first.
    fn give(&self, found: &mut Vec<Near>);
}

/// A few, in order: the rest of them is what is farther away than any point.
pub(crate) struct Few {
    found: [Near; FEW],
    /// Which is the last that counts.
    last: usize,
}

impl Few {
    /// None yet of `count`, which is at most [`FEW`] and not 0.
    #[inline(always)]
    pub(crate) fn none(count: usize) -> Few {
        Few {
            found: [Near::NONE; FEW],
            last: count - 1,
        }
    }
}

impl Nearest for Few {
    #[inline(always)]
    fn limit(&self) -> f32 {
        self.found[self.last].squared()
    }

    #[inline(always)]
    fn add(&mut self, near: Near) {
        // As many as are equally near, where many points are the same.
        if near >= self.found[self.last] {
            return;
        }
        // All at once: where to stop would be guessed wrong.
        let before = self.found;
        for place in 1..FEW {
            let (upper, lower) = (before[place], before[place - 1]);
            let moved = if lower <= near { near } else { lower };
            self.found[place] = if upper <= near { upper } else { moved };
        }
        self.found[0] = if before[0] <= near { before[0] } else { near };
    }
}

impl FewNearest for Few {
    fn give(&self, found: &mut Vec<Near>) {
        let found_few = self.found[..=self.last].iter().copied();
        found.extend(found_few.take_while(|near| *near != Near::NONE));
    }
}

/// Many, sorted in one by one.
pub(crate) struct Many<'a> {
    pub(crate) found: &'a mut Vec<Near>,
    pub(crate) count: usize,
}

impl Nearest for Many<'_> {
    fn limit(&self) -> f32 {
        match self.found.last() {
            Some(last) if self.found.len() == self.count => last.squared(),
            _ => f32::MAX,
        }
    }

    fn add(&mut self, near: Near) {
        if self.found.len() < self.count {
            self.found.push(near);
        } else if self.found.last().is_some_and(|last| near < *last) {
            self.found.pop();
            self.found.push(near);
        } else {
            return;
        }
        let found = self.found.as_mut_slice();
        let mut place = found.len() - 1;
        while place > 0 && near < found[place - 1] {
            found[place] = found[place - 1];
            place -= 1;
        }
        found[place] = near;
    }
}
