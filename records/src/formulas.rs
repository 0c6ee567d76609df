//! Texts that a spreadsheet would take for a formula when it opens a CSV: they are written by strangers, and
//! `=HYPERLINK(…)` or `=cmd|…` acts on the one who opens it.

use std::borrow::Cow;

use serde::Deserialize;

/// What is done with a text that begins as a formula does, where a CSV is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formulas {
    /// An apostrophe goes before it, which a spreadsheet takes for "this is a text" (OWASP, CSV injection).
    #[default]
    Neutralise,
    /// It is written as it is, for programs that read it again.
    Keep,
}

impl Formulas {
    /// A cell that is a text. A number is not a formula, whatever its sign.
    pub fn cell(self, text: &str) -> Cow<'_, str> {
        // Also with a blank before it, which some programs drop; the wide forms are read as the narrow ones.
        let first = text
            .trim_start_matches([' ', '\u{a0}', '\u{feff}'])
            .chars()
            .next();
        let is_formula = matches!(
            first,
            Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
        );
        match self {
            Formulas::Neutralise if is_formula && text.parse::<f64>().is_err() => {
                Cow::Owned(format!("'{text}"))
            }
            Formulas::Neutralise | Formulas::Keep => Cow::Borrowed(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_get_an_apostrophe_and_numbers_do_not() {
        for text in [
            "=cmd|' /C calc'!A0",
            "=1+1",
            "+SUM(A1)",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            " =1",
            "＝1+1",
            "-",
            "--",
            "+7 900 000",
        ] {
            assert_eq!(Formulas::Neutralise.cell(text), format!("'{text}"));
            assert_eq!(Formulas::Keep.cell(text), text);
        }
        for text in [
            "-1",
            "+1.5",
            "-1e5",
            "",
            "a=b",
            "1=1",
            "real-estate@v000001",
            "'=1",
            "й",
        ] {
            assert_eq!(Formulas::Neutralise.cell(text), text);
        }
    }
}
