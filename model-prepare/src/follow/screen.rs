//! The coefficients as they move: a table, drawn over the one before on a terminal, one below the other
//! elsewhere.

use std::fmt::Write as _;
use std::io::Write;

use valuation::online::Coefficient;

use super::base::Standing;
use crate::commands::grid::grid;

/// Where it is shown.
pub struct Screen {
    out: Box<dyn Write + Send>,
    /// Whether what was drawn before can be drawn over.
    is_terminal: bool,
    /// Lines drawn.
    drawn: usize,
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
        }
    }

    /// Draws. Nobody may be looking any more: that is no error.
    pub(super) fn draw(&mut self, text: &str) {
        if self.is_terminal && self.drawn > 0 {
            // Up to the first line, and everything below goes (ECMA-48: CUU, ED).
            let _ = write!(self.out, "\x1b[{}A\x1b[J", self.drawn);
        }
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
        self.drawn = text.lines().count();
    }
}

/// How it stands, with the `rows` coefficients that have moved furthest.
pub(super) fn told(standing: &Standing, rows: usize) -> String {
    let Standing {
        online,
        counts,
        recent,
    } = standing;
    let rejected: u64 = counts.rejected.values().sum();
    let mut text = format!(
        "read {}, learned from {}, rejected {rejected}, {} steps; {:.4} from the base",
        counts.read,
        counts.learned,
        online.steps(),
        online.distance()
    );
    if counts.passed_over > 0 {
        let _ = write!(text, "; {} without a price above 0", counts.passed_over);
    }
    if let Some((own, base)) = recent.errors() {
        let _ = write!(
            text,
            "\nerror of the last {}, said before they were learned from: {own:.4}; of the base \
             {base:.4} (root mean square of ln(estimate/price))",
            recent.len()
        );
    }
    if let Some(version) = &counts.version {
        let _ = write!(text, "\npublished last: {version}");
    }
    let mut all = online.coefficients();
    all.sort_by(|one, other| moved(other).abs().total_cmp(&moved(one).abs()));
    let cells = |own: &Coefficient| {
        vec![
            own.name.clone(),
            format!("{:+.4}", own.base),
            format!("{:+.4}", own.now),
            format!("{:+.4}", moved(own)),
            format!("{:+.1} %", moved(own).exp_m1() * 100.0),
        ]
    };
    let shown: Vec<Vec<String>> = all.iter().take(rows).map(cells).collect();
    if !shown.is_empty() {
        let heading = [
            "what it adds to the log price",
            "base",
            "now",
            "moved",
            "as a price",
        ];
        let _ = write!(text, "\n{}", grid(&heading, &shown));
    }
    text
}

fn moved(own: &Coefficient) -> f64 {
    own.now - own.base
}
