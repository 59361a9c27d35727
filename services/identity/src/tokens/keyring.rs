//! The keys that sign access tokens: one signs, those before it stay published until the last token signed with them has
//! expired.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use foursight_access::Issuer;
use foursight_kernel::{Error, Ids, Result, SharedClock, sql};
use foursight_proto::identity::v1 as proto;
use foursight_runtime::Database;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use crate::sealing::{Sealer, version_of};

/// After so long a younger key takes over.
const SIGNING_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a replica uses the key that it has in memory without looking for a younger one.
const MEMORY: SignedDuration = SignedDuration::from_mins(1);
/// A retired key stays published for a token's life and this much: longer than any replica's memory of it.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

/// The signing keys of the group.
pub(crate) struct Keyring {
    db: Database,
    clock: SharedClock,
    ids: Ids,
    sealer: Sealer,
    token_life: SignedDuration,
    current: RwLock<Option<(Arc<Issuer>, Timestamp)>>,
}

impl Keyring {
    /// A keyring whose private keys are sealed by `sealer`, for tokens that live for `token_life`.
    pub(crate) fn new(
        db: Database,
        clock: SharedClock,
        ids: Ids,
        sealer: Sealer,
        token_life: SignedDuration,
    ) -> Self {
        Self { db, clock, ids, sealer, token_life, current: RwLock::new(None) }
    }

    /// What signs now. The first call ever makes the first key.
    pub(super) async fn issuer(&self) -> Result<Arc<Issuer>> {
        let now = self.clock.now();
        if let Some((issuer, since)) = &*self.current.read().unwrap_or_else(PoisonError::into_inner)
            && now.duration_since(*since).abs() < MEMORY
        {
            return Ok(Arc::clone(issuer));
        }
        let mut tx = self.db.begin_as_service().await?;
        let mut key = current(&mut tx).await?;
        if key.is_none() {
            self.replace_if_old(&mut tx, now).await?;
            key = current(&mut tx).await?;
        }
        tx.commit().await?;
        let key = key.ok_or_else(|| Error::internal("there is no signing key although one was made"))?;
        let private_key = self.sealer.open(key.kid.as_bytes(), &key.sealed_private_key)?;
        let issuer = Arc::new(Issuer::new(key.kid, &private_key));
        self.remember(Some((Arc::clone(&issuer), now)));
        Ok(issuer)
    }

    /// Makes a key when there is none or the one that signs is old, drops those that no token needs any more, and seals the others
    /// by the master key that seals.
    pub(crate) async fn rotate(&self) -> Result<()> {
        let now = self.clock.now();
        let mut tx = self.db.begin_as_service().await?;
        let replaced = self.replace_if_old(&mut tx, now).await?;
        let needed_after = self.needed_after(now);
        sqlx::query!("DELETE FROM identity.signing_keys WHERE retired_at <= $1", sql::at(needed_after) as _)
            .execute(&mut *tx)
            .await?;
        self.reseal(&mut tx).await?;
        tx.commit().await?;
        if replaced {
            self.remember(None);
        }
        Ok(())
    }

    /// Seals anew what another master key than the one that seals now has sealed.
    async fn reseal(&self, tx: &mut PgConnection) -> Result<()> {
        let keys = sqlx::query!("SELECT kid, sealed_private_key FROM identity.signing_keys FOR UPDATE")
            .fetch_all(&mut *tx)
            .await?;
        for key in keys.into_iter().filter(|key| !self.sealer.is_current(&key.sealed_private_key)) {
            let private_key = self.sealer.open(key.kid.as_bytes(), &key.sealed_private_key)?;
            sqlx::query!(
                "UPDATE identity.signing_keys SET sealed_private_key = $2 WHERE kid = $1",
                key.kid,
                self.sealer.seal(key.kid.as_bytes(), &private_key)?,
            )
            .execute(&mut *tx)
            .await?;
            tracing::info!(kid = key.kid, "a signing key is sealed by the master key that seals now");
        }
        Ok(())
    }

    /// Every public key that an unexpired token may be signed with, newest first.
    pub(super) async fn published(&self) -> Result<Vec<proto::Key>> {
        // A fresh group has no key until somebody needs one; whoever asks for the keys is about to.
        self.issuer().await?;
        let mut tx = self.db.begin_as_service().await?;
        let rows = sqlx::query!(
            "SELECT kid, public_key FROM identity.signing_keys
             WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at DESC, kid DESC",
            sql::at(self.needed_after(self.clock.now())) as _,
        )
        .fetch_all(&mut *tx)
        .await?;
        Ok(rows.into_iter().map(|row| public_key(row.kid, &row.public_key)).collect())
    }

    fn needed_after(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.token_life + MARGIN).unwrap_or(now)
    }

    fn remember(&self, current: Option<(Arc<Issuer>, Timestamp)>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
    }

    async fn replace_if_old(&self, tx: &mut PgConnection, now: Timestamp) -> Result<bool> {
        // Two replicas that start together make one key.
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('identity.signing_keys'))")
            .execute(&mut *tx)
            .await?;
        if let Some(key) = current(tx).await?
            && key.created_at.to_jiff().duration_until(now) < SIGNING_LIFE
        {
            return Ok(false);
        }
        sqlx::query!(
            "UPDATE identity.signing_keys SET retired_at = $1 WHERE retired_at IS NULL",
            sql::at(now) as _
        )
        .execute(&mut *tx)
        .await?;
        let kid = self.ids.uuid().to_string();
        let pair = Ed25519KeyPair::generate().map_err(Error::internal)?;
        let private_key = pair.to_pkcs8().map_err(Error::internal)?;
        sqlx::query!(
            "INSERT INTO identity.signing_keys (kid, public_key, sealed_private_key, created_at)
             VALUES ($1, $2, $3, $4)",
            kid,
            pair.public_key().as_ref(),
            self.sealer.seal(kid.as_bytes(), private_key.as_ref())?,
            sql::at(now) as _,
        )
        .execute(tx)
        .await?;
        tracing::info!(kid, "a new key signs access tokens");
        Ok(true)
    }
}

struct SealedKey {
    kid: String,
    sealed_private_key: Vec<u8>,
    created_at: sql::Timestamp,
}

async fn current(tx: &mut PgConnection) -> Result<Option<SealedKey>> {
    let key = sqlx::query_as!(
        SealedKey,
        "SELECT kid, sealed_private_key, created_at FROM identity.signing_keys WHERE retired_at IS NULL",
    )
    .fetch_optional(tx)
    .await?;
    Ok(key)
}

/// How many signing keys each master key has sealed, by its version.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn sealed_by_version(db: &Database) -> Result<BTreeMap<i32, i64>> {
    let mut tx = db.begin_as_service().await?;
    let sealed = sqlx::query_scalar!("SELECT sealed_private_key FROM identity.signing_keys")
        .fetch_all(&mut *tx)
        .await?;
    let mut by_version = BTreeMap::new();
    for version in sealed
        .iter()
        .filter_map(|sealed| version_of(sealed))
        .filter_map(|version| i32::try_from(version).ok())
    {
        *by_version.entry(version).or_default() += 1;
    }
    Ok(by_version)
}

fn public_key(kid: String, key: &[u8]) -> proto::Key {
    proto::Key {
        kid,
        kty: "OKP".into(),
        crv: "Ed25519".into(),
        x: URL_SAFE_NO_PAD.encode(key),
        alg: "EdDSA".into(),
        r#use: "sig".into(),
    }
}
