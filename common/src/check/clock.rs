//! This machine's clock beside another's.

use super::Finding;

/// Beyond it, answers expire and windows of time are cut wrongly, in seconds.
const BOUND_S: f64 = 2.0;

/// The difference of two clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Difference {
    /// How far the other is ahead, in seconds.
    pub ahead_s: f64,
    /// How sure that is, in seconds: half of what the question took.
    pub give_or_take_s: f64,
}

/// Judges the clock by that of PostgreSQL's machine.
pub(super) fn judge(difference: Difference) -> Finding {
    let Difference {
        ahead_s,
        give_or_take_s,
    } = difference;
    let side = match ahead_s {
        ahead if ahead > 0.0 => "behind",
        _ => "ahead of",
    };
    let found = format!(
        "{:.3} s {side} PostgreSQL's, give or take {give_or_take_s:.3} s",
        ahead_s.abs()
    );
    // What the question took may be all of the difference.
    if ahead_s.abs() - give_or_take_s > BOUND_S {
        return Finding::warning(
            "clock",
            format!("{found}, expected at most {BOUND_S} s"),
            "synchronise both machines' clocks with NTP (chrony, systemd-timesyncd)",
        );
    }
    Finding::passed("clock", found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;

    #[test]
    fn a_difference_counts_beyond_the_bound_and_beyond_what_is_not_known() {
        let judged = |ahead_s, give_or_take_s| {
            judge(Difference {
                ahead_s,
                give_or_take_s,
            })
        };
        assert_eq!(judged(1.9, 0.0).outcome, Outcome::Passed);
        assert_eq!(judged(-2.5, 0.1).outcome, Outcome::Warning);
        assert_eq!(judged(2.5, 1.0).outcome, Outcome::Passed);
        assert!(judged(-3.0, 0.1).found.contains("3.000 s ahead of"));
        assert!(judged(3.0, 0.1).found.contains("3.000 s behind"));
    }
}
