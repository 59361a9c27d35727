//! A create that is repeated with the same `request_id` answers with what was made the first time.

use aws_lc_rs::digest::{SHA256, digest};
use foursight_kernel::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

/// The request's id with a digest of what it asked for.
#[derive(Debug, Clone)]
pub(crate) struct RequestKey {
    pub(crate) id: Uuid,
    pub(crate) hash: Vec<u8>,
}

impl RequestKey {
    /// A key, if the caller gave an id. `content` is the checked request without secrets: a digest of a password would
    /// be a fast way to guess it.
    pub(crate) fn new(id: Option<Uuid>, content: &impl prost::Message) -> Option<Self> {
        id.map(|id| Self { id, hash: digest(&SHA256, &content.encode_to_vec()).as_ref().to_vec() })
    }

    /// Lets repetitions of one request wait for each other until the transaction ends, so that the second one finds what
    /// the first one made.
    pub(crate) async fn lock(&self, tx: &mut PgConnection) -> Result<()> {
        let (high, low) = self.id.as_u64_pair();
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", (high ^ low).cast_signed()).execute(tx).await?;
        Ok(())
    }

    /// Refuses an id that stands for other content.
    pub(crate) fn check(&self, hash: Option<&[u8]>) -> Result<()> {
        if hash == Some(self.hash.as_slice()) { Ok(()) } else { Err(reused()) }
    }
}

/// The id was used for another request.
pub(crate) fn reused() -> Error {
    Error::already_exists("REQUEST_ID_REUSED", "request_id was used for another content; make a new one")
}
