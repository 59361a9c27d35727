//! Holds the audit logs against themselves, and against what is known of them outside the database.

use anyhow::Result;
use foursight_access::audit::{self, Seal, Verdict};
use foursight_messaging::{Bus, anchors};
use futures::StreamExt;
use sqlx::PgConnection;

/// Anchors that are compared in one statement.
const STEP: usize = 5_000;

/// What is wrong with a log, or could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// The chain does not hold.
    #[error("BROKEN at row {link} of the chain: somebody changed, removed or moved it")]
    Broken {
        /// The first place that does not hold.
        link: i64,
    },
    /// There was more.
    #[error(
        "CUT OFF: the chain ends at row {end}, but it was anchored outside the database at row {anchored}: somebody removed the \
         end, or the database was put back to an earlier state"
    )]
    CutOff {
        /// Where the chain ends.
        end: u64,
        /// The first anchor after that.
        anchored: i64,
    },
    /// There was something else.
    #[error(
        "REPLACED: row {link} of the chain is another than the one that was anchored outside the database: somebody wrote the log \
         anew from there on or from before, or the database was put back to an earlier state and went on"
    )]
    Replaced {
        /// The first anchor that differs.
        link: i64,
    },
    /// Nothing was ever told outside the database.
    #[error(
        "NOT COMPARED: no anchor of it is outside the database, so that nobody knows whether its end was cut off; a service that \
         runs sets one within seconds, so either none has run since it is of a release that does, or the anchors were removed"
    )]
    NoAnchor,
    /// What is outside the database does not answer.
    #[error(
        "NOT COMPARED with its anchors outside the database, so that nobody knows whether its end was cut off: {0}"
    )]
    AnchorsAway(String),
}

/// What an audit log is like.
#[derive(Debug)]
pub struct Examined {
    /// Rows whose links hold.
    pub rows: u64,
    /// Anchors that were compared.
    pub anchors: u64,
    /// Where the first of them is: high in a long log, its anchors were lost or removed once.
    pub anchored_from: Option<i64>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Walks a service's chain and compares it with its anchors.
///
/// # Errors
/// When the database does not answer. That the anchors do not is a finding.
pub async fn examine(tx: &mut PgConnection, bus: &Bus, service: &str) -> Result<Examined> {
    // The anchors first: what is told after that is not in what we have read of the chain, perhaps.
    let anchors = anchors::all(bus, service).await;
    let mut examined = Examined { rows: 0, anchors: 0, anchored_from: None, findings: Vec::new() };
    match audit::verify(tx).await? {
        Verdict::Whole(rows) => examined.rows = rows,
        Verdict::Broken { link } => {
            examined.rows = link.unsigned_abs() - 1;
            examined.findings.push(Finding::Broken { link });
        }
    }
    let end = audit::end(tx).await?.map_or(0, |end| end.link);
    let mut anchors = match anchors {
        Ok(Some(anchors)) => anchors.chunks(STEP),
        Ok(None) => {
            if end > 0 {
                examined.findings.push(Finding::NoAnchor);
            }
            return Ok(examined);
        }
        Err(error) => {
            examined.findings.push(Finding::AnchorsAway(error.to_string()));
            return Ok(examined);
        }
    };
    while let Some(some) = anchors.next().await {
        let seals: Result<Vec<Seal>, _> = some
            .into_iter()
            .map(|anchor| anchor.map(|anchor| Seal { link: anchor.link, hash: anchor.hash }))
            .collect();
        let seals = match seals {
            Ok(seals) => seals,
            Err(error) => {
                examined.findings.push(Finding::AnchorsAway(error.to_string()));
                break;
            }
        };
        examined.anchors += seals.len() as u64;
        examined.anchored_from = examined.anchored_from.or(seals.first().map(|seal| seal.link));
        if let Some(link) = audit::missing(tx, seals).await? {
            let finding = if link > end {
                Finding::CutOff { end: end.unsigned_abs(), anchored: link }
            } else {
                Finding::Replaced { link }
            };
            examined.findings.push(finding);
            break;
        }
    }
    Ok(examined)
}
