//! Finding any of thousands of texts in many megabytes, in one pass.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use foursight_tests::api::hex;

use crate::clear::Fact;

/// Every needle begins with so many bytes, by which it is looked up.
const HEAD: usize = 4;

/// Texts to look for.
#[derive(Debug)]
pub(crate) struct Needles(HashMap<[u8; HEAD], Vec<(String, Vec<u8>)>>);

impl Needles {
    /// Looks for texts of four bytes or more, each with what it is.
    pub(crate) fn new(texts: impl IntoIterator<Item = (impl Into<String>, String)>) -> Self {
        let mut needles: HashMap<_, Vec<_>> = HashMap::new();
        for (kind, text) in texts {
            let bytes = text.into_bytes();
            if let Some(head) = bytes.first_chunk::<HEAD>() {
                needles.entry(*head).or_default().push((kind.into(), bytes));
            }
        }
        Self(needles)
    }

    /// What the first needle that stands there is, and where.
    pub(crate) fn find(&self, haystack: &[u8]) -> Option<(&str, usize)> {
        haystack.windows(HEAD).enumerate().find_map(|(at, head)| {
            let candidates = self.0.get(head)?;
            let (kind, _) = candidates.iter().find(|(_, needle)| haystack[at..].starts_with(needle))?;
            Some((kind.as_str(), at))
        })
    }

    /// Checks that none of them stands there.
    ///
    /// # Errors
    /// When one does; the message says which kind, and what stands around it.
    pub(crate) fn must_not_be_in(&self, place: &str, haystack: &[u8]) -> Result<()> {
        let found = self.find(haystack);
        let around = found.map(|(_, at)| {
            let (start, end) = (at.saturating_sub(60), (at + 60).min(haystack.len()));
            String::from_utf8_lossy(&haystack[start..end]).into_owned()
        });
        ensure!(found.is_none(), "{place} holds somebody's {:?}: …{}…", found, around.unwrap_or_default());
        Ok(())
    }
}

/// The ways in which a fact may be written down.
pub(crate) fn spellings(fact: &Fact) -> Vec<String> {
    let value = fact.value.clone();
    let mut spellings = match fact.kind {
        "phone" => {
            let national = value.trim_start_matches("+86").trim_start_matches('+').to_owned();
            let grouped = |by: &str| match national.len() {
                11 => format!("{}{by}{}{by}{}", &national[..3], &national[3..7], &national[7..]),
                _ => national.clone(),
            };
            vec![grouped(" "), grouped("-"), national.clone()]
        }
        "email" => vec![value.replace('@', "%40"), value.to_uppercase(), value.replace('@', "\\u0040")],
        "national id" => vec![value.to_lowercase(), value[..17].to_owned()],
        _ => Vec::new(),
    };
    let percent = hex("%", value.bytes());
    let units: Vec<String> = value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    spellings.extend([percent.to_uppercase(), percent, units.concat(), hex("", value.bytes()), value]);
    spellings
}
