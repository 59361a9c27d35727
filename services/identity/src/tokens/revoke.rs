//! Signing out.

use foursight_kernel::{Result, Violations};
use foursight_proto::identity::v1 as proto;

use super::{
    Tokens,
    holder::Holder,
    session::{self, Ending},
};

/// Ends the session that the token belongs to. Whoever holds any of its tokens may; an unknown one changes nothing.
pub(super) async fn revoke(tokens: &Tokens, request: &proto::RevokeTokenRequest) -> Result<()> {
    let mut v = Violations::default();
    if request.refresh_token.is_empty() {
        v.push("refresh_token", "is required");
    }
    v.check()?;
    let mut tx = tokens.db.begin_as_service().await?;
    let hash = session::token_hash(&request.refresh_token);
    let Some(session) = session::of_token(&mut tx, &hash).await? else { return Ok(()) };
    if let Some(staff) = session::end(&mut tx, session, Ending::SignedOut, tokens.clock.now()).await? {
        tokens.record(&mut tx, "RevokeToken", &Holder::person(staff), session).await?;
    }
    tx.commit().await?;
    Ok(())
}
