//! The span of a batch: log lines of its work have its partitions and offsets, at level debug.

use std::fmt;

use ledger::offsets::Stretch;
use tracing::Span;

/// The span of the batch that covers these stretches.
pub fn batch_span(stretches: &[Stretch]) -> Span {
    tracing::debug_span!("batch", offsets = %Offsets(stretches))
}

/// `requests/0:100..120 requests/1:..7`: each partition's first offset, where it is known, and its next one.
struct Offsets<'a>(&'a [Stretch]);

impl fmt::Display for Offsets<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, stretch) in self.0.iter().enumerate() {
            let Stretch {
                topic,
                partition,
                from,
                next,
                ..
            } = stretch;
            let space = if index > 0 { " " } else { "" };
            let from = from.map(|from| from.to_string()).unwrap_or_default();
            write!(out, "{space}{topic}/{partition}:{from}..{next}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_offsets_are_on_one_line() {
        let stretch = |partition, from, next| Stretch {
            topic: "requests".into(),
            partition,
            topic_id: None,
            from,
            next,
            last_ms: None,
        };
        let stretches = [stretch(0, Some(100), 120), stretch(1, None, 7)];
        let offsets = Offsets(&stretches).to_string();
        assert_eq!(offsets, "requests/0:100..120 requests/1:..7");
    }
}
