//! Passwords: Argon2id, computed beside the runtime's threads and never more at once than the machine can bear.

use std::{num::NonZero, sync::Arc, time::Duration};

use argon2::{
    Argon2, Params, PasswordHasher, PasswordVerifier,
    password_hash::{self, phc::PasswordHash},
};
use foursight_kernel::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// OWASP's first choice for Argon2id with little memory: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How long a sign-in waits for its turn before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(3);

/// Hashes a password (Argon2id, PHC form) with a fresh salt. Takes tens of milliseconds of one core.
///
/// # Errors
/// `INTERNAL` when the machine has no randomness or no memory.
pub async fn hash_password(password: SecretString) -> Result<String> {
    let hash = move || {
        let hash: PasswordHash = argon2()?.hash_password(password.expose_secret().as_bytes())?;
        Ok::<_, password_hash::Error>(hash.to_string())
    };
    tokio::task::spawn_blocking(hash).await.map_err(Error::internal)?.map_err(Error::internal)
}

/// Verifies passwords with bounded effort.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// What the password of an unknown login is compared with, so that it takes as long as a known one's.
    decoy: Arc<str>,
}

impl Passwords {
    /// Leaves half of the cores to everybody else.
    pub(crate) async fn new() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let nobody = SecretString::from("nobody has this password");
        Ok(Self {
            turns: Arc::new(Semaphore::new((cores / 2).max(1))),
            decoy: hash_password(nobody).await?.into(),
        })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `SIGN_IN_BUSY` when too many wait.
    pub(crate) async fn turn(&self) -> Result<Turn> {
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        match permit {
            Ok(Ok(permit)) => Ok(Turn { _permit: permit, decoy: Arc::clone(&self.decoy) }),
            Ok(Err(closed)) => Err(Error::internal(closed)),
            Err(_) => {
                let message = "too many sign-ins at once; try again shortly";
                Err(Error::exhausted("SIGN_IN_BUSY", message, PATIENCE))
            }
        }
    }
}

/// The right to compute one hash now.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
    decoy: Arc<str>,
}

impl Turn {
    /// Whether the password belongs to the hash. Without a hash the answer is no, after the same time.
    pub(crate) async fn verify(self, password: SecretString, hash: Option<String>) -> Result<bool> {
        // The turn moves into the task: a caller that goes away does not free it while the core is still busy.
        let verify = move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(&self.decoy);
            match argon2()?.verify_password(password.expose_secret().as_bytes(), hash) {
                Ok(()) => Ok(known),
                Err(password_hash::Error::PasswordInvalid) => Ok(false),
                Err(other) => Err(other),
            }
        };
        tokio::task::spawn_blocking(verify).await.map_err(Error::internal)?.map_err(Error::internal)
    }
}

fn argon2() -> password_hash::Result<Argon2<'static>> {
    Ok(Argon2::from(Params::new(MEMORY_KIB, PASSES, LANES, None)?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_login_is_right() {
        let passwords = Passwords::new().await.unwrap();
        let hash = hash_password("回访专员的密码十二个字".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = async |password: &str, hash: Option<&str>| {
            let turn = passwords.turn().await.unwrap();
            turn.verify(password.into(), hash.map(str::to_owned)).await.unwrap()
        };
        assert!(verify("回访专员的密码十二个字", Some(&hash)).await);
        assert!(!verify("回访专员的密码十二个", Some(&hash)).await);
        assert!(!verify("nobody has this password", None).await, "the decoy lets nobody in");
    }

    #[tokio::test]
    async fn two_people_with_one_password_have_two_hashes() {
        let (one, other) =
            tokio::join!(hash_password("same password".into()), hash_password("same password".into()));
        assert_ne!(one.unwrap(), other.unwrap());
    }
}
