//! What can go wrong, each with its remedy in the message.

use std::path::PathBuf;
use std::time::Duration;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why private servers could not be started, stopped or inspected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another launcher holds the data folder.
    #[error(
        "the data folder {folder} is in use by process {pid}; stop that process, or choose another folder"
    )]
    InUse {
        /// The folder both want.
        folder: PathBuf,
        /// The process that holds it; `unknown` in the instant before the holder has written its id.
        pid: String,
    },
    /// The machine has no usable server and the pinned one could not be fetched.
    #[error("cannot install the servers: {detail}; {remedy}")]
    Install {
        /// What failed, with the installer's last lines.
        detail: String,
        /// What to do about it.
        remedy: String,
    },
    /// The data folder was made by a major version of Postgres that is not on this machine.
    #[error(
        "the data in {folder} was made by Postgres {major}, which is not installed; install Postgres {major}, \
         or choose another data folder"
    )]
    PostgresVersion {
        /// The data folder.
        folder: PathBuf,
        /// The major version that made the data.
        major: u32,
    },
    /// The passwords of an existing data folder are gone.
    #[error(
        "{path} is missing although Postgres data exists beside it; restore the file, or choose another data folder"
    )]
    CredentialsLost {
        /// Where the passwords should be.
        path: PathBuf,
    },
    /// Postgres refuses to run as root, and no way to run it as somebody else was found.
    #[error("postgres refuses to run as root: {detail}; {remedy}")]
    Root {
        /// What was tried.
        detail: String,
        /// What to do about it.
        remedy: String,
    },
    /// A program ended with a failure.
    #[error("{program} failed: {detail}")]
    Program {
        /// The program and what it was asked to do.
        program: String,
        /// Its last words.
        detail: String,
    },
    /// A server ended before it answered.
    #[error("{server} ended before it was ready; its log {log} ends with: {tail}")]
    Ended {
        /// Which server.
        server: &'static str,
        /// The whole log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// A server or a program did not answer in time.
    #[error("{what} took longer than {} s; {remedy}", .bound.as_secs())]
    TooSlow {
        /// What was waited for.
        what: String,
        /// How long it was waited for.
        bound: Duration,
        /// What to do about it.
        remedy: String,
    },
    /// Somebody listens where a server is to listen.
    #[error(
        "these ports are in use: {ports}; end what listens there, choose others with `--port-base`, or leave that out, and free \
         ones are taken"
    )]
    PortsTaken {
        /// Each port with the server that it is for.
        ports: String,
    },
    /// A server does not stay up.
    #[error(
        "{server} ended by itself ({status}) and does not stay up: given up after {tries} new starts; its log {log} says why; end \
         what stops it, and start again: nothing that was written is lost"
    )]
    GivenUp {
        /// Which server.
        server: &'static str,
        /// How it ended the last time.
        status: String,
        /// How often it was started again.
        tries: usize,
        /// The whole log.
        log: PathBuf,
    },
    /// No four free ports were found.
    #[error("no free ports between {from} and {to}; end some programs, or name the ports")]
    NoPorts {
        /// First port tried.
        from: u16,
        /// Last port tried.
        to: u16,
    },
    /// The operating system refused something.
    #[error("cannot {what}")]
    Io {
        /// What was attempted, with the path or program concerned.
        what: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: names what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
