//! The same by AVX2: 32 bytes an instruction.

use std::arch::x86_64::*;

use crate::gains::Sides;
use crate::kd_tree::{Bounds, MOST_AXES, Points, SIDE};
use crate::levels::Levels;
use crate::near::{FEW, FewNearest, Near, Nearest};
use crate::program::{Lane, MOST_LEAVES, Program, ROWS, Room, Set, Tree, add_leaves, part};
use crate::search::Kernel;
use crate::shapley::{Explained, Known};

/// Instructions' worth of a lane.
const HALVES: usize = ROWS / 32;

/// See [`crate::or_into`].
#[target_feature(enable = "avx2")]
pub(crate) fn or_into(bits: &mut [u8], line: &[u8]) {
    crate::or::portable(bits, line);
}

/// See [`crate::add_gains`].
#[target_feature(enable = "avx2")]
pub(crate) fn add_gains(lefts: &[i64], more: i64, sides: Sides, gains: &mut [f32]) {
    let cuts = lefts.len().min(gains.len());
    let (lefts, last_lefts) = lefts[..cuts].as_chunks::<8>();
    let (gains, last_gains) = gains[..cuts].as_chunks_mut::<8>();
    crate::gains::add(last_lefts, more, sides, last_gains);
    let (all, both) = crate::gains::parts(sides.total);
    let (all, both) = (_mm256_set1_ps(all), _mm256_set1_ps(both));
    let penalty = _mm256_set1_ps(sides.penalty);
    let least = _mm256_set1_ps(sides.least);
    let more = _mm256_set1_epi64x(more);
    let of_rows = _mm256_set1_epi32((1 << crate::gains::COUNT_BITS) - 1);
    for (lefts, gains) in lefts.iter().zip(gains) {
        let [low, high] = [&lefts[..4], &lefts[4..]].map(|four| {
            // SAFETY: there are four of them; no alignment is requested.
            let four = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
            _mm256_castsi256_ps(_mm256_add_epi64(four, more))
        });
        // The upper and the lower halves of cuts 0, 1, 4, 5, 2, 3, 6, 7.
        let sum = _mm256_castps_si256(_mm256_shuffle_ps::<0b11_01_11_01>(low, high));
        let count = _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(low, high));
        let sum = _mm256_cvtepi32_ps(sum);
        let count = _mm256_cvtepi32_ps(_mm256_and_si256(count, of_rows));
        // As in plain Rust, one operation after the other.
        let (other, others) = (_mm256_sub_ps(all, sum), _mm256_sub_ps(both, count));
        let (weight, weights) = (
            _mm256_add_ps(count, penalty),
            _mm256_add_ps(others, penalty),
        );
        let here = _mm256_mul_ps(_mm256_mul_ps(sum, sum), weights);
        let there = _mm256_mul_ps(_mm256_mul_ps(other, other), weight);
        let found = _mm256_div_ps(_mm256_add_ps(here, there), _mm256_mul_ps(weight, weights));
        let too_few = _mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_min_ps(count, others), least);
        let found = _mm256_blendv_ps(found, _mm256_set1_ps(f32::NEG_INFINITY), too_few);
        let in_order = _mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(found));
        // SAFETY: there are eight of them; no alignment is requested.
        unsafe {
            let before = _mm256_loadu_ps(gains.as_ptr());
            let after = _mm256_add_ps(before, _mm256_castpd_ps(in_order));
            _mm256_storeu_ps(gains.as_mut_ptr(), after);
        }
    }
}

/// See [`crate::greatest`].
#[target_feature(enable = "avx2")]
pub(crate) fn greatest(numbers: &[f32], floor: f32) -> Option<usize> {
    crate::gains::first_of_most(numbers, floor)
}

/// Compares points eight at once. Only where AVX2 is.
struct Avx2;

impl Kernel for Avx2 {
    type Few = Few;

    #[inline(always)]
    fn few(count: usize) -> Few {
        // SAFETY: as in `compare`.
        unsafe { few(count) }
    }

    #[inline(always)]
    fn away(point: &[f32; MOST_AXES], bounds: &Bounds) -> f32 {
        // SAFETY: as in `compare`.
        unsafe { away(point, bounds) }
    }

    #[inline(always)]
    fn compare<const AXES: usize>(
        point: &[f32; AXES],
        block: &[[f32; SIDE]; AXES],
        limit: f32,
    ) -> ([f32; SIDE], u32) {
        // SAFETY: `nearest` alone has this kernel, and is asked only where AVX2 is.
        unsafe { compare(point, block, limit) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn compare<const AXES: usize>(
    point: &[f32; AXES],
    block: &[[f32; SIDE]; AXES],
    limit: f32,
) -> ([f32; SIDE], u32) {
    let mut sum = _mm256_setzero_ps();
    for (coordinate, others) in point.iter().zip(block) {
        // SAFETY: there are eight of them; no alignment is requested.
        let others = unsafe { _mm256_loadu_ps(others.as_ptr()) };
        let off = _mm256_sub_ps(_mm256_set1_ps(*coordinate), others);
        // Not fused: the bits are to be the same everywhere.
        sum = _mm256_add_ps(sum, _mm256_mul_ps(off, off));
    }
    let near = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(sum, _mm256_set1_ps(limit)));
    let mut squared = [0.0; SIDE];
    // SAFETY: there is room for eight.
    unsafe { _mm256_storeu_ps(squared.as_mut_ptr(), sum) };
    (squared, near as u32)
}

#[inline]
#[target_feature(enable = "avx2")]
fn away(point: &[f32; MOST_AXES], bounds: &Bounds) -> f32 {
    // SAFETY: there are eight of each; no alignment is requested.
    let (point, low, high) = unsafe {
        (
            _mm256_loadu_ps(point.as_ptr()),
            _mm256_loadu_ps(bounds.low.as_ptr()),
            _mm256_loadu_ps(bounds.high.as_ptr()),
        )
    };
    let off = _mm256_max_ps(_mm256_sub_ps(low, point), _mm256_sub_ps(point, high));
    let off = _mm256_max_ps(off, _mm256_setzero_ps());
    let squares = _mm256_mul_ps(off, off);
    let four = _mm_add_ps(
        _mm256_castps256_ps128(squares),
        _mm256_extractf128_ps::<1>(squares),
    );
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    let one = _mm_add_ss(two, _mm_movehdup_ps(two));
    _mm_cvtss_f32(one)
}

/// Neighbours by their numbers as floats, which are in the same order: none is negative, and with this added none is
/// subnormal, infinite or NaN.
const NORMAL: i64 = 0x0010_0000 << 32;

/// What is nearer than any point, as a float.
const NEARER: f64 = -1.0;

/// A few neighbours, in order, in four registers: before those that count is what is nearer than any point, so that
/// the last that counts is the last of all. Only where AVX2 is.
struct Few {
    found: [__m256d; 4],
    /// The last of them.
    last: Near,
    /// Which is the first that counts.
    first: usize,
}

/// A neighbour as a float.
#[inline]
fn as_float(near: Near) -> f64 {
    f64::from_bits((near.number() + NORMAL) as u64)
}

#[inline]
fn as_near(number: f64) -> Near {
    Near::of(number.to_bits() as i64 - NORMAL)
}

#[inline]
#[target_feature(enable = "avx2")]
fn few(count: usize) -> Few {
    let first = FEW.saturating_sub(count);
    let mut numbers = [as_float(Near::NONE); FEW];
    numbers[..first].fill(NEARER);
    let mut found = [_mm256_setzero_pd(); 4];
    for (four, numbers) in found.iter_mut().zip(numbers.chunks_exact(4)) {
        // SAFETY: there are four of them; no alignment is requested.
        *four = unsafe { _mm256_loadu_pd(numbers.as_ptr()) };
    }
    Few {
        found,
        last: Near::NONE,
        first,
    }
}

/// Sorts a number in, and lets go of the greatest.
#[inline]
#[target_feature(enable = "avx2")]
fn sort_in(found: &mut [__m256d; 4], number: f64) {
    let number = _mm256_set1_pd(number);
    // The last of the four before, and three of these: what is one place lower.
    let mut before = _mm256_set1_pd(NEARER);
    for four in found {
        let turned = _mm256_permute4x64_pd::<0b10_01_00_11>(*four);
        let lower = _mm256_blend_pd::<0b1110>(before, turned);
        before = turned;
        *four = _mm256_max_pd(lower, _mm256_min_pd(number, *four));
    }
}

/// The greatest of the numbers.
#[inline]
#[target_feature(enable = "avx2")]
fn last(found: &[__m256d; 4]) -> f64 {
    let two = _mm256_extractf128_pd::<1>(found[3]);
    _mm_cvtsd_f64(_mm_unpackhi_pd(two, two))
}

impl Nearest for Few {
    #[inline(always)]
    fn limit(&self) -> f32 {
        self.last.squared()
    }

    #[inline(always)]
    fn add(&mut self, near: Near) {
        // As many as are equally near, where many points are the same.
        if near >= self.last {
            return;
        }
        // SAFETY: such neighbours are made only where AVX2 is.
        let last = unsafe {
            sort_in(&mut self.found, as_float(near));
            last(&self.found)
        };
        self.last = as_near(last);
    }
}

impl FewNearest for Few {
    #[inline(always)]
    fn give(&self, found: &mut Vec<Near>) {
        let mut numbers = [0.0; FEW];
        for (numbers, four) in numbers.chunks_exact_mut(4).zip(&self.found) {
            // SAFETY: there is room for four; AVX2 as in `add`.
            unsafe { _mm256_storeu_pd(numbers.as_mut_ptr(), *four) };
        }
        let nearest = numbers[self.first..].iter();
        let nearest = nearest.map(|number| as_near(*number));
        found.extend(nearest.take_while(|near| *near != Near::NONE));
    }
}

/// See [`Points::nearest`].
#[target_feature(enable = "avx2")]
pub(crate) fn nearest(
    points: &Points,
    point: &[f32],
    excluded: u32,
    count: usize,
    found: &mut Vec<Near>,
) {
    points.by_axes::<Avx2>(point, excluded, count, found);
}

/// See [`Explained::add`].
#[target_feature(enable = "avx2")]
pub(crate) fn explain(tree: &Explained, goes: &[bool], known: &mut Known, parts: &mut [f64]) {
    tree.add_portable(goes, known, parts);
}

/// See [`Levels::add`].
#[target_feature(enable = "avx2")]
pub(crate) fn explain_levels(tree: &Levels, number: usize, parts: &mut [f64]) {
    tree.add_portable(number, parts);
}

/// See [`crate::reached`].
#[target_feature(enable = "avx2")]
pub(crate) fn reached(cuts: &[f32], value: f32) -> usize {
    crate::reached::one(cuts, value)
}

/// See [`crate::reached_by_rows`].
#[target_feature(enable = "avx2")]
pub(crate) fn reached_by_rows(cuts: &[f32], values: &[f32; ROWS], counts: &mut [u8; ROWS]) {
    for (values, counts) in values.chunks_exact(32).zip(counts.chunks_exact_mut(32)) {
        let mut lanes = [_mm256_setzero_ps(); 4];
        for (lane, values) in lanes.iter_mut().zip(values.chunks_exact(8)) {
            // SAFETY: there are eight of them; no alignment is requested.
            *lane = unsafe { _mm256_loadu_ps(values.as_ptr()) };
        }
        let mut sums = [_mm256_setzero_si256(); 4];
        for cut in cuts {
            let cut = _mm256_set1_ps(*cut);
            for (sum, lane) in sums.iter_mut().zip(&lanes) {
                // All bits of what is reached: 1 less than 0.
                let reached = _mm256_cmp_ps::<_CMP_LE_OQ>(cut, *lane);
                *sum = _mm256_sub_epi32(*sum, _mm256_castps_si256(reached));
            }
        }
        for (counts, sum) in counts.chunks_exact_mut(8).zip(sums) {
            let mut eight = [0_i32; 8];
            // SAFETY: there is room for eight.
            unsafe { _mm256_storeu_si256(eight.as_mut_ptr().cast(), sum) };
            for (count, sum) in counts.iter_mut().zip(eight) {
                *count = sum as u8;
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(lane: &Lane, half: usize) -> __m256i {
    debug_assert!(half < HALVES);
    // SAFETY: a lane is 64 bytes, aligned to 64, and each half is 32 of them.
    unsafe { _mm256_load_si256(lane.0.as_ptr().cast::<__m256i>().add(half)) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(lane: &mut Lane, half: usize, value: __m256i) {
    debug_assert!(half < HALVES);
    // SAFETY: as in `load`.
    unsafe { _mm256_store_si256(lane.0.as_mut_ptr().cast::<__m256i>().add(half), value) }
}

/// Whether codes are in a set, by looking their bits up among 32 bytes.
#[target_feature(enable = "avx2")]
fn find(set: &Set, codes: &Lane, found: &mut Lane) {
    let (low, high) = set.members.split_at(16);
    // SAFETY: each part is 16 bytes; no alignment is requested.
    let (low, high) = unsafe {
        (
            _mm256_broadcastsi128_si256(_mm_loadu_si128(low.as_ptr().cast())),
            _mm256_broadcastsi128_si256(_mm_loadu_si128(high.as_ptr().cast())),
        )
    };
    let bits = _mm256_set1_epi64x(i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]));
    for half in 0..HALVES {
        let code = _mm256_xor_si256(load(codes, half), _mm256_set1_epi8(i8::MIN));
        // The byte of a code is one of 32: its upper five bits.
        let byte = _mm256_and_si256(_mm256_srli_epi16(code, 3), _mm256_set1_epi8(15));
        let from_low = _mm256_shuffle_epi8(low, byte);
        let from_high = _mm256_shuffle_epi8(high, byte);
        // By the highest bit of the code.
        let members = _mm256_blendv_epi8(from_low, from_high, code);
        let bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(code, _mm256_set1_epi8(7)));
        let is_in = _mm256_cmpeq_epi8(_mm256_and_si256(members, bit), bit);
        let (inside, outside) = (_mm256_set1_epi8(i8::MAX), _mm256_set1_epi8(i8::MIN));
        store(found, half, _mm256_blendv_epi8(outside, inside, is_in));
    }
}

/// See [`Program::add`].
///
/// # Safety
/// There are at least as many lanes as [`Program::lanes`] says.
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn add(
    program: &Program,
    lanes: &mut [Lane],
    room: &mut Room,
    sums: &mut [f64; ROWS],
) {
    for tree in &program.trees {
        let mut number = Lane::of(0);
        let leaves = match *tree {
            Tree::Free {
                sets,
                selects,
                leaves,
            } => {
                for (place, set) in (program.lanes..).zip(part(&program.sets, sets)) {
                    let codes = lanes[usize::from(set.lane)];
                    find(set, &codes, &mut lanes[place]);
                }
                let selects = part(&program.selects, selects);
                for (slot, select) in (MOST_LEAVES..).zip(selects) {
                    let (left, right) = (usize::from(select.left), usize::from(select.right));
                    // SAFETY: `Program::free` has taken no lane beyond those of codes and of the tree's sets,
                    // which are as many as there are at most; and only numbers of leaves and forks
                    // before this one as children, which are below twice the most leaves, as are all slots.
                    let (codes, left, right, found) = unsafe {
                        let slots = room.slots.as_mut_ptr();
                        (
                            lanes.get_unchecked(usize::from(select.test.lane)),
                            &*slots.add(left),
                            &*slots.add(right),
                            &mut *slots.add(slot),
                        )
                    };
                    let last = _mm256_set1_epi8(select.test.last);
                    for half in 0..HALVES {
                        let goes_right = _mm256_cmpgt_epi8(load(codes, half), last);
                        let next =
                            _mm256_blendv_epi8(load(left, half), load(right, half), goes_right);
                        store(found, half, next);
                    }
                }
                number = room.slots[MOST_LEAVES + selects.len() - 1];
                leaves
            }
            Tree::Symmetric { tests, leaves } => {
                for half in 0..HALVES {
                    let mut bits = _mm256_setzero_si256();
                    for (level, test) in part(&program.tests, tests).iter().enumerate() {
                        let codes = load(&lanes[usize::from(test.lane)], half);
                        let right = _mm256_cmpgt_epi8(codes, _mm256_set1_epi8(test.last));
                        let bit = _mm256_set1_epi8((1_u8 << level) as i8);
                        bits = _mm256_or_si256(bits, _mm256_and_si256(right, bit));
                    }
                    store(&mut number, half, bits);
                }
                leaves
            }
        };
        add_leaves(&number, program.window(leaves), sums);
    }
}
