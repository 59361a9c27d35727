//! File locks: the system lets go of them when their holder ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::error::{Error, Result};

/// Takes the lock, or answers `None` when somebody else has it. The file stays when the lock goes: removing it would
/// let two holders lock two files of the same name.
pub(crate) fn try_exclusive(path: &Path) -> Result<Option<Flock<File>>> {
    match Flock::lock(open(path)?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(Error::io(format!("lock {}", path.display()))(errno.into())),
    }
}

/// Takes the data folder for this process, or says which process has it.
pub(crate) fn data_folder(folder: &Path) -> Result<Flock<File>> {
    let path = folder.join("launcher.lock");
    let Some(mut lock) = try_exclusive(&path)? else {
        let mut pid = String::new();
        open(&path)?.read_to_string(&mut pid).map_err(Error::io(format!("read {}", path.display())))?;
        let pid = pid.trim();
        let pid = if pid.is_empty() { "unknown" } else { pid };
        return Err(Error::InUse { folder: folder.to_owned(), pid: pid.to_owned() });
    };
    let mut write = || -> std::io::Result<()> {
        lock.set_len(0)?;
        lock.seek(SeekFrom::Start(0))?;
        write!(lock, "{}", std::process::id())
    };
    write().map_err(Error::io(format!("write {}", path.display())))?;
    Ok(lock)
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::io(format!("open {}", path.display())))
}
