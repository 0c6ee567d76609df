//! What has been learned, as an ordinary model: saved, verified and served as any other.

use arrow_array::RecordBatch;

use super::{Online, OnlineError, PriorPrediction, line_of};
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
    /// The model as it stands. `recent` are the newest training records, and `predicted` what was predicted for
    /// them before: they are what it is judged on, set its ranges (split conformal) and are its profile, from
    /// 100 on. The ranges that the learner itself gives are those from then on.
    ///
    /// The report's baseline is the base, which has not learned on. `code_version` and
    /// `trained_at_us` (microseconds since 1970) are only written down.
    ///
    /// # Errors
    /// When the base is not a line, or no record is left to check the model's files by.
    pub fn model(
        &mut self,
        recent: &RecordBatch,
        predicted: &[PriorPrediction],
        code_version: &str,
        trained_at_us: i64,
    ) -> Result<(Model, Report), OnlineError> {
        let link = self.base.link();
        let spread = self.base.estimator.plan.spread;
        let is_enough = predicted.len() >= LEAST_ROWS;
        if is_enough {
            let scores: Vec<f64> = predicted
                .iter()
                .map(|past| link.ratio(past.value, past.price).ln().abs() / spread)
                .collect();
            self.state.quantile = conformal::half_width(&scores, self.base.head.confidence);
        }
        let (_, base_line) = line_of(&self.base)?;
        let line = self.scaling.line(&self.state.coefficients, base_line);
        let report = self.report(recent, predicted);
        let mut estimator = self.base.estimator.clone();
        estimator.members = vec![Member::from(line)];
        estimator.plan.quantile = self.state.quantile;
        if is_enough {
            // The widths of groups were the base's: the predictions here had one width, and are covered with it.
            (estimator.plan.widths, estimator.plan.widths_by_estimate) = (None, None);
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
            let records = self.base.golden.iter().map(|golden| golden.record.clone());
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

    /// Judged on what was predicted for records before they were learned from; the base's report as long as
    /// there are none.
    fn report(&self, recent: &RecordBatch, predicted: &[PriorPrediction]) -> Report {
        let (before, link) = (&self.base.head.report, self.base.link());
        let actual: Vec<f64> = predicted.iter().map(|past| past.price).collect();
        let valued: Vec<f64> = predicted.iter().map(|past| past.value).collect();
        let bases: Vec<f64> = predicted.iter().map(|past| past.base).collect();
        let metrics = Metrics::on(link, &actual, &valued).zip(Metrics::on(link, &actual, &bases));
        let Some((model, baseline)) = metrics else {
            return before.clone();
        };
        let judged: Vec<JudgedRow> = predicted
            .iter()
            .enumerate()
            .map(|(row, past)| JudgedRow {
                row,
                actual: past.price,
                value: past.value,
                low: past.low,
                high: past.high,
            })
            .collect();
        let held = judged
            .iter()
            .filter(|row| (row.low..=row.high).contains(&row.actual));
        let coverage = Share::of(held.count(), judged.len());
        let squares: f64 = predicted
            .iter()
            .map(|past| link.ratio(past.value, past.price).ln().powi(2))
            .sum();
        let learned = usize::try_from(self.state.totals.rows).unwrap_or(usize::MAX);
        let schema = &self.base.head.schema;
        Report {
            rows: before.rows.saturating_add(learned),
            train_rows: before.train_rows.saturating_add(learned),
            holdout_rows: judged.len(),
            holdout_outliers: 0,
            holdout_copies: 0,
            without_copies: None,
            ratios: RatioStudy::on(link, &actual, &valued),
            segments: segment::of(schema, link, recent, self.base.group(), &judged),
            members: before
                .members
                .iter()
                .filter(|member| member.weight > 0.0)
                .map(|member| MemberReport {
                    holdout_error: (squares / predicted.len() as f64).sqrt(),
                    ..member.clone()
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
