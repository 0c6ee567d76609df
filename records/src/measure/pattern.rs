//! Texts with more than one number, or words around it: `{1} BHK`, `{1} years {1/12} months`,
//! `{1/2} - {1/2}`. The value is the sum of the numbers, each times what is in its braces.

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// A word, in lower case; spaces around it do not count.
    Word(String),
    /// A number, and what it is multiplied by.
    Number(f64),
}

/// A pattern, ready to read texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern(Vec<Part>);

/// Whether a text is a pattern.
///
/// # Errors
/// What is wrong with it, and what was expected.
pub fn check(text: &str) -> Result<(), String> {
    Pattern::parse(text).map(|_| ())
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Pattern, String> {
        const EXPECTED: &str = "expected words and numbers in braces, each with its factor, such \
                                as \"{1} years {1/12} months\"";
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once('{') {
            let (inside, after) = behind.split_once('}').ok_or(EXPECTED)?;
            let word = before.trim().to_lowercase();
            if word.is_empty() && matches!(parts.last(), Some(Part::Number(_))) {
                return Err(format!("two numbers without text between them: {EXPECTED}"));
            }
            if !word.is_empty() {
                parts.push(Part::Word(word));
            }
            parts.push(Part::Number(factor(inside).ok_or_else(|| {
                format!("{{{inside}}} is not a factor such as 1, 0.5 or 1/12: {EXPECTED}")
            })?));
            rest = after;
        }
        if parts.is_empty() || rest.contains('}') {
            return Err(EXPECTED.to_owned());
        }
        let word = rest.trim().to_lowercase();
        if !word.is_empty() {
            parts.push(Part::Word(word));
        }
        Ok(Pattern(parts))
    }

    /// Reads a text in lower case; `number` reads the number that a text begins with, and states where it
    /// ends.
    pub(super) fn read(
        &self,
        text: &str,
        number: impl Fn(&str) -> Option<(f64, usize)>,
    ) -> Option<f64> {
        let (mut rest, mut sum) = (text, 0.0);
        for part in &self.0 {
            rest = rest.trim_start();
            match part {
                Part::Word(word) => {
                    rest = rest.strip_prefix(word.as_str())?;
                    // "room" does not begin "rooms".
                    let is_inner = word.ends_with(char::is_alphabetic)
                        && rest.starts_with(char::is_alphabetic);
                    if is_inner {
                        return None;
                    }
                }
                Part::Number(factor) => {
                    let (value, end) = number(rest)?;
                    sum += value * factor;
                    rest = &rest[end..];
                }
            }
        }
        rest.trim().is_empty().then_some(sum)
    }
}

/// `1`, `0.5`, `1/12`.
fn factor(text: &str) -> Option<f64> {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let (above, below) = (
        above.trim().parse::<f64>().ok()?,
        below.trim().parse::<f64>().ok()?,
    );
    let factor = above / below;
    factor.is_finite().then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_none_is_named() {
        for (text, part) in [
            ("BHK", "expected words and numbers in braces"),
            ("{1}{2}", "two numbers without text"),
            ("{x} BHK", "not a factor"),
            ("{1", "expected words"),
            ("{1/0}", "not a factor"),
        ] {
            let error = check(text).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
        assert!(check("{1} BHK").is_ok());
    }
}
