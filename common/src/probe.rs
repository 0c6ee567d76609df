//! Asking a running service how it is: what a container's health check runs.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::args::CommonArgs;
use crate::http::HttpConfig;

pub use crate::args::Probe;

/// Bounds the wait for the service's answer.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Longest answer read, in bytes.
const ANSWER_BYTES: u64 = 64 * 1024;

/// The one setting of a service's section that is needed here.
#[derive(Deserialize)]
struct Address {
    http: String,
}

impl Probe {
    /// Asks the service whose settings are in `section`, at `http` where that is given.
    ///
    /// # Errors
    /// When it does not answer, or answers that it is not well: the message has its words.
    pub fn ask(self, args: &CommonArgs, section: &str, http: Option<&str>) -> anyhow::Result<()> {
        let address = match http {
            Some(http) => http.to_owned(),
            None => {
                let layered = args.layered()?;
                // Answered there also when all connections of the other are taken.
                match layered.section::<HttpConfig>("http")?.health {
                    health if health.is_empty() => layered.section::<Address>(section)?.http,
                    health => health,
                }
            }
        };
        let mut address = address
            .to_socket_addrs()
            .ok()
            .and_then(|mut all| all.next())
            .with_context(|| format!("{address} is not an address; expected host:port"))?;
        if address.ip().is_unspecified() {
            // What listens everywhere answers on loopback.
            address = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()));
        }
        let path = match self {
            Probe::Live => "/health/live",
            Probe::Ready => "/health/ready",
        };
        let answer = get(address, path)
            .with_context(|| format!("nothing answers at http://{address}{path}"))?;
        let is_well = answer
            .lines()
            .next()
            .is_some_and(|status| status.split(' ').nth(1) == Some("200"));
        if !is_well {
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            bail!("http://{address}{path} answers: {body}");
        }
        Ok(())
    }
}

/// One GET over HTTP/1.0: the server closes, so that the answer ends with the stream.
fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
