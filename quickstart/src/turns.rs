//! What the loop does while one looks: versions come, are judged, and are swapped in or not. A line each.

use serde_json::Value;

use crate::amount::whole;
use crate::screen::Screen;
use crate::services::Statuses;

/// What has been told already.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Id of the run of the last training.
    run: Option<String>,
    /// The model that answers.
    model: Option<String>,
    /// When a champion was rolled back last.
    rollback: Option<String>,
}

impl Turns {
    /// Tells what is new.
    pub fn tell(&mut self, statuses: &Statuses, screen: &Screen) {
        let news = self.news(statuses);
        for (stage, what) in news {
            screen.done(stage, &what);
        }
    }

    fn news(&mut self, statuses: &Statuses) -> Vec<(&'static str, String)> {
        let Statuses {
            applier, prepare, ..
        } = statuses;
        let mut news = Vec::new();
        let last = &prepare["last_training"];
        if is_new(&mut self.run, &last["run"]) {
            news.push(("trained", trained(last)));
        }
        let rollback = &prepare["last_rollback"];
        if is_new(&mut self.rollback, &rollback["at"]) {
            let why = rollback["why"].as_str().unwrap_or_default();
            news.push(("rollback", why.to_owned()));
        }
        let is_first = self.model.is_none();
        if is_new(&mut self.model, &applier["model"]) && !is_first {
            let model = self.model.as_deref().unwrap_or_default();
            news.push(("swapped", format!("{model} answers from now on")));
        }
        news
    }
}

/// Whether a text is there and another than the one known, which it becomes.
fn is_new(known: &mut Option<String>, found: &Value) -> bool {
    let Some(found) = found.as_str() else {
        return false;
    };
    if known.as_deref() == Some(found) {
        return false;
    }
    *known = Some(found.to_owned());
    true
}

fn trained(last: &Value) -> String {
    let text = |key: &str| last[key].as_str().unwrap_or_default();
    let number = |key: &str| last[key].as_f64().unwrap_or_default();
    let became = match last["promoted"] == true {
        true => "promoted",
        false => "not promoted",
    };
    format!(
        "{} on {} listings in {:.1} s, hold-out error {:.1} %; {became}: {}",
        text("version"),
        whole(number("rows")),
        number("seconds"),
        number("mdape") * 100.0,
        text("verdict")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn statuses(run: &str, model: &str, rollback: Value) -> Statuses {
        Statuses {
            applier: json!({ "model": model }),
            prepare: json!({
                "last_training": { "run": run, "version": "v000002", "promoted": true, "rows": 20000,
                    "seconds": 3.21, "mdape": 0.094, "verdict": "it passes all 6 checks on 812 rows" },
                "last_rollback": rollback,
            }),
            ..Statuses::default()
        }
    }

    #[test]
    fn each_event_is_told_once() {
        let mut turns = Turns::default();
        let first = turns.news(&statuses("a", "m@v000001", Value::Null));
        assert_eq!(
            first,
            [(
                "trained",
                "v000002 on 20,000 listings in 3.2 s, hold-out error 9.4 %; promoted: it passes all 6 \
                 checks on 812 rows"
                    .to_owned()
            )]
        );
        assert_eq!(turns.news(&statuses("a", "m@v000001", Value::Null)), []);
        let swapped = turns.news(&statuses("a", "m@v000002", Value::Null));
        assert_eq!(
            swapped,
            [("swapped", "m@v000002 answers from now on".to_owned())]
        );
        let back = json!({ "at": "2026-01-01", "why": "v000002: it answers worse" });
        let told = turns.news(&statuses("a", "m@v000002", back.clone()));
        assert_eq!(told, [("rollback", "v000002: it answers worse".to_owned())]);
        assert_eq!(turns.news(&statuses("a", "m@v000002", back)), []);
    }
}
