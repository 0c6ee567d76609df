//! How long the rest of a fit takes: what is left, in rows × fields (times trees), at what such a unit has cost
//! in this fit, on this machine, so far.

/// Steps of trees that say what a tree costs: the first of all are slower.
const LEAST_TREES: f64 = 5.0;
/// Trees of the spread's folds, which are few; that they are symmetric and shallow is left out.
const SPREAD_TREES: f64 = 30.0;

/// A piece of a member's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A fit without one of the folds; its number, from 1.
    Fold(usize),
    /// The fit on all training rows.
    Whole,
    /// The fit on all rows.
    Refit,
}

/// What a member has to do.
#[derive(Debug, Clone)]
pub(super) struct MemberWork {
    /// Trees that a fold's fit grows at most; 1 where there are none.
    pub(super) trees: f64,
    /// How many times as many the fit on all rows grows.
    pub(super) more: f64,
    /// Whether it grows trees: members are priced by their like until they have cost something.
    pub(super) grows: bool,
    /// Folds that are left.
    pub(super) folds: usize,
    pub(super) is_whole_left: bool,
    pub(super) is_refit_left: bool,
    /// Trees and number of the folds' fits that have ended: they may end early.
    pub(super) ended: (f64, f64),
    /// Units done of pieces that are under way.
    pub(super) under_way: f64,
    /// Steps that were done: trees, or whole fits.
    pub(super) steps: f64,
    /// Units that were done, and what they took.
    pub(super) units: f64,
    pub(super) seconds: f64,
}

impl MemberWork {
    fn fold_trees(&self) -> f64 {
        match self.ended {
            (trees, count) if count > 0.0 => trees / count,
            _ => self.trees,
        }
    }

    /// The fits on all rows grow so many trees.
    pub(super) fn settle(&mut self, trees: usize) {
        self.more = trees as f64 / self.fold_trees().max(1.0);
    }
}

/// What is left of a fit, and what has been measured.
#[derive(Debug, Clone, Default)]
pub(super) struct Estimate {
    /// Rows × fields of the training side.
    pub(super) cells: f64,
    /// Rows × fields of the refit.
    pub(super) refit_cells: f64,
    /// How many folds.
    pub(super) folds: usize,
    pub(super) members: Vec<MemberWork>,
    /// Seconds of one pass over the rows, as the first was: cleaning and splitting.
    pub(super) pass_s: f64,
    /// Such passes that are left: judging, and what is kept of the training.
    pub(super) passes: usize,
    /// Seconds that the columns of the trees took.
    pub(super) columns_s: Option<f64>,
    /// How often they are made yet.
    pub(super) columns: usize,
    /// Whether the trees of the spread are to come.
    pub(super) is_spread_left: bool,
    /// Seconds in which members were in work, on any number of threads.
    pub(super) worked_s: f64,
}

impl Estimate {
    /// Rows × fields of a piece.
    pub(super) fn cells_of(&self, piece: Piece) -> f64 {
        let folds = self.folds.max(2) as f64;
        match piece {
            Piece::Fold(_) => self.cells * (folds - 1.0) / folds,
            Piece::Whole => self.cells,
            Piece::Refit => self.refit_cells,
        }
    }

    /// Units that a member has left.
    fn left(&self, member: &MemberWork) -> f64 {
        let trees = member.fold_trees();
        let count = |is_left: bool| f64::from(u8::from(is_left));
        let folds = member.folds as f64 * trees * self.cells_of(Piece::Fold(1));
        let whole = count(member.is_whole_left) * self.cells_of(Piece::Whole);
        let refit = count(member.is_refit_left) * self.cells_of(Piece::Refit);
        let all = folds + (whole + refit) * trees * member.more;
        (all - member.under_way).max(0.0)
    }

    /// Seconds a unit of members that grow trees, or of those that do not; none before it was measured.
    fn usual(&self, grows: bool) -> Option<f64> {
        let alike = self.members.iter().filter(|member| member.grows == grows);
        let [steps, units, seconds] = alike.fold([0.0; 3], |[steps, units, seconds], member| {
            [
                steps + member.steps,
                units + member.units,
                seconds + member.seconds,
            ]
        });
        let least = if grows { LEAST_TREES } else { 1.0 };
        (steps >= least && units > 0.0).then(|| seconds / units)
    }

    /// Seconds a unit of a member.
    fn rate(&self, member: &MemberWork) -> Option<f64> {
        let least = if member.grows { LEAST_TREES } else { 1.0 };
        match member.steps >= least && member.units > 0.0 {
            true => Some(member.seconds / member.units),
            false => self.usual(member.grows),
        }
    }

    /// Seconds that are left; none where something is left that has not been measured.
    pub(super) fn left_s(&self) -> Option<f64> {
        let mut seconds = 0.0;
        for member in &self.members {
            let units = self.left(member);
            if units > 0.0 {
                seconds += units * self.rate(member)?;
            }
        }
        if self.is_spread_left && self.members.iter().any(|member| member.grows) {
            // Trees that are left out have cost nothing, and there is no spread then.
            let rate = self.usual(true).unwrap_or(0.0);
            seconds += self.cells * SPREAD_TREES * self.folds as f64 * rate;
        }
        let done: f64 = self.members.iter().map(|member| member.seconds).sum();
        // How many members or folds were in work at a time.
        let side_by_side = match self.worked_s > 0.0 {
            true => (done / self.worked_s).max(1.0),
            false => 1.0,
        };
        let columns = match self.columns {
            0 => 0.0,
            times => self.columns_s? * times as f64,
        };
        Some(seconds / side_by_side + columns + self.pass_s * self.passes as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(grows: bool) -> MemberWork {
        MemberWork {
            trees: if grows { 100.0 } else { 1.0 },
            more: 1.0,
            grows,
            folds: 5,
            is_whole_left: true,
            is_refit_left: false,
            ended: (0.0, 0.0),
            under_way: 0.0,
            steps: 0.0,
            units: 0.0,
            seconds: 0.0,
        }
    }

    fn estimate() -> Estimate {
        Estimate {
            cells: 1000.0,
            folds: 5,
            members: vec![member(false), member(true)],
            ..Estimate::default()
        }
    }

    #[test]
    fn what_is_left_costs_what_its_like_has_cost() {
        let mut estimate = estimate();
        assert_eq!(estimate.left_s(), None, "nothing was measured");
        // The line is through: 5 folds of 800 cells, and 1,000.
        let line = &mut estimate.members[0];
        (line.folds, line.is_whole_left) = (0, false);
        (line.steps, line.units, line.seconds) = (6.0, 5000.0, 0.5);
        assert_eq!(estimate.left_s(), None, "no tree was measured");
        // Ten trees of the first fold, at 1 ms each.
        let trees = &mut estimate.members[1];
        (trees.steps, trees.units, trees.seconds) = (10.0, 8000.0, 0.01);
        trees.under_way = 8000.0;
        estimate.worked_s = 0.51;
        // 5 · 100 · 800 + 100 · 1000 − 8000 units of 1.25 µs.
        let expected = 492_000.0 * 0.01 / 8000.0;
        assert!((estimate.left_s().unwrap_or(0.0) - expected).abs() < 1e-9);
        // Two at a time take half of that; folds that end early are fewer trees.
        estimate.worked_s = 0.255;
        assert!((estimate.left_s().unwrap_or(0.0) - expected / 2.0).abs() < 1e-9);
        estimate.members[1].ended = (50.0, 1.0);
        assert!(estimate.left_s().unwrap_or(f64::MAX) < 0.55 * expected / 2.0);
    }

    #[test]
    fn columns_and_passes_are_as_long_as_the_first() {
        let mut estimate = estimate();
        estimate.members.clear();
        (estimate.pass_s, estimate.passes) = (2.0, 2);
        assert_eq!(estimate.left_s(), Some(4.0));
        estimate.columns = 1;
        assert_eq!(estimate.left_s(), None);
        estimate.columns_s = Some(3.0);
        assert_eq!(estimate.left_s(), Some(7.0));
    }
}
