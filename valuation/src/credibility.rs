//! Means of few rows, drawn to what is known of many (Bühlmann 1967, Experience Rating and
//! Credibility).

/// A sum and how many it is of.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) total: f64,
    pub(crate) count: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        self.total += value;
        self.count += 1.0;
    }

    /// Z · mean + (1 − Z) · `towards` with Z = n / (n + `rows`).
    pub(crate) fn credible(&self, towards: f64, rows: f64) -> f64 {
        (self.total + rows * towards) / (self.count + rows)
    }

    /// The mean; 0 of nothing.
    pub(crate) fn mean(&self) -> f64 {
        self.total / self.count.max(1.0)
    }
}
