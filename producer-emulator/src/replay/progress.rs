//! How far a replay is, for people who wait: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::Shutdown;
use indicatif::{ProgressBar, ProgressStyle};

use super::account::{Account, NAMED};

/// Pause between two drawings on a terminal.
const DRAW_EVERY: Duration = Duration::from_millis(200);
/// Pause between two lines in a pipe.
const LINE_EVERY: Duration = Duration::from_secs(2);
const BAR: &str = "{spinner} [{bar:30}] {msg}";
const SPINNER: &str = "{spinner} {msg}";

/// Shows the account on standard error until `end`.
pub async fn show(account: &Account, end: &Shutdown) {
    let is_terminal = std::io::stderr().is_terminal();
    let every = if is_terminal { DRAW_EVERY } else { LINE_EVERY };
    let bar = is_terminal.then(ProgressBar::new_spinner);
    let mut shown = Shown::default();
    loop {
        let is_over = tokio::time::timeout(every, end.cancelled()).await.is_ok();
        let rejects = shown.new_rejects(account);
        let line = shown.line(account, every);
        match &bar {
            Some(bar) => {
                draw(bar, account, line);
                for reject in rejects {
                    bar.println(reject);
                }
            }
            None => {
                for reject in rejects {
                    eprintln!("{reject}");
                }
                if !is_over {
                    eprintln!("{line}");
                }
            }
        }
        if is_over {
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
            return;
        }
    }
}

fn draw(bar: &ProgressBar, account: &Account, line: String) {
    let template = match account.records() {
        Some(total) => {
            bar.set_length(total);
            BAR
        }
        None => SPINNER,
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_position(account.passed.load(Ordering::Relaxed));
    bar.set_message(line);
    bar.tick();
}

/// What has been shown already.
#[derive(Default)]
struct Shown {
    sent: u64,
    rejects: usize,
}

impl Shown {
    /// The rejects not shown yet.
    fn new_rejects(&mut self, account: &Account) -> Vec<String> {
        let named = account.named_rejects();
        let mut lines: Vec<String> = named[self.rejects..]
            .iter()
            .map(|reject| format!("rejected: {reject}"))
            .collect();
        let is_first_time = self.rejects < NAMED;
        self.rejects = named.len();
        if is_first_time && named.len() == NAMED {
            lines.push("further rejects are only counted".to_owned());
        }
        lines
    }

    fn line(&mut self, account: &Account, since: Duration) -> String {
        let sent = account.sent.load(Ordering::Relaxed);
        let rejected = account.rejected.load(Ordering::Relaxed);
        let rate = (sent - self.sent) as f64 / since.as_secs_f64();
        self.sent = sent;
        let part = account.records().map_or(String::new(), |total| {
            let passed = account.passed.load(Ordering::Relaxed).min(total);
            format!(
                ", {:.0} % of the file",
                passed as f64 * 100.0 / total as f64
            )
        });
        let batch = account
            .batch_of()
            .map_or(String::new(), |(batch, batches)| {
                format!(", batch {batch} of {batches}")
            });
        format!("{sent} sent, {rejected} rejected, {rate:.1} per second{part}{batch}")
    }
}

#[cfg(test)]
mod tests {
    use records::Reason;
    use records::file::RowReject;

    use super::*;

    #[test]
    fn a_line_tells_how_far_and_the_first_rejects_are_named_once() {
        let account = Account::default();
        account.sent.store(300, Ordering::Relaxed);
        account.passed.store(310, Ordering::Relaxed);
        let mut shown = Shown::default();
        let second = Duration::from_secs(2);
        assert_eq!(
            shown.line(&account, second),
            "300 sent, 0 rejected, 150.0 per second"
        );
        account.total().store(620, Ordering::Relaxed);
        assert_eq!(
            shown.line(&account, second),
            "300 sent, 0 rejected, 0.0 per second, 50 % of the file"
        );
        account.counted(620, 4);
        account.batch.store(2, Ordering::Relaxed);
        assert_eq!(
            shown.line(&account, second),
            "300 sent, 0 rejected, 0.0 per second, 50 % of the file, batch 2 of 4"
        );

        let reject = |line| RowReject {
            line,
            reason: Reason::Empty,
        };
        account.reject(&[reject(2), reject(3)]);
        assert_eq!(shown.new_rejects(&account).len(), 2);
        assert!(shown.new_rejects(&account).is_empty());
        account.reject(&[reject(4), reject(5), reject(9), reject(10)]);
        let lines = shown.new_rejects(&account);
        assert!(lines[0].starts_with("rejected: line 4: "), "{lines:?}");
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(shown.new_rejects(&account).is_empty());
        assert_eq!(account.rejected.load(Ordering::Relaxed), 6);
    }
}
