//! How a program ends: its error on standard error, and its exit code.

use std::backtrace::BacktraceStatus;
use std::process::ExitCode;

use anyhow::Context;

/// Runs a program to its end.
pub fn main(program: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads");
    let result = runtime.and_then(|runtime| runtime.block_on(program));
    exit_code(result.map(|()| ExitCode::SUCCESS))
}

/// The program's exit code, or 1 after the error is printed.
pub fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            eprint!("{}", text(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error, then each of its causes on a line of its own; with `RUST_BACKTRACE` set also where it came from.
fn text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    let mut shown = String::new();
    for (number, cause) in error.chain().enumerate() {
        let message = cause.to_string();
        // Some libraries repeat the cause in their message.
        if number > 0 && shown.contains(message.trim()) {
            continue;
        }
        text += &match number {
            0 => format!("error: {}\n", message.trim()),
            _ => format!("  caused by: {}\n", message.trim().replace('\n', "\n    ")),
        };
        shown = message;
    }
    if error.backtrace().status() == BacktraceStatus::Captured {
        text += &format!("\n{}\n", error.backtrace());
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    #[test]
    fn an_error_has_its_causes_on_lines_of_their_own() {
        let error = anyhow!("no such file")
            .context("cannot read a.csv")
            .context("cannot read the data: cannot read a.csv")
            .context("two\nlines");
        let text = super::text(&error);
        let expected = "error: two\nlines\n  caused by: cannot read the data: cannot read a.csv\n  \
                        caused by: no such file\n";
        assert!(text.starts_with(expected), "{text}");
    }
}
