//! The servers' logs: one file each, bounded, so that a stack left running for months fills no disk.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::process;

// Each log takes at most about twice this.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Opens a log for a server to append to.
pub(crate) fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io(format!("open the log {}", path.display())))
}

/// The last lines written after `offset`, in one line.
pub(crate) fn tail_since(path: &Path, offset: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let from = offset.max(file.metadata()?.len().saturating_sub(8 * 1024));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if !bytes.is_empty() => process::last_lines(&String::from_utf8_lossy(&bytes)),
        Ok(_) => "nothing".to_owned(),
        Err(error) => format!("(unreadable: {error})"),
    }
}

/// Keeps logs within their bound while it lives.
pub(crate) struct Keeper {
    // Its end is the thread's sign to end.
    _alive: Sender<()>,
}

impl Keeper {
    /// A thread of its own, because the runtime that starts a stack may end before the stack does.
    pub(crate) fn watch(logs: Vec<PathBuf>) -> Self {
        let (alive, ended) = mpsc::channel();
        thread::spawn(move || {
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                for log in &logs {
                    if let Err(error) = cut(log, MOST_BYTES) {
                        tracing::warn!(log = %log.display(), %error, "cannot shorten a server's log");
                    }
                }
            }
        });
        Self { _alive: alive }
    }
}

/// Moves a log that has grown too long aside. The server keeps its file, hence copy and empty instead of rename.
fn cut(log: &Path, most: u64) -> std::io::Result<()> {
    let file = match OpenOptions::new().write(true).open(log) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    if file.metadata()?.len() <= most {
        return Ok(());
    }
    fs::copy(log, log.with_extension("log.1"))?;
    file.set_len(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{cut, open, tail_since};

    #[test]
    fn a_long_log_is_moved_aside_and_the_writer_goes_on() -> anyhow::Result<()> {
        let folder = std::env::temp_dir().join(format!("foursight-logs-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("server.log");
        let mut writer = open(&path)?;
        writer.write_all(b"one\ntwo\n")?;
        cut(&path, 100)?;
        assert_eq!(tail_since(&path, 4), "two");
        cut(&path, 3)?;
        writer.write_all(b"three\n")?;
        assert_eq!(std::fs::read_to_string(folder.join("server.log.1"))?, "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path)?, "three\n");
        std::fs::remove_dir_all(&folder)?;
        Ok(())
    }
}
