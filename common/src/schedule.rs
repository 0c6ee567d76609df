//! Schedules by cron expression. A process that was stopped, or a machine that slept, continues with them:
//! what was missed meanwhile comes once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};

/// Longest sleep between two looks at the clock: it may be set, and does not run on while a machine
/// sleeps.
const LOOK: Duration = Duration::from_secs(10);

/// An expression that is not a schedule.
#[derive(Debug, thiserror::Error)]
#[error(
    "{expression:?} is not a schedule ({detail}): expected six parts, second minute hour day month \
     weekday, in UTC, such as \"0 0 3 * * *\" (every day at 3) or \"0 */10 * * * *\" (every ten minutes)"
)]
pub struct NoSchedule {
    expression: String,
    detail: String,
}

/// Moments by a cron expression with seconds, in UTC.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
}

impl Schedule {
    /// Reads an expression.
    ///
    /// # Errors
    /// When it is none, or none of its moments ever comes.
    pub fn parse(expression: &str) -> Result<Schedule, NoSchedule> {
        let no_schedule = |detail: String| NoSchedule {
            expression: expression.to_owned(),
            detail,
        };
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .dom_and_dow(true)
            .build();
        let cron = parser
            .parse(expression)
            .map_err(|error| no_schedule(error.to_string()))?;
        let schedule = Schedule { cron };
        match schedule.after(Utc::now()) {
            Some(_) => Ok(schedule),
            None => Err(no_schedule("it never occurs".to_owned())),
        }
    }

    /// The first moment after `time`.
    pub fn after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_next_occurrence(&time, false).ok()
    }

    /// Its moments from now on, one after the other.
    pub fn from_now(&self) -> Moments<'_> {
        Moments {
            schedule: self,
            last: Utc::now(),
        }
    }

    /// The moment that is waited for at `now`, `last` having been the one before: it is past where one
    /// was missed. Where the clock was set back, it is not waited until `last` comes again.
    fn next(&self, last: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.after(last.min(now))
    }
}

/// The moments of a schedule.
pub struct Moments<'a> {
    schedule: &'a Schedule,
    /// When the one before came.
    last: DateTime<Utc>,
}

impl Moments<'_> {
    /// Waits for the next one; one that was missed meanwhile is not waited for. `on_next` hears which it
    /// is, and again where the clock was set back.
    pub async fn next(&mut self, mut on_next: impl FnMut(DateTime<Utc>)) {
        let mut shown = None;
        loop {
            let now = Utc::now();
            let Some(next) = self.schedule.next(self.last, now) else {
                // Beyond the calendar: nothing to wait for.
                return std::future::pending().await;
            };
            if next <= now {
                self.last = now;
                return;
            }
            if shown.replace(next) != Some(next) {
                on_next(next);
            }
            let left = (next - now).to_std().unwrap_or_default();
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn a_missed_moment_comes_at_once_and_a_clock_that_was_set_back_does_not_stop_it() {
        let hourly = Schedule::parse("0 0 * * * *").expect("a schedule");
        let last = at("2026-03-01T10:00:00Z");
        let next = |now: &str| hourly.next(last, at(now));
        assert_eq!(
            next("2026-03-01T10:20:00Z"),
            Some(at("2026-03-01T11:00:00Z"))
        );
        // The machine slept for hours: 11:00 is past, and due.
        assert_eq!(
            next("2026-03-01T15:20:00Z"),
            Some(at("2026-03-01T11:00:00Z"))
        );
        // The clock is two days back.
        assert_eq!(
            next("2026-02-27T10:20:00Z"),
            Some(at("2026-02-27T11:00:00Z"))
        );
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_an_example() {
        for expression in ["", "* * * * *", "0 61 * * * *", "0 0 0 30 2 *", "every day"] {
            let error = Schedule::parse(expression)
                .expect_err(expression)
                .to_string();
            assert!(error.contains("0 0 3 * * *"), "{error}");
        }
        Schedule::parse("*/2 * * * * *").expect("every two seconds");
    }

    #[tokio::test]
    async fn a_moment_is_waited_for() {
        let every_second = Schedule::parse("* * * * * *").expect("a schedule");
        let mut moments = every_second.from_now();
        let began = moments.last;
        let mut heard = Vec::new();
        moments.next(|next| heard.push(next)).await;
        assert!(Utc::now() >= heard[0] && heard[0] > began, "{heard:?}");
        // Of those that were missed one comes at once, and then the next as if none had been.
        moments.last = began - chrono::Duration::days(1);
        moments.next(|next| panic!("{next} is waited for")).await;
        let mut heard = Vec::new();
        moments.next(|next| heard.push(next)).await;
        assert!(heard[0] > began, "{heard:?}");
    }
}
