//! What this machine has to run a private stack with, and what to do about the rest.

use crate::find::{self, Kind};
use crate::install;
use crate::unprivileged::RunAs;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at: `postgres`, `nats`, `redis`, `python`, `user`.
    pub what: String,
    /// Whether a stack can start as far as this is concerned.
    pub ok: bool,
    /// What was found, where and in which version; or what is missing.
    pub detail: String,
    /// What to do when something is missing.
    pub remedy: Option<String>,
}

impl Finding {
    fn good(what: &str, detail: String) -> Self {
        Self { what: what.to_owned(), ok: true, detail, remedy: None }
    }

    fn bad(what: &str, error: &dyn std::fmt::Display, remedy: &str) -> Self {
        Self { what: what.to_owned(), ok: false, detail: error.to_string(), remedy: Some(remedy.to_owned()) }
    }
}

/// Looks for the servers and for what fetches the missing ones. Changes nothing; blocks for up to a second or so.
#[must_use]
pub fn doctor() -> Vec<Finding> {
    let mut missing = false;
    let mut findings: Vec<Finding> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let found = find::on_machine(kind).into_iter().next();
            if let Some(found) = found.or_else(|| find::in_wheels(kind, &install::folder())) {
                let (major, minor) = found.version;
                return Finding::good(kind.name(), format!("{major}.{minor} in {}", found.program.display()));
            }
            missing = true;
            let (major, minor) = kind.oldest();
            let folder = install::folder();
            let detail = format!(
                "none of version {major}.{minor} or newer; the first start fetches one into {}",
                folder.display()
            );
            Finding::good(kind.name(), detail)
        })
        .collect();
    if missing {
        findings.push(match install::python() {
            Ok(python) => Finding::good("python", format!("{} with pip, to fetch servers", python.display())),
            Err(error) => {
                Finding::bad("python", &error, "install python3 with pip, or the servers named above")
            }
        });
    }
    findings.push(match RunAs::choose() {
        Ok(RunAs::Ourselves) => Finding::good("user", "not root, as Postgres wants it".to_owned()),
        Ok(RunAs::Namespace { .. }) => {
            Finding::good("user", "root; Postgres runs as nobody in a user namespace".to_owned())
        }
        Ok(RunAs::Nobody { .. }) => {
            Finding::good("user", "root; Postgres runs as nobody and owns its data".to_owned())
        }
        Err(error) => Finding::bad("user", &error, "run as an ordinary user"),
    });
    findings
}
