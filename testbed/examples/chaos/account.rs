//! The account: what was sent against what the database and the topics hold.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::ExitCode;

use sqlx::Row;

use crate::args::Args;
use crate::ledger::{Expected, Key, Place, Stream, median_and_most};
use crate::plan::Plan;
use crate::rounds::Outcome;
use crate::seen;
use crate::world::World;

/// Examples of each kind of violation that are shown.
const SHOWN: usize = 5;

/// What the database holds.
struct StoredRows {
    /// How often each row was written.
    written: HashMap<Key, u32>,
    /// The same of answers.
    answered: HashMap<Key, u32>,
    rejected: HashMap<Place, String>,
    /// The bytes stored for each request.
    stored: HashMap<String, Vec<u8>>,
}

/// Checks the law of conservation; `settled` states whether all that was sent should be done.
pub async fn check(world: &World, settled: bool) -> anyhow::Result<()> {
    let found = found(world).await?;
    let (mut tally, mut wrong) = (BTreeMap::<String, u64>::new(), Vec::new());
    let sent = world.ledger.all();
    for sent in &sent {
        let taken = match sent.key.stream {
            Stream::Requests => found.answered.contains_key(&sent.key),
            _ => found.written.contains_key(&sent.key),
        };
        let rejected = found.rejected.get(&sent.place);
        let became = match (sent.expected, taken, rejected) {
            (Expected::Taken, true, None) => "stored",
            (Expected::Taken, false, Some(code)) if sent.clocked => {
                let text = format!(
                    "{}: rejected beside a wrong clock ({code})",
                    sent.key.stream.name()
                );
                *tally.entry(text).or_default() += 1;
                continue;
            }
            (Expected::Rejected, _, Some(_)) | (Expected::Either, _, Some(_)) => "rejected",
            (Expected::Either, _, None) => "stored, or the same as before",
            // What is both stored and rejected is wrong at any time.
            (_, false, None) | (Expected::Rejected, ..) if !settled => {
                "not done when the run ended"
            }
            (Expected::Taken, taken, rejected) => {
                wrong.push(format!(
                    "a good message is stored: {taken}, rejected: {rejected:?}: {sent:?}"
                ));
                continue;
            }
            (Expected::Rejected, ..) => {
                wrong.push(format!("a bad message is not among the rejects: {sent:?}"));
                continue;
            }
        };
        *tally
            .entry(format!("{}: {became}", sent.key.stream.name()))
            .or_default() += 1;
    }
    wrong.extend(twice(world, &found));
    wrong.extend(unsent(world, &found));
    wrong.extend(published(world, &found, settled));
    world
        .journal
        .say(&format!("conservation: {} messages sent", sent.len()));
    for (what, count) in &tally {
        world.journal.say(&format!("  {count:8} {what}"));
    }
    if wrong.len() > SHOWN {
        world
            .journal
            .say(&format!("{} are wrong; the first:", wrong.len()));
    }
    for text in wrong.into_iter().take(SHOWN) {
        world.journal.violation(text);
    }
    Ok(())
}

async fn found(world: &World) -> anyhow::Result<StoredRows> {
    let mut found = StoredRows {
        written: HashMap::new(),
        answered: HashMap::new(),
        rejected: HashMap::new(),
        stored: HashMap::new(),
    };
    let rows = sqlx::query("SELECT kind, name FROM public.chaos_seen WHERE kind <> 'reject'");
    for row in rows.fetch_all(&world.pool).await? {
        let (kind, name): (String, String) = (row.get(0), row.get(1));
        let Some(number) = seen::number(&name) else {
            continue;
        };
        let (stream, counts) = match kind.as_str() {
            "listing" => (Stream::Listings, &mut found.written),
            "label" => (Stream::Labels, &mut found.written),
            _ => (Stream::Requests, &mut found.answered),
        };
        *counts.entry(Key { stream, number }).or_default() += 1;
    }
    let sql = "SELECT topic || '/' || partition || '/' || \"offset\", code FROM rejects";
    for row in sqlx::query(sql).fetch_all(&world.pool).await? {
        let (name, code): (String, String) = (row.get(0), row.get(1));
        if let Some(place) = seen::place(world, &name) {
            found.rejected.insert(place, code);
        }
    }
    let rows = sqlx::query("SELECT request_id, payload FROM answers");
    for row in rows.fetch_all(&world.pool).await? {
        found.stored.insert(row.get(0), row.get(1));
    }
    Ok(found)
}

/// Rows that were written twice, though they were sent once.
fn twice(world: &World, found: &StoredRows) -> Vec<String> {
    let listings = found.written.iter().filter(|(key, times)| {
        key.stream == Stream::Listings && **times > 1 && !world.is_repeated(**key)
    });
    let answers = found.answered.iter().filter(|(_, times)| **times > 1);
    let all = listings.chain(answers);
    all.map(|(key, times)| format!("written {times} times: {key:?}"))
        .collect()
}

/// Rows of messages that were not sent.
fn unsent(world: &World, found: &StoredRows) -> Vec<String> {
    let sent = world.ledger.all();
    let keys: HashSet<Key> = sent.iter().map(|sent| sent.key).collect();
    let places: HashSet<Place> = sent.iter().map(|sent| sent.place).collect();
    let written = found.written.keys().chain(found.answered.keys());
    let unknown = written.filter(|key| !keys.contains(key));
    let unknown = unknown.map(|key| format!("stored, but not sent: {key:?}"));
    let rejected = found
        .rejected
        .iter()
        .filter(|(place, _)| !places.contains(place));
    let rejected =
        rejected.map(|(place, code)| format!("rejected ({code}), but not sent: {place:?}"));
    unknown.chain(rejected).collect()
}

/// Each stored answer is published, as it is stored.
fn published(world: &World, found: &StoredRows, settled: bool) -> Vec<String> {
    let published = world.published.all();
    let stored = found
        .stored
        .iter()
        .filter(|(id, _)| seen::number(id).is_some());
    stored
        .filter_map(|(id, stored)| match published.get(id) {
            None if settled => Some(format!("{id} is stored, and its answer is not published")),
            Some(published) if published != stored => {
                let (stored, published) = (
                    String::from_utf8_lossy(stored),
                    String::from_utf8_lossy(published),
                );
                Some(format!("{id}: stored {stored}, published {published}"))
            }
            _ => None,
        })
        .collect()
}

/// Prints what each kind of fault came to, and whether the laws hold.
pub fn verdict(world: &World, args: &Args, plan: &Plan, outcome: &Outcome) -> ExitCode {
    println!();
    println!(
        "{:<24} {:>6} {:>10} {:>10}  {:>8}",
        "fault", "rounds", "p50 s", "max s", "overdue"
    );
    let kinds = outcome.recoveries.keys().chain(outcome.overdue.keys());
    for kind in kinds.collect::<std::collections::BTreeSet<_>>() {
        let times = outcome.recoveries.get(kind).cloned().unwrap_or_default();
        let overdue = outcome.overdue.get(kind).copied().unwrap_or(0);
        let shown = median_and_most(&times).map_or_else(
            || format!("{:>10} {:>10}", "-", "-"),
            |(p50, max)| format!("{:>10.1} {:>10.1}", p50.as_secs_f64(), max.as_secs_f64()),
        );
        println!(
            "{kind:<24} {:>6} {shown}  {overdue:>8}",
            times.len() + overdue
        );
    }
    println!("(from the end of a round's last fault until all that was sent before is done)");
    for stream in Stream::ALL {
        if let Some((p50, max)) = world.ledger.waits(stream) {
            let (p50, max) = (p50.as_secs_f64(), max.as_secs_f64());
            println!(
                "{}: from sent to done p50 {p50:.2} s, max {max:.1} s, faults included",
                stream.name()
            );
        }
    }
    let violations = world.journal.violations();
    println!(
        "seed {}: {} faults in {:.0} s; bound {} s, ready bound {} s; {} violations",
        plan.seed,
        outcome.faults,
        outcome.took.as_secs_f64(),
        args.bound_s,
        args.ready_s,
        violations.len()
    );
    for violation in &violations {
        let first = violation.lines().next().unwrap_or_default();
        println!(
            "  VIOLATION at {}",
            first.chars().take(300).collect::<String>()
        );
    }
    match violations.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
