//! Signing in with login and password.

use foursight_kernel::{Error, Result, StaffId, Violations};
use foursight_proto::identity::v1 as proto;
use secrecy::SecretString;

use super::{
    Tokens,
    brake::{self, Try},
    holder::Holder,
    refused, session,
};
use crate::staff::account;

/// Longer than any login or password that we accept; kept from the hash function.
const LONGEST: usize = 200;

/// `network` is where the try comes from.
pub(super) async fn create(
    tokens: &Tokens,
    grant: proto::PasswordGrant,
    network: &str,
) -> Result<proto::Token> {
    let mut v = Violations::default();
    let too_long = |text: &str| text.chars().count() > LONGEST;
    for (field, text) in [("password.login", &grant.login), ("password.password", &grant.password)] {
        if text.is_empty() {
            v.push(field, "is required");
        } else if too_long(text) {
            v.push(field, format!("must have at most {LONGEST} characters"));
        } else if text.chars().any(char::is_control) {
            v.push(field, "must not contain control characters");
        }
    }
    v.check()?;
    let login = account::normal_login(&grant.login);
    let password = SecretString::from(grant.password);

    // The turn comes before the count: who is sent away because we are busy has not failed.
    let turn = tokens.passwords.turn().await?;
    let this = Try { login: &login, network };
    let account = count_and_find(tokens, this).await?;
    let (staff, hash) = account.map_or((None, None), |(staff, hash)| (Some(staff), Some(hash)));
    let right = turn.verify(password, hash).await?;
    match staff {
        Some(staff) if right => begin_session(tokens, this, staff).await,
        _ => Err(wrong()),
    }
}

/// One transaction that ends before the slow part: no connection waits for a hash.
async fn count_and_find(tokens: &Tokens, this: Try<'_>) -> Result<Option<(StaffId, String)>> {
    let mut tx = tokens.db.begin_as_service().await?;
    brake::count(&mut tx, this, tokens.clock.now()).await?;
    let row =
        sqlx::query!("SELECT id, password_hash FROM identity.staff WHERE login = $1 AND active", this.login)
            .fetch_optional(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(row.map(|row| (row.id.into(), row.password_hash)))
}

async fn begin_session(tokens: &Tokens, this: Try<'_>, staff: StaffId) -> Result<proto::Token> {
    let issuer = tokens.keyring.issuer().await?;
    let now = tokens.clock.now();
    let mut tx = tokens.db.begin_as_service().await?;
    // Read again under a lock: whoever was deactivated while the hash was computed gets no session.
    let holder = Holder::lock_active(&mut tx, staff).await?.ok_or_else(wrong)?;
    brake::forgive(&mut tx, this, now).await?;
    let session = tokens.ids.uuid();
    let refresh = session::begin(&mut tx, session, staff, now, tokens.lives.refresh).await?;
    tokens.record(&mut tx, "CreateToken", &holder, session).await?;
    tx.commit().await?;
    tokens.sign(&issuer, &holder, now, Some(refresh))
}

/// One answer for an unknown login, a wrong password and an account that is closed.
fn wrong() -> Error {
    refused("SIGN_IN_REFUSED", "login or password is wrong")
}
