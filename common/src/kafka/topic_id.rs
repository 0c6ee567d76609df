//! The ids that a broker has given its topics: a topic deleted and made again under the same name has
//! another one (KIP-516).
//!
//! librdkafka gives ids in `DescribeTopics`, which `rdkafka` does not wrap yet: the calls are made here,
//! and nothing outside this file is unsafe.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

use rdkafka::bindings as native;
use rdkafka::client::{Client, ClientContext};

/// The id of a topic that has none: brokers before 2.8 give zeros.
const NO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// Frees what librdkafka has given, however the function that holds it ends.
struct Freed<T> {
    pointer: *mut T,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Freed<T> {
    fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Freed<T>> {
        (!pointer.is_null()).then_some(Freed { pointer, free })
    }
}

impl<T> Drop for Freed<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer is not null, comes from the constructor that `free` belongs to, and is
        // freed once, as nothing copies it.
        unsafe { (self.free)(self.pointer) }
    }
}

/// The ids of topics in base64, as Kafka's own tools print them, by name; those without an id are left
/// out. Blocks for `timeout` at most.
///
/// # Errors
/// When there is no answer in time, or the broker does not know such a request.
pub(super) fn topic_ids<C: ClientContext>(
    client: &Client<C>,
    topics: &[&str],
    timeout: Duration,
) -> Result<BTreeMap<String, String>, String> {
    let names: Vec<CString> = topics
        .iter()
        .map(|topic| CString::new(*topic).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let failed = || "librdkafka is out of memory".to_owned();
    let rk = client.native_ptr();
    // SAFETY: `rk` lives as long as the borrow of `client`. The names are copied by librdkafka while
    // `names` lives. Queue, options, collection and event are freed when this function ends, in the
    // reverse order of their making; the result, the descriptions and their strings belong to the event
    // and are copied before. The answer goes to this function's own queue: no callback runs.
    unsafe {
        let queue = Freed::new(
            native::rd_kafka_queue_new(rk),
            native::rd_kafka_queue_destroy,
        )
        .ok_or_else(failed)?;
        let options = Freed::new(
            native::rd_kafka_AdminOptions_new(
                rk,
                native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
            ),
            native::rd_kafka_AdminOptions_destroy,
        )
        .ok_or_else(failed)?;
        native::rd_kafka_AdminOptions_set_request_timeout(
            options.pointer,
            timeout_ms,
            std::ptr::null_mut(),
            0,
        );
        let collection = Freed::new(
            native::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
            native::rd_kafka_TopicCollection_destroy,
        )
        .ok_or_else(failed)?;
        native::rd_kafka_DescribeTopics(rk, collection.pointer, options.pointer, queue.pointer);
        let event = Freed::new(
            native::rd_kafka_queue_poll(queue.pointer, timeout_ms),
            native::rd_kafka_event_destroy,
        )
        .ok_or_else(|| format!("no answer within {timeout_ms} ms"))?;
        let code = native::rd_kafka_event_error(event.pointer);
        if code != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            let reason = native::rd_kafka_event_error_string(event.pointer);
            return Err(CStr::from_ptr(reason).to_string_lossy().into_owned());
        }
        let result = native::rd_kafka_event_DescribeTopics_result(event.pointer);
        if result.is_null() {
            return Err("librdkafka returned an unexpected answer".to_owned());
        }
        let mut count = 0;
        let described = native::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let mut ids = BTreeMap::new();
        for index in 0..count {
            let topic = *described.add(index);
            let name = CStr::from_ptr(native::rd_kafka_TopicDescription_name(topic));
            let error = native::rd_kafka_TopicDescription_error(topic);
            let code = native::rd_kafka_error_code(error);
            if code != native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                continue;
            }
            let uuid = native::rd_kafka_TopicDescription_topic_id(topic);
            if uuid.is_null() {
                continue;
            }
            let id = native::rd_kafka_Uuid_base64str(uuid);
            if id.is_null() {
                continue;
            }
            let id = CStr::from_ptr(id).to_string_lossy();
            if id != NO_ID {
                ids.insert(name.to_string_lossy().into_owned(), id.into_owned());
            }
        }
        Ok(ids)
    }
}
