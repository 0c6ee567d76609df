//! The axis of a plot: where a value lies, and which values are named.

use records::timestamp;

/// Names on an axis at most.
const MOST_TICKS: usize = 5;

/// How values lie along an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// Equal steps.
    Linear,
    /// Equal factors; for values above 0.
    Log,
    /// Microseconds since 1970, named by their day.
    Time,
}

/// An axis from `low` to `high`, which differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    scale: Scale,
}

impl Axis {
    /// From the smallest to the greatest value; around the value where there is but one, and from 0
    /// to 1 where there is none.
    pub(super) fn of(values: impl Iterator<Item = f64>, scale: Scale) -> Axis {
        // Beyond this the length of the axis is not a number.
        let finite = values.filter(|value| value.abs() < 1e300);
        let ends = finite.fold(None, |ends, value| match ends {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        });
        // Counts may be 0, which no factor leads to.
        let scale = match (ends, scale) {
            (Some((low, _)), Scale::Log) if low <= 0.0 => Scale::Linear,
            _ => scale,
        };
        let (low, high) = match (ends, scale) {
            (None, Scale::Log) => (1.0, 10.0),
            (None, _) => (0.0, 1.0),
            (Some((low, high)), Scale::Log) if low >= high => (low / 2.0, high * 2.0),
            (Some((low, high)), _) if low >= high => (low - 0.5, high + 0.5),
            (Some(ends), _) => ends,
        };
        Axis { low, high, scale }
    }

    /// The same from 0 on.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>) -> Axis {
        Axis::of(values.chain([0.0]), Scale::Linear)
    }

    /// Where a value lies: 0 at `low`, 1 at `high`.
    pub(super) fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
            Scale::Linear | Scale::Time => (value - self.low) / (self.high - self.low),
        }
    }

    /// The value at a place.
    pub(super) fn at(&self, place: f64) -> f64 {
        match self.scale {
            Scale::Log => self.low * (self.high / self.low).powf(place),
            Scale::Linear | Scale::Time => self.low + place * (self.high - self.low),
        }
    }

    /// Round values along the axis, with their names.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let values = match self.scale {
            Scale::Time => (0..3).map(|part| self.at(f64::from(part) / 2.0)).collect(),
            Scale::Log => {
                decades(self.low, self.high).unwrap_or_else(|| steps(self.low, self.high))
            }
            Scale::Linear => steps(self.low, self.high),
        };
        let name = |value: f64| match self.scale {
            Scale::Time => timestamp::format(value as i64).chars().take(10).collect(),
            Scale::Log | Scale::Linear => short(value),
        };
        values
            .into_iter()
            .map(|value| (value, name(value)))
            .collect()
    }
}

/// Multiples of 1, 2, 2.5 or 5 times a power of ten.
fn steps(low: f64, high: f64) -> Vec<f64> {
    let least = (high - low) / (MOST_TICKS as f64 - 1.0);
    let power = 10_f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    let step = factors.iter().map(|factor| factor * power);
    let step = step.into_iter().find(|step| *step >= least * (1.0 - 1e-9));
    let step = step.unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    // Bounded: beyond the precision of a float there are no steps.
    let count = (last - first).clamp(0.0, 2.0 * MOST_TICKS as f64) as u32;
    (0..=count)
        .map(|position| (first + f64::from(position)) * step)
        .collect()
}

/// Powers of ten, with 2 and 5 times them where there is room; `None` for fewer than two.
fn decades(low: f64, high: f64) -> Option<Vec<f64>> {
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let of = |factors: &[f64]| -> Vec<f64> {
        let all = powers.clone().flat_map(|power| {
            let ten = 10_f64.powi(power);
            factors.iter().map(move |factor| factor * ten)
        });
        all.filter(|value| (low..=high).contains(value)).collect()
    };
    let sets: [&[f64]; 3] = [&[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];
    let named = sets.into_iter().map(of);
    let mut named = named.filter(|values| (2..=MOST_TICKS).contains(&values.len()));
    named.next().or_else(|| {
        // Many decades: every Nth power.
        let all = of(&[1.0]);
        let every = all.len().div_ceil(MOST_TICKS).max(1);
        let some: Vec<f64> = all.into_iter().step_by(every).collect();
        (some.len() > 1).then_some(some)
    })
}

/// A number in a few characters: 1.2M, 350k, 0.051.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    let (scaled, unit) = match size {
        _ if size >= 1e12 => return format!("{value:.1e}"),
        _ if size >= 1e9 => (value / 1e9, "G"),
        _ if size >= 1e6 => (value / 1e6, "M"),
        _ if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.001 => 4,
        _ => return format!("{value:.1e}"),
    };
    let text = format!("{scaled:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text.as_str(),
    };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (low, high, scale, expected) in [
            (0.0, 1.0, Scale::Linear, "0 0.25 0.5 0.75 1"),
            (-1.5, 2.2, Scale::Linear, "-1 0 1 2"),
            (1900.0, 2015.0, Scale::Linear, "1900 1950 2000"),
            (78e3, 7.7e6, Scale::Log, "100k 300k 1M 3M"),
            (900.0, 1100.0, Scale::Log, "900 950 1000 1050 1100"),
            (0.0, 1.0e15, Scale::Time, "1970-01-01 1985-11-05 2001-09-09"),
        ] {
            let axis = Axis { low, high, scale };
            let names: Vec<String> = axis.ticks().into_iter().map(|(_, name)| name).collect();
            assert_eq!(names.join(" "), expected, "{low} to {high}");
        }
    }

    #[test]
    fn an_axis_of_one_value_or_none_has_a_length() {
        for values in [vec![], vec![5.0], vec![f64::NAN], vec![1e300, -1e300]] {
            let axis = Axis::of(values.iter().copied(), Scale::Linear);
            assert!(axis.low < axis.high && axis.ticks().len() < 12, "{axis:?}");
        }
        let axis = Axis::of([10.0, 1000.0].into_iter(), Scale::Log);
        assert!((axis.place(100.0) - 0.5).abs() < 1e-12 && (axis.at(0.5) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn numbers_are_short() {
        for (value, name) in [
            (0.0, "0"),
            (1_234_567.0, "1.23M"),
            (350_000.0, "350k"),
            (9999.0, "9999"),
            (0.0512, "0.0512"),
            (-2.5, "-2.5"),
            (2e-7, "2.0e-7"),
        ] {
            assert_eq!(short(value), name);
        }
    }
}
