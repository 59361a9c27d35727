//! Requests that may be sent again: a request id is kept with what it made and with a hash of the request, so that the same
//! request again answers with the same thing, and another request with the same id is told so.

use aws_lc_rs::digest::{SHA256, digest};
use prost::Message;
use uuid::Uuid;

use crate::{Error, Result, unique_violation};

/// A caller's request id with the hash of the request's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller's name for the request.
    pub id: Uuid,
    /// Of what was asked for; 32 bytes.
    pub hash: Vec<u8>,
}

impl RequestKey {
    /// A key by SHA-256, if the caller gave an id. `content` is the request without its id and without what is short enough
    /// to be guessed from a hash: passwords and phones need a hash with a key.
    pub fn of(id: Option<Uuid>, content: &impl Message) -> Option<Self> {
        id.map(|id| Self { id, hash: digest(&SHA256, &content.encode_to_vec()).as_ref().to_vec() })
    }

    /// The key of a step at a thing that is there already. Its request says neither which step it is nor who takes it, and
    /// both make it another one.
    pub fn of_step(id: Option<Uuid>, method: &str, by: &str, content: &impl Message) -> Option<Self> {
        let said = [method.as_bytes(), by.as_bytes(), &content.encode_to_vec()].join(&0);
        id.map(|id| Self { id, hash: digest(&SHA256, &said).as_ref().to_vec() })
    }

    /// What to do about a row that carries this request id: `Ok` when it was made by this very request.
    ///
    /// # Errors
    /// `REQUEST_ID_REUSED` when its hash is another one, or none was kept.
    pub fn confirm(&self, kept: Option<&[u8]>) -> Result<()> {
        if kept == Some(self.hash.as_slice()) { Ok(()) } else { Err(reused()) }
    }
}

/// For an id that came with another request, of this caller or of anybody.
pub fn reused() -> Error {
    Error::already_exists(
        "REQUEST_ID_REUSED",
        "the request id was used for another request; choose a fresh one",
    )
}

/// The two columns of a row: `request_id` and `request_hash`.
pub fn columns(key: Option<&RequestKey>) -> (Option<Uuid>, Option<&[u8]>) {
    (key.map(|key| key.id), key.map(|key| key.hash.as_slice()))
}

/// What an insert wrote; `None` when the request id is taken, which the unique index of that name tells.
///
/// # Errors
/// Anything else that the insert ran into.
pub fn unless_taken<T>(written: Result<T, sqlx::Error>, index: &str) -> Result<Option<T>> {
    match written {
        Ok(row) => Ok(Some(row)),
        Err(error) if unique_violation(&error) == Some(index) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Runs a create once for its request id: answers what `made_before` finds of an earlier run, else what `write` makes. When
/// `write` finds the id taken (it answers `None`) or fails because of what the same request did in that moment, the answer
/// is what that one made. Without a key it is `write` alone.
///
/// Not an `async fn`: `write` is boxed before anything is awaited, so that the callers' own futures stay small.
///
/// # Errors
/// `REQUEST_ID_REUSED` when the id is taken and `made_before` finds nothing, because it is not the caller's to see; else
/// what `made_before` and `write` answer.
pub fn once<'k, T, Found>(
    key: Option<&'k RequestKey>,
    made_before: impl Fn(&'k RequestKey) -> Found,
    write: impl Future<Output = Result<Option<T>>>,
) -> impl Future<Output = Result<T>>
where
    Found: Future<Output = Result<Option<T>>>,
{
    let write = Box::pin(write);
    async move {
        let Some(key) = key else { return write.await?.ok_or_else(reused) };
        if let Some(made) = Box::pin(made_before(key)).await? {
            return Ok(made);
        }
        match write.await {
            Ok(Some(made)) => Ok(made),
            Ok(None) => Box::pin(made_before(key)).await?.ok_or_else(reused),
            Err(refused) => match Box::pin(made_before(key)).await {
                Ok(Some(made)) => Ok(made),
                Ok(None) | Err(_) => Err(refused),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::{
        cell::Cell,
        future::ready,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    const MADE: &str = "made by the request";

    fn key(content: &str) -> RequestKey {
        RequestKey::of(Some(Uuid::nil()), &content.to_owned()).unwrap()
    }

    /// Runs a create whose parts wait for nothing; each look finds the next of `found`.
    fn run(
        key: Option<&RequestKey>,
        found: [Result<Option<&'static str>, ()>; 2],
        written: Result<Option<&'static str>>,
    ) -> Result<&'static str> {
        let looks = Cell::new(0);
        let look = |_: &RequestKey| {
            let look = looks.replace(looks.get() + 1);
            ready(found[look].map_err(|()| Error::internal("the database is gone")))
        };
        match pin!(once(key, look, ready(written))).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(made) => made,
            Poll::Pending => Err(Error::internal("somebody waits")),
        }
    }

    fn refused() -> Error {
        Error::failed_precondition("LEAD_NOT_OPEN", "the lead is over")
    }

    #[test]
    fn a_key_is_the_same_for_the_same_content_only() {
        assert!(key("one").confirm(Some(&key("one").hash)).is_ok());
        for kept in [Some(key("another").hash), None] {
            let error = key("one").confirm(kept.as_deref()).unwrap_err();
            assert_eq!(error.reason(), "REQUEST_ID_REUSED");
        }
        assert_eq!(RequestKey::of(None, &"one".to_owned()), None);
    }

    #[test]
    fn the_same_words_are_another_step_by_another_method_or_person() {
        let step = |method: &str, by: &str| {
            RequestKey::of_step(Some(Uuid::nil()), method, by, &"told".to_owned()).unwrap()
        };
        let first = step("ReplyCase", "staff/1");
        assert!(first.confirm(Some(&step("ReplyCase", "staff/1").hash)).is_ok());
        for other in [step("TellCaseResult", "staff/1"), step("ReplyCase", "staff/2")] {
            assert_eq!(first.confirm(Some(&other.hash)).unwrap_err().reason(), "REQUEST_ID_REUSED");
        }
    }

    #[test]
    fn what_was_made_before_is_not_made_again() {
        let found = [Ok(Some(MADE)), Ok(None)];
        assert_eq!(run(Some(&key("")), found, Ok(Some("made twice"))).unwrap(), MADE);
    }

    #[test]
    fn what_the_same_request_made_in_that_moment_is_the_answer() {
        for written in [Ok(None), Err(refused())] {
            assert_eq!(run(Some(&key("")), [Ok(None), Ok(Some(MADE))], written).unwrap(), MADE);
        }
    }

    #[test]
    fn a_taken_id_that_finds_nothing_is_somebody_elses() {
        let error = run(Some(&key("")), [Ok(None), Ok(None)], Ok(None)).unwrap_err();
        assert_eq!(error.reason(), "REQUEST_ID_REUSED");
    }

    #[test]
    fn a_refusal_stays_what_it_was() {
        for after in [Ok(None), Err(())] {
            let error = run(Some(&key("")), [Ok(None), after], Err(refused())).unwrap_err();
            assert_eq!(error.reason(), "LEAD_NOT_OPEN");
        }
    }

    #[test]
    fn without_a_key_nothing_is_looked_for() {
        let found = [Ok(Some("somebody's")), Ok(Some("somebody's"))];
        assert_eq!(run(None, found, Ok(Some(MADE))).unwrap(), MADE);
        assert_eq!(run(None, found, Err(refused())).unwrap_err().reason(), "LEAD_NOT_OPEN");
    }

    #[test]
    fn only_a_taken_request_id_is_no_error_of_an_insert() {
        assert_eq!(unless_taken(Ok(MADE), "leads_request").unwrap(), Some(MADE));
        let gone = unless_taken::<()>(Err(sqlx::Error::PoolClosed), "leads_request").unwrap_err();
        assert_eq!(gone.reason(), "DATABASE_AWAY");
    }
}
