//! What prices are in.

use super::{Crawl, Schema};

impl Crawl {
    /// The currency that prices are to be in, of a schema.
    pub fn currency(&self, schema: &Schema) -> Option<String> {
        self.currency.clone().or_else(|| {
            let target = schema.field(schema.target.as_deref()?)?;
            currency_of(target.unit.as_deref()?).map(str::to_owned)
        })
    }
}

/// The currency (ISO 4217) that a sign or a word stands for; `None` for what may be several.
pub fn currency_of(sign: &str) -> Option<&str> {
    let known = match sign.trim() {
        "₽" | "руб." | "руб" => "RUB",
        "$" | "US$" => "USD",
        "€" => "EUR",
        "£" => "GBP",
        "₴" => "UAH",
        "₸" => "KZT",
        "zł" => "PLN",
        "₺" => "TRY",
        "₹" => "INR",
        code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => code,
        _ => return None,
    };
    Some(known)
}
