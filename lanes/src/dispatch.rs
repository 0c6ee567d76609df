//! Which way each loop goes: by AVX2 where the processor has it, in plain Rust elsewhere. The rest of the crate
//! does not choose.

#[cfg(target_arch = "x86_64")]
use crate::avx2;
use crate::gains::{self, Sides};
use crate::kd_tree::Points;
use crate::levels::Levels;
use crate::near::Near;
use crate::or;
use crate::program::{Lane, Program, ROWS, Room};
use crate::search::Portable;
use crate::shapley::{Explained, Known};

/// Whether the processor has AVX2; asked once, then remembered by the standard library.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

/// Sets in `own` every bit that `line` has; what is beyond the shorter of the two is left as it is.
pub fn or_into(bits: &mut [u8], line: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::or_into(bits, line) };
    }
    or::portable(bits, line);
}

/// Adds to `gains` what each cut gains: the sum of residuals on its left, squared and divided by its rows, and the
/// same on its right. `lefts` are packed sums ([`crate::COUNT_BITS`]), to each of which `more` belongs. What is
/// beyond the shorter of the slices is left as it is.
pub fn add_gains(lefts: &[i64], more: i64, sides: Sides, gains: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::add_gains(lefts, more, sides, gains) };
    }
    gains::add(lefts, more, sides, gains);
}

/// Where the greatest of numbers stands, the first of equals; none where none is greater than `floor`.
pub fn greatest(numbers: &[f32], floor: f32) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::greatest(numbers, floor) };
    }
    gains::first_of_most(numbers, floor)
}

/// How many of the thresholds, which rise, a number reaches; none where it is not a number.
pub fn reached(cuts: &[f32], value: f32) -> usize {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::reached(cuts, value) };
    }
    cuts.partition_point(|cut| *cut <= value)
}

/// How many of the thresholds, which are fewer than 256 and rise, each of 64 numbers reaches.
pub fn reached_by_rows(cuts: &[f32], values: &[f32; ROWS], counts: &mut [u8; ROWS]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::reached_by_rows(cuts, values, counts) };
    }
    crate::reached::by_rows(cuts, values, counts);
}

impl Points {
    /// The `count` nearest to a point, nearest first, equally near ones by position, without `own`.
    pub fn nearest(
        &self,
        point: &[f32],
        excluded: Option<u32>,
        count: usize,
        found: &mut Vec<Near>,
    ) {
        found.clear();
        if !self.has_near(point, count) {
            return;
        }
        let excluded = excluded.unwrap_or(u32::MAX);
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            // SAFETY: the processor has AVX2.
            return unsafe { avx2::nearest(self, point, excluded, count, found) };
        }
        self.by_axes::<Portable>(point, excluded, count, found);
    }
}

impl Explained {
    /// Adds to `parts`, by column, what the columns add to the tree's mean. `goes` says by node whether the
    /// row goes the edge that leads to it.
    ///
    /// # Panics
    /// When there are fewer of either than the tree has.
    pub fn add(&self, goes: &[bool], known: &mut Known, parts: &mut [f64]) {
        assert!(self.fits(goes, parts));
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            // SAFETY: the processor has AVX2.
            return unsafe { avx2::explain(self, goes, known, parts) };
        }
        self.add_portable(goes, known, parts);
    }
}

impl Levels {
    /// Adds to `parts`, by column, what the columns add to the tree's mean. `number` is that of the row's leaf.
    ///
    /// # Panics
    /// When the tree tests a column that is not among the parts.
    pub fn add(&self, number: usize, parts: &mut [f64]) {
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            // SAFETY: the processor has AVX2.
            return unsafe { avx2::explain_levels(self, number, parts) };
        }
        self.add_portable(number, parts);
    }
}

impl Program {
    /// Adds what the trees say of 64 rows to `sums`, in the order of the trees. Lanes begin with those of the
    /// codes; the others are room.
    ///
    /// # Panics
    /// When there are fewer than [`Program::lanes`].
    pub fn add(&self, lanes: &mut [Lane], room: &mut Room, sums: &mut [f64; ROWS]) {
        assert!(lanes.len() >= self.lanes(), "lanes of codes and sets");
        #[cfg(target_arch = "x86_64")]
        if has_avx2() {
            // SAFETY: the processor has AVX2, and there are as many lanes as the trees ask for.
            return unsafe { avx2::add(self, lanes, room, sums) };
        }
        self.add_portable(lanes, room, sums);
    }
}
