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
