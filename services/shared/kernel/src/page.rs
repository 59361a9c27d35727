//! Keyset pages: a page starts after the last row of the one before, so that page 1,000 costs what page 1 costs and rows
//! that come in between neither hide nor repeat one.
//!
//! A token belongs to its list and filter: with another one, it would begin in the middle and leave out what comes before.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prost::Name;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

const DEFAULT_SIZE: i32 = 50;
const MAX_SIZE: i32 = 200;

/// Of what a token begins with: enough to notice the wrong list, too little to guess back what somebody searched for, which
/// may be a phone.
type Mark = [u8; 3];

/// One page that was asked for.
#[derive(Debug, Clone)]
pub struct Page<Cursor> {
    size: usize,
    /// How many rows to fetch: one more than the page holds, which tells whether another page follows.
    pub limit: i64,
    /// The last row of the page before; `None` for the first page.
    pub after: Option<Cursor>,
    mark: Mark,
}

impl<Cursor: Serialize + DeserializeOwned> Page<Cursor> {
    /// Reads what the caller asked for. A size of 0 means 50; more than 200 gives 200. `filter` is the request without its
    /// page: without size and token.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a negative size, a token that we did not make, or one of another list or filter.
    pub fn parse(page_size: i32, page_token: &str, filter: &impl Name) -> Result<Self> {
        let size = match page_size {
            0 => DEFAULT_SIZE,
            1.. => page_size.min(MAX_SIZE),
            _ => return Err(Error::invalid_field("page_size", "must not be negative")),
        };
        let mark = mark_of(filter);
        let after = if page_token.is_empty() {
            None
        } else {
            let cursor = read(page_token, mark);
            Some(cursor.ok_or_else(|| {
                let description =
                    "must be a next_page_token of the same list with the same filter, unchanged";
                Error::invalid_field("page_token", description)
            })?)
        };
        let size = usize::try_from(size).unwrap_or_default();
        Ok(Self { size, limit: i64::try_from(size).unwrap_or_default() + 1, after, mark })
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
        let mut token = self.mark.to_vec();
        serde_json::to_writer(&mut token, &cursor(last)).map_err(Error::internal)?;
        Ok((rows, URL_SAFE_NO_PAD.encode(token)))
    }
}

/// What a list and its filter are known by.
fn mark_of<F: Name>(filter: &F) -> Mark {
    let mut content = F::full_name().into_bytes();
    content.push(0);
    content.extend(filter.encode_to_vec());
    let mut mark = Mark::default();
    mark.iter_mut().zip(digest(&SHA256, &content).as_ref()).for_each(|(to, from)| *to = *from);
    mark
}

/// The cursor in a token of this mark.
fn read<Cursor: DeserializeOwned>(token: &str, mark: Mark) -> Option<Cursor> {
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (found, cursor) = token.split_first_chunk()?;
    (*found == mark).then(|| serde_json::from_slice(cursor).ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_proto::customer::v1::{ListCustomersRequest, ListReceptionsRequest};
    use proptest::prelude::*;

    use super::*;

    fn parse(size: i32, token: &str) -> Result<Page<i32>> {
        Page::parse(size, token, &ListCustomersRequest::default())
    }

    #[test]
    fn the_next_page_starts_after_the_last_row_kept() {
        let page = parse(2, "").unwrap();
        let (rows, token) = page.finish(vec![7, 8, 9], |row| *row).unwrap();
        assert_eq!(rows, [7, 8]);
        assert_eq!(parse(2, &token).unwrap().after, Some(8));
    }

    #[test]
    fn the_last_page_has_no_token() {
        let (rows, token) = parse(2, "").unwrap().finish(vec![7, 8], |row| *row).unwrap();
        assert_eq!((rows.len(), token.as_str()), (2, ""));
    }

    #[test]
    fn a_strange_token_or_size_is_refused() {
        assert!(parse(0, "!").is_err());
        assert!(parse(0, "AA").is_err());
        assert!(parse(-1, "").is_err());
    }

    #[test]
    fn a_token_of_another_list_is_refused_by_its_field() {
        let (_, token) = parse(1, "").unwrap().finish(vec![7, 8], |row| *row).unwrap();
        // The same bytes, as nobody gave a filter.
        let refused = Page::<i32>::parse(1, &token, &ListReceptionsRequest::default()).unwrap_err();
        assert_eq!(refused.violations().fields().into_iter().collect::<Vec<_>>(), ["page_token"]);
    }

    fn filter() -> impl Strategy<Value = ListCustomersRequest> {
        (".{0,12}", ".{0,12}").prop_map(|(store, q)| ListCustomersRequest { store, q, ..Default::default() })
    }

    proptest! {
        #[test]
        fn a_token_goes_on_with_its_own_filter(filter in filter(), last: i64) {
            let page = Page::<i64>::parse(1, "", &filter).unwrap();
            let (_, token) = page.finish(vec![last, 0], |row| *row).unwrap();
            // A page may have another size than the one before.
            prop_assert_eq!(Page::<i64>::parse(9, &token, &filter).unwrap().after, Some(last));
        }

        #[test]
        fn a_token_is_no_good_with_another_filter(one in filter(), other in filter()) {
            prop_assume!(one != other);
            let (_, token) = Page::<i64>::parse(1, "", &one).unwrap().finish(vec![7, 8], |row| *row).unwrap();
            prop_assert!(Page::<i64>::parse(1, &token, &other).is_err());
        }

        #[test]
        fn any_token_is_answered(token in "\\PC{0,40}") {
            let _ = parse(1, &token);
        }
    }
}
