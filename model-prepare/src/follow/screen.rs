//! The coefficients as they move: a table, drawn over the one before on a terminal, one below the other
//! elsewhere.

use std::fmt::Write as _;
use std::io::Write;

use report::text::grid;
use valuation::Link;
use valuation::online::Coefficient;

use super::base::Standing;

/// Where it is shown.
pub struct Screen {
    out: Box<dyn Write + Send>,
    /// Whether what was drawn before can be drawn over.
    is_terminal: bool,
    /// Lines drawn.
    drawn: usize,
    /// The coefficients as they were at the last look: how far each has moved since is shown.
    looked_at: Vec<Coefficient>,
    /// Messages read and the version published by then: nothing new is not drawn again.
    stood: Option<(u64, Option<String>)>,
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(to, "Screen({} lines)", self.drawn)
    }
}

impl Screen {
    /// On `out`, which is a terminal or not.
    pub fn new(out: Box<dyn Write + Send>, is_terminal: bool) -> Screen {
        Screen {
            out,
            is_terminal,
            drawn: 0,
            looked_at: Vec::new(),
            stood: None,
        }
    }

    /// Draws how it stands, with the `rows` coefficients that have moved furthest; nothing where it stands as
    /// it did.
    pub(super) fn show(&mut self, standing: &Standing, rows: usize) {
        let stands = (standing.counts.read, standing.counts.version.clone());
        if self.stood.as_ref() == Some(&stands) {
            return;
        }
        self.stood = Some(stands);
        let text = table(standing, rows, &self.looked_at);
        self.looked_at = standing.online.coefficients();
        self.draw(&text);
    }

    /// Draws. Nobody may be looking any more: that is not an error.
    fn draw(&mut self, text: &str) {
        if self.is_terminal && self.drawn > 0 {
            // Up to the first line, and everything below goes (ECMA-48: CUU, ED).
            let _ = write!(self.out, "\x1b[{}A\x1b[J", self.drawn);
        }
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
        self.drawn = text.lines().count();
    }
}

/// How it stands, with the `rows` coefficients that have moved furthest, since the base and since they were
/// `before`.
fn table(standing: &Standing, rows: usize, before: &[Coefficient]) -> String {
    let Standing {
        online,
        counts,
        recent,
    } = standing;
    let (link, schema) = (online.base().link(), online.base().schema());
    let target = schema.target.as_deref().unwrap_or("target");
    let rejected: u64 = counts.rejected.values().sum();
    let mut text = format!(
        "read {}, learned from {}, rejected {rejected}, {} steps; {:.4} from the base",
        counts.read,
        counts.learned,
        online.steps(),
        online.distance()
    );
    if counts.passed_over > 0 {
        let (passed, bound) = (counts.passed_over, link.expected());
        let _ = write!(text, "; {passed} without a {target} {bound}");
    }
    let off = match link {
        Link::Log => format!("ln(estimate/{target})"),
        Link::LogOnePlus => format!("ln((1 + estimate)/(1 + {target}))"),
    };
    if let Some((error, base)) = recent.errors(link) {
        let _ = write!(
            text,
            "\nerror of the last {}, predicted before the update: {error:.4}; of the base \
             {base:.4} (root mean square of {off})",
            recent.len()
        );
    }
    if let Some(version) = &counts.version {
        let _ = write!(text, "\npublished last: {version}");
    }
    let all = online.coefficients();
    // By their place: two may have one name.
    let mut all: Vec<(usize, &Coefficient)> = all.iter().enumerate().collect();
    all.sort_by(|one, other| moved(other.1).abs().total_cmp(&moved(one.1).abs()));
    let cells = |(place, coefficient): &(usize, &Coefficient)| {
        let lately = coefficient.now - before.get(*place).map_or(coefficient.base, |then| then.now);
        vec![
            coefficient.name.clone(),
            format!("{:+.4}", coefficient.base),
            format!("{:+.4}", coefficient.now),
            format!("{:+.4}", moved(coefficient)),
            format!("{lately:+.4}"),
            format!("{:+.1} %", moved(coefficient).exp_m1() * 100.0),
        ]
    };
    let shown: Vec<Vec<String>> = all.iter().take(rows).map(cells).collect();
    if !shown.is_empty() {
        let (what, share) = match link {
            Link::Log => (format!("the log {target}"), format!("as a {target}")),
            Link::LogOnePlus => (link.scale(target), format!("of 1 + {target}")),
        };
        let what = format!("what it adds to {what}");
        let heading = [&what, "base", "now", "moved", "lately", &share];
        let _ = write!(text, "\n{}", grid(&heading, &shown));
    }
    text
}

fn moved(coefficient: &Coefficient) -> f64 {
    coefficient.now - coefficient.base
}
