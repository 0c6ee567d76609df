//! What a gate does to the connections through it.

use std::time::Duration;

use testbed::Gate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Longest wait for what must come.
const SOON: Duration = Duration::from_secs(60);
/// How long is waited for what must not come.
const WHILE: Duration = Duration::from_millis(200);

/// An open gate before a server that gives back what it gets.
async fn echo() -> Gate {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let gate = Gate::before(listener.local_addr().expect("an address")).await;
    gate.set_open(true);
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = peer.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    gate
}

async fn connect(gate: &Gate) -> TcpStream {
    TcpStream::connect(gate.address()).await.expect("connects")
}

/// Whether a byte comes back within a while.
async fn answers(peer: &mut TcpStream, within: Duration) -> bool {
    peer.write_all(b"x").await.expect("writes");
    let mut byte = [0];
    let read = tokio::time::timeout(within, peer.read_exact(&mut byte)).await;
    matches!(read, Ok(Ok(_)))
}

#[tokio::test]
async fn a_frozen_gate_holds_back_and_closes_nothing() {
    let gate = echo().await;
    let mut peer = connect(&gate).await;
    assert!(answers(&mut peer, SOON).await);
    gate.freeze();
    assert!(!answers(&mut peer, WHILE).await);
    let mut new = connect(&gate).await;
    assert!(!answers(&mut new, WHILE).await);
    gate.thaw();
    let mut bytes = [0; 1];
    for peer in [&mut peer, &mut new] {
        let read = tokio::time::timeout(SOON, peer.read_exact(&mut bytes)).await;
        read.expect("what waited comes").expect("it is open");
    }
}

#[tokio::test]
async fn a_silenced_connection_stays_silent_and_new_ones_work() {
    let gate = echo().await;
    let mut old = connect(&gate).await;
    assert!(answers(&mut old, SOON).await);
    gate.silence();
    assert!(!answers(&mut old, WHILE).await);
    let mut new = connect(&gate).await;
    assert!(answers(&mut new, SOON).await);
    // Closing it is what ends them.
    gate.set_open(false);
    let mut byte = [0];
    let read = tokio::time::timeout(SOON, old.read(&mut byte)).await;
    assert!(!matches!(read.expect("it ends"), Ok(1..)));
}

#[tokio::test]
async fn a_delay_holds_each_way_back() {
    let gate = echo().await;
    let mut peer = connect(&gate).await;
    gate.delay(WHILE);
    let began = std::time::Instant::now();
    assert!(answers(&mut peer, SOON).await);
    assert!(began.elapsed() >= 2 * WHILE);
    gate.delay(Duration::ZERO);
    assert!(answers(&mut peer, SOON).await);
}
