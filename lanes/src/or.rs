//! Bits of one line of bytes put into another.

/// [`crate::or_into`] in plain Rust.
#[inline(always)]
pub(crate) fn portable(bits: &mut [u8], line: &[u8]) {
    for (byte, line) in bits.iter_mut().zip(line) {
        *byte |= line;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::or_into;

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
