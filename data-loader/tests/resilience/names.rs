//! Names that are words of SQL.

use serde_json::json;
use testbed::Testbed;

use crate::{Sent, becomes, loader, read_up_to, rows, send};

/// A schema whose every name is a key word.
const SCHEMA: &str = "name = 'select'\nversion = 1\ntask = 'regression'\ntable = 'order'\nkey = 'user'\n\
    time = 'when'\ntarget = 'limit'\n[delisting]\ntombstone = 'mark'\n\
    [[field]]\nname = 'user'\nkind = 'text'\n[[field]]\nname = 'when'\nkind = 'timestamp'\n\
    [[field]]\nname = 'select'\nkind = 'category'\n[[field]]\nname = 'from'\nkind = 'integer'\n\
    [[field]]\nname = 'incoming'\nkind = 'number'\n[[field]]\nname = 'kept'\nkind = 'boolean'\n\
    [[field]]\nname = 'limit'\nkind = 'number'\n";

#[tokio::test(flavor = "multi_thread")]
async fn key_words_are_names_like_any_other() {
    let schema = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(schema.path(), SCHEMA).expect("writes");
    let source = schema.path().display().to_string();
    let bed = Testbed::start().await;
    let running = loader(&bed, &[("schema.source", &source)]);
    let record = |user: &str, when: i64, limit: f64| {
        let record = json!({ "user": user, "when": 1_700_000_000 + when, "select": "a", "from": 1,
            "incoming": 0.5, "kept": true, "limit": limit });
        Sent {
            payload: Some(record.to_string().into_bytes()),
            ..Sent::default()
        }
    };
    send(&bed, &[record("a", 0, 1.0), record("b", 0, 2.0)]).await;
    becomes(&bed, "SELECT count(*) FROM \"order\"", 2).await;
    send(
        &bed,
        &[
            record("a", 5, 3.0),
            Sent::tombstone("b"),
            record("c", 1, 4.0),
        ],
    )
    .await;
    read_up_to(&bed, 5).await;
    let stored = "SELECT \"user\" || \"limit\" || (delisted_at IS NULL) FROM \"order\" ORDER BY 1";
    assert_eq!(rows(&bed, stored).await, ["a3true", "b2false", "c4true"]);

    // Row by row, too.
    crate::execute(&bed, "ALTER TABLE \"order\" ADD CHECK (\"limit\" < 100)").await;
    send(
        &bed,
        &[
            record("d", 0, 100.0),
            record("a", 6, 5.0),
            record("e", 0, 6.0),
        ],
    )
    .await;
    read_up_to(&bed, 8).await;
    assert_eq!(
        rows(&bed, stored).await,
        ["a5true", "b2false", "c4true", "e6true"]
    );
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 1);
    running.stop().await;
}

#[test]
fn tables_of_the_services_are_reserved() {
    let config = common::Layered::load(None, &[]).expect("settings");
    let config = data_loader::Config::new(&config).expect("valid settings");
    let all = data_loader::tables(&config.schema) + &ledger::migrations::whole();
    let made = all.lines().filter_map(|line| {
        let rest = line.strip_prefix("CREATE TABLE IF NOT EXISTS ")?;
        rest.split([' ', '(']).next()
    });
    let mut count = 0;
    for table in made.filter(|table| *table != config.schema.table) {
        assert!(
            records::schema::reserved::TABLES.contains(&table),
            "{table} could be the table of a schema"
        );
        count += 1;
    }
    assert!(count >= 8, "{count}");
}
