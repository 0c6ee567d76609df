//! Log lines on standard error, beside the table on a terminal and not into it.

use std::io::Write;

use tracing_subscriber::fmt::MakeWriter;

/// Starts logging; `level` is used where `RUST_LOG` is not set. A second call changes nothing.
pub fn start(level: &str) {
    // An error means that logging has been started already, which tests do.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(common::telemetry::filter(level))
        .with_ansi(common::telemetry::is_coloured())
        .with_target(false)
        .with_writer(Beside)
        .try_init();
}

/// Makes a writer for each event.
struct Beside;

/// Collects one event, so that the table is taken away once for it.
struct Event(Vec<u8>);

impl<'a> MakeWriter<'a> for Beside {
    type Writer = Event;

    fn make_writer(&'a self) -> Event {
        Event(Vec::new())
    }
}

impl Write for Event {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // A log that cannot be written has nowhere to say so.
        let _ = crate::screen::aside(|| std::io::stderr().write_all(&self.0));
    }
}
