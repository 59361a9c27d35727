//! Bringing a file in through the gateway of a stack that runs, as `foursight import` does: it is sent in pieces, followed to its end,
//! and what was not taken is put beside it.

mod beside;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt},
};

use crate::{client::Client, up::ready::Ready};

/// Bytes in a piece: by JSON they become a third more, and a body has at most 1 MiB.
const PIECE: usize = 600 << 10;
/// The most that a file may have.
const MOST_BYTES: u64 = 1 << 30;

/// What a file's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Customers.
    Customers,
    /// Cars, whose owners are there already.
    Vehicles,
    /// Deliveries of the past, of cars that are there already.
    Deliveries,
    /// Service visits of the past, of cars that are there already.
    Visits,
    /// Opening balances of points.
    Points,
}

impl Kind {
    /// As the API names it.
    fn name(self) -> &'static str {
        match self {
            Self::Customers => "IMPORT_KIND_CUSTOMERS",
            Self::Vehicles => "IMPORT_KIND_VEHICLES",
            Self::Deliveries => "IMPORT_KIND_DELIVERIES",
            Self::Visits => "IMPORT_KIND_VISITS",
            Self::Points => "IMPORT_KIND_POINTS",
        }
    }
}

/// What is to be brought in, and how.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The store's code; the demo group's first store when absent.
    pub store: Option<String>,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// Header → field, empty for a column that is to be passed over.
    pub mapping: BTreeMap<String, String>,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What is done at the moment.
    pub doing: &'a str,
    /// So much of it …
    pub done: u64,
    /// … of so much.
    pub total: u64,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What came to be: files that were opened, or would be.
    pub created: u64,
    /// What was changed.
    pub updated: u64,
    /// Rows that said nothing new.
    pub unchanged: u64,
    /// Rows that do not fit what is on file, or another row.
    pub conflicts: u64,
    /// Rows that cannot be read.
    pub errors: u64,
    /// Where the rows that were not taken are; empty when all were.
    pub error_file: String,
    /// The run, `imports/{id}`.
    pub run: String,
    /// Why it failed; empty when it did not.
    pub failure: String,
}

impl Report {
    /// All rows.
    pub fn rows(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.conflicts + self.errors
    }

    /// As a program reads it.
    pub fn to_json(&self) -> Value {
        json!({
            "rows": self.rows(), "created": self.created, "updated": self.updated, "unchanged": self.unchanged,
            "conflicts": self.conflicts, "errors": self.errors, "error_file": self.error_file, "run": self.run,
        })
    }

    fn of(run: &Value) -> Self {
        let counts = &run["counts"];
        Self {
            created: number(&counts["created"]),
            updated: number(&counts["updated"]),
            unchanged: number(&counts["unchanged"]),
            conflicts: number(&counts["conflicts"]),
            errors: number(&counts["errors"]),
            error_file: String::new(),
            run: text(&run["name"]),
            failure: text(&run["failure"]["message"]),
        }
    }
}

/// Somebody who may bring data in, signed in.
#[derive(Debug)]
pub struct Importer(Client);

impl Importer {
    /// Who does it on a private stack: somebody of its headquarters, who sees all files; or who is named.
    ///
    /// # Errors
    /// When nobody may, or the sign-in fails.
    pub async fn sign_in(ready: &Ready, named: Option<(&str, &str)>) -> Result<Self> {
        Ok(Self(Client::of_headquarters(ready, named).await?))
    }

    /// Brings a file in, and follows it to the end.
    ///
    /// # Errors
    /// When the file cannot be read or sent. A run that fails has a report that says why.
    pub async fn bring_in(
        &mut self,
        kind: Kind,
        file: &Path,
        wanted: &Wanted,
        tell: &(dyn Fn(Progress<'_>) + Send + Sync),
    ) -> Result<Report> {
        let mut source =
            File::open(file).await.with_context(|| format!("{} cannot be read", file.display()))?;
        let size = source.metadata().await?.len();
        ensure!(size > 0, "{} is empty", file.display());
        ensure!(size <= MOST_BYTES, "{} has more than 1 GiB: send it in parts", file.display());
        let store = self.store(wanted.store.as_deref()).await?;
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let import = json!({
            "kind": kind.name(), "store": store, "mapping": wanted.mapping,
            "fileName": name.chars().take(200).collect::<String>(),
        });
        let run = self.0.create("/v1/imports", &import).await?;
        let run = text(&run["name"]);
        self.send(&run, &mut source, size, tell).await?;
        self.0.post(&format!("/v1/{run}:start"), &json!({ "dryRun": wanted.dry_run })).await?;
        let ended = self.follow(&run, tell).await.with_context(|| {
            format!("{run} has begun, and goes on without this program; the same file again shows that all of it is in")
        })?;
        let mut report = Report::of(&ended);
        if number(&ended["errorBytes"]) > 0 {
            let path = beside::write(file, &self.errors(&run, number(&ended["errorBytes"])).await?)?;
            report.error_file = path.display().to_string();
        }
        Ok(report)
    }

    /// Takes a run back; how many rows were undone, and how many could not be.
    ///
    /// # Errors
    /// When there is no such run, or it cannot be undone.
    pub async fn undo(
        &mut self,
        run: &str,
        tell: &(dyn Fn(Progress<'_>) + Send + Sync),
    ) -> Result<(u64, u64)> {
        let run = if run.starts_with("imports/") { run.to_owned() } else { format!("imports/{run}") };
        self.0.post(&format!("/v1/{run}:undo"), &json!({})).await?;
        let ended = self.follow(&run, tell).await?;
        ensure!(
            text(&ended["state"]) == "IMPORT_STATE_UNDONE",
            "the run could not be undone: {}",
            ended["failure"]
        );
        Ok((number(&ended["undoneRows"]), number(&ended["keptRows"])))
    }

    /// The store of a code, by its name.
    async fn store(&mut self, code: Option<&str>) -> Result<String> {
        let (mut token, mut known) = (String::new(), Vec::new());
        loop {
            let page = self.0.get(&format!("/v1/stores?pageSize=200&pageToken={token}")).await?;
            for store in page["stores"].as_array().into_iter().flatten() {
                if code.is_none_or(|code| text(&store["code"]).eq_ignore_ascii_case(code)) {
                    return Ok(text(&store["name"]));
                }
                known.push(text(&store["code"]));
            }
            token = text(&page["nextPageToken"]);
            if token.is_empty() {
                bail!("there is no store {}; there are: {}", code.unwrap_or_default(), known.join(", "));
            }
        }
    }

    async fn send(
        &mut self,
        run: &str,
        source: &mut (impl AsyncRead + Unpin),
        size: u64,
        tell: &(dyn Fn(Progress<'_>) + Send + Sync),
    ) -> Result<()> {
        let mut offset: u64 = 0;
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            source.take(PIECE as u64).read_to_end(&mut piece).await.context("the file cannot be read")?;
            if piece.is_empty() {
                return Ok(());
            }
            let body = json!({ "offset": offset.to_string(), "data": STANDARD.encode(&piece) });
            self.0.post(&format!("/v1/{run}:append"), &body).await?;
            offset += piece.len() as u64;
            tell(Progress { doing: "sending", done: offset, total: size });
        }
    }

    async fn follow(&mut self, run: &str, tell: &(dyn Fn(Progress<'_>) + Send + Sync)) -> Result<Value> {
        let mut etag = String::new();
        loop {
            let now = self.0.get(&format!("/v1/{run}:watch?etag={etag}")).await?;
            let total = number(&now["totalRows"]);
            let doing = match now["state"].as_str().unwrap_or_default() {
                "IMPORT_STATE_CHECKING" => "checking",
                "IMPORT_STATE_APPLYING" => "bringing in",
                "IMPORT_STATE_UNDOING" => "taking back",
                _ => return Ok(now),
            };
            tell(Progress { doing, done: number(&now["doneRows"]), total });
            etag = text(&now["etag"]);
        }
    }

    async fn errors(&mut self, run: &str, size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < size {
            let piece = self.0.get(&format!("/v1/{run}:readErrors?offset={}", bytes.len())).await?;
            let piece =
                STANDARD.decode(text(&piece["data"])).context("the error file's piece is no base64")?;
            ensure!(!piece.is_empty(), "the error file ends before its end");
            bytes.extend(piece);
        }
        Ok(bytes)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Large numbers are texts in JSON; absent ones are 0.
fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}
