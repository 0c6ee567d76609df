//! The extension of binary tensors: values after the JSON, as little-endian bytes (tritonclient's default).
//!
//! <https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md>

use actix_web::http::header::{HeaderMap, HeaderName};
use serde_json::{Map, Value};

/// Bytes of the JSON before the values.
pub(super) const JSON_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");
/// Bytes of one tensor's values.
pub(super) const SIZE: &str = "binary_data_size";

/// A body's JSON, and the values after it.
///
/// # Errors
/// When the header is not the length of a part of the body.
pub(super) fn split<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<(&'a [u8], &'a [u8]), String> {
    let Some(length) = headers.get(JSON_LENGTH) else {
        return Ok((body, &[]));
    };
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    length
        .and_then(|length| body.split_at_checked(length))
        .ok_or_else(|| {
            format!(
                "the header Inference-Header-Content-Length is not a length within the body; expected at most {}",
                body.len()
            )
        })
}

/// The values of one tensor, taken from the front of `rest`; `None` where its values are in the JSON.
///
/// # Errors
/// When the bytes are not values of the datatype.
pub(super) fn take(
    name: &str,
    datatype: &str,
    parameters: &Map<String, Value>,
    rest: &mut &[u8],
) -> Result<Option<Value>, String> {
    let Some(size) = parameters.get(SIZE) else {
        return Ok(None);
    };
    let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
    let left: &[u8] = rest;
    let Some((bytes, others)) = size.and_then(|size| left.split_at_checked(size)) else {
        let (found, left) = (&parameters[SIZE], left.len());
        return Err(format!(
            "input {name}: {SIZE} is {found}; expected at most {left}, the bytes that are left of the body"
        ));
    };
    *rest = others;
    values(datatype, bytes)
        .map(|values| Some(Value::Array(values)))
        .map_err(|why| format!("input {name}: {why}"))
}

/// # Errors
/// What is wrong with the bytes.
fn values(datatype: &str, bytes: &[u8]) -> Result<Vec<Value>, String> {
    match datatype {
        "BYTES" => texts(bytes),
        "BOOL" => numbers(datatype, bytes, |[byte]: [u8; 1]| (byte != 0).into()),
        "INT8" => numbers(datatype, bytes, |le| i8::from_le_bytes(le).into()),
        "INT16" => numbers(datatype, bytes, |le| i16::from_le_bytes(le).into()),
        "INT32" => numbers(datatype, bytes, |le| i32::from_le_bytes(le).into()),
        "INT64" => numbers(datatype, bytes, |le| i64::from_le_bytes(le).into()),
        "UINT8" => numbers(datatype, bytes, |le| u8::from_le_bytes(le).into()),
        "UINT16" => numbers(datatype, bytes, |le| u16::from_le_bytes(le).into()),
        "UINT32" => numbers(datatype, bytes, |le| u32::from_le_bytes(le).into()),
        "UINT64" => numbers(datatype, bytes, |le| u64::from_le_bytes(le).into()),
        "FP16" => numbers(datatype, bytes, |le| float(half(u16::from_le_bytes(le)))),
        "FP32" => numbers(datatype, bytes, |le| float(f32::from_le_bytes(le).into())),
        "FP64" => numbers(datatype, bytes, |le| float(f64::from_le_bytes(le))),
        other => Err(format!(
            "the datatype {other} has no binary form here; expected BYTES, BOOL, INT8 to INT64, UINT8 to UINT64, \
             FP16, FP32 or FP64"
        )),
    }
}

fn numbers<const N: usize>(
    datatype: &str,
    bytes: &[u8],
    value: impl Fn([u8; N]) -> Value,
) -> Result<Vec<Value>, String> {
    let (values, rest) = bytes.as_chunks::<N>();
    match rest.is_empty() {
        true => Ok(values.iter().map(|le| value(*le)).collect()),
        false => Err(format!(
            "found {} bytes; expected a multiple of {N} for {datatype}",
            bytes.len()
        )),
    }
}

/// Texts with their lengths in four bytes before them.
fn texts(mut bytes: &[u8]) -> Result<Vec<Value>, String> {
    let mut texts = Vec::new();
    while !bytes.is_empty() {
        let row = texts.len();
        let text = bytes.split_first_chunk::<4>().and_then(|(length, rest)| {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            rest.split_at_checked(length)
        });
        let Some((text, rest)) = text else {
            return Err(format!(
                "value {row} is cut off; expected its length in four bytes, and so many bytes"
            ));
        };
        let text = std::str::from_utf8(text)
            .map_err(|_| format!("value {row} is not UTF-8; expected a text"))?;
        texts.push(text.into());
        bytes = rest;
    }
    Ok(texts)
}

/// A number as JSON would have it: NaN is no value, and an infinity is a text that no field takes.
fn float(value: f64) -> Value {
    match value.is_infinite() {
        true => value.to_string().into(),
        false => value.into(),
    }
}

/// A number of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = ((bits >> 10) & 0x1f, f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2.0_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f64.powi(i32::from(exponent) - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn taken(datatype: &str, bytes: &[u8]) -> Result<Value, String> {
        let parameters = Map::from_iter([(SIZE.to_owned(), bytes.len().into())]);
        let mut rest = bytes;
        let taken = take("x", datatype, &parameters, &mut rest)?;
        assert!(rest.is_empty());
        Ok(taken.expect("binary values"))
    }

    #[test]
    fn values_are_read_by_their_datatype() {
        assert_eq!(
            taken("BYTES", b"\x05\0\0\0Kazan\0\0\0\0"),
            Ok(json!(["Kazan", ""]))
        );
        assert_eq!(taken("BOOL", &[0, 1, 2]), Ok(json!([false, true, true])));
        assert_eq!(taken("INT16", &[0xfe, 0xff, 3, 0]), Ok(json!([-2, 3])));
        let most = u64::MAX.to_le_bytes();
        assert_eq!(taken("UINT64", &most), Ok(json!([u64::MAX])));
        assert_eq!(taken("FP32", &50.5_f32.to_le_bytes()), Ok(json!([50.5])));
        // 1, -2, 2^-24, 65504, infinity, NaN.
        let halves = [0x3c00_u16, 0xc000, 1, 0x7bff, 0x7c00, 0x7e00].map(u16::to_le_bytes);
        assert_eq!(
            taken("FP16", halves.as_flattened()),
            Ok(json!([1.0, -2.0, 2.0_f64.powi(-24), 65504.0, "inf", null]))
        );
        assert_eq!(taken("FP64", &f64::NAN.to_le_bytes()), Ok(json!([null])));
    }

    #[test]
    fn bytes_that_are_no_values_say_what_was_expected() {
        for (datatype, bytes, expected) in [
            ("INT64", &[1, 2, 3][..], "a multiple of 8"),
            ("BYTES", &b"\x05\0\0\0Kaz"[..], "value 0 is cut off"),
            ("BYTES", &b"\x01\0"[..], "value 0 is cut off"),
            ("BYTES", &b"\x01\0\0\0\xff"[..], "not UTF-8"),
            ("BF16", &[0, 0][..], "FP16, FP32 or FP64"),
        ] {
            let error = taken(datatype, bytes).expect_err(expected);
            assert!(
                error.contains("input x: ") && error.contains(expected),
                "{error}"
            );
        }
        for size in [json!(5), json!(-1), json!("4")] {
            let parameters = Map::from_iter([(SIZE.to_owned(), size)]);
            let error = take("x", "BOOL", &parameters, &mut &[0_u8; 4][..]).expect_err("too many");
            assert!(error.contains("at most 4"), "{error}");
        }
    }

    #[test]
    fn the_json_ends_where_the_header_says() {
        let headers = |length: &str| {
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_str(length).expect("a header");
            headers.insert(JSON_LENGTH, value);
            headers
        };
        assert_eq!(
            split(&HeaderMap::new(), b"{}12"),
            Ok((&b"{}12"[..], &b""[..]))
        );
        assert_eq!(split(&headers("2"), b"{}12"), Ok((&b"{}"[..], &b"12"[..])));
        for length in ["5", "-1", "two"] {
            let error = split(&headers(length), b"{}12").expect_err(length);
            assert!(error.contains("expected at most 4"), "{error}");
        }
    }
}
