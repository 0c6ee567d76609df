//! A version that was refused, and when to look at it again.

use std::time::{Duration, Instant};

use registry::Appearance;

/// Pause after the first refusal; each further one doubles it.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause while files change: a version may be copied in for as long as it likes.
const LONGEST: Duration = Duration::from_secs(60);
/// Longest pause of one that could not be fetched: each look downloads it again.
const LONGEST_AWAY: Duration = Duration::from_secs(600);

/// Why a version was refused, and what it looked like.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    why: String,
    /// What its files looked like; `None` where they could not be fetched.
    appearance: Option<Appearance>,
    /// Refusals so far, this one among them.
    times: u32,
    /// When it is checked again at the earliest.
    due: Instant,
}

impl Refusal {
    pub(super) fn new(
        why: String,
        appearance: Option<Appearance>,
        before: Option<Refusal>,
    ) -> Refusal {
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        let mut refusal = Refusal {
            why,
            appearance,
            times,
            due: Instant::now(),
        };
        refusal.due += refusal.pause();
        refusal
    }

    pub(super) fn why(&self) -> &str {
        &self.why
    }

    pub(super) fn is_first(&self) -> bool {
        self.times == 1
    }

    /// How long it is left alone.
    pub(super) fn pause(&self) -> Duration {
        let longest = match self.appearance {
            Some(_) => LONGEST,
            None => LONGEST_AWAY,
        };
        let doubled = 2_u32.saturating_pow(self.times - 1);
        PAUSE.saturating_mul(doubled).min(longest)
    }

    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Whether this is still what was refused: the same files would be refused again.
    pub(super) fn is_of(&self, appearance: &Appearance) -> bool {
        self.appearance.as_ref() == Some(appearance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_have_a_bound() {
        let (mut refusal, mut pauses) = (None, Vec::new());
        for _ in 0..40 {
            let next = Refusal::new("why".to_owned(), None, refusal);
            pauses.push(next.pause());
            refusal = Some(next);
        }
        assert_eq!(pauses[..3], [1, 2, 4].map(Duration::from_secs));
        assert_eq!(pauses[39], LONGEST_AWAY);
        assert!(pauses.is_sorted());
    }
}
