//! What is shown: a line a stage, and at the bottom of a terminal a table that is drawn anew.
//!
//! On standard output; where that is kept for the summary (`--json`), on standard error.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::options::Options;

/// The terminal's table, for log lines that must not be written into it.
static TERMINAL: OnceLock<MultiProgress> = OnceLock::new();

/// Where things are shown.
pub(crate) struct Screen {
    started: Instant,
    /// Whether standard output is for the summary only.
    on_stderr: bool,
    /// Draws at the bottom; `None` in a pipe.
    terminal: Option<MultiProgress>,
    /// What is drawn there now.
    drawn: Mutex<Vec<ProgressBar>>,
}

impl Screen {
    pub fn new(options: &Options, started: Instant) -> Arc<Screen> {
        let on_stderr = options.json || !options.live;
        let is_terminal = if on_stderr {
            std::io::stderr().is_terminal()
        } else {
            std::io::stdout().is_terminal()
        };
        let terminal = (options.live && is_terminal).then(|| {
            let target = if on_stderr {
                ProgressDrawTarget::stderr()
            } else {
                ProgressDrawTarget::stdout()
            };
            let terminal = MultiProgress::with_draw_target(target);
            TERMINAL.get_or_init(|| terminal).clone()
        });
        Arc::new(Screen {
            started,
            on_stderr,
            terminal,
            drawn: Mutex::default(),
        })
    }

    /// Whether a table can be drawn anew.
    pub fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// Seconds since the start.
    pub fn elapsed_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// A stage is done.
    pub fn done(&self, stage: &str, what: &str) {
        self.draw(&[]);
        self.line(&format!("{:6.2} s  {stage:<9}  {what}", self.elapsed_s()));
    }

    /// Something to use, below its stage.
    pub fn note(&self, what: &str) {
        self.line(&format!("{:21}{what}", ""));
    }

    /// How far a stage is, on a terminal.
    pub fn doing(&self, stage: &str, what: &str) {
        let line = format!("{:6.0} s  {stage:<9}  {what} …", self.elapsed_s());
        self.draw(if what.is_empty() {
            &[]
        } else {
            std::slice::from_ref(&line)
        });
    }

    /// Draws lines at the bottom in place of those before, each cut to the terminal's width.
    pub fn draw(&self, lines: &[String]) {
        let Some(terminal) = &self.terminal else {
            return;
        };
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.len() != lines.len() {
            for bar in drawn.drain(..) {
                bar.finish_and_clear();
                terminal.remove(&bar);
            }
            for _ in lines {
                let bar = terminal.add(ProgressBar::no_length());
                if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                    bar.set_style(style);
                }
                drawn.push(bar);
            }
        }
        for (bar, line) in drawn.iter().zip(lines) {
            bar.set_message(line.clone());
            bar.tick();
        }
    }

    /// A line that stays, above what is drawn.
    pub fn line(&self, text: &str) {
        aside(|| {
            // A reader that has gone is no reason to break off.
            let _ = if self.on_stderr {
                writeln!(std::io::stderr(), "{text}")
            } else {
                writeln!(std::io::stdout(), "{text}")
            };
        });
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.draw(&[]);
    }
}

/// Writes something while the table is taken away.
pub(crate) fn aside<T>(write: impl FnOnce() -> T) -> T {
    match TERMINAL.get() {
        Some(terminal) => terminal.suspend(write),
        None => write(),
    }
}
