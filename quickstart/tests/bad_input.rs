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
            &["--set", "schema.source=/nowhere/schema.toml"],
            "/nowhere/schema.toml",
        ),
        (&["--set", "nonsense"], "expected SECTION.KEY=VALUE"),
    ] {
        let printed = testbed::refusal(env!("CARGO_BIN_EXE_hedonic"), flags);
        assert!(printed.contains(expected), "{flags:?}: {printed}");
    }
}
