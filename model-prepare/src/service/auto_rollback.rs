//! A champion that answers worse than the one before it did: found by the prices that became known
//! since, so that it can be rolled back.

use anyhow::Context;
use common::database::within;
use ledger::answers::{self, When};
use records::{Schema, Task};
use registry::{Action, Alias, Reason, RegistryConfig, Version};
use serde::Serialize;
use sqlx::PgPool;
use valuation::Link;

use crate::config::WatchConfig;
use crate::deadline::SHORT_QUERY;
use crate::run_files::names::PROGRAM;

/// Answers of a version that are checked, at most: the newest.
const MOST_ANSWERS: i64 = 10_000;
/// Half the interval, in standard errors: 99.9 %. It is checked every few seconds, and 95 % would be
/// missed by chance in the course of a day.
const STANDARD_ERRORS: f64 = 3.290_5;

/// How a version answered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Answered {
    /// Its number.
    pub(crate) version: u64,
    /// Answers whose price is known.
    pub(crate) known: i64,
    /// Mean of |ln(answer/price)|.
    pub(crate) mean_log_error: f64,
    /// Variance of the same.
    variance: f64,
}

/// Two champions, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Compared {
    /// Since it was promoted.
    pub(crate) champion: Answered,
    /// Until then.
    pub(crate) previous: Answered,
    /// The champion's error less the other's, with its 99.9 % interval (Welch 1947: the variances
    /// differ, and so do the requests).
    difference: f64,
    low: f64,
    high: f64,
    /// The least that counts as worse, as a share of the previous error.
    margin: f64,
}

impl Compared {
    fn of(champion: Answered, previous: Answered, margin: f64) -> Compared {
        let difference = champion.mean_log_error - previous.mean_log_error;
        let share = |answered: &Answered| answered.variance / answered.known.max(1) as f64;
        let half = STANDARD_ERRORS * (share(&champion) + share(&previous)).sqrt();
        Compared {
            champion,
            previous,
            difference,
            low: difference - half,
            high: difference + half,
            margin,
        }
    }

    /// Whether even the lower end of the interval is beyond the margin.
    fn is_worse(&self) -> bool {
        self.low > self.margin * self.previous.mean_log_error
    }

    fn message(&self) -> String {
        let base = self.previous.mean_log_error.max(f64::MIN_POSITIVE);
        let percent = |difference: f64| format!("{:+.1} %", 100.0 * difference / base);
        format!(
            "it answers worse than {}: mean |ln(answer/price)| {:.4} over {} answers since it was \
             promoted, {:.4} over {} before: {} ({} to {}), allowed {:+.1} %",
            Version::name(self.previous.version),
            self.champion.mean_log_error,
            self.champion.known,
            self.previous.mean_log_error,
            self.previous.known,
            percent(self.difference),
            percent(self.low),
            percent(self.high),
            100.0 * self.margin,
        )
    }
}

/// The champion beside the one before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) compared: Compared,
    /// The version gone back to, and why; `None` where the champion stays.
    pub(crate) rolled_back: Option<(Version, String)>,
}

/// Compares the champion with the one before it by what each has answered, and rolls back where it is
/// worse beyond the margin. `None` where there is nothing to compare yet.
///
/// A champion that is one by a rollback is not looked at: one step back is taken by rule, never two.
///
/// # Errors
/// When the registry or the database cannot be read.
pub(crate) async fn look(
    pool: &PgPool,
    schema: &Schema,
    registry: &RegistryConfig,
    settings: &WatchConfig,
) -> anyhow::Result<Option<Comparison>> {
    let are_there = within(pool, SHORT_QUERY, async |connection| {
        answers::are_kept(connection).await
    })
    .await?;
    // The probability of a class cannot be compared with its target as an amount.
    let are_amounts = schema.task == Task::Regression;
    if settings.live_rollback_margin <= 0.0 || !are_there || !are_amounts {
        return Ok(None);
    }
    let config = registry.clone();
    let promoted = tokio::task::spawn_blocking(move || promoted(&config)).await??;
    let Some((champion, previous, since_ms)) = promoted else {
        return Ok(None);
    };
    let least = i64::try_from(settings.live_rollback_min)?.max(2);
    let now = answered(pool, schema, champion, (When::Since, since_ms)).await?;
    let before = answered(pool, schema, previous, (When::Before, since_ms)).await?;
    let compared = Compared::of(now, before, settings.live_rollback_margin);
    if now.known < least || before.known < least || !compared.is_worse() {
        return Ok(Some(Comparison {
            compared,
            rolled_back: None,
        }));
    }
    let config = registry.clone();
    let reason = Reason {
        who: PROGRAM.to_owned(),
        why: format!("{}: {}", Version::name(champion), compared.message()),
        evidence: serde_json::to_value(compared)?,
    };
    let back = tokio::task::spawn_blocking(move || -> anyhow::Result<(Version, String)> {
        let registry = registry::open(&config)?;
        let back = registry
            .rollback_from(champion, &reason)
            .context("it could not be rolled back")?;
        Ok((back, reason.why))
    });
    Ok(Some(Comparison {
        compared,
        rolled_back: Some(back.await??),
    }))
}

/// The champion, the one before it and when it was promoted; `None` where it has not been, or there is
/// nothing to go back to.
fn promoted(config: &RegistryConfig) -> anyhow::Result<Option<(u64, u64, i64)>> {
    let registry = registry::open(config)?;
    let aliases = registry.aliases()?;
    let named = |alias| aliases.get(&alias).copied();
    let (Some(champion), Some(previous)) = (named(Alias::Champion), named(Alias::Previous)) else {
        return Ok(None);
    };
    let history = registry.history()?;
    let came = history.iter().rev().find(|change| {
        let made = matches!(change.action, Action::Promoted | Action::RolledBack);
        made && change.version == champion
    });
    Ok(came
        .filter(|change| change.action == Action::Promoted && champion != previous)
        .map(|change| (champion, previous, change.at_ms)))
}

async fn answered(
    pool: &PgPool,
    schema: &Schema,
    version: u64,
    when: (When, i64),
) -> Result<Answered, sqlx::Error> {
    let model = format!("{}@{}", schema.name, Version::name(version));
    let offset = Link::of(schema).offset();
    let errors = within(pool, SHORT_QUERY, async |connection| {
        answers::log_errors(connection, &model, when, MOST_ANSWERS, offset).await
    })
    .await?;
    Ok(Answered {
        version,
        known: errors.known,
        mean_log_error: errors.mean,
        variance: errors.variance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(version: u64, known: i64, mean_log_error: f64) -> Answered {
        Answered {
            version,
            known,
            mean_log_error,
            variance: 0.01,
        }
    }

    #[test]
    fn worse_is_what_chance_and_the_margin_do_not_explain() {
        let worse = |known: i64, now: f64| {
            let (now, before) = (answered(2, known, now), answered(1, known, 0.1));
            Compared::of(now, before, 0.2).is_worse()
        };
        // By half: with 100 of each the interval reaches down to 0.0035, with 1000 to 0.035.
        assert!(!worse(100, 0.15));
        assert!(worse(1000, 0.15));
        // However many there are, a tenth is within the margin.
        assert!(!worse(1_000_000, 0.11));
        assert!(!worse(1000, 0.05));
        let found = Compared::of(answered(2, 1000, 0.15), answered(1, 1000, 0.1), 0.2);
        // 3.2905 · √(0.01/1000 + 0.01/1000)
        assert!((found.high - 0.05 - 0.014_715_6).abs() < 1e-6, "{found:?}");
        let message = found.message();
        assert!(
            message.contains("worse than v000001") && message.contains("+50.0 %"),
            "{message}"
        );
    }
}
