//! A schema registry for tests.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

/// The address of a registry with one schema, which it `describes` under the id 7.
pub(super) fn start(describes: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or_default();
            let is_known = request[..length].starts_with(b"GET /schemas/ids/7");
            let (status, body) = match is_known {
                true => ("200 OK", describes.to_string()),
                false => (
                    "404 Not Found",
                    json!({ "error_code": 40403, "message": "no" }).to_string(),
                ),
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\n\
                 Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        }
    });
    url
}
