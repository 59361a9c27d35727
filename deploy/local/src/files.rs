//! Small file work that several servers need: private files, short random secrets, names made from text.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Creates a folder and its parents; only the owner may look into the ones that are new.
pub(crate) fn private_dir(path: &Path) -> Result<()> {
    dir(path, 0o700)
}

/// Creates a folder and its parents; the new ones have this mode.
pub(crate) fn dir(path: &Path, mode: u32) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(Error::io(format!("create the folder {}", path.display())))
}

/// Like [`private_dir`], for a name in a folder that everybody can write to: what somebody else put there is refused.
pub(crate) fn private_dir_in_shared(path: &Path, owners: &[u32]) -> Result<()> {
    private_dir(path)?;
    let what = format!("use the folder {}, which somebody else owns; remove it", path.display());
    let meta = fs::symlink_metadata(path).map_err(Error::io(what.clone()))?;
    if meta.is_dir() && owners.contains(&meta.uid()) {
        return Ok(());
    }
    Err(Error::io(what)(std::io::ErrorKind::PermissionDenied.into()))
}

const UNFINISHED: &str = "unfinished-";

/// A new folder for work that becomes visible only when it is complete. The caller holds a lock on `parent`.
///
/// Each has a name of its own, since a program that outlived a killed predecessor may still be writing into the last
/// one.
pub(crate) fn unfinished(parent: &Path, mode: u32) -> Result<PathBuf> {
    let path = parent.join(format!("{UNFINISHED}{}", short_name(&random_bytes::<16>()?)));
    dir(&path, mode)?;
    Ok(path)
}

/// Removes the unfinished work of predecessors, as far as it lets itself be removed. The caller holds a lock on
/// `parent`.
pub(crate) fn sweep_unfinished(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED)
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::debug!(folder = %entry.path().display(), %error, "unfinished work stays until the next time");
        }
    }
}

/// Replaces a file, readable by the owner only. A reader sees the old text or the new one, never half.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        // A leftover of a killed launcher may have another mode.
        if fresh.exists() {
            fs::remove_file(&fresh)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&fresh, path)
    };
    write().map_err(Error::io(format!("write {}", path.display())))
}

/// Bytes that nobody can guess.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(Error::io("read /dev/urandom"))?;
    Ok(bytes)
}

/// A short name for a longer text, the same in every build (FNV-1a, 64 bits). Not for secrets.
pub(crate) fn short_name(text: &[u8]) -> String {
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn short_names_are_the_published_fnv_values() {
        assert_eq!(short_name(b""), "cbf29ce484222325");
        assert_eq!(short_name(b"a"), "af63dc4c8601ec8c");
    }
}
