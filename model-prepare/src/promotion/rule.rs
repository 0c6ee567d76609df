//! The rule: which checks a challenger must pass, and their bounds.

use valuation::RatioStudy;
use valuation::ratio_study::Statistic;

use super::contest::Contest;
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
fn outside(own: &Statistic) -> f64 {
    (own.band_low - own.high)
        .max(own.low - own.band_high)
        .max(0.0)
}

fn bands(contest: &Contest) -> Check {
    let (own, champion) = (&contest.challenger.ratios, &contest.champion.ratios);
    let (Some(own), Some(champion)) = (own, champion) else {
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
    for ((name, own), (_, champion)) in of(own).into_iter().zip(of(champion)) {
        texts.push(format!("{name} {:.3} ({:.3})", own.value, champion.value));
        // Below the COD's band estimates are closer to prices than assessors' are: no fault.
        let is_finer = name == "COD" && own.value < own.band_low;
        if !is_finer && outside(&own) > outside(&champion) {
            broken.push(format!(
                "{name} is outside {} to {}",
                own.band_low, own.band_high
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
    let (own, champion) = (contest.challenger.coverage, contest.champion.coverage);
    let holds = own.high >= contest.confidence;
    Check {
        name: "coverage".to_owned(),
        passes: holds || own.value >= champion.value - settings.coverage_margin,
        message: format!(
            "the range holds {} of the prices ({} to {}), the champion's {}, nominally {}",
            percent(own.value),
            percent(own.low),
            percent(own.high),
            percent(champion.value),
            percent(contest.confidence)
        ),
    }
}

fn segments(contest: &Contest, settings: &PromotionConfig) -> Check {
    let harmed: Vec<String> = contest
        .segments
        .iter()
        .filter(|own| own.difference.low > 0.0)
        .filter(|own| own.difference.value > settings.segment_margin * own.champion)
        .map(|own| {
            format!(
                "{} {}: {} on {} rows",
                own.by,
                own.name,
                signed(own.difference.value / own.champion),
                own.rows
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

pub(super) fn size(own: u64, champion: u64, settings: &PromotionConfig) -> Check {
    let most = (champion as f64 * settings.size_factor) as u64;
    Check {
        name: "size".to_owned(),
        passes: own <= most.max(SMALL_BYTES),
        message: format!(
            "{:.2} MB, the champion's {:.2} MB",
            own as f64 / 1e6,
            champion as f64 / 1e6
        ),
    }
}

pub(super) fn latency(own: f64, champion: f64, settings: &PromotionConfig) -> Check {
    let most = (champion * settings.latency_factor).max(settings.latency_us);
    Check {
        name: "latency".to_owned(),
        passes: own <= most,
        message: format!(
            "{own:.0} µs a row, the champion {champion:.0} µs, allowed up to {most:.0} µs"
        ),
    }
}
