//! A wrong setting or an unreadable file is one clear error.

#[test]
fn a_wrong_setting_or_an_unreadable_file_is_one_clear_error() {
    for (flags, expected) in [
        (
            &["--set", "emulator.requests_count=many"][..],
            "emulator.requests_count",
        ),
        (&["--set", "nowhere.key=1"], "unknown section [nowhere]"),
        (
            &["--config", "/nowhere/hedonic.toml"],
            "/nowhere/hedonic.toml",
        ),
        (
            &["replay", "any.csv", "--schema", "/nowhere/schema.toml"],
            "/nowhere/schema.toml",
        ),
        (
            &["replay", "/nowhere/listings.csv"],
            "/nowhere/listings.csv",
        ),
        (
            &[
                "--http",
                "127.0.0.1:0",
                "--set",
                "emulator.streets_file=/nowhere/streets.csv",
            ],
            "/nowhere/streets.csv",
        ),
    ] {
        let printed = testbed::refusal(env!("CARGO_BIN_EXE_producer-emulator"), flags);
        assert!(printed.contains(expected), "{flags:?}: {printed}");
    }
}
