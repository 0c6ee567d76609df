//! A proxy before a server, which closes, freezes, silences and delays connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes that are passed on at a time.
const CHUNK: usize = 64 * 1024;

/// Passes connections on to a server while open; closing it breaks those there are.
pub struct Gate {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Copy)]
struct State {
    server: SocketAddr,
    open: bool,
    /// Nothing is passed on, and nothing is closed: what a peer sends waits.
    frozen: bool,
    /// Each chunk waits so long, in each direction.
    delay: Duration,
    /// Connections accepted so far.
    accepted: u64,
    /// The first so many connections pass nothing on forever, not even that a peer has closed.
    silent: u64,
}

impl Gate {
    /// A closed gate before `server`, on a free port.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn before(server: SocketAddr) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(watch::Sender::new(State {
            server,
            open: false,
            frozen: false,
            delay: Duration::ZERO,
            accepted: 0,
            silent: 0,
        }));
        let accepting = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                accepting.send_modify(|state| state.accepted += 1);
                let mut watched = accepting.subscribe();
                let State {
                    open,
                    accepted,
                    server,
                    ..
                } = *watched.borrow();
                if !open {
                    continue;
                }
                tokio::spawn(async move {
                    let passing = pass(client, server, accepted, watched.clone());
                    tokio::select! {
                        () = passing => {}
                        _ = watched.wait_for(|state| !state.open) => {}
                    }
                });
            }
        });
        Gate { address, state }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens or closes it.
    pub fn set_open(&self, open: bool) {
        self.state.send_modify(|state| state.open = open);
    }

    /// Another server stands behind it from now on: for connections that are made after this.
    pub fn lead_to(&self, server: SocketAddr) {
        self.state.send_modify(|state| state.server = server);
    }

    /// Passes nothing on any more, in either direction, and closes nothing.
    pub fn freeze(&self) {
        self.state.send_modify(|state| state.frozen = true);
    }

    /// Passes on again, first of all what has waited.
    pub fn thaw(&self) {
        self.state.send_modify(|state| state.frozen = false);
    }

    /// Holds every chunk back for so long, in each direction; zero ends it.
    pub fn delay(&self, by: Duration) {
        self.state.send_modify(|state| state.delay = by);
    }

    /// The connections there are pass nothing on any more, and neither side learns that the other has
    /// closed, as behind a router that forgot them; new ones work. Closing the gate ends them.
    pub fn silence(&self) {
        self.state
            .send_modify(|state| state.silent = state.accepted);
    }
}

/// Passes bytes on in both directions, until both sides have closed.
async fn pass(client: TcpStream, server: SocketAddr, number: u64, state: watch::Receiver<State>) {
    let Ok(behind) = TcpStream::connect(server).await else {
        return;
    };
    // Small messages are not held back for larger ones: a gate that does nothing costs nothing.
    let _ = (client.set_nodelay(true), behind.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = behind.into_split();
    tokio::join!(
        copy(from_client, to_server, number, state.clone()),
        copy(from_server, to_client, number, state),
    );
}

/// Copies until the reader's end, which the writer is reported by a shutdown.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    number: u64,
    mut state: watch::Receiver<State>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await.unwrap_or(0);
        let delay = state.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let passes = |state: &State| !state.frozen && number > state.silent;
        if state.wait_for(passes).await.is_err() {
            return;
        }
        let passed = match read {
            0 => to.shutdown().await,
            _ => to.write_all(&chunk[..read]).await,
        };
        if read == 0 || passed.is_err() {
            return;
        }
    }
}
