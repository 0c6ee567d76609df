//! A file of the user's own in place of generated listings: its schema, where it is kept, and what of it can be
//! learned from.

pub(crate) mod store;
pub(crate) mod stream;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use model_prepare::InferOptions;
use records::file::FileReader;
use records::{Purpose, Schema};
use sha2::{Digest, Sha256};

use crate::amount::whole;
use crate::options::{Options, OwnData};
use crate::screen::Screen;

/// Share of the listings that is not learned from, but asked for.
pub(crate) const HELD_OUT: f64 = 0.2;
/// Days that a training reads: the listings of a file may be of any age.
const ANY_AGE_DAYS: &str = "36500";
/// Rows read at a time.
const BATCH_ROWS: usize = 8192;
/// Bytes of the file read at a time, to tell it from others.
const CHUNK_BYTES: usize = 1 << 20;
/// Reasons of refused rows that are shown.
const MOST_REASONS: usize = 3;

/// What became of the rows of a file.
#[derive(Debug, Default)]
struct Rows {
    good: usize,
    /// Rows that the schema refuses, by reason, with the first of each.
    refused: BTreeMap<String, (usize, String)>,
    /// A listing without its price, as JSON.
    example: Option<String>,
}

/// A file that can be learned from.
pub(crate) struct Prepared {
    pub file: PathBuf,
    pub schema: Schema,
    rows: Rows,
}

/// Infers the schema or takes it, and reads the file once. The options become those of a run on this file: a
/// directory of its own below the data directory, so that another file, or another schema, meets neither its
/// tables nor its models.
///
/// # Errors
/// When the file or the schema cannot be used, with what to change.
pub(crate) fn prepare(data: &OwnData, options: &mut Options) -> anyhow::Result<Prepared> {
    let shown = data.file.display();
    ensure!(
        data.file.is_file(),
        "--data {shown}: expected a file of listings (.csv, .tsv, .xlsx, .json, .parquet, .zip), found none; \
         check the path"
    );
    let (text, given) = match &data.schema {
        Some(source) => {
            ensure!(
                data.target.is_none(),
                "--target is of an inferred schema; the schema {source} names its own: leave out --target or \
                 --schema"
            );
            Schema::load(source)?;
            // A built-in schema is known by its name alone.
            let text = fs::read_to_string(source).unwrap_or_else(|_| source.clone());
            (text, Some(source.clone()))
        }
        None => {
            let proposal = model_prepare::infer(&InferOptions {
                file: data.file.clone(),
                target: data.target.clone(),
                ..InferOptions::default()
            })
            .context(
                "no schema could be inferred; `model-prepare schema infer` has more flags: write its output to a \
                 file and give that with --schema",
            )?;
            (proposal.schema, None)
        }
    };
    let stem = stem(&data.file);
    let digest = digest(&data.file, &text).with_context(|| format!("cannot read {shown}"))?;
    let directory = options.data_dir.join(format!("{stem}-{digest}"));
    fs::create_dir_all(&directory).with_context(|| {
        format!(
            "cannot create {}; name another --data-dir",
            directory.display()
        )
    })?;
    let source = match given {
        Some(source) => source,
        None => {
            let file = directory.join("schema.toml");
            fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
            file.display().to_string()
        }
    };
    let schema = Schema::load(&source)?;
    let Some(target) = schema.target.clone() else {
        bail!(
            "--schema {source}: expected a schema with a target, which is what is predicted, found none; name \
             it (target = \"price\"), or leave --schema out"
        );
    };
    let rows = read(&data.file, &schema, &target)?;
    // Behind --set, which wins.
    let own = [
        ("schema.source", source.as_str()),
        ("prepare.window_days", ANY_AGE_DAYS),
    ];
    let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
    options.set.splice(0..0, own);
    options.data_dir = directory;
    Ok(Prepared {
        file: data.file.clone(),
        schema,
        rows,
    })
}

impl Prepared {
    /// Shows what was read.
    pub fn show(&self, options: &Options, screen: &Screen) {
        let refused: usize = self.rows.refused.values().map(|(rows, _)| rows).sum();
        let file = self.file.display();
        let (good, refused) = (whole(self.rows.good as f64), whole(refused as f64));
        screen.done(
            "file",
            &format!("{good} listings of {file}, {refused} rows refused"),
        );
        for line in self.reasons() {
            screen.note(&line);
        }
        let schema = options.setting("schema.source").unwrap_or_default();
        let target = self.schema.target.as_deref().unwrap_or_default();
        screen.note(&format!("schema    {schema}, which predicts {target}"));
    }

    fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<&(usize, String)> = self.rows.refused.values().collect();
        reasons.sort_by_key(|(rows, _)| std::cmp::Reverse(*rows));
        let lines = reasons.into_iter().take(MOST_REASONS);
        lines
            .map(|(rows, first)| format!("{rows} rows refused, the first at {first}"))
            .collect()
    }

    /// Whether enough is left to learn from when a part is held out.
    ///
    /// # Errors
    /// With the numbers, and the first reasons of rows that are refused.
    pub fn check_rows(&self, min_rows: usize) -> anyhow::Result<()> {
        let left = self.rows.good - (self.rows.good as f64 * HELD_OUT).ceil() as usize;
        if left >= min_rows {
            return Ok(());
        }
        let needed = (min_rows as f64 / (1.0 - HELD_OUT)).ceil();
        let mut why = format!(
            "{}: expected at least {} listings that the schema takes (prepare.min_rows = {min_rows} to learn from \
             when a fifth is held out), found {}",
            self.file.display(),
            whole(needed),
            whole(self.rows.good as f64)
        );
        for line in self.reasons() {
            why = format!("{why}; {line}");
        }
        bail!(
            "{why}; use a longer file, a schema that takes more of its rows, or --set prepare.min_rows=N"
        )
    }

    /// A request that can be copied.
    pub fn example(&self, applier: std::net::SocketAddr) -> Option<String> {
        let record = self.rows.example.as_ref()?.replace('\'', r"'\''");
        Some(format!(
            "curl 'http://{applier}/predict?explain=3' -d '{record}'"
        ))
    }
}

/// Counts the rows of a file as the loader will take them.
fn read(file: &Path, schema: &Schema, target: &str) -> anyhow::Result<Rows> {
    let mut reader = FileReader::open(file, schema, Purpose::Listing)
        .with_context(|| format!("the file does not match the schema {}", schema.name))?;
    let mut rows = Rows::default();
    while let Some(read) = reader.next_batch(BATCH_ROWS)? {
        rows.good += read.batch.num_rows();
        if rows.example.is_none() && read.batch.num_rows() > 0 {
            let mut record = records::encode::to_json(&read.batch, 0);
            record.remove(target);
            record.retain(|_, value| !value.is_null());
            rows.example = Some(serde_json::Value::Object(record).to_string());
        }
        for reject in &read.rejects {
            let field = reject.reason.field().unwrap_or_default();
            let kind = format!("{} {field}", reject.reason.code());
            let first = || (0, format!("line {}: {}", reject.line, reject.reason));
            rows.refused.entry(kind).or_insert_with(first).0 += 1;
        }
    }
    Ok(rows)
}

/// The file's name up to its first full stop, of letters that every file system takes.
fn stem(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').find(|part| !part.is_empty());
    let plain = |letter: char| match letter.is_ascii_alphanumeric() {
        true => letter.to_ascii_lowercase(),
        false => '-',
    };
    let name: String = stem
        .unwrap_or_default()
        .chars()
        .take(40)
        .map(plain)
        .collect();
    // A name in other letters than Latin ones leaves only dashes.
    match name.trim_matches('-') {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// Tells a file and its schema from others.
fn digest(file: &Path, schema: &str) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    digest.update(schema.as_bytes());
    let mut file = fs::File::open(file)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => digest.update(&chunk[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let bytes = digest.finalize();
    Ok(bytes
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A file of so many flats, and every tenth of it without a price.
    fn flats(home: &Path, count: usize) -> PathBuf {
        let mut text = "id,city,area,price\n".to_owned();
        for id in 0..count {
            let (area, city) = (30 + (id * 7) % 90, ["Kazan", "Moscow", "Perm"][id % 3]);
            let price = match id % 10 {
                9 => String::new(),
                _ => (area * 60_000 + (id * 131) % 9_000).to_string(),
            };
            text.push_str(&format!("f{id},{city},{area},{price}\n"));
        }
        let file = home.join("My flats.csv");
        fs::write(&file, text).expect("the file can be written");
        file
    }

    fn options(home: &Path) -> Options {
        Options {
            data_dir: home.join("data"),
            stop_after: None,
            timeout: Duration::from_secs(1),
            database_url: None,
            kafka: None,
            set: vec![("schema.source".to_owned(), "mine".to_owned())],
            data: None,
            live: false,
            json: false,
        }
    }

    fn own(file: PathBuf) -> OwnData {
        OwnData {
            file,
            schema: None,
            target: None,
        }
    }

    #[test]
    fn a_file_gets_a_directory_and_a_schema_of_its_own() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let file = flats(home.path(), 300);
        let mut first = options(home.path());
        let prepared = prepare(&own(file.clone()), &mut first).expect("it can be used");
        assert_eq!(prepared.schema.target.as_deref(), Some("price"));
        assert_eq!(prepared.rows.good, 270);
        assert_eq!(prepared.reasons().len(), 1, "{:?}", prepared.rows);
        assert!(first.data_dir.join("schema.toml").exists());
        let name = first.data_dir.file_name().expect("a name");
        assert!(name.to_string_lossy().starts_with("my-flats-"), "{name:?}");
        assert_eq!(first.setting("schema.source"), Some("mine"), "--set wins");
        let example = prepared.example(([127, 0, 0, 1], 8083).into());
        let example = example.expect("a request");
        assert!(
            example.contains("\"area\":30") && !example.contains("price"),
            "{example}"
        );

        // The same again is the same place; another file is another.
        let mut again = options(home.path());
        prepare(&own(file), &mut again).expect("it can be used");
        assert_eq!(again.data_dir, first.data_dir);
        let mut other = options(home.path());
        let longer = flats(home.path(), 400);
        prepare(&own(longer), &mut other).expect("it can be used");
        assert_ne!(other.data_dir, first.data_dir);
    }

    #[test]
    fn what_cannot_be_used_is_said_before_anything_starts() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let file = flats(home.path(), 300);
        let refused = |own: OwnData| {
            let prepared = prepare(&own, &mut options(home.path()));
            format!("{:#}", prepared.err().expect("it cannot be used"))
        };
        let absent = refused(own(home.path().join("absent.csv")));
        assert!(absent.contains("expected a file of listings"), "{absent}");
        let target = refused(OwnData {
            target: Some("worth".to_owned()),
            ..own(file.clone())
        });
        assert!(target.contains("has no column \"worth\""), "{target}");
        let both = refused(OwnData {
            target: Some("price".to_owned()),
            schema: Some("real-estate".to_owned()),
            ..own(file.clone())
        });
        assert!(both.contains("leave out --target"), "{both}");

        let prepared = prepare(&own(file), &mut options(home.path())).expect("it can be used");
        prepared.check_rows(200).expect("216 are left of 270");
        let few = prepared.check_rows(217).expect_err("too few").to_string();
        assert!(few.contains("expected at least 272 listings"), "{few}");
        assert!(few.contains("found 270"), "{few}");
        assert!(few.contains("30 rows refused"), "{few}");
    }
}
