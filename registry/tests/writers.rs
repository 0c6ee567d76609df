//! Several writers of one directory: threads, and processes.

use std::path::Path;
use std::process::Command;

use registry::{Artifact, Directory, Reason, Registry, Run, RunStatus};

/// Says to a process of this test that it is one of the writers, and where.
const WRITER: &str = "HEDONIC_TEST_WRITER";
const PROCESSES: u64 = 4;
const THREADS: u64 = 4;
const EACH: u64 = 6;

/// Publishes, promotes, tags and logs, as several trainings would.
fn write(home: &Path) {
    let registry = Directory::new(home.join("models"));
    let text = home.join("note.txt");
    for _ in 0..EACH {
        let mut run = Run::start("a writer");
        run.end(RunStatus::Finished);
        let artifact = Artifact {
            name: "note.txt".to_owned(),
            path: text.clone(),
        };
        registry.log_run(&run, &[artifact]).expect("logs");
        let version = registry
            .publish_from(Some(&run.id), &mut |path| {
                Ok(std::fs::write(path.join("model"), run.id.as_bytes())?)
            })
            .expect("publishes");
        let reason = Reason {
            who: run.id.clone(),
            ..Reason::default()
        };
        registry.promote(version.number, &reason).expect("promotes");
        registry.tag(1, &run.id, "was here").expect("tags");
        // A reader at any moment finds a champion whose files are there.
        let champion = registry.champion().expect("reads").expect("there is one");
        assert!(champion.path.join("model").is_file());
    }
}

#[test]
fn nothing_is_lost_and_nothing_is_there_twice() {
    if let Some(home) = std::env::var_os(WRITER) {
        let home = Path::new(&home);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| write(home));
            }
        });
        return;
    }
    let home = tempfile::tempdir().expect("temporary directory");
    std::fs::write(home.path().join("note.txt"), "a note").expect("writes");
    let program = std::env::current_exe().expect("this test");
    let writers: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(&program)
                .args(["--exact", "nothing_is_lost_and_nothing_is_there_twice"])
                .env(WRITER, home.path())
                .stdout(std::process::Stdio::null())
                .spawn()
                .expect("starts")
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().expect("ends").success());
    }

    let all = PROCESSES * THREADS * EACH;
    let registry = Directory::new(home.path().join("models"));
    let numbers: Vec<u64> = registry
        .versions()
        .expect("reads")
        .iter()
        .map(|version| version.number)
        .collect();
    assert_eq!(numbers, (1..=all).collect::<Vec<_>>());
    assert_eq!(registry.runs().expect("reads").len() as u64, all);
    assert_eq!(registry.info(1).expect("reads").tags.len() as u64, all);
    let history = registry.history().expect("reads");
    assert_eq!(history.len() as u64, all);
    // A chain: each took over from the one before it.
    for pair in history.windows(2) {
        assert_eq!(pair[1].from, Some(pair[0].version));
        assert_eq!(pair[1].number, pair[0].number + 1);
    }
    let last = history.last().expect("a change").version;
    let champion = registry.champion().expect("reads").expect("there is one");
    assert_eq!(champion.number, last);
    let mut left: Vec<String> = std::fs::read_dir(home.path().join("models"))
        .expect("reads")
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|name| name.into_string().ok())
        .filter(|name| !name.starts_with('v'))
        .collect();
    left.sort();
    assert_eq!(left, [".lock", "aliases.json", "history", "runs", "tags"]);
}
