//! A sweep as a page: the best so far, parallel coordinates, importances, all trials. Complete in
//! itself, nothing is fetched.

use std::fmt::Write as _;

use crate::sweep::{self, Parameter, Trial, TrialOutcome};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;\
    padding:0 1rem;color:#1b2330}h1{font-size:1.6rem}h2{margin:2rem 0 .5rem;font-size:1.2rem}\
    table{border-collapse:collapse;font-size:14px}td,th{padding:.15rem .7rem;text-align:right;\
    border-bottom:1px solid #dde3ea;white-space:nowrap}.wide{overflow-x:auto}\
    svg{background:#fafbfd;max-width:100%;height:auto}svg text{font:11px system-ui,sans-serif;\
    fill:#3c4858}";
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 300.0;
const EDGE: f64 = 40.0;

/// The page of a sweep. `done` are its trials, `importance` names each parameter with its share of the
/// error's variance.
pub fn sweep_page(
    name: &str,
    parameters: &[Parameter],
    done: &[Trial],
    importance: &[(String, f64)],
) -> String {
    let given_up = done
        .iter()
        .filter(|trial| matches!(trial.outcome, TrialOutcome::GivenUp { .. }))
        .count();
    let best = sweep::best(done).map_or_else(String::new, |trial| {
        if sweep::are_alike(done) {
            return "All finished trials have the same error: no setting is better than another.".to_owned();
        }
        format!(
            "The best is trial {} with an out-of-fold error (root mean square of log prices; of a class, log loss) of \
             {:.5}: {}.",
            trial.number,
            trial.objective().unwrap_or(f64::NAN),
            trial.settings(parameters)
        )
    });
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <link rel=\"icon\" href=\"data:,\"><title>Sweep {name}</title><style>{STYLE}</style></head>\
         <body><h1>Sweep {name}</h1><p>{} trials, {given_up} of them stopped early. {best}</p>\
         <h2>The best error so far, by working time</h2>{}\
         <h2>Parallel coordinates: one line per trial; darker is better</h2>{}\
         <h2>Importance: share of the error's variance that a parameter explains alone</h2>{}\
         <h2>Trials</h2><div class=wide>{}</div></body></html>",
        done.len(),
        course(done),
        coordinates(parameters, done),
        bars(importance),
        table(parameters, done)
    )
}

fn svg(height: f64, body: &str) -> String {
    format!(
        "<svg role=\"img\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\">{body}</svg>"
    )
}

/// Least and greatest error of those that finished.
fn bounds(done: &[Trial]) -> Option<(f64, f64)> {
    let mut errors: Vec<f64> = done.iter().filter_map(Trial::objective).collect();
    errors.sort_by(f64::total_cmp);
    let (low, high) = (*errors.first()?, *errors.last()?);
    // One error alone is drawn in the middle.
    Some((low, if high > low { high } else { low + 1e-9 }))
}

fn course(done: &[Trial]) -> String {
    let Some((low, high)) = bounds(done) else {
        return String::new();
    };
    let total: f64 = done.iter().map(|trial| trial.seconds).sum();
    let (mut worked, mut best, mut line, mut dots) =
        (0.0, f64::INFINITY, String::new(), String::new());
    let at = |seconds: f64| EDGE + seconds / total.max(1e-9) * (WIDTH - 2.0 * EDGE);
    let up = |error: f64| EDGE + (high - error) / (low - high) * (2.0 * EDGE - HEIGHT);
    for trial in done {
        worked += trial.seconds;
        let Some(error) = trial.objective() else {
            continue;
        };
        if best.is_finite() {
            let _ = write!(line, "{:.1},{:.1} ", at(worked), up(best));
        }
        best = best.min(error);
        // Writing to a String cannot fail.
        let _ = write!(line, "{:.1},{:.1} ", at(worked), up(best));
        let _ = write!(
            dots,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#56b4e9\"><title>trial {}: \
             {error:.5}</title></circle>",
            at(worked),
            up(error),
            trial.number
        );
    }
    svg(
        HEIGHT,
        &format!(
            "{dots}<polyline points=\"{line}\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"2\"/>\
             <text x=\"4\" y=\"{:.1}\">{high:.4}</text><text x=\"4\" y=\"{:.1}\">{low:.4}</text>\
             <text x=\"{EDGE}\" y=\"{:.1}\">0 s</text>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{total:.0} s</text>",
            up(high),
            up(low),
            HEIGHT - 12.0,
            WIDTH - EDGE,
            HEIGHT - 12.0
        ),
    )
}

fn coordinates(parameters: &[Parameter], done: &[Trial]) -> String {
    let Some((low, high)) = bounds(done) else {
        return String::new();
    };
    let axes = parameters.len() + 1;
    let at = |axis: usize| {
        let step = (WIDTH - 4.0 * EDGE) / (axes - 1).max(1) as f64;
        2.0 * EDGE + axis as f64 * step
    };
    let up = |share: f64| HEIGHT - EDGE - share * (HEIGHT - 2.0 * EDGE);
    let mut body = String::new();
    let mut finished: Vec<(&Trial, f64)> = done
        .iter()
        .filter_map(|trial| Some((trial, trial.objective()?)))
        .collect();
    // The best are drawn last, over the others.
    finished.sort_by(|one, other| other.1.total_cmp(&one.1));
    for (trial, error) in finished {
        let good = (high - error) / (high - low);
        let mut points: Vec<String> = parameters
            .iter()
            .zip(&trial.values)
            .enumerate()
            .map(|(axis, (parameter, value))| {
                format!("{:.1},{:.1}", at(axis), up(parameter.share(*value)))
            })
            .collect();
        points.push(format!("{:.1},{:.1}", at(axes - 1), up(1.0 - good)));
        let _ = write!(
            body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#0072b2\" stroke-opacity=\"{:.2}\" \
             stroke-width=\"{:.1}\"><title>trial {}: {error:.5}</title></polyline>",
            points.join(" "),
            0.15 + 0.85 * good * good,
            1.0 + 1.5 * good,
            trial.number
        );
    }
    let names = parameters.iter().map(|parameter| {
        let ends = match parameter.choices.is_empty() {
            true => (parameter.low, parameter.high),
            false => (
                parameter.choices[0],
                parameter.choices[parameter.choices.len() - 1],
            ),
        };
        (parameter.name(), ends)
    });
    let ends = std::iter::once(("error".to_owned(), (low, high)));
    for (axis, (name, (least, most))) in names.chain(ends).enumerate() {
        let x = at(axis);
        let short = |value: f64| match value.abs() >= 1.0 && value.fract() == 0.0 {
            true => format!("{value:.0}"),
            false => format!("{value:.4}"),
        };
        let _ = write!(
            body,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#3c4858\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
            up(0.0),
            up(1.0),
            up(1.0) - 6.0,
            short(most),
            up(0.0) + 14.0,
            short(least),
            up(0.0) + 30.0
        );
    }
    svg(HEIGHT + 10.0, &body)
}

fn bars(importance: &[(String, f64)]) -> String {
    let mut body = String::new();
    for (index, (name, share)) in importance.iter().enumerate() {
        let y = 8.0 + index as f64 * 22.0;
        let _ = write!(
            body,
            "<text x=\"190\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"200\" y=\"{y:.1}\" width=\"{:.1}\" height=\"14\" fill=\"#0072b2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{:.0} %</text>",
            y + 11.0,
            share * 600.0,
            206.0 + share * 600.0,
            y + 11.0,
            share * 100.0
        );
    }
    svg(16.0 + importance.len() as f64 * 22.0, &body)
}

fn table(parameters: &[Parameter], done: &[Trial]) -> String {
    let mut text =
        "<table><tr><th>trial</th><th>error</th><th>hold-out</th><th>seconds</th>".to_owned();
    for parameter in parameters {
        let _ = write!(text, "<th>{}</th>", parameter.name());
    }
    text.push_str("</tr>");
    for trial in done {
        let (error, holdout) = match &trial.outcome {
            TrialOutcome::Finished {
                objective, holdout, ..
            } => (format!("{objective:.5}"), format!("{holdout:.5}")),
            TrialOutcome::GivenUp { first } => (format!("stopped at {first:.5}"), "-".to_owned()),
            TrialOutcome::Failed { .. } => ("failed".to_owned(), "-".to_owned()),
        };
        let _ = write!(
            text,
            "<tr><td>{}</td><td>{error}</td><td>{holdout}</td><td>{:.1}</td>",
            trial.number, trial.seconds
        );
        for value in &trial.values {
            let _ = write!(text, "<td>{value:.4}</td>");
        }
        text.push_str("</tr>");
    }
    text.push_str("</table>");
    text
}
