//! The commit that a program is compiled from.
//!
//! A build script would do as well, but then cargo compiles the library of each program and its tests again after
//! every commit. What this macro expands to makes only the `main.rs` that expands it depend on git's files.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro::TokenStream;

/// A `&'static str`: the commit that the environment variable `HEDONIC_COMMIT` names during the build, else the
/// commit that is checked out, else an empty text. Expand it in `main.rs`, not in a library.
#[proc_macro]
pub fn commit(_: TokenStream) -> TokenStream {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let workspace = package.as_deref().and_then(Path::parent);
    let head = workspace.and_then(Head::of).unwrap_or_default();
    let mut code = String::from("{");
    for file in head.files.iter().filter_map(|file| file.to_str()) {
        code += &format!("const _: &[u8] = include_bytes!({file:?});");
    }
    code += &format!(
        "match option_env!(\"HEDONIC_COMMIT\") {{ Some(commit) if !commit.is_empty() => commit, _ => {:?} }} }}",
        head.commit
    );
    code.parse().expect("a block of literals is valid Rust")
}

/// What is checked out.
#[derive(Default)]
struct Head {
    commit: String,
    /// The files that change when another commit is checked out.
    files: Vec<PathBuf>,
}

impl Head {
    /// Reads git's files; git itself need not be installed.
    fn of(workspace: &Path) -> Option<Head> {
        let git = git_directory(&workspace.join(".git"))?;
        // A worktree has a HEAD of its own, and shares the branches.
        let shared = match fs::read_to_string(git.join("commondir")) {
            Ok(directory) => git.join(directory.trim()),
            Err(_) => git.clone(),
        };
        let (head, log, packed) = (
            git.join("HEAD"),
            git.join("logs/HEAD"),
            shared.join("packed-refs"),
        );
        let text = fs::read_to_string(&head).ok()?;
        let mut files = vec![head, log];
        let commit = match text.trim().strip_prefix("ref: ") {
            None => text.trim().to_owned(),
            Some(name) => {
                let branch = shared.join(name);
                let commit = match fs::read_to_string(&branch) {
                    Ok(commit) => commit.trim().to_owned(),
                    Err(_) => packed_commit(&fs::read_to_string(&packed).ok()?, name)?.to_owned(),
                };
                files.extend([branch, packed]);
                commit
            }
        };
        files.retain(|file| file.is_file());
        let is_hash = commit.len() >= 40 && commit.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hash.then_some(Head { commit, files })
    }
}

/// `.git` itself, or the directory that it names: in a worktree it is a file.
fn git_directory(git: &Path) -> Option<PathBuf> {
    if git.is_dir() {
        return Some(git.to_owned());
    }
    let text = fs::read_to_string(git).ok()?;
    let directory = text.trim().strip_prefix("gitdir: ")?;
    Some(git.parent()?.join(directory))
}

/// The commit of a branch in git's file of packed branches: a line is `COMMIT NAME`.
fn packed_commit<'a>(packed: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
    lines.find_map(|(commit, of)| (of == name).then_some(commit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "2c2f95a2c2f95a2c2f95a2c2f95a2c2f95a2c2f9";

    fn write(file: &Path, text: &str) {
        fs::create_dir_all(file.parent().expect("a directory")).expect("is made");
        fs::write(file, text).expect("is written");
    }

    #[test]
    fn a_commit_is_read_from_a_clone_a_worktree_and_packed_branches() {
        let home = std::env::temp_dir().join(format!("hedonic-commit-{}", std::process::id()));
        let (clone, tree) = (home.join("clone"), home.join("tree"));
        assert!(Head::of(&clone).is_none(), "there is no git");
        let git = clone.join(".git");
        write(&git.join("HEAD"), &format!("{COMMIT}\n"));
        let head = Head::of(&clone).expect("a detached head");
        assert_eq!((head.commit.as_str(), head.files.len()), (COMMIT, 1));

        write(&git.join("HEAD"), "ref: refs/heads/main\n");
        write(
            &git.join("packed-refs"),
            &format!("# pack-refs with: peeled\n{COMMIT} refs/heads/main\n"),
        );
        assert_eq!(Head::of(&clone).expect("packed").commit, COMMIT);

        let worktree = git.join("worktrees/tree");
        write(
            &tree.join(".git"),
            &format!("gitdir: {}\n", worktree.display()),
        );
        write(&worktree.join("HEAD"), "ref: refs/heads/side\n");
        write(&worktree.join("commondir"), "../..\n");
        assert!(Head::of(&tree).is_none(), "there is no such branch");
        write(&git.join("refs/heads/side"), COMMIT);
        let head = Head::of(&tree).expect("a branch");
        assert_eq!((head.commit.as_str(), head.files.len()), (COMMIT, 3));
        fs::remove_dir_all(&home).expect("is removed");
    }
}
