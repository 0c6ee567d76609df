//! Bodies with room for ids: a request that is sent again has to be a new one.

use std::path::Path;

use anyhow::{Context, ensure};

/// What is in a body where an id goes: twelve characters, as the ids have.
const SLOT: &[u8] = b"############";
/// The least number of twelve digits.
const LEAST: u64 = 100_000_000_000;

/// A whole HTTP request, with the places of its ids.
#[derive(Clone)]
pub struct Request {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Request {
    fn new(address: &str, path: &str, body: &str) -> Request {
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes();
        let places = (0..bytes.len().saturating_sub(SLOT.len() - 1))
            .filter(|at| bytes[*at..].starts_with(SLOT))
            .collect();
        Request { bytes, places }
    }

    /// How many ids it takes.
    pub fn ids(&self) -> u64 {
        self.places.len() as u64
    }

    /// The bytes to send, with ids from `number` on.
    pub fn with_ids(&mut self, number: u64) -> &[u8] {
        for (id, place) in (LEAST + number..).zip(&self.places) {
            self.bytes[*place..place + SLOT.len()].copy_from_slice(id.to_string().as_bytes());
        }
        &self.bytes
    }
}

/// Reads bodies, one a line.
///
/// # Errors
/// When the file cannot be read or has no line.
pub fn read(file: &Path, address: &str, path: &str) -> anyhow::Result<Vec<Request>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let requests: Vec<Request> = text
        .lines()
        .map(|body| Request::new(address, path, body))
        .collect();
    ensure!(!requests.is_empty(), "{} has no line", file.display());
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_gets_an_id_of_its_own() {
        let body = r#"[{"id":############},{"id":############}]"#;
        let mut request = Request::new("127.0.0.1:80", "/predict", body);
        assert_eq!(request.ids(), 2);
        for (number, ids) in [(7, (7, 8)), (9, (9, 10))] {
            let text = String::from_utf8_lossy(request.with_ids(number)).into_owned();
            let expected = format!(r#"[{{"id":{}}},{{"id":{}}}]"#, LEAST + ids.0, LEAST + ids.1);
            assert!(text.ends_with(&expected), "{text}");
            assert!(
                text.contains(&format!("Content-Length: {}\r\n", body.len())),
                "{text}"
            );
        }
    }
}
