//! The brake on guessing: after some failures each further try has to wait, and the wait doubles.
//!
//! Tries are counted before the password is looked at, so that many at once gain nothing; a success forgives them all.
//! Logins that do not exist are counted in the same way, so that the brake does not tell which exist.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use foursight_kernel::{Error, Result, sql};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

/// So many failures cost nothing: people mistype.
const FREE_FAILURES: i32 = 5;
/// The longest wait. Somebody can be kept out by another's guessing, but not for longer than this at a time.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// After so long without a try, earlier failures are forgotten.
const MEMORY: SignedDuration = SignedDuration::from_hours(24);

/// What is known about one login's tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tries {
    failures: i32,
    last_at: Timestamp,
    blocked_until: Timestamp,
}

impl Tries {
    fn none(now: Timestamp) -> Self {
        Self { failures: 0, last_at: now, blocked_until: now }
    }

    /// Counts one more try, or tells how long to wait for it.
    fn next(self, now: Timestamp) -> Result<Self, SignedDuration> {
        if now < self.blocked_until {
            return Err(now.duration_until(self.blocked_until));
        }
        let forgotten = self.last_at.duration_until(now) > MEMORY;
        let failures = if forgotten { 1 } else { self.failures.saturating_add(1) };
        let blocked_until = now.saturating_add(wait_after(failures)).unwrap_or(now);
        Ok(Self { failures, last_at: now, blocked_until })
    }
}

/// 0 up to the free ones, then 1 s, 2 s, 4 s …
fn wait_after(failures: i32) -> SignedDuration {
    let Ok(beyond) = u32::try_from(failures - FREE_FAILURES) else { return SignedDuration::ZERO };
    if beyond == 0 {
        return SignedDuration::ZERO;
    }
    SignedDuration::from_secs(1_i64 << (beyond - 1).min(20)).min(LONGEST_WAIT)
}

/// Counts a try.
///
/// # Errors
/// `TOO_MANY_SIGN_INS` with the time to wait.
pub(crate) async fn count(tx: &mut PgConnection, login: &str, now: Timestamp) -> Result<()> {
    let key = key(login);
    let at = sql::at(now);
    // The row is there before it is locked, so that two first tries count as two.
    sqlx::query!(
        "INSERT INTO identity.sign_in_failures (login_hash, failures, last_at, blocked_until)
         VALUES ($1, 0, $2, $2) ON CONFLICT DO NOTHING",
        key,
        at as _,
    )
    .execute(&mut *tx)
    .await?;
    let row = sqlx::query!(
        "SELECT failures, last_at, blocked_until FROM identity.sign_in_failures WHERE login_hash = $1 FOR UPDATE",
        key,
    )
    .fetch_optional(&mut *tx)
    .await?;
    // Forgiven between the two statements: a clean sheet.
    let tries = row.map_or(Tries::none(now), |row| Tries {
        failures: row.failures,
        last_at: row.last_at.to_jiff(),
        blocked_until: row.blocked_until.to_jiff(),
    });
    let tries = tries.next(now).map_err(too_many)?;
    sqlx::query!(
        "UPDATE identity.sign_in_failures SET failures = $2, last_at = $3, blocked_until = $4 WHERE login_hash = $1",
        key,
        tries.failures,
        at as _,
        sql::at(tries.blocked_until) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets the failures after a success.
pub(crate) async fn forgive(tx: &mut PgConnection, login: &str) -> Result<()> {
    sqlx::query!("DELETE FROM identity.sign_in_failures WHERE login_hash = $1", key(login))
        .execute(tx)
        .await?;
    Ok(())
}

/// Drops what no longer matters. Gives the number of rows.
pub(crate) async fn sweep(tx: &mut PgConnection, now: Timestamp) -> Result<u64> {
    let before = now.saturating_sub(MEMORY).unwrap_or(now);
    let done = sqlx::query!("DELETE FROM identity.sign_in_failures WHERE last_at < $1", sql::at(before) as _)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}

fn key(login: &str) -> Vec<u8> {
    digest(&SHA256, login.as_bytes()).as_ref().to_vec()
}

fn too_many(wait: SignedDuration) -> Error {
    let wait = Duration::try_from(wait).unwrap_or(Duration::from_secs(1));
    Error::exhausted(
        "TOO_MANY_SIGN_INS",
        "too many failed sign-ins for this login; wait before the next",
        wait,
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    fn start() -> Timestamp {
        "2026-03-02T01:00:00Z".parse().unwrap()
    }

    #[test]
    fn five_mistakes_are_free_and_then_the_wait_doubles() {
        let waits: Vec<i64> = (0..12).map(|failures| wait_after(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32]);
        assert_eq!(wait_after(i32::MAX), LONGEST_WAIT);
    }

    #[test]
    fn a_day_without_a_try_forgives() {
        let tries = Tries { failures: 40, last_at: start(), blocked_until: start() };
        let next = tries.next(start() + MEMORY + SignedDuration::from_secs(1)).unwrap();
        assert_eq!(next.failures, 1);
    }

    proptest! {
        /// However somebody spreads the tries, an hour of guessing at one login gets few of them.
        #[test]
        fn an_hour_of_guessing_gets_few_tries(pauses in proptest::collection::vec(0_i64..120, 1..400)) {
            let (mut now, mut tries, mut got) = (start(), Tries::none(start()), 0);
            for pause in pauses {
                now += SignedDuration::from_secs(pause);
                if now > start() + SignedDuration::from_hours(1) { break; }
                if let Ok(next) = tries.next(now) {
                    tries = next;
                    got += 1;
                }
            }
            prop_assert!(got <= 5 + 11 + 5, "{got}");
        }
    }
}
