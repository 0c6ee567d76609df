//! A schema of several classes: trained on a table, judged against the champion, promoted, swept, reported.

mod made;

use std::path::Path;
use std::process::Command;

use common::{Health, Layered, Shutdown};
use embedded::{Postgres, PostgresOptions};
use made::output_text;
use model_prepare::Config;
use serde_json::Value;
use sqlx::PgPool;
use valuation::TrainedModel;

const SCHEMA: &str = "name='visits'\nversion=1\ntask='classification'\ntable='visits'\nkey='id'\n\
    time='at'\ntarget='goes'\n[[field]]\nname='id'\nkind='text'\n[[field]]\nname='at'\nkind='timestamp'\n\
    [[field]]\nname='page'\nkind='category'\n[[field]]\nname='depth'\nkind='number'\n\
    [[field]]\nname='hour'\nkind='number'\n[[field]]\nname='goes'\nkind='category'\n";

const SETTINGS: &str = r#"
[prepare]
effort = "quick"
folds = 3

[prepare.sweep]
warmup = 2

[[prepare.sweep.parameters]]
member = "logistic"
option = "penalty"
low = 1e-4
high = 1.0
log = true
"#;

/// A visit and where it goes, from its number: overlapping levels, and a rare one. Where it is `spoilt`, nothing is
/// true of it.
fn visit(id: usize, is_spoilt: bool) -> [String; 6] {
    let draw = |factor: f64| (id as f64 * factor).fract();
    let (depth, hour) = (draw(0.618_034), 24.0 * draw(0.414_214));
    let page = ["start", "news", "shop"][id % 3];
    let noise = draw(0.732_051);
    let score = match is_spoilt {
        true => 2.0 * noise,
        false => depth + f64::from(u8::from(page == "shop")) / 2.0 + noise / 2.0,
    };
    let goes = match id % 97 {
        0 if id < 1500 => "rare",
        _ if score > 1.2 => "help",
        _ if score > 0.7 => "basket",
        _ => "away",
    };
    [
        format!("v{id}"),
        id.to_string(),
        page.to_owned(),
        depth.to_string(),
        hour.to_string(),
        goes.to_owned(),
    ]
}

struct Stage {
    home: tempfile::TempDir,
    postgres: Postgres,
    pool: PgPool,
    config: Config,
}

impl Stage {
    async fn set() -> Stage {
        common::telemetry::choose_tls_provider();
        let home = tempfile::tempdir().expect("temporary directory");
        // The server's user must reach it where the test runs as root.
        let opened = Command::new("chmod").arg("755").arg(home.path()).status();
        opened.expect("chmod");
        let schema = home.path().join("visits.toml");
        std::fs::write(&schema, SCHEMA).expect("a schema's file");
        let settings = home.path().join("settings.toml");
        std::fs::write(&settings, SETTINGS).expect("settings");
        let postgres = Postgres::start(PostgresOptions::new(home.path()));
        let postgres = postgres.await.expect("PostgreSQL starts");
        let registry = home.path().join("models").display().to_string();
        let overrides = [
            ("database.url".to_owned(), postgres.url()),
            ("registry.path".to_owned(), registry),
            ("schema.source".to_owned(), schema.display().to_string()),
        ];
        let layered = Layered::load(Some(&settings), &overrides).expect("settings");
        let config = Config::new(&layered).expect("configuration");
        let pool =
            common::database::connect(&config.database, &Health::default(), &Shutdown::new())
                .await
                .expect("connects")
                .expect("a pool");
        common::database::make_tables(&pool, &records::table::ddl(&config.schema))
            .await
            .expect("tables");
        Stage {
            home,
            postgres,
            pool,
            config,
        }
    }

    async fn store(&self, ids: std::ops::Range<usize>, is_spoilt: bool) {
        let rows: Vec<String> = ids
            .map(|id| {
                let [key, _, page, depth, hour, goes] = visit(id, is_spoilt);
                format!("('{key}', now() - interval '3 days' + interval '{id} seconds', '{page}', {depth}, {hour}, '{goes}')")
            })
            .collect();
        let sql = format!(
            "INSERT INTO visits (id, at, page, depth, hour, goes) VALUES {}",
            rows.join(", ")
        );
        sqlx::query(&sql)
            .execute(&self.pool)
            .await
            .expect("inserts");
    }

    async fn train(&self) -> model_prepare::Trained {
        let trained = model_prepare::train_on_database(&self.config, &self.pool).await;
        trained.expect("trains")
    }

    /// The program's output where it succeeds.
    fn run(&self, flags: &[&str]) -> String {
        let made = made::command(&self.home.path().join("models"), &[]);
        let mut command = Command::new(made.get_program());
        for (name, _) in made.get_envs() {
            command.env_remove(name);
        }
        let at = |name: &str| self.home.path().join(name);
        command.env_remove("MLFLOW_TRACKING_URI").args(flags);
        command.arg("--registry").arg(at("models"));
        command.arg("--schema").arg(at("visits.toml"));
        command.arg("--config").arg(at("settings.toml"));
        let output = command.output().expect("the program runs");
        let (out, error) = output_text(&output);
        assert_eq!(output.status.code(), Some(0), "{flags:?}: {out}{error}");
        out
    }
}

fn says(printed: &str, parts: &[&str]) {
    for part in parts {
        assert!(printed.contains(part), "{printed}\ndoes not say {part:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_classes_are_trained_contested_and_swept_on_a_table() {
    let stage = Stage::set().await;
    stage.store(0..1500, false).await;
    let first = stage.train().await;
    let table = first.table();
    says(
        &table,
        &[
            "log loss",
            "balanced accuracy",
            "the shares of the 3 levels of \"goes\" in training",
            "(predicted)",
            "rare_class 16",
            "promoted: there is no other version yet",
        ],
    );
    let report = first
        .report
        .multiclass()
        .expect("of several classes")
        .clone();
    assert!(
        report.model.log_loss < 0.8 * report.baseline.log_loss,
        "{table}"
    );
    let levels: Vec<&str> = report
        .levels
        .iter()
        .map(|level| level.level.as_str())
        .collect();
    assert_eq!(levels, ["away", "basket", "help"]);

    // More of the same is as good; the rows of its hold-out are new to the champion.
    stage.store(1500..2600, false).await;
    let second = stage.train().await;
    says(
        &second.table(),
        &["promoted: it passes all", "error", "accuracy", "log loss"],
    );
    // What has learned from spoilt rows is not, on rows that are good.
    stage.store(2600..4000, true).await;
    stage.store(4000..5000, false).await;
    let third = stage.train().await;
    let printed = third.table();
    says(&printed, &["kept as challenger: it fails error"]);
    let directory = stage.home.path().join("models/v000002");
    let model = TrainedModel::load(&directory).expect("the version loads");
    assert_eq!(
        model
            .multiclass()
            .expect("of several classes")
            .levels()
            .len(),
        3
    );

    // On a file: another program, the same rows.
    let file = stage.home.path().join("visits.csv");
    let mut text = "id,at,page,depth,hour,goes\n".to_owned();
    for id in 0..1500 {
        let mut cells = visit(id, false);
        cells[1] = (1_700_000_000 + 60 * id).to_string();
        text += &(cells.join(",") + "\n");
    }
    std::fs::write(&file, text).expect("a file");
    let data = file.display().to_string();
    let swept = stage.run(&["sweep", "--json", "--data", &data, "--trials", "3"]);
    let swept: Value = serde_json::from_str(&swept).expect("JSON");
    assert_eq!(swept["trials"].as_array().map(Vec::len), Some(3), "{swept}");
    let objective = swept["trials"][0]["objective"].as_f64().expect("a number");
    assert!((0.2..1.1).contains(&objective), "{swept}");
    let shown = stage.run(&["show", "2"]);
    says(
        &shown,
        &[
            "log_loss",
            "macro_f1",
            "level.0.recall",
            "folds.log_loss",
            "fit.levels",
        ],
    );

    let page = stage.home.path().join("page.html");
    let csv = stage.home.path().join("judged.csv");
    let path = |path: &Path| path.display().to_string();
    let printed = stage.run(&[
        "evaluate",
        "--data",
        &data,
        "--html",
        &path(&page),
        "--predictions",
        &path(&csv),
    ]);
    says(
        &printed,
        &["members of \"away\": logistic weight 1.00", "calibration"],
    );
    let page = std::fs::read_to_string(page).expect("a page");
    says(
        &page,
        &[
            "<th>help",
            "<h2>Levels</h2>",
            "evaluation of the levels of goes",
        ],
    );
    let judged = std::fs::read_to_string(csv).expect("predictions");
    assert_eq!(judged.lines().count(), 1501, "{judged}");

    stage.pool.close().await;
    stage.postgres.stop().await.expect("stops");
}
