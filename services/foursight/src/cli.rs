//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Customer relations for a car dealer group.
#[derive(Debug, Parser)]
#[command(name = "foursight", version, about)]
pub(crate) struct Arguments {
    /// What to do; a whole private stack for a first look when absent.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts private servers, loads the demo group once, runs every role, and prints where and how to sign in.
    Up(Up),
    /// Runs every role in one process, against servers given by the configuration.
    All(Config),
    /// Runs the sign-in, stores and staff.
    Identity(Config),
    /// Runs the customer records.
    Customer(Config),
    /// Runs follow-up calls, reminders and messages.
    Notification(Config),
    /// Runs complaints.
    Complaint(Config),
    /// Runs the measures.
    Analytics(Config),
    /// Runs the one door for clients.
    Gateway(Config),
    /// Brings the database up to date.
    Migrate(Config),
    /// Prints the effective configuration, with secrets hidden.
    Config(Config),
    /// Says what is missing on this machine, and what to do.
    Doctor,
    /// Loads a demo group, or what is missing of it, into a database without real customers.
    Demo(Demo),
    /// Brings old data into a stack that runs, from a CSV or XLSX, or takes a run back.
    Import(Import),
    /// Takes customers out of a stack that runs, as a CSV or XLSX, for a purpose that stays on record.
    Export(Export),
    /// Plays one customer's story against a running stack.
    Story(Data),
    /// Lists, shows, replays and drops events that could not be handled.
    DeadLetters(DeadLetters),
    /// Makes the facts that measures are counted from again, from the first event on. Analytics must not run: stop `up` first.
    AnalyticsRebuild(Config),
    /// Checks that nobody changed the audit logs or cut their ends off.
    Audit(Config),
    /// Proves that an erased customer is gone.
    Erasure(Erasure),
    /// Tells what each master key of personal data seals; adds one to a private stack, or drops one.
    Keys(Keys),
}

/// Erasures of customers.
#[derive(Debug, Args)]
pub(crate) struct Erasure {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: ErasureCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ErasureCommand {
    /// Holds the certificate of an erasure against every table of every service and every stream.
    Verify {
        /// The customer's or the erasure's id, `customers/…` or `erasures/…`.
        id: String,
    },
}

/// Master keys.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(flatten)]
    pub(crate) config: Config,
    /// What to do; tells what each of them seals when absent.
    #[command(subcommand)]
    pub(crate) command: Option<KeysCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Makes another master key for a private stack. It seals from the next start on.
    Add,
    /// Takes a master key that seals nothing any more from a private stack that runs.
    Drop {
        /// Its version.
        version: i32,
    },
}

/// A whole private stack.
#[derive(Debug, Args, Clone)]
pub(crate) struct Up {
    /// Where everything is kept.
    #[arg(long, default_value = DATA)]
    pub(crate) data: PathBuf,
    /// The first of seven ports in a row; free ones are taken when absent.
    #[arg(long)]
    pub(crate) port_base: Option<u16>,
    /// Forgets what is there and starts over.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Prints exactly one line of JSON on standard output when everything answers.
    #[arg(long)]
    pub(crate) ready_json: bool,
    /// How many customers the demo group has; 0 for none.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) customers: u32,
    /// The demo group's seed: the same seed makes the same group.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Default for Up {
    fn default() -> Self {
        Self {
            data: DATA.into(),
            port_base: None,
            fresh: false,
            ready_json: false,
            customers: 5_000,
            seed: 1,
        }
    }
}

/// Where a private stack is kept when nothing else is said.
pub(crate) const DATA: &str = ".foursight";

/// Where the configuration is.
#[derive(Debug, Args, Clone)]
pub(crate) struct Config {
    /// A configuration file (TOML).
    #[arg(long, global = true, env = "FOURSIGHT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The data folder of a private stack, whose configuration is used.
    #[arg(long, global = true, conflicts_with = "config")]
    pub(crate) data: Option<PathBuf>,
}

/// The data folder of a running stack.
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// The data folder of a stack that is running.
    #[arg(long, default_value = DATA)]
    pub(crate) data: PathBuf,
}

/// Old data.
#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    pub(crate) command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Brings customers in. Rows that were not taken come back beside the file, as NAME.errors.csv (or .xlsx).
    Customers(BringIn),
    /// Brings cars in, whose owners are there already.
    Vehicles(BringIn),
    /// Brings deliveries of the past in. Cars and owners are there already.
    Deliveries(BringIn),
    /// Brings service visits of the past in. Cars and owners are there already.
    Visits(BringIn),
    /// Brings opening balances of points in, one for each customer at the store. The customers are there already.
    Points(BringIn),
    /// Takes back what a run did, as far as nothing newer depends on it.
    Undo {
        /// The run, as it was told when it was brought in.
        run: String,
        #[command(flatten)]
        sign_in: SignIn,
    },
}

/// A file that is brought in.
#[derive(Debug, Args)]
pub(crate) struct BringIn {
    /// A CSV (UTF-8, GB18030, UTF-16) or an XLSX.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) sign_in: SignIn,
    /// The store's code, such as SH01; the first store when absent.
    #[arg(long)]
    pub(crate) store: Option<String>,
    /// Says what would happen, and writes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What a column is, as `header=field`; `header=` for one that is to be passed over. May be said several times.
    #[arg(long, value_name = "HEADER=FIELD")]
    pub(crate) map: Vec<String>,
    /// Prints exactly one line of JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is taken out.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(subcommand)]
    pub(crate) command: ExportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Customers: all that the caller reaches, or those of a segment.
    Customers(TakeOut),
}

/// A file that is taken out.
#[derive(Debug, Args)]
pub(crate) struct TakeOut {
    #[command(flatten)]
    pub(crate) sign_in: SignIn,
    /// Only customers of this segment.
    #[arg(long)]
    pub(crate) segment: Option<String>,
    /// What the file is.
    #[arg(long, value_enum, default_value = "csv")]
    pub(crate) format: Format,
    /// What for, 4 to 200 characters: it stays on record.
    #[arg(long)]
    pub(crate) purpose: String,
    /// Where the file goes; one that is there already is not written over.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Headers and words in English, not in Chinese.
    #[arg(long)]
    pub(crate) english: bool,
    /// Numbers and addresses whole, and why they have to be, 4 to 200 characters.
    #[arg(long, value_name = "REASON")]
    pub(crate) unmasked: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Csv,
    Xlsx,
}

/// A stack that runs, and who signs in there.
#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// The data folder of a stack that is running.
    #[arg(long, default_value = DATA)]
    pub(crate) data: PathBuf,
    /// Who signs in; somebody of the demo group's headquarters when absent.
    #[arg(long, requires = "password")]
    pub(crate) login: Option<String>,
    /// The password; better said by the environment.
    #[arg(long, env = "FOURSIGHT_PASSWORD", hide_env_values = true, requires = "login")]
    pub(crate) password: Option<String>,
}

/// A demo group.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) config: Config,
    /// How many customers.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) customers: u32,
    /// The same seed makes the same group.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Dead letters.
#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    #[command(flatten)]
    pub(crate) config: Config,
    #[command(subcommand)]
    pub(crate) command: DeadLettersCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// Lists them, oldest first.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Shows one, with its event as JSON.
    Show {
        /// Its number in the list.
        number: u64,
    },
    /// Puts one back where it stood; who could not handle it tries again.
    Replay {
        /// Its number in the list.
        number: u64,
    },
    /// Removes one for good.
    Drop {
        /// Its number in the list.
        number: u64,
    },
}
