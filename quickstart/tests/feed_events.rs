//! Feed events go through the same services by a schema file and settings alone, as
//! docs/recipes/feed-events.md says: counts that may be 0, replayed with chosen fields, stored, learned online
//! from a base, held to it, published and asked for.

mod recipe;

use std::io::Write;
use std::sync::{Arc, Mutex};

use model_prepare::{Follow, Screen};
use recipe::{LIMIT, Recipe, generate};
use serde_json::{Value, json};
use testbed::{Running, eventually};
use valuation::{Link, Model};

const YESTERDAY: u64 = 3000;
const TODAY: u64 = 6000;
/// What is added to the effect of videos today, in the logarithm of the mean.
const VIDEO: &str = "0.9";
const FIELDS: [&str; 8] = [
    "section",
    "format",
    "device",
    "hour",
    "words",
    "followers",
    "rank",
    "clicks",
];

/// The recipe's generated events as CSV, and how many have no click.
fn events(rows: u64, seed: &str, video: &str) -> (String, u64) {
    let count = rows.to_string();
    let variables = [("rows", count.as_str()), ("seed", seed), ("video", video)];
    let text = generate("feed-events.awk", &variables);
    assert_eq!(text.lines().count() as u64, rows + 1);
    let zeros = text.lines().filter(|line| line.ends_with(",0")).count() as u64;
    assert!(zeros > rows / 5, "{zeros} of {rows} without a click");
    (text, zeros)
}

/// A screen that can be read.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<u8>>>);

impl Shown {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("ours").clone()).expect("text")
    }
}

impl Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("ours").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A follower from what is stored.
fn follower(recipe: &Recipe, name: &str, pull: f64, shown: &Shown) -> Running {
    let mut config = Follow::new(&recipe.settings).expect("valid settings");
    config.follow.group = recipe.bed.group(name);
    config.follow.pull = pull;
    if pull > 1.0 {
        config.follow.publish_every = 0;
    }
    let shown = shown.clone();
    Running::start(move |listener, leave| {
        let screen = Screen::new(Box::new(shown), false);
        model_prepare::follow(config, screen, listener, leave)
    })
}

async fn all_read(follower: &Running) -> Value {
    eventually("all of today is read", LIMIT, || async {
        let (_, status) = follower.get("/status").await;
        status["read"] == TODAY
    })
    .await;
    let (_, status) = follower.get("/status").await;
    assert_eq!(status["learned"], TODAY, "zeros too: {status}");
    assert_eq!(status["passed_over"], 0);
    assert_eq!(status["rejected"], json!({}));
    status
}

/// The coefficient that has moved furthest: its name, and how far.
fn moved_most(status: &Value) -> (&str, f64) {
    let all = status["coefficients"].as_array().expect("coefficients");
    let moved = all.iter().map(|row| {
        let of = |key: &str| row[key].as_f64().expect("a number");
        (
            row["name"].as_str().expect("a name"),
            of("now") - of("base"),
        )
    });
    let most = moved.max_by(|one, other| one.1.abs().total_cmp(&other.1.abs()));
    most.expect("one at least")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_on_counts_follows_what_has_changed_and_is_held_to_its_base() {
    // More frequent versions than the recipe's.
    let settings = [
        ("follow.publish_every", "2500"),
        ("follow.show_every_s", "1"),
        ("quality.every_s", "1"),
    ];
    let recipe = Recipe::start("feed-events", "feed_events", &settings).await;
    let bed = &recipe.bed;
    let (text, zeros_then) = events(YESTERDAY, "7", "0");
    let yesterday = recipe.file("yesterday.csv", &text);
    let (text, zeros_now) = events(TODAY, "11", VIDEO);
    let today = recipe.file("today.csv", &text);
    let unknown = recipe.sender();
    let unknown = unknown.choosing(&["viewer".to_owned()]).expect_err("none");
    assert!(
        unknown.to_string().contains("it has event_id, section"),
        "{unknown}"
    );

    let loader = recipe.loader().await;
    let sent = recipe.send_fields(&yesterday, "new_data", &FIELDS).await;
    assert_eq!((sent.sent, sent.rejected), (YESTERDAY, 0), "{sent}");
    recipe.rows("feed_events", YESTERDAY).await;
    let without = "SELECT count(*) FROM feed_events WHERE clicks = 0";
    assert_eq!(bed.number(without).await, zeros_then as i64);

    let shown = Shown::default();
    let near = follower(&recipe, "near", 0.02, &shown);
    let held = follower(&recipe, "held", 10.0, &Shown::default());
    for follower in [&near, &held] {
        eventually("it has a base, and reads", LIMIT, || follower.is_ready()).await;
    }
    let sent = recipe.send_fields(&today, "new_data", &FIELDS).await;
    assert_eq!(sent.sent, TODAY, "{sent}");
    let (near_status, held_status) = (all_read(&near).await, all_read(&held).await);
    recipe.rows("feed_events", YESTERDAY + TODAY).await;
    assert_eq!(bed.number(without).await, (zeros_then + zeros_now) as i64);

    // Better than the base, which is stalled; the nearer it is held, the less so.
    let number = |status: &Value, key: &str| status[key].as_f64().expect("a number");
    let (learning, frozen) = (
        number(&near_status, "error"),
        number(&near_status, "base_error"),
    );
    assert!(learning < 0.93 * frozen, "{learning} {frozen}");
    let tight = number(&held_status, "error");
    assert!(
        learning < tight && tight <= frozen,
        "{learning} {tight} {frozen}"
    );
    let distances = [&near_status, &held_status].map(|status| number(status, "distance"));
    assert!(distances[1] < 0.5 * distances[0], "{distances:?}");
    let (name, by) = moved_most(&near_status);
    assert_eq!(name, "format = video", "{near_status}");
    assert!(by > 0.2, "{by}");
    let text = shown.text();
    for expected in [
        "what it adds to ln(1 + clicks)",
        "lately",
        "format = video",
        "of 1 + clicks",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }

    // The newest version is an ordinary one; it answers, and knows what has changed.
    eventually("it is published twice", LIMIT, || async {
        near.get("/status").await.1["version"] == "v000002"
    })
    .await;
    let versions = recipe.versions();
    let newest = versions.last().expect("a version");
    let model = Model::load(&newest.path).expect("the version loads");
    assert_eq!(model.link(), Link::LogOnePlus);
    let report = model.report();
    assert!(report.model.rmsle < report.baseline.rmsle);
    assert!(report.ratios.is_none());

    let applier = recipe.applier();
    eventually("the applier has a model", LIMIT, || applier.is_ready()).await;
    let clicks = async |format: &str, followers: u64, rank: u64| {
        // An id of its own, as it is another record.
        let id = format!("{format}-{followers}-{rank}");
        let record = json!({"event_id": id, "section": "world", "format": format,
            "device": "phone", "hour": 20, "words": 200, "followers": followers, "rank": rank});
        let (code, answer) = applier.post("/predict", &record.to_string()).await;
        assert_eq!(code, 200, "{answer}");
        let of = |key: &str| answer[key].as_f64().expect("a number");
        assert!(
            0.0 <= of("low") && of("low") <= of("prediction"),
            "{answer}"
        );
        assert!(of("prediction") < of("high"), "{answer}");
        (of("prediction"), of("low"))
    };
    let ((video, _), (text, _)) = (
        clicks("video", 5000, 3).await,
        clicks("text", 5000, 3).await,
    );
    // Yesterday's worlds differ by 0.1 in the logarithm of the mean.
    assert!(1.0 + video > 1.3 * (1.0 + text), "{video} {text}");
    assert_eq!(
        clicks("link", 60, 30).await.1,
        0.0,
        "none at all is well possible"
    );

    // Asked with less than there is, and judged live; a count of 0 that becomes known is one.
    let requested = recipe
        .send_fields(&yesterday, "requests", &["section", "format"])
        .await;
    assert_eq!(requested.sent, YESTERDAY);
    eventually("all are answered", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await >= YESTERDAY as i64
    })
    .await;
    let labels = recipe.send_fields(&yesterday, "actuals", &["clicks"]).await;
    assert_eq!(labels.sent, YESTERDAY);
    eventually("live quality rests on all of them", LIMIT, || async {
        let (_, quality) = applier.get("/quality?window=24h&segment=").await;
        let group = &quality["groups"][0];
        group["labelled"] == YESTERDAY && group["figures"]["mdape"]["value"].is_number()
    })
    .await;
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 0);

    recipe::stop([loader, near, held, applier]).await;
}
