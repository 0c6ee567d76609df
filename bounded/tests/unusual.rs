//! What is not a regular file inside its directory, or too large, is refused at once.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use bounded::{Folder, InputError};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// What reading says; a read that waits for somebody fails the test.
fn without_waiting<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, answer) = mpsc::channel();
    std::thread::spawn(move || done.send(act()));
    answer
        .recv_timeout(Duration::from_secs(60))
        .expect("it does not wait")
}

fn read(folder: &Path, name: &str, most: u64) -> Result<Vec<u8>, InputError> {
    let (folder, name) = (folder.to_owned(), name.to_owned());
    without_waiting(move || Folder::open(&folder, 100)?.read(&name, most))
}

fn list(folder: &Path, files: usize) -> Result<Vec<bounded::Listed>, InputError> {
    let folder = folder.to_owned();
    without_waiting(move || Folder::open(&folder, 100)?.list(files))
}

#[test]
fn pipes_sockets_devices_and_directories_are_refused_by_name() {
    let home = tempfile::tempdir().expect("a directory");
    let place = |name: &str| home.path().join(name);
    let mode = Mode::from_raw_mode(0o600);
    mknodat(CWD, place("pipe"), FileType::Fifo, mode, 0).expect("a pipe");
    let _socket = UnixListener::bind(place("socket")).expect("a socket");
    std::fs::create_dir(place("folder")).expect("a directory");
    for (name, kind) in [
        ("pipe", "a pipe (FIFO)"),
        ("socket", "a socket"),
        ("folder", "a directory"),
    ] {
        let error = read(home.path(), name, 10).expect_err(name).to_string();
        assert!(error.contains(kind), "{error}");
        assert!(error.contains(name), "{error}");
    }
    assert!(matches!(
        list(home.path(), 10),
        Err(InputError::NotAFile { .. })
    ));
    let error = without_waiting(|| bounded::read(Path::new("/dev/zero"), 10));
    assert!(
        matches!(&error, Err(InputError::NotAFile { found, .. }) if *found == "a device"),
        "{error:?}"
    );
}

#[test]
fn links_out_of_the_directory_are_refused_and_links_within_it_are_not() {
    let home = tempfile::tempdir().expect("a directory");
    let version = home.path().join("version");
    std::fs::create_dir(&version).expect("a directory");
    std::fs::write(home.path().join("secret"), "x").expect("writes");
    std::fs::write(version.join("there"), "x").expect("writes");
    symlink("../secret", version.join("out")).expect("a link");
    symlink("there", version.join("in")).expect("a link");
    symlink("in", version.join("again")).expect("a link");
    symlink("circle", version.join("circle")).expect("a link");
    assert!(matches!(
        read(&version, "out", 10),
        Err(InputError::Outside { .. })
    ));
    assert_eq!(read(&version, "again", 10).expect("it is inside"), b"x");
    assert!(matches!(
        read(&version, "circle", 10),
        Err(InputError::Io { .. })
    ));
    for name in [
        "../secret",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a/b",
        "a\\b",
        "a\0",
    ] {
        let error = read(&version, name, 10).expect_err(name);
        assert!(matches!(error, InputError::Name { .. }), "{name}: {error}");
    }
    // The directory itself may be behind a link.
    symlink("version", home.path().join("link")).expect("a link");
    assert_eq!(
        read(&home.path().join("link"), "there", 10).expect("reads"),
        b"x"
    );
}

#[test]
fn a_file_and_all_files_together_have_a_bound() {
    let home = tempfile::tempdir().expect("a directory");
    for name in ["a", "b", "c"] {
        std::fs::write(home.path().join(name), [0; 40]).expect("writes");
    }
    assert!(matches!(
        read(home.path(), "a", 39),
        Err(InputError::TooLarge { most: 39, .. })
    ));
    let folder = Folder::open(home.path(), 100).expect("opens");
    folder.read("a", 40).expect("40 of 100");
    folder.read("b", 40).expect("80 of 100");
    assert!(matches!(
        folder.read("c", 40),
        Err(InputError::TooLarge { most: 100, .. })
    ));
    assert!(matches!(
        list(home.path(), 10),
        Err(InputError::TooLarge { .. })
    ));
    std::fs::remove_file(home.path().join("c")).expect("removes");
    assert!(matches!(
        list(home.path(), 1),
        Err(InputError::TooMany { most: 1, .. })
    ));
    assert_eq!(list(home.path(), 2).expect("two").len(), 2);
    // A file that says it is empty and is not, as those of /proc.
    if Path::new("/proc/self/maps").exists() {
        let error = bounded::read(Path::new("/proc/self/maps"), 10);
        assert!(matches!(error, Err(InputError::TooLarge { .. })));
    }
}
