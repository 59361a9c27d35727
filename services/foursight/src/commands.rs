//! The commands, one file each.

mod analytics_rebuild;
mod audit;
mod config;
mod dead_letters;
mod demo;
mod doctor;
mod erasure;
mod export;
mod import;
mod keys;
mod migrate;
mod run;
mod story;
mod up;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;
use foursight::up::ready::Ready;
use foursight_runtime::Settings;

use crate::cli::{Arguments, Command, Config, Up};

/// Does what the command line says.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    match arguments.command.unwrap_or_else(|| Command::Up(Up::default())) {
        Command::Up(up) => up::run(up).await,
        Command::All(config) => run::all(&config).await,
        Command::Identity(config) => run::one("identity", &config).await,
        Command::Customer(config) => run::one("customer", &config).await,
        Command::Notification(config) => run::one("notification", &config).await,
        Command::Complaint(config) => run::one("complaint", &config).await,
        Command::Analytics(config) => run::one("analytics", &config).await,
        Command::Gateway(config) => run::one("gateway", &config).await,
        Command::Migrate(config) => migrate::run(&config).await,
        Command::Config(config) => config::run(&config),
        Command::Doctor => doctor::run(),
        Command::Demo(demo) => demo::run(&demo).await,
        Command::Import(import) => import::run(&import).await,
        Command::Export(export) => export::run(&export).await,
        Command::Story(data) => story::run(&data.data).await,
        Command::DeadLetters(letters) => dead_letters::run(&letters).await,
        Command::AnalyticsRebuild(config) => analytics_rebuild::run(&config).await,
        Command::Audit(config) => audit::run(&config).await,
        Command::Erasure(arguments) => erasure::run(&arguments).await,
        Command::Keys(arguments) => keys::run(&arguments).await,
    }
}

impl Config {
    /// The configuration that is meant: a file, or that of a private stack.
    fn settings(&self) -> Result<Settings> {
        let file: Option<PathBuf> =
            self.data.as_deref().map(private_configuration).or_else(|| self.config.clone());
        Settings::load(file.as_deref(), "")
    }

    /// The same for what looks at a stack: without a word, the private one that is here, if there is one.
    fn settings_here(&self) -> Result<Settings> {
        match self.private_stack() {
            Some(data) => Settings::load(Some(&private_configuration(&data)), ""),
            None => self.settings(),
        }
    }

    /// The same for what needs the servers of that stack: who has stopped it is told how to start it.
    async fn settings_of_running(&self) -> Result<Settings> {
        if let Some(data) = self.private_stack() {
            Ready::of_running(&data).await?;
        }
        self.settings_here()
    }

    /// The folder of the private stack that is meant: the one that is named, or without a word the one that is here.
    fn private_stack(&self) -> Option<PathBuf> {
        if self.data.is_some() || self.config.is_some() {
            return self.data.clone();
        }
        let here = Path::new(crate::cli::DATA);
        private_configuration(here).exists().then(|| here.to_owned())
    }
}

/// Where a private stack writes its configuration while it runs.
fn private_configuration(data: &Path) -> PathBuf {
    foursight::up::layout::Layout::new(data).configuration()
}

/// An error with its causes in one line. A cause that an error has told already is not told twice.
pub(crate) fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

/// A line for the person at the terminal. Not on standard output, which carries what programs read.
pub(crate) fn tell(line: &str) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A line for who reads the command's result. Whoever reads only its beginning closes the pipe, which is no fault.
fn print(line: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_told_once() {
        let refused = || std::io::Error::from_raw_os_error(111);
        let away = anyhow::Error::from(refused())
            .context(format!("error communicating with database: {}", refused()));
        let line = in_one_line(&away.context("the database cannot be reached"));
        assert_eq!(
            line,
            "the database cannot be reached: error communicating with database: Connection refused (os error 111)"
        );
    }
}
