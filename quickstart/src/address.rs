//! Where the embedded broker is, told to other programs by a file: its port is another at each start.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

/// The file below the data directory; holds `host:port`.
const FILE: &str = "broker.address";
/// Longest wait for a broker on this machine: one that was killed refuses at once.
const ANSWER: Duration = Duration::from_secs(1);

/// The file, taken away when dropped.
pub(crate) struct Address {
    file: PathBuf,
    address: String,
}

impl Address {
    /// Tells where the broker is.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn tell(data_dir: &Path, address: &str) -> anyhow::Result<Address> {
        let file = data_dir.join(FILE);
        std::fs::write(&file, address)
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Address {
            file,
            address: address.to_owned(),
        })
    }

    /// Where a broker is that was told of and is there still.
    pub fn told(data_dir: &Path) -> Option<String> {
        let address = std::fs::read_to_string(data_dir.join(FILE)).ok()?;
        let place: SocketAddr = address.trim().parse().ok()?;
        let is_there = TcpStream::connect_timeout(&place, ANSWER).is_ok();
        is_there.then(|| place.to_string())
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        // Another process may have told of its own since; a file that stays is found to be stale.
        if std::fs::read_to_string(&self.file).is_ok_and(|told| told == self.address) {
            let _ = std::fs::remove_file(&self.file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_found_while_it_listens_and_forgotten_when_it_leaves() {
        let home = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(Address::told(home.path()), None);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let place = listener.local_addr().expect("an address").to_string();
        let address = Address::tell(home.path(), &place).expect("it can be told");
        assert_eq!(Address::told(home.path()), Some(place));
        drop(listener);
        assert_eq!(Address::told(home.path()), None, "nobody listens");
        drop(address);
        assert!(!home.path().join(FILE).exists());
    }
}
