//! Bytes of a page to text.

use encoding_rs::{Encoding, UTF_8};

/// How far into a page its own word on its character set is looked for, in bytes.
const HEAD: usize = 1024;

/// The text of a page: by the mark at its beginning, else by what `Content-Type` says, else by what the
/// page says, else UTF-8. What is not of that set becomes U+FFFD.
pub fn decode(body: &[u8], content_type: &str) -> String {
    let head = &body[..body.len().min(HEAD)];
    let declared = label(content_type).or_else(|| label(&String::from_utf8_lossy(head)));
    let encoding = declared.unwrap_or(UTF_8);
    let (text, _, _) = encoding.decode(body);
    text.into_owned()
}

/// The character set behind `charset=`.
fn label(text: &str) -> Option<&'static Encoding> {
    let text = text.to_ascii_lowercase();
    let (_, after) = text.split_once("charset")?;
    let after = after.trim_start().strip_prefix('=')?.trim_start();
    let after = after.trim_start_matches(['"', '\'']);
    let end =
        after.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_:.".contains(letter)));
    Encoding::for_label(&after.as_bytes()[..end.unwrap_or(after.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_set_is_used_and_an_unknown_or_wrong_one_breaks_nothing() {
        // "Казань" in windows-1251.
        let kazan = [0xca, 0xe0, 0xe7, 0xe0, 0xed, 0xfc];
        assert_eq!(decode(&kazan, "text/html; charset=windows-1251"), "Казань");
        let mut page = b"<meta charset='windows-1251'>".to_vec();
        page.extend(kazan);
        assert!(decode(&page, "text/html").ends_with("Казань"));
        assert!(decode(&kazan, "text/html; charset=klingon").contains('\u{fffd}'));
        assert!(decode(&kazan, "text/html; charset=utf-8").contains('\u{fffd}'));
        assert_eq!(
            decode("\u{feff}é".as_bytes(), "text/html; charset=latin1"),
            "é"
        );
    }
}
