//! Idempotent creates: a request id is kept with what it created and with a hash of the request, so that the same request
//! again answers with the same thing, and another request with the same id is told so.

use foursight_kernel::Error;
use uuid::Uuid;

/// A caller's request id with the keyed hash of the request's content.
#[derive(Debug, Clone)]
pub(crate) struct RequestKey {
    pub(crate) id: Uuid,
    pub(crate) hash: Vec<u8>,
}

impl RequestKey {
    /// What to do about a row that carries this request id: `Ok` when it was made by this very request.
    pub(crate) fn confirm(&self, kept_hash: Option<&[u8]>) -> Result<(), Error> {
        if kept_hash == Some(self.hash.as_slice()) { Ok(()) } else { Err(reused()) }
    }
}

/// For an id that came with another request, of this caller or of anybody.
pub(crate) fn reused() -> Error {
    Error::already_exists(
        "REQUEST_ID_REUSED",
        "the request id was used for another request; choose a fresh one",
    )
}

/// The two columns of a row.
pub(crate) fn columns(key: Option<&RequestKey>) -> (Option<Uuid>, Option<&[u8]>) {
    (key.map(|key| key.id), key.map(|key| key.hash.as_slice()))
}

/// Runs a create once for its request id: what an earlier run made, else what `write` makes. When `write` finds the id
/// taken (it answers `None`) or fails because of what the same request did in that moment, what that one made. The futures
/// are run in this order, as far as needed.
///
/// Not an `async fn`: the futures are boxed before anything is awaited, so that the callers' own stay small.
pub(crate) fn once<T>(
    before: impl Future<Output = Result<Option<T>, Error>>,
    write: impl Future<Output = Result<Option<T>, Error>>,
    after: impl Future<Output = Result<Option<T>, Error>>,
) -> impl Future<Output = Result<T, Error>> {
    let (before, write, after) = (Box::pin(before), Box::pin(write), Box::pin(after));
    async move {
        if let Some(made) = before.await? {
            return Ok(made);
        }
        match write.await {
            Ok(Some(made)) => Ok(made),
            Ok(None) => after.await?.ok_or_else(reused),
            Err(refused) => match after.await {
                Ok(Some(made)) => Ok(made),
                Ok(None) | Err(_) => Err(refused),
            },
        }
    }
}
