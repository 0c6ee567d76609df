//! Bits of one line of bytes put into another.

/// Sets in `own` every bit that `line` has; what is beyond the shorter of the two is left as it is.
pub fn or_into(own: &mut [u8], line: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if crate::has_avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { crate::avx2::or_into(own, line) };
    }
    portable(own, line);
}

/// The same in plain Rust.
#[inline(always)]
pub(crate) fn portable(own: &mut [u8], line: &[u8]) {
    for (own, line) in own.iter_mut().zip(line) {
        *own |= line;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_both_are_there_and_no_others() {
        for length in [0, 1, 31, 32, 33, 64, 600] {
            let one: Vec<u8> = (0..length).map(|at| (at * 37 % 251) as u8).collect();
            let other: Vec<u8> = (0..length).map(|at| (at * 91 % 239) as u8).collect();
            let expected: Vec<u8> = one.iter().zip(&other).map(|(a, b)| a | b).collect();
            let (mut here, mut plain) = (one.clone(), one);
            or_into(&mut here, &other);
            portable(&mut plain, &other);
            assert_eq!(here, expected);
            assert_eq!(plain, expected);
        }
    }
}
