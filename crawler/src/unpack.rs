//! Packed bodies, unpacked up to a bound: a small body may hold a huge one.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::fetch::FetchError;

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The body as it is without the packing that `Content-Encoding` says.
///
/// # Errors
/// When it is too large, broken, or packed in a way that was not asked for.
pub fn unpack(body: Vec<u8>, packing: &str, limit: usize) -> Result<Vec<u8>, FetchError> {
    match packing {
        "" | "identity" => Ok(body),
        // A server that says so of what is not packed is believed by what it sends.
        "gzip" | "x-gzip" if body.starts_with(&GZIP) => gunzip(&body, limit),
        "gzip" | "x-gzip" => Ok(body),
        other => Err(FetchError::Packed {
            detail: format!("expected gzip or nothing, found Content-Encoding {other:?}"),
        }),
    }
}

/// A file that is packed itself, such as `sitemap.xml.gz`; any other is given back as it is.
///
/// # Errors
/// When it is too large or broken.
pub fn unpack_file(body: Vec<u8>, limit: usize) -> Result<Vec<u8>, FetchError> {
    match body.starts_with(&GZIP) {
        true => gunzip(&body, limit),
        false => Ok(body),
    }
}

fn gunzip(packed: &[u8], limit: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    let mut bounded = MultiGzDecoder::new(packed).take(limit as u64 + 1);
    bounded
        .read_to_end(&mut body)
        .map_err(|error| FetchError::Packed {
            detail: error.to_string(),
        })?;
    match body.len() > limit {
        true => Err(FetchError::TooLarge {
            limit,
            when: "once unpacked",
        }),
        false => Ok(body),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).expect("writes into memory");
        writer.finish().expect("ends")
    }

    #[test]
    fn a_bomb_is_unpacked_up_to_the_bound() {
        let bomb = packed(&vec![b'a'; 50 << 20]);
        assert!(bomb.len() < 100_000);
        let error = unpack(bomb, "gzip", 100_000).expect_err("50 MB");
        assert!(error.to_string().contains("once unpacked"), "{error}");
    }

    #[test]
    fn what_is_packed_is_unpacked_and_what_is_not_is_left() {
        let page = b"<html>".to_vec();
        assert_eq!(unpack(packed(&page), "gzip", 100).expect("fits"), page);
        assert_eq!(unpack(page.clone(), "gzip", 100).expect("as it is"), page);
        assert_eq!(unpack_file(packed(&page), 100).expect("fits"), page);
        let mut broken = packed(&page);
        broken.truncate(12);
        assert!(unpack(broken, "gzip", 100).is_err());
        assert!(unpack(page, "br", 100).is_err());
    }
}
