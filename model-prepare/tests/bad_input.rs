//! A wrong setting or an unreadable file is one clear error.

/// Not the models of the package's own directory.
const MODELS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/bad_input");

#[test]
fn a_wrong_setting_or_an_unreadable_file_is_one_clear_error() {
    for (flags, expected) in [
        (
            &["--set", "prepare.window_days=many"][..],
            "prepare.window_days",
        ),
        (&["--set", "nowhere.key=1"], "unknown section [nowhere]"),
        (
            &["--config", "/nowhere/hedonic.toml"],
            "/nowhere/hedonic.toml",
        ),
        (
            &["--set", "schema.source=/nowhere/schema.toml"],
            "/nowhere/schema.toml",
        ),
        (
            &[
                "train",
                "--data",
                "/nowhere/listings.csv",
                "--registry",
                MODELS,
            ],
            "/nowhere/listings.csv",
        ),
        (
            &["schema", "infer", "/nowhere/listings.csv"],
            "/nowhere/listings.csv",
        ),
    ] {
        let printed = testbed::refusal(env!("CARGO_BIN_EXE_model-prepare"), flags);
        assert!(printed.contains(expected), "{flags:?}: {printed}");
    }
}
