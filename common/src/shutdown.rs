//! Leaving: stop taking work, finish what is in flight, commit, go.

/// Cancelled when a service is to leave; handed to every `run`.
pub use tokio_util::sync::CancellationToken as Shutdown;

/// A shutdown that the first SIGINT or SIGTERM cancels; a second one leaves at once, with 130.
pub fn on_signals() -> Shutdown {
    let shutdown = Shutdown::new();
    let signalled = shutdown.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tracing::info!("stopping: finishing what is in flight (once more to leave at once)");
        signalled.cancel();
        wait_for_signal().await;
        std::process::exit(130);
    });
    shutdown
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            // Without a SIGTERM handler, Ctrl-C still works.
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
