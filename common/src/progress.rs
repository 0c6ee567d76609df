//! What is being done, for people who wait: a moving line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
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
/// Steps of a bar.
const LENGTH: u64 = 1000;
const LINES: Pace = Pace {
    first: Duration::from_secs(2),
    then: Duration::from_secs(5),
};

/// How far something is, as the work itself says it.
#[derive(Debug, Default)]
struct Done {
    /// Rows so far.
    rows: AtomicU64,
    /// The share that is over, 0 to 1, and what is being done, where that is known.
    part: Mutex<Option<(f64, String)>>,
}

/// Says how far a stage is, from wherever the work is done.
#[derive(Debug, Clone)]
pub struct StageProgress(Arc<Done>);

impl StageProgress {
    /// So large a share is over, 0 to 1, and this is being done.
    pub fn part(&self, share: f64, what: String) {
        let mut part = self.0.part.lock().unwrap_or_else(PoisonError::into_inner);
        *part = Some((share, what));
    }
}

/// What is shown at a moment.
struct Line {
    /// The share that is over; none where nobody knows it.
    share: Option<f64>,
    text: String,
}

/// Something that may take long; over when dropped.
pub struct Stage {
    done: Arc<Done>,
    /// Its end stops the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    /// Begins: nothing is shown for two seconds.
    pub fn start(what: impl Into<String>) -> Stage {
        let what = what.into();
        let done = Arc::new(Done::default());
        let (end, ended) = channel();
        let known = Arc::clone(&done);
        let thread = std::thread::spawn(move || {
            if std::io::stderr().is_terminal() {
                let mut bar: Option<ProgressBar> = None;
                watch(&ended, &what, &known, TERMINAL, &mut |line| {
                    let bar = bar.get_or_insert_with(ProgressBar::new_spinner);
                    bar.set_style(style(line.share.is_some()));
                    bar.set_length(LENGTH);
                    bar.set_position((line.share.unwrap_or(0.0) * LENGTH as f64) as u64);
                    bar.set_message(line.text);
                    bar.tick();
                });
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
            } else {
                watch(&ended, &what, &known, LINES, &mut |line| match line.share {
                    Some(share) => tracing::info!("{:.0} %: {}", share * 100.0, line.text),
                    None => tracing::info!("{}", line.text),
                });
            }
        });
        Stage {
            done,
            end: Some(end),
            thread: Some(thread),
        }
    }

    /// More rows are done.
    pub fn add(&self, rows: u64) {
        self.done.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// For whoever does the work, which may outlive the stage.
    pub fn stage_progress(&self) -> StageProgress {
        StageProgress(Arc::clone(&self.done))
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

fn style(has_share: bool) -> ProgressStyle {
    let style = ProgressStyle::with_template(match has_share {
        true => "{spinner} [{bar:20}] {percent:>3} % {wide_msg}",
        false => "{spinner} {wide_msg}",
    });
    style.unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn watch(ended: &Receiver<()>, what: &str, done: &Done, pace: Pace, say: &mut dyn FnMut(Line)) {
    let started = Instant::now();
    let mut wait = pace.first;
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        let seconds = started.elapsed().as_secs();
        let part = done.part.lock();
        let part = part.unwrap_or_else(PoisonError::into_inner).clone();
        say(match (part, done.rows.load(Ordering::Relaxed)) {
            (Some((share, now)), _) => Line {
                share: Some(share),
                text: format!("{what}: {now}, {seconds} s"),
            },
            (None, 0) => Line {
                share: None,
                text: format!("{what}: {seconds} s"),
            },
            (None, rows) => Line {
                share: None,
                text: format!("{what}: {rows} rows so far, {seconds} s"),
            },
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
        let (done, mut lines) = (Arc::new(Done::default()), Vec::new());
        let (end, ended) = channel();
        drop(end);
        watch(&ended, "reading x.csv", &done, pace, &mut |line| {
            lines.push(line.text)
        });
        assert_eq!(lines, Vec::<String>::new());

        let (end, ended) = channel();
        let mut end = Some(end);
        let mut shares = Vec::new();
        watch(&ended, "reading x.csv", &done, pace, &mut |line| {
            lines.push(line.text);
            shares.push(line.share);
            match lines.len() {
                1 => done.rows.store(7, Ordering::Relaxed),
                2 => StageProgress(Arc::clone(&done)).part(0.4, "half of it".to_owned()),
                _ => drop(end.take()),
            }
        });
        assert_eq!(
            lines,
            [
                "reading x.csv: 0 s",
                "reading x.csv: 7 rows so far, 0 s",
                "reading x.csv: half of it, 0 s"
            ]
        );
        assert_eq!(shares, [None, None, Some(0.4)]);
    }
}
