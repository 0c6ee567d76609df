//! Words for true and false.

/// Whether a text is a word for true or for false; `None` for any other.
pub fn of_word(text: &str) -> Option<bool> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "t", "yes", "y", "on", "1"].iter().any(is) {
        Some(true)
    } else if ["false", "f", "no", "n", "off", "0"].iter().any(is) {
        Some(false)
    } else {
        None
    }
}
