//! Postgres refuses to run as root. In containers and on build machines root is often all there is.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Uid, User};

use crate::error::{Error, Result};
use crate::process;

/// As whom Postgres runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunAs {
    /// As whoever we are: not root.
    Ourselves,
    /// As root outside and `nobody` inside a user namespace. Files stay root's, and folders closed to others do not
    /// matter.
    Namespace {
        /// The program that makes the namespace.
        unshare: PathBuf,
        /// Its arguments, up to the program to run.
        arguments: [String; 3],
    },
    /// As `nobody`, where user namespaces are forbidden. Its files are given to it.
    Nobody {
        /// User id.
        uid: u32,
        /// Group id.
        gid: u32,
    },
}

impl RunAs {
    /// Finds out what this machine allows. Blocks for some milliseconds.
    pub(crate) fn choose() -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::Ourselves);
        }
        let (uid, gid) = nobody()?;
        Ok(namespace(uid, gid).unwrap_or(Self::Nobody { uid, gid }))
    }

    /// Runs the program as that user.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match self {
            Self::Ourselves => Command::new(program),
            Self::Namespace { unshare, arguments } => {
                // unshare becomes the program, so that the process id is the server's.
                let mut command = Command::new(unshare);
                command.args(arguments).arg(program);
                command
            }
            Self::Nobody { uid, gid } => {
                let mut command = Command::new(program);
                command.uid(*uid).gid(*gid);
                command
            }
        }
    }

    /// Gives a file, or a folder with all in it, to that user.
    pub(crate) fn give(&self, path: &Path) -> Result<()> {
        match self {
            Self::Ourselves => Ok(()),
            // An earlier start without namespaces may have given it away.
            Self::Namespace { .. } => give_tree(path, 0, 0),
            Self::Nobody { uid, gid } => give_tree(path, *uid, *gid),
        }
    }

    /// Who may own a folder that this user's servers and we share.
    pub(crate) fn owners(&self) -> Vec<u32> {
        let ourselves = Uid::effective().as_raw();
        if let Self::Nobody { uid, .. } = self { vec![ourselves, *uid] } else { vec![ourselves] }
    }

    /// Makes sure that the user can reach the data folder and the programs.
    pub(crate) fn can_reach(&self, data_dir: &Path, programs: &Path) -> Result<()> {
        let Self::Nobody { .. } = self else { return Ok(()) };
        let what = format!("open the folder {} to the user that runs postgres", data_dir.display());
        let mode = fs::metadata(data_dir).map_err(Error::io(what.clone()))?.mode();
        fs::set_permissions(data_dir, fs::Permissions::from_mode(mode | 0o001)).map_err(Error::io(what))?;
        let closed = data_dir
            .ancestors()
            .chain(programs.ancestors())
            .find(|folder| fs::metadata(folder).is_ok_and(|meta| meta.mode() & 0o001 == 0));
        match closed {
            None => Ok(()),
            Some(folder) => Err(Error::Root {
                detail: format!(
                    "user namespaces are forbidden here, and the user nobody cannot pass the folder {}",
                    folder.display()
                ),
                remedy:
                    "run as an ordinary user, or choose a data folder (and FOURSIGHT_SERVERS_DIR) outside it"
                        .to_owned(),
            }),
        }
    }
}

/// Postgres looks its user up by id and ends when there is no such user, so it must be one that exists.
fn nobody() -> Result<(u32, u32)> {
    let user =
        User::from_name("nobody").map_err(|errno| Error::io("look up the user nobody")(errno.into()))?;
    let user = user.ok_or_else(|| Error::Root {
        detail: "there is no user nobody to run it as".to_owned(),
        remedy: "add that user, or run as an ordinary user".to_owned(),
    })?;
    Ok((user.uid.as_raw(), user.gid.as_raw()))
}

fn namespace(uid: u32, gid: u32) -> Option<RunAs> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let unshare = process::on_path("unshare")?;
    let arguments = ["-U".to_owned(), format!("--map-user={uid}"), format!("--map-group={gid}")];
    let [flag, user, group] = &arguments;
    process::ask(&unshare, &[flag, user, group, "true"])?;
    Some(RunAs::Namespace { unshare, arguments })
}

fn give_tree(path: &Path, uid: u32, gid: u32) -> Result<()> {
    let what = || format!("give {} to user {uid}", path.display());
    let meta = fs::symlink_metadata(path).map_err(Error::io(what()))?;
    if meta.uid() == uid && meta.gid() == gid {
        return Ok(());
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path).map_err(Error::io(what()))? {
            give_tree(&entry.map_err(Error::io(what()))?.path(), uid, gid)?;
        }
    }
    if meta.is_symlink() {
        return Ok(());
    }
    // The folder last: as long as it is not given, the next start tries again.
    chown(path, Some(uid), Some(gid)).map_err(Error::io(what()))
}
