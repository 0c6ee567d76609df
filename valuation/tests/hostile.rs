//! A model's directory as somebody has corrupted it. With its checksums as they were, nothing that was changed
//! is taken; with checksums made again, a model is refused with what is wrong, or it answers: no panic, no
//! endless loop, no memory beyond a bound.
//!
//! `HEDONIC_TEST_FUZZ=20000` spoils as many files, `HEDONIC_TEST_FUZZ_SEED=7` others than by default.
#![allow(clippy::unwrap_used)]

mod made;

use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use made::{Uniform, decode};
use records::Purpose;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use valuation::{ArtifactError, Model, Reading, TrainedModel};

/// How often each file is corrupted in each way, unless it is reported otherwise.
const FEW: usize = 60;
/// A case that takes longer hangs: a good one takes a fraction of a second.
const HANGS: Duration = Duration::from_secs(180);

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn random() -> Uniform {
    Uniform(setting("HEDONIC_TEST_FUZZ_SEED", 1) as u64)
}

/// Corrupted files of each file.
fn each() -> usize {
    setting("HEDONIC_TEST_FUZZ", 8 * FEW).div_ceil(8)
}

/// A copy of a model with members of all kinds of trees, a line, neighbours and comparables.
fn copied() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in fs::read_dir(kept()).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    dir
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept/format-4")
}

fn files() -> Vec<String> {
    let entries = fs::read_dir(kept()).unwrap();
    let mut files: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    files
}

fn sum_again(dir: &Path) {
    let files = files().into_iter().filter(|file| file != "SHA256SUMS");
    let sums = files.map(|file| {
        let sum = Sha256::digest(fs::read(dir.join(&file)).unwrap());
        let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}  {file}\n")
    });
    fs::write(dir.join("SHA256SUMS"), sums.collect::<String>()).unwrap();
}

/// Loads and asks a model as a service does; false where it is refused.
fn answers(dir: &Path, records: &[Value]) -> Result<bool, String> {
    let act = || match TrainedModel::load(dir) {
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() < 100_000);
            false
        }
        Ok(model) => {
            let requests = decode(records, Purpose::Request);
            let prices = model.predict(&requests).unwrap();
            assert_eq!(prices.len(), records.len());
            // An explanation may be refused, and says so.
            let _ = model.explain(&requests, 0, 5);
            true
        }
    };
    catch_unwind(AssertUnwindSafe(act)).map_err(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        text.or(cause
            .downcast_ref::<&str>()
            .map(|message| (*message).to_owned()))
            .unwrap_or_default()
    })
}

/// Runs cases one after the other and fails where one takes too long.
fn watched(cases: impl FnOnce(&dyn Fn(String)) + Send + 'static) {
    let (sender, answers) = mpsc::channel();
    let running = std::thread::spawn(move || cases(&|case| sender.send(case).unwrap()));
    let mut last = String::new();
    loop {
        match answers.recv_timeout(HANGS) {
            Ok(case) => last = case,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs: {last}"),
        }
    }
    if let Err(cause) = running.join() {
        std::panic::resume_unwind(cause);
    }
}

fn golden() -> Vec<Value> {
    let golden: Value =
        serde_json::from_slice(&fs::read(kept().join("golden.json")).unwrap()).unwrap();
    let rows = golden.as_array().unwrap().iter();
    rows.map(|row| row["record"].clone()).collect()
}

#[test]
fn a_bit_that_is_not_what_was_saved_is_refused_in_every_file() {
    watched(|case| {
        let mut random = random();
        let dir = copied();
        let good = Model::load(dir.path()).unwrap();
        let mut refused = 0;
        for file in files() {
            let path = dir.path().join(&file);
            let bytes = fs::read(&path).unwrap();
            for _ in 0..each() {
                let (at, bit) = (random.below(bytes.len()), random.below(8));
                case(format!("{file}, byte {at}, bit {bit}"));
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                fs::write(&path, bad).unwrap();
                match Model::load(dir.path()) {
                    Err(_) => refused += 1,
                    // A list of checksums may name what the model does not need.
                    Ok(model) => {
                        assert!(file == "SHA256SUMS" && model == good, "{file} {at} {bit}")
                    }
                }
            }
            fs::write(&path, bytes).unwrap();
        }
        assert!(refused >= 8 * each(), "{refused}");
        assert!(Model::load(dir.path()).unwrap() == good);
    });
}

/// Numbers and other values in place of what a file of JSON holds.
fn other_value(random: &mut Uniform) -> Value {
    let values = [
        json!(0),
        json!(-1),
        json!(1e308),
        json!(-1e308),
        json!(1e-308),
        json!(4_294_967_296_u64),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(0.5),
        json!(null),
        json!(true),
        json!(""),
        json!("x".repeat(5000)),
        json!([]),
        json!({}),
        json!([[[[[]]]]]),
    ];
    values[random.below(values.len())].clone()
}

/// Exchanges, drops or doubles something in a value.
fn spoil_json(random: &mut Uniform, value: &mut Value) {
    match value {
        Value::Array(list) if !list.is_empty() && random.below(6) > 0 => {
            let at = random.below(list.len());
            match random.below(12) {
                0 => drop(list.remove(at)),
                1 => list.push(list[at].clone()),
                2 => list.truncate(at),
                3 => list.reverse(),
                _ => spoil_json(random, &mut list[at]),
            }
        }
        Value::Object(map) if !map.is_empty() && random.below(10) > 0 => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = &keys[random.below(keys.len())];
            match random.below(14) {
                0 => drop(map.remove(key)),
                1 => {
                    let moved = map.remove(key).unwrap();
                    map.insert(keys[random.below(keys.len())].clone(), moved);
                }
                _ => spoil_json(random, map.get_mut(key).unwrap()),
            }
        }
        Value::Number(number) if random.below(2) == 0 => {
            let near = number.as_f64().unwrap();
            let factors = [-1.0, 2.0, 0.5, 1e6, 1e-6];
            *value = json!(near * factors[random.below(factors.len())]);
        }
        Value::String(text) if random.below(2) == 0 => text.push('x'),
        value => *value = other_value(random),
    }
}

fn spoil_bytes(random: &mut Uniform, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len().max(1)).min(bytes.len());
        match random.below(7) {
            0 | 1 if !bytes.is_empty() => {
                let last = bytes.len() - 1;
                bytes[at.min(last)] ^= 1 << random.below(8);
            }
            2 if !bytes.is_empty() => {
                let last = bytes.len() - 1;
                bytes[at.min(last)] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)];
            }
            3 => bytes.truncate(at),
            // A length as long as a varint can be.
            4 => drop(bytes.splice(at..at, [0xff; 9].into_iter().chain([1]))),
            5 => drop(bytes.splice(at..(at + 4).min(bytes.len()), f32::NAN.to_le_bytes())),
            _ => {
                let end = (at + 1 + random.below(40)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
        }
    }
}

#[test]
fn a_model_with_checksums_made_again_is_refused_or_answers() {
    watched(|case| {
        let mut random = random();
        let records = golden();
        let dir = copied();
        let (mut refused, mut answered) = (0, 0);
        for file in files().iter().filter(|file| *file != "SHA256SUMS") {
            let path = dir.path().join(file);
            let good = fs::read(&path).unwrap();
            for number in 0..each() {
                let mut bytes = good.clone();
                if !file.ends_with(".trees") && number % 4 > 0 {
                    let mut value: Value = serde_json::from_slice(&good).unwrap();
                    spoil_json(&mut random, &mut value);
                    bytes = value.to_string().into_bytes();
                } else {
                    spoil_bytes(&mut random, &mut bytes);
                }
                case(format!("{file}, number {number}"));
                fs::write(&path, &bytes).unwrap();
                sum_again(dir.path());
                match answers(dir.path(), &records) {
                    Ok(true) => answered += 1,
                    Ok(false) => refused += 1,
                    Err(panicked) => {
                        let kept = std::env::temp_dir().join(format!("hostile-{file}"));
                        fs::write(&kept, &bytes).unwrap();
                        panic!("{file}, number {number} ({}): {panicked}", kept.display());
                    }
                }
            }
            fs::write(&path, good).unwrap();
        }
        println!("{refused} refused, {answered} answered");
        assert!(refused > answered && answered > 0, "{refused} {answered}");
        sum_again(dir.path());
        assert_eq!(answers(dir.path(), &records), Ok(true));
    });
}

/// A number as the trees' format writes it.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The head of a file of trees.
fn ensemble(width: u64, trees: u64) -> Vec<u8> {
    [
        varint(1),
        varint(width),
        0.0_f64.to_le_bytes().to_vec(),
        varint(trees),
    ]
    .concat()
}

fn leaf() -> Vec<u8> {
    [1.0_f32.to_le_bytes(), 0.5_f32.to_le_bytes()]
        .concat()
        .into_iter()
        .chain([0])
        .collect()
}

fn split(left: u64, right: u64) -> Vec<u8> {
    let head = [1.0_f32.to_le_bytes(), 0.0_f32.to_le_bytes()].concat();
    let test = [
        varint(0),
        vec![0],
        0.5_f32.to_le_bytes().to_vec(),
        vec![1],
        1.0_f32.to_le_bytes().to_vec(),
    ];
    [head, vec![1], test.concat(), varint(left), varint(right)].concat()
}

/// A tree as deep as it has splits.
fn chain(splits: u64) -> Vec<u8> {
    let mut bytes = varint(2 * splits + 1);
    for number in 0..splits {
        bytes.extend(split(2 * number + 1, 2 * number + 2));
        bytes.extend(leaf());
    }
    bytes.extend(leaf());
    // The split's left is a leaf, and its right the next split: written in this order.
    bytes
}

/// Most memory that this process has had, in MiB; `None` where the system does not say.
fn peak_mib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

#[test]
fn lengths_that_no_file_has_cost_no_memory_and_no_time() {
    watched(|case| {
        let dir = copied();
        let path = dir.path().join("member-leaf-wise.trees");
        let before = peak_mib();
        let huge = u64::MAX >> 1;
        let cases = [
            ("trees without end", ensemble(9, huge), "no trees"),
            (
                "nodes without end",
                [ensemble(9, 1), varint(huge)].concat(),
                "no trees",
            ),
            ("a width without end", ensemble(huge, 0), "values a row"),
            // 24 bytes of memory for each byte.
            (
                "empty trees",
                [ensemble(9, 30_000_000), vec![0; 30_000_000]].concat(),
                "no trees",
            ),
            (
                "a tree of 65535 nodes",
                [ensemble(9, 1), chain(32_767)].concat(),
                "no trees",
            ),
            (
                "chains that take hours to explain",
                [ensemble(9, 20), chain(1023).repeat(20)].concat(),
                "explaining a row takes",
            ),
            (
                "a circle",
                [ensemble(9, 1), varint(3), split(0, 2), leaf(), leaf()].concat(),
                "leads to node 0",
            ),
            (
                "a child beyond",
                [ensemble(9, 1), varint(3), split(1, 3), leaf(), leaf()].concat(),
                "leads to node 3",
            ),
            (
                "a node twice",
                [ensemble(9, 1), varint(3), split(1, 1), leaf(), leaf()].concat(),
                "leads to node 1",
            ),
            (
                "a column beyond",
                [ensemble(0, 1), varint(3), split(1, 2), leaf(), leaf()].concat(),
                "of a row of 0",
            ),
        ];
        for (what, bytes, expected) in cases {
            case(what.to_owned());
            fs::write(&path, bytes).unwrap();
            sum_again(dir.path());
            let error = Model::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains("member-leaf-wise.trees"), "{what}: {error}");
            assert!(error.contains(expected), "{what}: {error}");
        }
        if let (Some(before), Some(now)) = (before, peak_mib()) {
            assert!(now < before + 1024, "{before} MiB before, {now} MiB now");
        }
    });
}

#[test]
fn what_is_no_file_of_the_directory_is_refused_without_waiting() {
    watched(|case| {
        for file in files() {
            let dir = copied();
            let path = dir.path().join(&file);
            case(format!("{file} as a pipe"));
            fs::remove_file(&path).unwrap();
            let made = std::process::Command::new("mkfifo").arg(&path).status();
            assert!(made.unwrap().success());
            let error = Model::load(dir.path()).unwrap_err();
            assert!(matches!(error, ArtifactError::Input(_)), "{error}");
            assert!(error.to_string().contains("a pipe"), "{error}");

            case(format!("{file} as a device"));
            fs::remove_file(&path).unwrap();
            symlink("/dev/zero", &path).unwrap();
            let error = Model::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains("leads out of its directory"), "{error}");

            case(format!("{file} elsewhere"));
            fs::remove_file(&path).unwrap();
            symlink(kept().join(&file), &path).unwrap();
            let error = Model::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains("leads out of its directory"), "{error}");
        }
    });
}

#[test]
fn large_files_are_refused_before_they_are_read() {
    watched(|case| {
        for (file, bytes) in [
            ("SHA256SUMS", 2_u64 << 20),
            ("golden.json", 17 << 20),
            ("model.json", 65 << 20),
            ("neighbours.json", 257 << 20),
        ] {
            let dir = copied();
            case(file.to_owned());
            // Of no blocks on the disk.
            let made = fs::File::create(dir.path().join(file)).unwrap();
            made.set_len(bytes).unwrap();
            let error = Model::load(dir.path()).unwrap_err().to_string();
            assert!(error.contains("the limit for this"), "{file}: {error}");
        }
        case("all together".to_owned());
        let reading = Reading {
            max_bytes: 100_000,
            sums: None,
        };
        let error = TrainedModel::load_by(&kept(), &reading)
            .unwrap_err()
            .to_string();
        assert!(error.contains("more than 100000 bytes"), "{error}");
        let reading = Reading {
            max_bytes: 1_000_000,
            sums: None,
        };
        TrainedModel::load_by(&kept(), &reading).unwrap();
    });
}

#[test]
fn checksums_given_go_before_those_of_the_directory() {
    let dir = copied();
    let sums = fs::read(dir.path().join("SHA256SUMS")).unwrap();
    let reading = Reading {
        sums: Some(sums),
        ..Reading::default()
    };
    TrainedModel::load_by(dir.path(), &reading).unwrap();
    // Another model, whose own checksums are right.
    let path = dir.path().join("member-linear.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    value["intercept"] = json!(value["intercept"].as_f64().unwrap() * (1.0 + 1e-13));
    fs::write(&path, value.to_string()).unwrap();
    sum_again(dir.path());
    TrainedModel::load(dir.path()).unwrap();
    let error = TrainedModel::load_by(dir.path(), &reading).unwrap_err();
    assert!(matches!(error, ArtifactError::Checksum { .. }), "{error}");
}
