//! Going on with a session: the refresh token is used up and replaced.

use foursight_kernel::{Error, Result, Violations, sql};
use foursight_proto::identity::v1 as proto;
use uuid::Uuid;

use super::{
    Tokens,
    holder::Holder,
    refused,
    session::{self, Ending},
};

pub(super) async fn create(tokens: &Tokens, grant: &proto::RefreshGrant) -> Result<proto::Token> {
    let mut v = Violations::default();
    if grant.refresh_token.is_empty() {
        v.push("refresh.refresh_token", "is required");
    }
    v.check()?;
    let hash = session::token_hash(&grant.refresh_token);
    let issuer = tokens.keyring.issuer().await?;
    let now = tokens.clock.now();
    let mut tx = tokens.db.begin_as_service().await?;
    // The row decides between two uses at the same moment: the second waits here, and then finds it used.
    let used = sqlx::query!(
        "UPDATE identity.refresh_tokens SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL
         RETURNING session_id, expires_at",
        hash,
        sql::at(now) as _,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(used) = used else {
        if let Some(session) = session::of_token(&mut tx, &hash).await? {
            end_stolen(tokens, &mut tx, session).await?;
            tx.commit().await?;
        }
        return Err(over());
    };
    if used.expires_at.to_jiff() <= now {
        return Err(over());
    }
    let holder = open_session(&mut tx, used.session_id).await?.ok_or_else(over)?;
    let refresh = session::go_on(&mut tx, used.session_id, now, tokens.lives.refresh).await?;
    tx.commit().await?;
    tokens.sign(&issuer, &holder, now, Some(refresh))
}

/// Locks the session and gives its owner, unless it was ended or the owner left.
async fn open_session(tx: &mut sqlx::PgConnection, session: Uuid) -> Result<Option<Holder>> {
    let staff = sqlx::query_scalar!(
        "SELECT staff_id FROM identity.sessions WHERE id = $1 AND revoked_at IS NULL FOR UPDATE",
        session,
    )
    .fetch_optional(&mut *tx)
    .await?;
    match staff {
        Some(staff) => Holder::active(tx, staff.into()).await,
        None => Ok(None),
    }
}

/// A token that comes a second time was copied; nobody can tell who of the two is the owner, so both are out.
async fn end_stolen(tokens: &Tokens, tx: &mut sqlx::PgConnection, session: Uuid) -> Result<()> {
    let ended = session::end(tx, session, Ending::Reused, tokens.clock.now()).await?;
    if let Some(staff) = ended {
        tracing::warn!(%session, %staff, "a refresh token came a second time; its session is ended");
        tokens.record(tx, "RevokeToken", &Holder::service(super::SERVICE), session).await?;
    }
    Ok(())
}

/// One answer for an unknown, used, expired or revoked token.
fn over() -> Error {
    refused("SESSION_OVER", "the session is over; sign in again")
}
