//! The table of metrics in docs/operations.md is made from the declarations.

use std::collections::BTreeSet;
use std::path::Path;

use common::metric::{Kind, Metric, table};

const BEGIN: &str = "<!-- metrics: generated; see CONTRIBUTING.md -->\n";
const END: &str = "<!-- metrics: end -->\n";

const ROOMS: [(&str, &[Metric]); 6] = [
    ("all services", common::metrics::ALL),
    ("loader", data_loader::metrics::ALL),
    ("applier", model_application::metrics::ALL),
    ("trainer", model_prepare::metrics::ALL),
    ("emulator", producer_emulator::metrics::ALL),
    ("crawler", crawler::metrics::ALL),
];

#[test]
fn operations_md_has_the_declared_metrics() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = std::fs::read_to_string(&path).expect("docs/operations.md");
    let begin = page.find(BEGIN).expect("the first marker") + BEGIN.len();
    let end = page.find(END).expect("the last marker");
    let mut expected = String::from("\n| metric | kind | unit | meaning |\n|---|---|---|---|\n");
    for (room, metrics) in ROOMS {
        expected.push_str(&format!("| **{room}** | | | |\n{}", table(metrics)));
    }
    expected.push('\n');
    if page[begin..end] == expected {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{}{expected}{}", &page[..begin], &page[end..]);
        std::fs::write(&path, page).expect("docs/operations.md is written");
        return;
    }
    panic!(
        "docs/operations.md differs from the declared metrics; write it with\n    \
         UPDATE_DOCS=1 cargo test -p quickstart --test metrics"
    );
}

#[test]
fn metrics_have_one_declaration_and_a_regular_name() {
    let mut names = BTreeSet::new();
    for metric in ROOMS.iter().flat_map(|(_, metrics)| *metrics) {
        let name = metric.name;
        assert!(names.insert(name), "{name} is declared twice");
        assert!(name.starts_with("hedonic_"), "{name}");
        let is_counter = matches!(metric.kind, Kind::Counter);
        assert_eq!(name.ends_with("_total"), is_counter, "{name}");
        assert!(!metric.help.is_empty(), "{name}");
        assert!(!metric.help.contains(['|', '\n']), "{name}");
    }
}
