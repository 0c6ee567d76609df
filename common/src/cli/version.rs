//! What `--version` prints.

/// Digits of a commit that are shown.
const DIGITS: usize = 7;

/// The version, the commit where it is known, and the kind of build.
pub(super) fn text(commit: &str) -> String {
    let build = match cfg!(debug_assertions) {
        true => "debug",
        false => "release",
    };
    let version = env!("CARGO_PKG_VERSION");
    match commit.get(..DIGITS).unwrap_or(commit) {
        "" => format!("{version} ({build})"),
        short => format!("{version} (commit {short}, {build})"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_version_names_commit_and_build() {
        let known = super::text("2c2f95a0d1");
        assert!(known.contains(" (commit 2c2f95a, "), "{known}");
        assert!(!super::text("").contains("commit"));
    }
}
