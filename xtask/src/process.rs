//! Running other programs. What they print goes to stderr, except for the one program whose output a command is for.

use std::io;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use crate::failure::Failure;

/// Says on stderr what is about to happen and why; stdout belongs to the program that a command runs.
pub(crate) fn say(sentence: &str) {
    eprintln!("xtask: {sentence}");
}

/// `cargo`, as the one that runs us, without the variables that it sets for `xtask` alone: build scripts watch some of
/// them and would run again.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(text);
        }
    }
    command
}

/// Runs to the end with stdout sent to stderr; anything but success is a failure that names the command.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.stdout(Stdio::from(io::stderr())).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("`{}` failed: {status}", line(command)))),
        Err(cause) => Err(not_started(command, &cause)),
    }
}

/// Runs to the end with stdout as it is and gives back the exit code to pass on.
pub(crate) fn pass_through(command: &mut Command) -> Result<ExitCode, Failure> {
    let status = command.status().map_err(|cause| not_started(command, &cause))?;
    Ok(ExitCode::from(code(status)))
}

/// Whether the command can be started and succeeds; prints nothing.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    matches!(status, Ok(status) if status.success())
}

/// The command as a person would type it (quoting left out).
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The message for a program that is not there.
pub(crate) fn not_started(command: &Command, cause: &io::Error) -> Failure {
    let program = command.get_program().to_string_lossy();
    Failure::new(format!("cannot start `{program}` ({cause}): `cargo xtask setup` installs what is needed"))
}

/// A shell's convention: the exit code, or 128 + the signal.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named_with_the_remedy() {
        let message = run(&mut Command::new("no-such-program-of-genkan")).unwrap_err().to_string();
        assert!(
            message.contains("no-such-program-of-genkan") && message.contains("cargo xtask setup"),
            "{message}"
        );
    }

    #[test]
    fn the_exit_code_of_the_program_is_passed_on() {
        let status = |script| Command::new("sh").args(["-c", script]).status().unwrap();
        assert_eq!(code(status("exit 0")), 0);
        assert_eq!(code(status("exit 3")), 3);
        assert_eq!(code(status("kill -TERM $$")), 143);
    }
}
