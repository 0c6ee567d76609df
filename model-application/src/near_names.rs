//! Names that are nearly the same: but for upper and lower case, or for a slip of one letter.

use std::collections::HashMap;

/// Names of a set at most by which slips are looked for: bounds the index.
const MOST_NAMES: usize = 5_000;
/// Shorter and longer names are only compared without regard to case.
const SLIPS: std::ops::RangeInclusive<usize> = 4..=40;
/// Names that are given at most.
const MOST_NEAR: usize = 3;

/// Names, findable by what they nearly are.
#[derive(Debug, Default)]
pub(crate) struct NearNames {
    names: Vec<String>,
    /// By a form of theirs: which names have it.
    by_form: HashMap<String, Vec<u32>>,
}

impl NearNames {
    /// Of names without repeats.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> NearNames {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut by_form: HashMap<String, Vec<u32>> = HashMap::new();
        for (at, name) in (0_u32..).zip(&names) {
            let slips = names.len() <= MOST_NAMES;
            for form in forms(name, slips) {
                let same: &mut Vec<u32> = by_form.entry(form).or_default();
                if same.last() != Some(&at) {
                    same.push(at);
                }
            }
        }
        NearNames { names, by_form }
    }

    /// The names that `name` may mean, the likeliest first.
    pub fn of(&self, name: &str) -> Vec<&str> {
        let lower = name.trim().to_lowercase();
        let found = forms(name, true).into_iter();
        let found = found.filter_map(|form| self.by_form.get(&form));
        let mut found: Vec<(bool, usize, &str)> = found
            .flatten()
            .map(|at| self.names[*at as usize].as_str())
            .map(|known| {
                let other = known.to_lowercase();
                let longer = other.chars().count().abs_diff(lower.chars().count());
                (other != lower, longer, known)
            })
            // Another number is another thing: street 7 is no slip of street 6.
            .filter(|(is_other, _, known)| !is_other || digits(known).eq(digits(name)))
            .collect();
        found.sort_unstable();
        found.dedup();
        let known = found.into_iter().map(|(.., known)| known);
        known.take(MOST_NEAR).collect()
    }
}

fn digits(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().filter(|letter| letter.is_numeric())
}

/// A name in lower case, and with one letter left out: two names of a common form are nearly the same.
fn forms(name: &str, slips: bool) -> Vec<String> {
    let lower = name.trim().to_lowercase();
    let mut forms = Vec::new();
    if slips && SLIPS.contains(&lower.chars().count()) {
        forms.extend(lower.char_indices().map(|(at, letter)| {
            let (before, rest) = lower.split_at(at);
            format!("{before}{}", &rest[letter.len_utf8()..])
        }));
    }
    forms.push(lower);
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_slips_of_one_letter_are_near_and_other_numbers_are_not() {
        let known = [
            "Kazan",
            "Казань",
            "Perm",
            "Permsk",
            "street6",
            "Ufa",
            "Köln",
        ];
        let near = NearNames::new(known);
        for (name, expected) in [
            ("kazan", &["Kazan"][..]),
            (" KAZAN ", &["Kazan"]),
            ("Kazna", &["Kazan"]),
            ("Kazann", &["Kazan"]),
            ("Kaan", &["Kazan"]),
            ("Kasan", &["Kazan"]),
            ("казан", &["Казань"]),
            ("perms", &["Perm", "Permsk"]),
            ("street7", &[]),
            ("Street6", &["street6"]),
            ("ufa", &["Ufa"]),
            ("Uf", &[]),
            ("koln", &["Köln"]),
            ("Atlantis", &[]),
            ("", &[]),
        ] {
            assert_eq!(near.of(name), expected, "{name}");
        }
    }
}
