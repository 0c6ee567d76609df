//! A wrong setting or an unreadable file is one clear error.

#[test]
fn a_wrong_setting_or_an_unreadable_file_is_one_clear_error() {
    for (flags, expected) in [
        (&["--set", "kafka.timeout_ms=many"][..], "kafka.timeout_ms"),
        (&["--set", "nowhere.key=1"], "unknown section [nowhere]"),
        (&["--http", "127.0.0.1:0"], "or --serve-only"),
        (
            &["--config", "/nowhere/hedonic.toml"],
            "/nowhere/hedonic.toml",
        ),
        (
            &["--set", "schema.source=/nowhere/schema.toml"],
            "/nowhere/schema.toml",
        ),
    ] {
        let printed = testbed::refusal(env!("CARGO_BIN_EXE_model-application"), flags);
        assert!(printed.contains(expected), "{flags:?}: {printed}");
    }
}
