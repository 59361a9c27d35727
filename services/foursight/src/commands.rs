//! The commands, one file each.

mod analytics_rebuild;
mod audit;
mod config;
mod dead_letters;
mod demo;
mod doctor;
mod migrate;
mod run;
mod story;
mod up;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Result;
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
        Command::Story(data) => story::run(&data.data).await,
        Command::DeadLetters(letters) => dead_letters::run(&letters).await,
        Command::AnalyticsRebuild(config) => analytics_rebuild::run(&config).await,
        Command::Audit(config) => audit::run(&config).await,
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
        let here = private_configuration(Path::new(crate::cli::DATA));
        if self.data.is_none() && self.config.is_none() && here.exists() {
            return Settings::load(Some(&here), "");
        }
        self.settings()
    }
}

/// Where a private stack writes its configuration while it runs.
fn private_configuration(data: &Path) -> PathBuf {
    foursight::up::layout::Layout::new(data).configuration()
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
