//! Postgres refuses to run as root. In containers and on build machines root is often all there is.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Gid, Uid, User};

use crate::error::{Error, Result};
use crate::process;

/// As whom Postgres runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunAs {
    /// As whoever we are: not root.
    Ourselves,
    /// As root outside and `nobody` inside a user namespace. Files stay root's, and folders closed to others do not
    /// matter.
    Namespace { unshare: PathBuf, uid: u32, gid: u32 },
    /// As `nobody`, where user namespaces are forbidden. Its files are given to it.
    Nobody { uid: u32, gid: u32 },
}

impl RunAs {
    /// Finds out what this machine allows. Blocks for some milliseconds.
    pub(crate) fn choose() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::Ourselves);
        }
        let (uid, gid) = nobody()?;
        if cfg!(target_os = "linux")
            && let Some(unshare) = process::on_path("unshare")
            && process::ask(&unshare, &[&as_user(uid)[..], &["true".to_owned()]].concat().as_strs()).is_some()
        {
            return Ok(Self::Namespace { unshare, uid, gid });
        }
        Ok(Self::Nobody { uid, gid })
    }

    /// Runs the program as that user.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Ourselves => Command::new(program),
            Self::Namespace { unshare, uid, gid } => {
                let mut command = Command::new(unshare);
                command.args(namespace_arguments(*uid, *gid)).arg(program);
                command
            }
            Self::Nobody { uid, gid } => {
                let mut command = Command::new(program);
                command.uid(*uid).gid(*gid);
                command
            }
        }
    }
}
