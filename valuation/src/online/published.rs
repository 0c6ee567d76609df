//! What has been learned, as an ordinary model: saved, verified and served as any other.

use arrow_array::RecordBatch;

use super::{Online, OnlineError, Said, line_of};
use crate::artifact::Golden;
use crate::conformal::{self, Share};
use crate::fit::golden;
use crate::members::Member;
use crate::metrics::{JudgedRow, Metrics};
use crate::model::{Head, Model};
use crate::profile::Profile;
use crate::ratio_study::RatioStudy;
use crate::report::{MemberReport, Report};
use crate::segment;

/// Fewer records say too little of ranges and of how records are spread: the base's stay.
const LEAST_ROWS: usize = 100;

impl Online {
    /// The model as it stands. `recent` are the newest records learned from, and `said` what was said of
    /// them before: they are what it is judged on, set its ranges (split conformal) and are its profile, from
    /// 100 on. The ranges that the learner itself gives are those from then on.
    ///
    /// The report's baseline is the base, which has not learned on. `code_version` and
    /// `trained_at_us` (microseconds since 1970) are only written down.
    ///
    /// # Errors
    /// When the base is no line, or no record is left to check the model's files by.
    pub fn model(
        &mut self,
        recent: &RecordBatch,
        said: &[Said],
        code_version: &str,
        trained_at_us: i64,
    ) -> Result<(Model, Report), OnlineError> {
        let link = self.base.link();
        let spread = self.base.estimator.plan.spread;
        let is_enough = said.len() >= LEAST_ROWS;
        if is_enough {
            let scores: Vec<f64> = said
                .iter()
                .map(|own| link.ratio(own.value, own.price).ln().abs() / spread)
                .collect();
            self.state.quantile = conformal::half_width(&scores, self.base.head.confidence);
        }
        let (_, base_line) = line_of(&self.base)?;
        let line = self.scaling.line(&self.state.coefficients, base_line);
        let report = self.report(recent, said);
        let mut estimator = self.base.estimator.clone();
        estimator.members = vec![Member::from(line)];
        estimator.plan.quantile = self.state.quantile;
        if is_enough {
            // The widths of groups were the base's: what was said here had one width, and holds with it.
            estimator.plan.widths = None;
        }
        let profile = match is_enough {
            true => {
                let rows: Vec<usize> = (0..recent.num_rows()).collect();
                let schema = &self.base.head.schema;
                Some(Profile::of(
                    schema,
                    link,
                    recent,
                    &rows,
                    &report.judged,
                    1.0,
                ))
            }
            false => self.base.head.profile.clone(),
        };
        let mut model = Model {
            head: Head {
                code_version: code_version.to_owned(),
                trained_at_us,
                data_until_us: self.state.until_us,
                plan: estimator.plan.clone(),
                report: Report {
                    judged: Vec::new(),
                    ..report.clone()
                },
                profile,
                ..self.base.head.clone()
            },
            estimator,
            golden: Vec::new(),
        };
        let rows: Vec<usize> = (0..recent.num_rows()).collect();
        model.golden = golden(&model, recent, &rows);
        if model.golden.is_empty() {
            let records = self.base.golden.iter().map(|own| own.record.clone());
            let valued = records.filter_map(|record| {
                let prediction = model.predict_json(&record)?;
                Some(Golden { record, prediction })
            });
            model.golden = valued.collect();
        }
        match model.golden.is_empty() {
            true => Err(OnlineError::NoSample),
            false => Ok((model, report)),
        }
    }

    /// Judged on what was said of records before they were learned from; the base's report as long as
    /// there are none.
    fn report(&self, recent: &RecordBatch, said: &[Said]) -> Report {
        let (before, link) = (&self.base.head.report, self.base.link());
        let actual: Vec<f64> = said.iter().map(|own| own.price).collect();
        let valued: Vec<f64> = said.iter().map(|own| own.value).collect();
        let bases: Vec<f64> = said.iter().map(|own| own.base).collect();
        let metrics = Metrics::on(link, &actual, &valued).zip(Metrics::on(link, &actual, &bases));
        let Some((model, baseline)) = metrics else {
            return before.clone();
        };
        let judged: Vec<JudgedRow> = said
            .iter()
            .enumerate()
            .map(|(row, own)| JudgedRow {
                row,
                actual: own.price,
                value: own.value,
                low: own.low,
                high: own.high,
            })
            .collect();
        let held = judged
            .iter()
            .filter(|own| (own.low..=own.high).contains(&own.actual));
        let coverage = Share::of(held.count(), judged.len());
        let squares: f64 = said
            .iter()
            .map(|own| link.ratio(own.value, own.price).ln().powi(2))
            .sum();
        let learned = usize::try_from(self.state.totals.rows).unwrap_or(usize::MAX);
        let schema = &self.base.head.schema;
        Report {
            rows: before.rows.saturating_add(learned),
            train_rows: before.train_rows.saturating_add(learned),
            holdout_rows: judged.len(),
            holdout_outliers: 0,
            holdout_copies: 0,
            ratios: RatioStudy::on(link, &actual, &valued),
            segments: segment::of(schema, link, recent, self.base.group(), &judged),
            members: before
                .members
                .iter()
                .filter(|own| own.weight > 0.0)
                .map(|own| MemberReport {
                    holdout_error: (squares / said.len() as f64).sqrt(),
                    ..own.clone()
                })
                .collect(),
            folds: Vec::new(),
            model,
            baseline,
            baseline_name: "the line it began from".to_owned(),
            coverage: coverage.value,
            coverage_low: coverage.low,
            coverage_high: coverage.high,
            calibration: Vec::new(),
            widened: 1.0,
            fit_seconds: 0.0,
            judged,
            ..before.clone()
        }
    }
}
