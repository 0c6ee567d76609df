//! What the tests of the recipes (docs/recipes) share: generated records, settings, services, and the
//! waits between them.

// Every test program takes what it needs of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::{Layered, Shutdown};
use producer_emulator::replay::{Account, Config, Job, Part, Summary, replay};
use registry::{Directory, RegistryConfig, Version};
use serde_json::Value;
use tempfile::TempDir;
use testbed::{Running, Testbed, eventually};

/// Longest wait for one step.
pub const LIMIT: Duration = Duration::from_secs(180);

/// One recipe on servers of its own.
pub struct Recipe {
    pub bed: Testbed,
    pub settings: Layered,
    home: TempDir,
}

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The records that the recipe's awk program writes, with these variables.
pub fn generate(program: &str, variables: &[(&str, &str)]) -> String {
    let mut awk = Command::new("awk");
    for (name, value) in variables {
        awk.arg("-v").arg(format!("{name}={value}"));
    }
    let made = awk
        .arg("-f")
        .arg(root().join("docs/recipes").join(program))
        .output()
        .expect("awk is there, as on any Unix");
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).expect("text")
}

/// The whole of a file, or a part of it, to a topic in one go.
pub fn job(file: &Path, topic: &str, part: Part) -> Job {
    Job {
        file: file.to_owned(),
        topic: topic.to_owned(),
        rate: None,
        limit: None,
        skip: 0,
        batches: None,
        part,
    }
}

impl Recipe {
    /// Servers, and the recipe's settings on them: `config/CONFIG.toml` with `schemas/SCHEMA.toml` and
    /// the settings of the test.
    pub async fn start(config: &str, schema: &str, set: &[(&str, &str)]) -> Recipe {
        let bed = Testbed::start().await;
        let schema = root().join(format!("schemas/{schema}.toml"));
        let schema = schema.display().to_string();
        let pairs = bed.pairs(&[&[("schema.source", schema.as_str())], set].concat());
        let file = root().join(format!("config/{config}.toml"));
        Recipe {
            settings: Layered::load(Some(&file), &pairs).expect("the settings are valid"),
            home: tempfile::tempdir().expect("a temporary directory"),
            bed,
        }
    }

    /// A file with this text.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("the file can be written");
        path
    }

    /// Starts the loader and waits until it is ready.
    pub async fn loader(&self) -> Running {
        let config = data_loader::Config::new(&self.settings).expect("valid settings");
        let loader = Running::start(|listener, leave| data_loader::run(config, listener, leave));
        eventually("the loader is ready", LIMIT, || loader.is_ready()).await;
        loader
    }

    /// Starts the applier; it is ready when it has a model.
    pub fn applier(&self) -> Running {
        let config = model_application::Config::new(&self.settings).expect("valid settings");
        Running::start(|listener, leave| model_application::run(config, listener, leave))
    }

    /// Sends a part of a file to a topic.
    pub async fn send(&self, file: &Path, topic: &str, part: Part) -> Summary {
        self.replay(&self.sender(), &job(file, topic, part)).await
    }

    /// Sends some fields of each record of a file to a topic.
    pub async fn send_fields(&self, file: &Path, topic: &str, fields: &[&str]) -> Summary {
        let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
        let sender = self.sender().choosing(&fields);
        let sender = sender.expect("fields of the schema");
        self.replay(&sender, &job(file, topic, Part::Whole)).await
    }

    /// What sends files.
    pub fn sender(&self) -> Config {
        Config::new(&self.settings).expect("valid settings")
    }

    async fn replay(&self, sender: &Config, job: &Job) -> Summary {
        let sent = replay(sender, job, &Account::default(), &Shutdown::new()).await;
        sent.expect("the file is sent")
    }

    /// Waits until a table has N rows.
    pub async fn rows(&self, table: &str, count: u64) {
        let sql = format!("SELECT count(*) FROM {table}");
        let what = format!("{table} has {count} rows");
        eventually(&what, LIMIT, || async {
            self.bed.number(&sql).await == count as i64
        })
        .await;
    }

    /// Waits until N requests are answered; the answers on the topic.
    pub async fn answers(&self, count: u64) -> Vec<Value> {
        self.rows("answers", count).await;
        let topic = self.bed.kafka(&[]).topics.answers;
        let received = self.bed.receive(&topic, count as usize, LIMIT).await;
        assert_eq!(received.len() as u64, count);
        received.iter().map(|answer| answer.json()).collect()
    }

    /// No answer has a prediction interval.
    pub async fn check_no_intervals(&self, answers: &[Value]) {
        for answer in answers {
            for absent in ["low", "high", "confidence", "unit"] {
                assert!(answer.get(absent).is_none(), "{answer}");
            }
        }
        let sql = "SELECT count(*) FROM answers WHERE low IS NOT NULL OR high IS NOT NULL";
        assert_eq!(self.bed.number(sql).await, 0);
    }

    /// The model versions in the registry, the oldest first.
    pub fn versions(&self) -> Vec<Version> {
        let config: RegistryConfig = self.settings.section("registry").expect("a section");
        Directory::new(&config.path).versions().expect("reads")
    }
}

/// Asks the services to leave, one after the other.
pub async fn stop<const N: usize>(services: [Running; N]) {
    for service in services {
        service.stop().await;
    }
}
