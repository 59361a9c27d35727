//! Keyset pages: a page starts after the last row of the one before, so that page 1,000 costs what page 1 costs and rows
//! that come in between neither hide nor repeat one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

const DEFAULT_SIZE: i32 = 50;
const MAX_SIZE: i32 = 200;

/// One page that was asked for.
#[derive(Debug, Clone)]
pub struct Page<Cursor> {
    size: usize,
    /// How many rows to fetch: one more than the page holds, which tells whether another page follows.
    pub limit: i64,
    /// The last row of the page before; `None` for the first page.
    pub after: Option<Cursor>,
}

impl<Cursor: Serialize + DeserializeOwned> Page<Cursor> {
    /// Reads what the caller asked for. A size of 0 means 50; more than 200 gives 200.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a negative size or a token that we did not make.
    pub fn parse(page_size: i32, page_token: &str) -> Result<Self> {
        let size = match page_size {
            0 => DEFAULT_SIZE,
            1.. => page_size.min(MAX_SIZE),
            _ => return Err(Error::invalid_field("page_size", "must not be negative")),
        };
        let after = if page_token.is_empty() {
            None
        } else {
            let cursor =
                URL_SAFE_NO_PAD.decode(page_token).ok().and_then(|json| serde_json::from_slice(&json).ok());
            Some(cursor.ok_or_else(|| {
                Error::invalid_field("page_token", "must be a next_page_token of the same list, unchanged")
            })?)
        };
        let size = usize::try_from(size).unwrap_or_default();
        Ok(Self { size, limit: i64::try_from(size).unwrap_or_default() + 1, after })
    }

    /// Cuts the extra row off and makes the next page's token from the last row kept; empty on the last page.
    ///
    /// # Errors
    /// `INTERNAL` when the cursor cannot be written as JSON.
    pub fn finish<Row>(
        &self,
        mut rows: Vec<Row>,
        cursor: impl FnOnce(&Row) -> Cursor,
    ) -> Result<(Vec<Row>, String)> {
        if rows.len() <= self.size {
            return Ok((rows, String::new()));
        }
        rows.truncate(self.size);
        let Some(last) = rows.last() else { return Ok((rows, String::new())) };
        let token = serde_json::to_vec(&cursor(last)).map_err(Error::internal)?;
        Ok((rows, URL_SAFE_NO_PAD.encode(token)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_next_page_starts_after_the_last_row_kept() {
        let page = Page::<i32>::parse(2, "").unwrap();
        let (rows, token) = page.finish(vec![7, 8, 9], |row| *row).unwrap();
        assert_eq!(rows, [7, 8]);
        assert_eq!(Page::<i32>::parse(2, &token).unwrap().after, Some(8));
    }

    #[test]
    fn the_last_page_has_no_token() {
        let (rows, token) = Page::<i32>::parse(2, "").unwrap().finish(vec![7, 8], |row| *row).unwrap();
        assert_eq!((rows.len(), token.as_str()), (2, ""));
    }

    #[test]
    fn a_strange_token_or_size_is_refused() {
        assert!(Page::<i32>::parse(0, "!").is_err());
        assert!(Page::<i32>::parse(-1, "").is_err());
    }
}
