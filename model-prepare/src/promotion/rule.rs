//! The rule: which checks a challenger must pass, and their bounds.

use valuation::RatioStudy;
use valuation::ratio_study::Statistic;

use super::contest::{Contest, TrainingData};
use super::verdict::Check;
use crate::config::PromotionConfig;

/// No version is refused for its size below this: what it takes is nobody's trouble.
const SMALL_BYTES: u64 = 16 << 20;

/// All checks, in the order in which they are shown.
pub(super) fn checks(contest: &Contest, settings: &PromotionConfig) -> Vec<Check> {
    vec![
        error(contest, settings),
        bands(contest),
        coverage(contest, settings),
        segments(contest, settings),
        of_data(contest.data.as_ref(), settings),
        size(contest.challenger.bytes, contest.champion.bytes, settings),
        latency(contest.challenger.row_us, contest.champion.row_us, settings),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn signed(share: f64) -> String {
    format!("{:+.2} %", share * 100.0)
}

/// That the newer model is not worse (Schuirmann 1987, one of the two one-sided tests).
fn error(contest: &Contest, settings: &PromotionConfig) -> Check {
    let base = contest.champion.mean_log_error.max(f64::MIN_POSITIVE);
    let found = contest.difference;
    let (low, high) = (found.low / base, found.high / base);
    Check {
        name: "error".to_owned(),
        passes: high <= settings.error_margin,
        message: format!(
            "mean |ln(estimate/price)| {:.4}, the champion's {:.4}: {} ({} to {}), allowed up to {}; \
             median error {}, the champion's {}",
            contest.challenger.mean_log_error,
            contest.champion.mean_log_error,
            signed(found.value / base),
            signed(low),
            signed(high),
            signed(settings.error_margin),
            percent(contest.challenger.metrics.mdape),
            percent(contest.champion.metrics.mdape),
        ),
    }
}

/// How far a statistic's interval lies outside its band; 0 where they touch.
fn outside(statistic: &Statistic) -> f64 {
    (statistic.band_low - statistic.high)
        .max(statistic.low - statistic.band_high)
        .max(0.0)
}

fn bands(contest: &Contest) -> Check {
    let (challenger, champion) = (&contest.challenger.ratios, &contest.champion.ratios);
    let (Some(challenger), Some(champion)) = (challenger, champion) else {
        return Check {
            name: "ratio study".to_owned(),
            passes: true,
            message: "none: too few rows, or counts".to_owned(),
        };
    };
    let of = |study: &RatioStudy| {
        [
            ("median ratio", study.median_ratio),
            ("COD", study.cod),
            ("PRD", study.prd),
            ("PRB", study.prb),
        ]
    };
    let mut broken = Vec::new();
    let mut texts = Vec::new();
    for ((name, challenger), (_, champion)) in of(challenger).into_iter().zip(of(champion)) {
        texts.push(format!(
            "{name} {:.3} ({:.3})",
            challenger.value, champion.value
        ));
        // Below the COD's band estimates are closer to prices than assessors' are: no fault.
        let is_finer = name == "COD" && challenger.value < challenger.band_low;
        if !is_finer && outside(&challenger) > outside(&champion) {
            broken.push(format!(
                "{name} is outside {} to {}",
                challenger.band_low, challenger.band_high
            ));
        }
    }
    Check {
        name: "ratio study".to_owned(),
        passes: broken.is_empty(),
        message: match broken.is_empty() {
            true => format!("{}; the champion's in brackets", texts.join(", ")),
            false => format!(
                "{}, further than the champion: {}",
                broken.join(", "),
                texts.join(", ")
            ),
        },
    }
}

fn coverage(contest: &Contest, settings: &PromotionConfig) -> Check {
    let (challenger, champion) = (contest.challenger.coverage, contest.champion.coverage);
    let holds = challenger.high >= contest.confidence;
    Check {
        name: "coverage".to_owned(),
        passes: holds || challenger.value >= champion.value - settings.coverage_margin,
        message: format!(
            "the range holds {} of the prices ({} to {}), the champion's {}, nominally {}",
            percent(challenger.value),
            percent(challenger.low),
            percent(challenger.high),
            percent(champion.value),
            percent(contest.confidence)
        ),
    }
}

fn segments(contest: &Contest, settings: &PromotionConfig) -> Check {
    let harmed: Vec<String> = contest
        .segments
        .iter()
        .filter(|segment| segment.difference.low > 0.0)
        .filter(|segment| segment.difference.value > settings.segment_margin * segment.champion)
        .map(|segment| {
            format!(
                "{} {}: {} on {} rows",
                segment.by,
                segment.name,
                signed(segment.difference.value / segment.champion),
                segment.rows
            )
        })
        .collect();
    Check {
        name: "segments".to_owned(),
        passes: harmed.is_empty(),
        message: match harmed.is_empty() {
            true => format!(
                "none of {} is harmed by more than {}",
                contest.segments.len(),
                percent(settings.segment_margin)
            ),
            false => format!("greater errors in {}", harmed.join("; ")),
        },
    }
}

/// That the data are of the same market: a file with all prices times 1.6 judges its model by itself, and finds
/// it good.
fn of_data(data: Option<&TrainingData>, settings: &PromotionConfig) -> Check {
    let name = "data".to_owned();
    let Some(data) = data else {
        return Check {
            name,
            passes: true,
            message: "not compared".to_owned(),
        };
    };
    let is_level = data.level.ln().abs() <= settings.level_margin.ln_1p();
    let is_enough = data.rows as f64 >= settings.volume_share * data.champion_rows as f64;
    let is_fresh = data
        .older_days
        .is_none_or(|days| days <= settings.older_days);
    let mut waits = Vec::new();
    if !is_level {
        waits.push(format!(
            "prices are {:.2} times what the champion says of the same records, allowed up to {:.2} \
             and down to {:.2}",
            data.level,
            1.0 + settings.level_margin,
            1.0 / (1.0 + settings.level_margin)
        ));
    }
    if !is_enough {
        waits.push(format!(
            "it was fitted on {} rows, the champion on {}, allowed down to {} of them",
            data.rows,
            data.champion_rows,
            percent(settings.volume_share)
        ));
    }
    if let Some(days) = data.older_days.filter(|_| !is_fresh) {
        waits.push(format!(
            "its newest record is {days:.1} days older than the champion's, allowed up to {:.1}",
            settings.older_days
        ));
    }
    Check {
        name,
        passes: waits.is_empty(),
        message: match waits.is_empty() {
            true => format!(
                "prices are {:.2} times what the champion says of the same records; {} rows, the \
                 champion's {}",
                data.level, data.rows, data.champion_rows
            ),
            false => format!(
                "{}; it waits for somebody to look at the data and to promote it",
                waits.join("; ")
            ),
        },
    }
}

pub(super) fn size(challenger: u64, champion: u64, settings: &PromotionConfig) -> Check {
    let most = (champion as f64 * settings.size_factor) as u64;
    Check {
        name: "size".to_owned(),
        passes: challenger <= most.max(SMALL_BYTES),
        message: format!(
            "{:.2} MB, the champion's {:.2} MB",
            challenger as f64 / 1e6,
            champion as f64 / 1e6
        ),
    }
}

pub(super) fn latency(challenger: f64, champion: f64, settings: &PromotionConfig) -> Check {
    let most = (champion * settings.latency_factor).max(settings.latency_us);
    Check {
        name: "latency".to_owned(),
        passes: challenger <= most,
        message: format!(
            "{challenger:.0} µs a row, the champion {champion:.0} µs, allowed up to {most:.0} µs"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> PromotionConfig {
        PromotionConfig {
            min_rows: 100,
            error_margin: 0.02,
            coverage_margin: 0.03,
            segment_margin: 0.1,
            level_margin: 0.25,
            volume_share: 0.3,
            older_days: 7.0,
            size_factor: 4.0,
            latency_factor: 4.0,
            latency_us: 1000.0,
            silhouette_margin: 0.01,
        }
    }

    fn found(level: f64, rows: usize, older_days: Option<f64>) -> Check {
        let data = TrainingData {
            level,
            rows,
            champion_rows: 1000,
            older_days,
        };
        of_data(Some(&data), &settings())
    }

    #[test]
    fn data_of_another_market_wait_for_somebody() {
        for fine in [
            found(1.0, 1000, None),
            found(1.2, 300, Some(-30.0)),
            found(0.81, 5000, Some(7.0)),
        ] {
            assert!(fine.passes, "{}", fine.message);
        }
        for (waits, word) in [
            (found(1.6, 1000, None), "1.60 times"),
            (found(0.7, 1000, None), "0.70 times"),
            (found(1.0, 299, None), "on 299 rows"),
            (found(1.0, 1000, Some(8.0)), "8.0 days older"),
            (found(f64::NAN, 1000, None), "NaN times"),
        ] {
            assert!(
                !waits.passes && waits.message.contains(word),
                "{}",
                waits.message
            );
            assert!(
                waits.message.contains("waits for somebody"),
                "{}",
                waits.message
            );
        }
        assert!(of_data(None, &settings()).passes);
    }
}
