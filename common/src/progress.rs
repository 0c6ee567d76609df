//! What is being done, for people who wait: a moving line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often something is reported.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// What is over before is not worth a word.
    first: Duration,
    /// Between two lines.
    then: Duration,
}

const TERMINAL: Pace = Pace {
    first: Duration::from_secs(2),
    then: Duration::from_millis(100),
};
const LINES: Pace = Pace {
    first: Duration::from_secs(2),
    then: Duration::from_secs(5),
};

/// Something that may take long; over when dropped.
pub struct Stage {
    rows: Arc<AtomicU64>,
    /// Its end stops the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    /// Begins: nothing is shown for two seconds.
    pub fn start(what: impl Into<String>) -> Stage {
        let what = what.into();
        let rows = Arc::new(AtomicU64::new(0));
        let (end, ended) = channel();
        let counted = Arc::clone(&rows);
        let thread = std::thread::spawn(move || {
            if std::io::stderr().is_terminal() {
                let mut bar: Option<ProgressBar> = None;
                watch(&ended, &what, &counted, TERMINAL, &mut |line| {
                    let bar = bar.get_or_insert_with(spinner);
                    bar.set_message(line);
                    bar.tick();
                });
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
            } else {
                watch(&ended, &what, &counted, LINES, &mut |line| {
                    tracing::info!("{line}");
                });
            }
        });
        Stage {
            rows,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// More rows are done.
    pub fn add(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // A panic while showing progress is not a reason to break the work off.
            let _ = thread.join();
        }
    }
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}");
    ProgressBar::new_spinner()
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}

fn watch(
    ended: &Receiver<()>,
    what: &str,
    rows: &AtomicU64,
    pace: Pace,
    say: &mut dyn FnMut(String),
) {
    let started = Instant::now();
    let mut wait = pace.first;
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        let seconds = started.elapsed().as_secs();
        say(match rows.load(Ordering::Relaxed) {
            0 => format!("{what}: {seconds} s"),
            rows => format!("{what}: {rows} rows so far, {seconds} s"),
        });
        wait = pace.then;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_soon_says_nothing_and_what_is_not_says_how_far_it_is() {
        let pace = Pace {
            first: Duration::from_millis(200),
            then: Duration::from_millis(10),
        };
        let (rows, mut lines) = (AtomicU64::new(0), Vec::new());
        let (end, ended) = channel();
        drop(end);
        watch(&ended, "reading x.csv", &rows, pace, &mut |line| {
            lines.push(line)
        });
        assert_eq!(lines, Vec::<String>::new());

        let (end, ended) = channel();
        let mut end = Some(end);
        watch(&ended, "reading x.csv", &rows, pace, &mut |line| {
            lines.push(line);
            match lines.len() {
                1 => rows.store(7, Ordering::Relaxed),
                _ => drop(end.take()),
            }
        });
        assert_eq!(
            lines,
            ["reading x.csv: 0 s", "reading x.csv: 7 rows so far, 0 s"]
        );
    }
}
