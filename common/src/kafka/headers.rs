//! Headers of a request that its answer carries, so that traces go on and replies are matched.

use std::ffi::{CStr, c_void};
use std::ptr;

use rdkafka::bindings as native;
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use serde::{Deserialize, Deserializer};

/// Most headers of a message that are forwarded.
const MOST: usize = 16;
/// Most bytes of them, names and values together.
const MOST_BYTES: usize = 4096;

/// Names of the headers to forward, in lower case; a text of names with commas between them in the settings.
#[derive(Debug, Clone, Default)]
pub struct ForwardHeaders {
    names: Vec<String>,
}

impl<'de> Deserialize<'de> for ForwardHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ForwardHeaders, D::Error> {
        let text = String::deserialize(deserializer)?;
        let names = text.split(',').map(|name| name.trim().to_ascii_lowercase());
        Ok(ForwardHeaders {
            names: names.filter(|name| !name.is_empty()).collect(),
        })
    }
}

/// The forwarded headers of one message.
#[derive(Debug, Clone, Default)]
pub struct Forwarded {
    /// In their order; `None` for most messages, so that they cost nothing.
    pub headers: Option<OwnedHeaders>,
    /// Headers of these names that are beyond the bounds.
    pub left_out: usize,
}

impl ForwardHeaders {
    /// The headers of a message that are forwarded.
    pub fn of(&self, message: &BorrowedMessage<'_>) -> Forwarded {
        let mut forwarded = Forwarded::default();
        if self.names.is_empty() {
            return forwarded;
        }
        let (mut count, mut bytes) = (0, 0);
        for_each(message, |name, value| {
            if !self
                .names
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                return;
            }
            bytes += name.len() + value.map_or(0, <[u8]>::len);
            count += 1;
            if count > MOST || bytes > MOST_BYTES {
                forwarded.left_out += 1;
                return;
            }
            let headers = forwarded.headers.take().unwrap_or_default();
            forwarded.headers = Some(headers.insert(Header { key: name, value }));
        });
        forwarded
    }
}

/// All headers of a message whose names are UTF-8, in their order. With librdkafka's functions, as rdkafka's own
/// iterator panics at a name that is not.
#[allow(unsafe_code)]
fn for_each(message: &BorrowedMessage<'_>, mut take: impl FnMut(&str, Option<&[u8]>)) {
    const NO_ERROR: native::rd_kafka_resp_err_t =
        native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
    let mut headers = ptr::null_mut();
    // SAFETY: the pointer is that of a message that `message` keeps alive.
    let found = unsafe { native::rd_kafka_message_headers(message.ptr(), &mut headers) };
    if found != NO_ERROR || headers.is_null() {
        return;
    }
    for index in 0.. {
        let mut name = ptr::null();
        let mut value: *const c_void = ptr::null();
        let mut length = 0;
        // SAFETY: the headers belong to the message, and the other pointers are to places of this frame.
        let found = unsafe {
            native::rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut length)
        };
        if found != NO_ERROR || name.is_null() {
            return;
        }
        // SAFETY: librdkafka ends each name with a NUL, and it lives as long as the message.
        let name = unsafe { CStr::from_ptr(name) };
        // SAFETY: `value` has `length` bytes, which live as long as the message.
        let value = (!value.is_null())
            .then(|| unsafe { std::slice::from_raw_parts(value.cast::<u8>(), length) });
        if let Ok(name) = name.to_str() {
            take(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_text_with_commas() {
        let names = |text: &str| {
            let value = serde_json::Value::from(text);
            let headers: ForwardHeaders = serde_json::from_value(value).expect("a text");
            headers.names
        };
        assert_eq!(
            names(" traceparent, X-Request-ID ,"),
            ["traceparent", "x-request-id"]
        );
        assert!(names("").is_empty());
    }
}
