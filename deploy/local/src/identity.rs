//! Who a process id is: ids are used again, so a recorded one counts only together with the time its process began.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;

/// A process as it was recorded: the id and when that process began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) pid: i32,
    started: String,
}

impl Recorded {
    /// The living process with this id; `None` when there is none, or only a corpse that nobody has reaped.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let started = if cfg!(target_os = "linux") { started_by_proc(pid) } else { started_by_ps(pid) }?;
        Some(Self { pid, started })
    }

    pub(crate) fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Reads a record; `None` when there is none or it is not readable as one (half a record names no process).
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::io(format!("write {}", path.display()))(error.into()))?;
        files::write_private(path, &text)
    }
}

/// Sends a signal; a process that is already gone needs none.
pub(crate) fn signal(pid: i32, signal: Signal) {
    if let Err(errno) = kill(Pid::from_raw(pid), signal) {
        tracing::debug!(pid, %signal, %errno, "no signal sent");
    }
}

/// Kills a process, its group and its children, and waits until the children are gone.
///
/// The children are named one by one because Postgres gives each of its own a group of its own.
/// Blocks for some milliseconds, at most 5 s.
pub(crate) fn kill_tree(pid: i32) {
    let children: Vec<Recorded> = children_of(pid).into_iter().filter_map(Recorded::of).collect();
    if let Err(errno) = killpg(Pid::from_raw(pid), Signal::SIGKILL) {
        tracing::debug!(pid, %errno, "no group to kill");
    }
    signal(pid, Signal::SIGKILL);
    for child in &children {
        if child.is_alive() {
            signal(child.pid, Signal::SIGKILL);
        }
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while children.iter().any(Recorded::is_alive) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The command line of a process, its words separated by spaces.
pub(crate) fn command_line(pid: i32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&words).replace('\0', " "));
    }
    ps(&["-ww", "-o", "command=", "-p", &pid.to_string()])
}

fn started_by_proc(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = fields_after_name(&stat)?;
    // proc_pid_stat(5): the third field is the state, the twenty-second the start in ticks since boot.
    if matches!(*fields.first()?, "Z" | "X") {
        return None;
    }
    let ticks = fields.get(19)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{}/{ticks}", boot.trim()))
}

/// The fields from the third on. The second is the program's name in brackets, which may hold spaces and brackets.
fn fields_after_name(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(')')?.1.split_whitespace().collect())
}

fn started_by_ps(pid: i32) -> Option<String> {
    let line = ps(&["-o", "state=,lstart=", "-p", &pid.to_string()])?;
    if line.is_empty() || line.starts_with('Z') {
        return None;
    }
    Some(line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
}

fn children_of(parent: i32) -> Vec<i32> {
    if !cfg!(target_os = "linux") {
        let table = ps(&["-A", "-o", "pid=,ppid="]).unwrap_or_default();
        let row = |line: &str| -> Option<(i32, i32)> {
            let (child, of) = line.trim().split_once(char::is_whitespace)?;
            Some((child.parse().ok()?, of.trim().parse().ok()?))
        };
        return table
            .lines()
            .filter_map(row)
            .filter(|(_, ppid)| *ppid == parent)
            .map(|(pid, _)| pid)
            .collect();
    }
    let is_child = |pid: i32| -> Option<bool> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(fields_after_name(&stat)?.get(1)?.parse() == Ok(parent))
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| is_child(*pid) == Some(true))
        .collect()
}

fn ps(arguments: &[&str]) -> Option<String> {
    let output = Command::new("ps").env("LC_ALL", "C").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};

    use anyhow::{Context, Result};

    use super::{Recorded, children_of, command_line, fields_after_name, started_by_ps};

    #[test]
    fn a_process_is_known_until_it_ends_even_before_it_is_reaped() -> Result<()> {
        let mut child = Command::new("sleep").arg("60").spawn()?;
        let pid = i32::try_from(child.id())?;
        let recorded = Recorded::of(pid).context("it runs")?;
        assert!(recorded.is_alive());
        assert!(children_of(i32::try_from(id())?).contains(&pid));
        child.kill()?;
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(!recorded.is_alive(), "a corpse counts as gone");
        assert_eq!(started_by_ps(pid), None);
        child.wait()?;
        assert!(!recorded.is_alive());
        Ok(())
    }

    #[test]
    fn another_process_under_the_same_id_is_not_taken_for_the_recorded_one() -> Result<()> {
        let mut recorded = Recorded::of(i32::try_from(id())?).context("we run")?;
        assert!(recorded.is_alive());
        recorded.started.push('1');
        assert!(!recorded.is_alive());
        Ok(())
    }

    #[test]
    fn a_process_tells_its_command_line() -> Result<()> {
        let program = std::env::current_exe()?;
        let line = command_line(i32::try_from(id())?).context("we run")?;
        let name = program.file_name().context("it has a name")?.to_string_lossy();
        assert!(line.contains(&*name), "{line}");
        Ok(())
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        assert_eq!(fields_after_name("7 (a) b) S 1 2"), Some(vec!["S", "1", "2"]));
    }
}
