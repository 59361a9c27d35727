//! Keeps `.sqlx`, the data by which `query!` is checked without a database, up to date.
//!
//! `cargo prepare` writes it, `cargo prepare --check` compares. Both start private servers, make a database from the
//! migrations as they stand in the folders (the services need not compile for that), and let the compiler look at every
//! query. `cargo prepare --serve` keeps the database running and prints its address, for work in an editor.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result, bail, ensure};
use foursight_runtime::migrate::{self, Schema};
use foursight_testkit::Servers;
use secrecy::SecretString;
use sqlx::migrate::Migrator;

/// A service's folder, by its name.
type Services = BTreeMap<String, PathBuf>;

#[tokio::main]
async fn main() -> Result<()> {
    let root = workspace_root()?;
    let services = services(&root)?;
    let servers = Servers::start().await?;
    let url = servers.local.postgres_url("postgres");
    migrate_folders(&url, &services).await?;
    let outcome = match std::env::args().nth(1).as_deref() {
        None => prepare(&root, &services, &url, &root.join(".sqlx")),
        Some("--check") => check(&root, &services, &url),
        Some("--serve") => serve(&url).await,
        Some(other) => bail!("{other} is not known; say nothing, --check or --serve"),
    };
    drop(servers);
    outcome
}

/// The folder of the workspace's manifest, three above this crate's.
fn workspace_root() -> Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(3).map(Path::to_owned).context("this crate lies three folders deep")
}

fn services(root: &Path) -> Result<Services> {
    let mut services = Services::new();
    for entry in fs::read_dir(root.join("services"))? {
        let folder = entry?.path();
        if let (true, Some(name)) = (folder.join("migrations").is_dir(), folder.file_name()) {
            services.insert(name.to_string_lossy().into_owned(), folder);
        }
    }
    services.remove("shared");
    Ok(services)
}

async fn migrate_folders(url: &str, services: &Services) -> Result<()> {
    let mut migrators = Vec::new();
    for (name, folder) in services {
        migrators.push((name, Migrator::new(folder.join("migrations")).await?));
    }
    let schemas: Vec<_> = migrators
        .iter()
        .map(|(service, migrator)| Schema { service, migrator, password: SecretString::from("reference") })
        .collect();
    migrate::migrate(url, &schemas).await
}

/// Lets the compiler write the data of every query into `target`, which is emptied first.
fn prepare(root: &Path, services: &Services, url: &str, target: &Path) -> Result<()> {
    if target.exists() {
        fs::remove_dir_all(target)?;
    }
    fs::create_dir_all(target)?;
    for folder in services.values() {
        // What is compiled already would not be looked at again.
        fs::File::open(folder.join("src/lib.rs"))?.set_modified(SystemTime::now())?;
    }
    // Only services have queries; but a choice of packages has features of its own, for which every dependency would be
    // compiled once more.
    let checked = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["check", "--workspace", "--all-targets"])
        .env("DATABASE_URL", url)
        .env("SQLX_OFFLINE_DIR", target)
        .env("SQLX_OFFLINE", "false")
        .status()?;
    ensure!(checked.success(), "a query does not fit the migrations; the compiler says which");
    Ok(())
}

fn check(root: &Path, services: &Services, url: &str) -> Result<()> {
    let fresh = std::env::temp_dir().join(format!("foursight-sqlx-{}", std::process::id()));
    prepare(root, services, url, &fresh)?;
    let (now, kept) = (read(&fresh)?, read(&root.join(".sqlx"))?);
    fs::remove_dir_all(&fresh)?;
    ensure!(now == kept, ".sqlx is not up to date: run `cargo prepare` and commit it");
    Ok(())
}

fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(name, fs::read_to_string(&path)?);
    }
    Ok(files)
}

#[expect(clippy::print_stdout, reason = "the address is what the command is for")]
async fn serve(url: &str) -> Result<()> {
    println!("export DATABASE_URL='{url}'");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
