//! One connection over HTTP/1.1, kept alive; small enough that it costs less than any server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most headers of an answer.
const HEADERS: usize = 64;
/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// A connection; asks one question after the other.
pub struct Connection {
    stream: TcpStream,
    /// What was read and not yet taken.
    buffer: Vec<u8>,
    chunk: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: &str) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(address)
            .with_context(|| format!("{address} takes no connection"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection {
            stream,
            buffer: Vec::new(),
            chunk: vec![0; CHUNK],
        })
    }

    /// Sends a whole request and reads the answer to its end: the status and the body.
    ///
    /// # Errors
    /// When the connection ends, or the answer does not say its length.
    pub fn exchange(&mut self, request: &[u8]) -> anyhow::Result<(u16, &[u8])> {
        self.buffer.clear();
        self.stream.write_all(request)?;
        loop {
            self.read()?;
            let mut headers = [httparse::EMPTY_HEADER; HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(head) = response.parse(&self.buffer)? else {
                continue;
            };
            let status = response.code.context("an answer without a status")?;
            let length: Option<usize> = response
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case("content-length"))
                .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok());
            let Some(length) = length else {
                bail!("the answer with status {status} does not say its length");
            };
            while self.buffer.len() < head + length {
                self.read()?;
            }
            return Ok((status, &self.buffer[head..head + length]));
        }
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let count = self
            .stream
            .read(&mut self.chunk)
            .context("no answer came in time")?;
        if count == 0 {
            bail!("the server closed the connection");
        }
        self.buffer.extend_from_slice(&self.chunk[..count]);
        Ok(())
    }
}
