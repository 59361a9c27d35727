//! Sessions: one for each sign-in, with the refresh tokens that grow from it.
//!
//! A refresh token is 32 random bytes; only its SHA-256 is kept. It works once.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use foursight_kernel::{Error, Result, StaffId, sql};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

/// Why a session ended before its time; as in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The person signed out.
    SignedOut,
    /// A refresh token came a second time.
    Reused,
}

impl Ending {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reused => "reused",
        }
    }
}

/// A refresh token that is about to be handed out.
pub(crate) struct RefreshToken(SecretString);

impl RefreshToken {
    pub(crate) fn fresh() -> Result<Self> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(Error::internal)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    pub(crate) fn into_text(self) -> String {
        self.0.expose_secret().to_owned()
    }
}

/// What the table knows a token by.
pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}

/// Begins a session with its first refresh token.
pub(crate) async fn begin(
    tx: &mut PgConnection,
    id: Uuid,
    staff: StaffId,
    now: Timestamp,
    life: SignedDuration,
) -> Result<RefreshToken> {
    let expires = now.saturating_add(life).unwrap_or(now);
    sqlx::query!(
        "INSERT INTO identity.sessions (id, staff_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        id,
        staff.uuid(),
        sql::at(now) as _,
        sql::at(expires) as _,
    )
    .execute(&mut *tx)
    .await?;
    issue(tx, id, now, expires).await
}

/// Adds the next refresh token to a session and lengthens the session to its end.
pub(crate) async fn go_on(
    tx: &mut PgConnection,
    id: Uuid,
    now: Timestamp,
    life: SignedDuration,
) -> Result<RefreshToken> {
    let expires = now.saturating_add(life).unwrap_or(now);
    sqlx::query!("UPDATE identity.sessions SET expires_at = $2 WHERE id = $1", id, sql::at(expires) as _)
        .execute(&mut *tx)
        .await?;
    issue(tx, id, now, expires).await
}

async fn issue(
    tx: &mut PgConnection,
    session: Uuid,
    now: Timestamp,
    expires: Timestamp,
) -> Result<RefreshToken> {
    let token = RefreshToken::fresh()?;
    sqlx::query!(
        "INSERT INTO identity.refresh_tokens (token_hash, session_id, issued_at, expires_at)
         VALUES ($1, $2, $3, $4)",
        token_hash(token.0.expose_secret()),
        session,
        sql::at(now) as _,
        sql::at(expires) as _,
    )
    .execute(tx)
    .await?;
    Ok(token)
}

/// The session that a refresh token, used or not, belongs to.
pub(crate) async fn of_token(tx: &mut PgConnection, hash: &[u8]) -> Result<Option<Uuid>> {
    let found =
        sqlx::query_scalar!("SELECT session_id FROM identity.refresh_tokens WHERE token_hash = $1", hash)
            .fetch_optional(tx)
            .await?;
    Ok(found)
}

/// Ends a session. Gives whose it was if it was still open.
pub(crate) async fn end(
    tx: &mut PgConnection,
    id: Uuid,
    ending: Ending,
    now: Timestamp,
) -> Result<Option<StaffId>> {
    let staff = sqlx::query_scalar!(
        "UPDATE identity.sessions SET revoked_at = $2, revoked_for = $3
         WHERE id = $1 AND revoked_at IS NULL RETURNING staff_id",
        id,
        sql::at(now) as _,
        ending.as_str(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(staff.map(StaffId::from))
}

/// Ends all sessions of somebody who left. Gives their number.
pub(crate) async fn end_all_of(tx: &mut PgConnection, staff: StaffId, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE identity.sessions SET revoked_at = $2, revoked_for = 'deactivated'
         WHERE staff_id = $1 AND revoked_at IS NULL",
        staff.uuid(),
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Drops a batch of sessions whose last token has expired. Gives their number.
pub(crate) async fn sweep(tx: &mut PgConnection, now: Timestamp, batch: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM identity.sessions WHERE id IN (
             SELECT id FROM identity.sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2
         )",
        sql::at(now) as _,
        batch,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn tokens_differ_and_their_hash_is_not_the_token() {
        let (one, other) =
            (RefreshToken::fresh().unwrap().into_text(), RefreshToken::fresh().unwrap().into_text());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43, "32 bytes, base64url");
        assert_eq!(token_hash(&one).len(), 32);
    }
}
