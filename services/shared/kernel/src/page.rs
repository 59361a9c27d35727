//! Keyset pages: a page starts after the last row of the one before, so that page 1,000 costs what page 1 costs and rows
//! that come in between neither hide nor repeat one.
//!
//! A token belongs to its list and filter: with another one, it would begin in the middle and leave out what comes before.
//! It goes through URLs and into logs, so it carries no personal data: ids, times and figures only ([`Cursor`]). A list that is in
//! the order of names begins after an id, whose name stays in the database.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use foursight_proto::ListRequest;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Error, Result};

const DEFAULT_SIZE: i32 = 50;
const MAX_SIZE: i32 = 200;

/// Of what a token begins with: enough to notice the wrong list, too little to guess back what somebody searched for, which
/// may be a phone.
type Mark = [u8; 3];

/// What a token may carry: an id, a time, a figure, or several of them. Never a text: it might be somebody's name.
pub trait Cursor: Serialize + DeserializeOwned {}

impl Cursor for Uuid {}
impl Cursor for Timestamp {}
impl Cursor for i64 {}
impl<C: Cursor> Cursor for Option<C> {}
impl<A: Cursor, B: Cursor> Cursor for (A, B) {}
impl<A: Cursor, B: Cursor, C: Cursor> Cursor for (A, B, C) {}

/// One page that was asked for.
#[derive(Debug, Clone)]
pub struct Page<C> {
    size: usize,
    /// How many rows to fetch: one more than the page holds, which tells whether another page follows.
    pub limit: i64,
    /// The last row of the page before; `None` for the first page.
    pub after: Option<C>,
    mark: Mark,
}

impl<C: Cursor> Page<C> {
    /// Reads what the caller asked for. A size of 0 means 50; more than 200 gives 200. The rest of the request is the filter that
    /// the token belongs to.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a negative size, a token that we did not make, or one of another list or filter.
    pub fn parse(request: &impl ListRequest) -> Result<Self> {
        let size = match request.page_size() {
            0 => DEFAULT_SIZE,
            size @ 1.. => size.min(MAX_SIZE),
            _ => return Err(Error::invalid_field("page_size", "must not be negative")),
        };
        let mark = mark_of(request);
        let after = if request.page_token().is_empty() {
            None
        } else {
            let cursor = read(request.page_token(), mark);
            Some(cursor.ok_or_else(|| {
                let description =
                    "must be the next page's token as the same list with the same filter gave it";
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
        cursor: impl FnOnce(&Row) -> C,
    ) -> Result<(Vec<Row>, String)> {
        if rows.len() <= self.size {
            return Ok((rows, String::new()));
        }
        rows.truncate(self.size);
        let Some(last) = rows.last() else { return Ok((rows, String::new())) };
        let token = self.token(&cursor(last))?;
        Ok((rows, token))
    }

    /// The token of a page that goes on after `last`: for lists that may end a page before it is full. Others use
    /// [`finish`](Self::finish).
    ///
    /// # Errors
    /// `INTERNAL` when the cursor cannot be written as JSON.
    pub fn token(&self, last: &C) -> Result<String> {
        let mut token = self.mark.to_vec();
        serde_json::to_writer(&mut token, last).map_err(Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(token))
    }
}

/// What a list and its filter are known by.
fn mark_of<R: ListRequest>(request: &R) -> Mark {
    let mut content = R::full_name().into_bytes();
    content.push(0);
    content.extend(request.clone().first_page().encode_to_vec());
    let mut mark = Mark::default();
    mark.iter_mut().zip(digest(&SHA256, &content).as_ref()).for_each(|(to, from)| *to = *from);
    mark
}

/// The cursor in a token of this mark.
fn read<C: Cursor>(token: &str, mark: Mark) -> Option<C> {
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

    fn parse(size: i32, token: &str) -> Result<Page<i64>> {
        page_of(&ListCustomersRequest::default(), size, token)
    }

    fn page_of(filter: &ListCustomersRequest, page_size: i32, token: &str) -> Result<Page<i64>> {
        Page::parse(&ListCustomersRequest { page_size, page_token: token.to_owned(), ..filter.clone() })
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
        let request = ListReceptionsRequest { page_token: token, ..ListReceptionsRequest::default() };
        let refused = Page::<i64>::parse(&request).unwrap_err();
        assert_eq!(refused.violations().fields().into_iter().collect::<Vec<_>>(), ["page_token"]);
    }

    fn filter() -> impl Strategy<Value = ListCustomersRequest> {
        (".{0,12}", ".{0,12}").prop_map(|(store, q)| ListCustomersRequest { store, q, ..Default::default() })
    }

    proptest! {
        #[test]
        fn a_token_goes_on_with_its_own_filter(filter in filter(), last: i64) {
            let page = page_of(&filter, 1, "").unwrap();
            let (_, token) = page.finish(vec![last, 0], |row| *row).unwrap();
            // A page may have another size than the one before.
            prop_assert_eq!(page_of(&filter, 9, &token).unwrap().after, Some(last));
        }

        #[test]
        fn a_token_is_no_good_with_another_filter(one in filter(), other in filter()) {
            prop_assume!(one != other);
            let (_, token) = page_of(&one, 1, "").unwrap().finish(vec![7, 8], |row| *row).unwrap();
            prop_assert!(page_of(&other, 1, &token).is_err());
        }

        #[test]
        fn any_token_is_answered(token in "\\PC{0,40}") {
            let _ = parse(1, &token);
        }
    }
}
