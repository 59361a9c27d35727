//! Programs that run to their end, always with a bound.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// Runs a program to its end. Dropping the future, or the bound, kills it.
///
/// `what` names the program in errors, `remedy` says what to do when it is too slow.
pub(crate) async fn run(command: Command, what: &str, bound: Duration, remedy: &str) -> Result<()> {
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(bound, command.output())
        .await
        .map_err(|_| Error::TooSlow { what: what.to_owned(), bound, remedy: remedy.to_owned() })?
        .map_err(Error::io(format!("run {what}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Error::Program { program: what.to_owned(), detail: last_lines(&String::from_utf8_lossy(&said)) })
}

/// What a program prints when asked something small, such as its version; `None` when it fails or hangs.
/// Blocks for at most 10 s.
pub(crate) fn ask(program: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                let mut text = String::new();
                child.stdout.take()?.read_to_string(&mut text).ok()?;
                return status.success().then_some(text);
            }
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => {
                // The answer is "no" either way; what matters is that nothing is left running.
                let ended = child.kill().and_then(|()| child.wait());
                tracing::debug!(?program, ?ended, "no answer");
                return None;
            }
        }
    }
}

/// Where a program is on the search path.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    search_path().into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The folders of the search path.
pub(crate) fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// The last few lines of a longer text, in one line.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(6);
    lines.get(from..).unwrap_or_default().join(" | ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ask, last_lines};

    #[test]
    fn failing_and_missing_programs_have_no_answer() {
        assert_eq!(ask(Path::new("/bin/false"), &[]), None);
        assert_eq!(ask(Path::new("/no/such/program"), &[]), None);
        assert_eq!(ask(Path::new("/bin/echo"), &["hello"]).as_deref(), Some("hello\n"));
    }

    #[test]
    fn only_the_end_of_a_long_text_is_told() {
        let lines: Vec<String> = (1..=20).map(|n| format!("line {n}")).collect();
        let text = lines.join("\n\n");
        assert_eq!(last_lines(&text), "line 15 | line 16 | line 17 | line 18 | line 19 | line 20");
    }
}
