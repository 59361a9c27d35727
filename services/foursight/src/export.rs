//! Taking customers out through the gateway of a stack that runs, as `foursight export` does: the file comes in pieces, and stands under its
//! name once all of it is there.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::{fs::OpenOptions, io::AsyncWriteExt as _};

use crate::{client::Client, up::ready::Ready};

/// What is to be taken out, and how.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The segment, by its name or id; all customers when absent.
    pub segment: Option<String>,
    /// Whether it is a workbook, and no CSV.
    pub xlsx: bool,
    /// Whether headers and words are English.
    pub english: bool,
    /// What for.
    pub purpose: String,
    /// Why numbers and addresses are whole; masked when absent.
    pub unmasked: Option<String>,
}

impl Wanted {
    fn request(&self) -> Value {
        let mut request = json!({
            "format": if self.xlsx { "EXPORT_FORMAT_XLSX" } else { "EXPORT_FORMAT_CSV" },
            "language": if self.english { "EXPORT_LANGUAGE_EN" } else { "EXPORT_LANGUAGE_ZH" },
            "purpose": self.purpose,
        });
        if let Some(segment) = &self.segment {
            let whole = segment.starts_with("segments/");
            request["segment"] = json!(if whole { segment.clone() } else { format!("segments/{segment}") });
        }
        if let Some(reason) = &self.unmasked {
            request["unmasked"] = json!(true);
            request["reason"] = json!(reason);
        }
        request
    }
}

/// Somebody who may take customers out, signed in.
#[derive(Debug)]
pub struct Exporter(Client);

impl Exporter {
    /// Who does it on a private stack: somebody of its headquarters, who sees all files; or who is named.
    ///
    /// # Errors
    /// When nobody may, or the sign-in fails.
    pub async fn sign_in(ready: &Ready, named: Option<(&str, &str)>) -> Result<Self> {
        Ok(Self(Client::of_headquarters(ready, named).await?))
    }

    /// Takes customers out; answers how many bytes the file has. `tell` hears how many there are so far.
    ///
    /// # Errors
    /// When it is refused, breaks off, or the file is there already or cannot be written.
    pub async fn customers(
        &self,
        out: &Path,
        wanted: &Wanted,
        tell: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<u64> {
        ensure!(!out.exists(), "{} is there already", out.display());
        let mut answer = self.0.download("/v1/customers:export", &wanted.request()).await?;
        let mut part = out.as_os_str().to_owned();
        part.push(".part");
        let cannot = || format!("{} cannot be written", part.display());
        let mut file = OpenOptions::new();
        // Customers' data: for who runs this alone.
        let mut file = file
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)
            .await
            .with_context(cannot)?;
        let mut written = 0;
        while let Some(piece) =
            answer.chunk().await.context("the file broke off: what came of it ends in .part")?
        {
            file.write_all(&piece).await.with_context(cannot)?;
            written += u64::try_from(piece.len())?;
            tell(written);
        }
        file.sync_all().await.with_context(cannot)?;
        tokio::fs::rename(&part, out).await.with_context(cannot)?;
        Ok(written)
    }
}
