//! What the database shows: a record of every row that is ever written, kept by triggers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use sqlx::{PgPool, Row};

use crate::ledger::{Key, Place, Stream};
use crate::world::World;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);
/// A transaction may commit so long after it has written: rows are read again for that long.
const LATE: Duration = Duration::from_secs(120);

/// Tables, what a row of them is called here, and which columns name it.
const WATCHED: [(&str, &str, &str); 4] = [
    ("listings", "listing", "NEW.id"),
    ("answers", "answer", "NEW.request_id"),
    ("actuals", "label", "NEW.request_id"),
    (
        "rejects",
        "reject",
        "NEW.topic || '/' || NEW.partition || '/' || NEW.\"offset\"",
    ),
];

/// Adds the record to tables that the services have made.
pub async fn install(pool: &PgPool) -> anyhow::Result<()> {
    let mut sql = String::from(
        "CREATE TABLE public.chaos_seen (
             seq bigserial PRIMARY KEY, kind text NOT NULL, name text NOT NULL);",
    );
    for (table, kind, name) in WATCHED {
        sql += &format!(
            "CREATE FUNCTION public.chaos_{kind}() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN INSERT INTO public.chaos_seen (kind, name) VALUES ('{kind}', {name});
                 RETURN NULL; END $$;
             CREATE TRIGGER chaos_{kind} AFTER INSERT OR UPDATE ON {table}
                 FOR EACH ROW EXECUTE FUNCTION public.chaos_{kind}();"
        );
    }
    let made = sqlx::raw_sql(&sql).execute(pool).await;
    made.context("what is written cannot be recorded").map(drop)
}

/// Reports the ledger of what is written, until the task is aborted.
pub async fn follow(world: Arc<World>) {
    let mut known = HashSet::new();
    // Sequence numbers, and when they were seen first.
    let (mut low, mut marks) = (0_i64, Vec::<(Instant, i64)>::new());
    loop {
        let sql = "SELECT seq, kind, name FROM public.chaos_seen WHERE seq > $1 ORDER BY seq";
        let rows = sqlx::query(sql).bind(low).fetch_all(&world.pool);
        // It may be recovering.
        if let Ok(Ok(rows)) = tokio::time::timeout(Duration::from_secs(10), rows).await {
            for row in &rows {
                let (seq, kind, name): (i64, String, String) = (row.get(0), row.get(1), row.get(2));
                if known.insert(seq) {
                    note(&world, &kind, &name);
                }
            }
            if let Some(last) = rows.last() {
                marks.push((Instant::now(), last.get(0)));
            }
            let old = marks.partition_point(|(at, _)| at.elapsed() > LATE);
            if let Some((_, seq)) = marks.drain(..old).next_back() {
                low = low.max(seq);
                known.retain(|seq| *seq > low);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn note(world: &World, kind: &str, name: &str) {
    match kind {
        "reject" => {
            if let Some(place) = place(world, name) {
                world.ledger.rejected(place);
            }
        }
        // An answer is for the client: it counts when it is published.
        "answer" => {}
        _ => {
            let stream = match kind {
                "listing" => Stream::Listings,
                _ => Stream::Labels,
            };
            if let Some(number) = number(name) {
                world.ledger.taken(Key { stream, number });
            }
        }
    }
}

/// The number in an id such as `s12`, unless it is of poison.
pub fn number(id: &str) -> Option<u64> {
    id.strip_prefix(['s', 'r'])?.parse().ok()
}

/// The place that `topic/partition/offset` names.
pub fn place(world: &World, name: &str) -> Option<Place> {
    let mut parts = name.rsplitn(3, '/');
    let offset = parts.next()?.parse().ok()?;
    let partition = parts.next()?.parse().ok()?;
    let topic = parts.next()?;
    let mut all = Stream::ALL.into_iter();
    let stream = all.find(|stream| world.sender.topic(*stream) == topic)?;
    Some(Place {
        stream,
        partition,
        offset,
    })
}
