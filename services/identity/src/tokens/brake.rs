//! The brake on guessing: after some failures each further try has to wait, and the wait doubles.
//!
//! It holds a login at one network, so that nobody who knows a login keeps its owner out elsewhere. A second, much looser count
//! is of a login wherever it is tried: it slows a guess that is spread over many networks.
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
/// The longest wait. Somebody can be kept out by another's guessing from the same network, but not for longer than this at a time.
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

/// The same for a login wherever it is tried: so many at once, and one more after each pause. One network cannot use it up,
/// because its own brake holds it below one try in a quarter of an hour; many together are slowed by it.
const ANYWHERE_AT_ONCE: i32 = 200;
const ANYWHERE_PAUSE: SignedDuration = SignedDuration::from_mins(6);

/// When the last of a login's tries no longer counts, with one more; or how long to wait for it.
fn next_anywhere(counts_until: Timestamp, now: Timestamp) -> Result<Timestamp, SignedDuration> {
    let next = counts_until.max(now).saturating_add(ANYWHERE_PAUSE).unwrap_or(now);
    let over = now.duration_until(next) - ANYWHERE_PAUSE * ANYWHERE_AT_ONCE;
    if over.is_positive() { Err(over) } else { Ok(next) }
}

/// A try to sign in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Try<'a> {
    pub(crate) login: &'a str,
    /// Where it comes from, as the gateway says; empty when nobody does.
    pub(crate) network: &'a str,
}

impl Try<'_> {
    fn here(&self) -> Vec<u8> {
        key(&["here", self.network, self.login])
    }

    fn anywhere(&self) -> Vec<u8> {
        key(&["anywhere", self.login])
    }
}

/// Counts a try.
///
/// # Errors
/// `TOO_MANY_SIGN_INS` with the time to wait; nothing is to be committed then.
pub(crate) async fn count(tx: &mut PgConnection, this: Try<'_>, now: Timestamp) -> Result<()> {
    // Always in this order, so that no two tries wait for each other.
    let (here, anywhere) = (this.here(), this.anywhere());
    let tries = lock(tx, &here, now).await?.next(now).map_err(too_many)?;
    write(tx, &here, tries).await?;
    let counted = lock(tx, &anywhere, now).await?;
    let blocked_until = next_anywhere(counted.blocked_until, now).map_err(too_many)?;
    write(tx, &anywhere, Tries { failures: 0, last_at: now, blocked_until }).await
}

/// Forgets the failures at the place of a success, and elsewhere its own try only: who guesses there does not gain by it.
pub(crate) async fn forgive(tx: &mut PgConnection, this: Try<'_>, now: Timestamp) -> Result<()> {
    sqlx::query!("DELETE FROM identity.sign_in_failures WHERE login_hash = $1", this.here())
        .execute(&mut *tx)
        .await?;
    let anywhere = this.anywhere();
    let counted = lock(tx, &anywhere, now).await?;
    let blocked_until = counted.blocked_until.saturating_sub(ANYWHERE_PAUSE).unwrap_or(now);
    write(tx, &anywhere, Tries { failures: 0, last_at: now, blocked_until }).await
}

/// The tries so far, for nobody else until the transaction ends.
async fn lock(tx: &mut PgConnection, key: &[u8], now: Timestamp) -> Result<Tries> {
    // The row is there before it is locked, so that two first tries count as two.
    sqlx::query!(
        "INSERT INTO identity.sign_in_failures (login_hash, failures, last_at, blocked_until)
         VALUES ($1, 0, $2, $2) ON CONFLICT DO NOTHING",
        key,
        sql::at(now) as _,
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
    Ok(row.map_or(Tries::none(now), |row| Tries {
        failures: row.failures,
        last_at: row.last_at.to_jiff(),
        blocked_until: row.blocked_until.to_jiff(),
    }))
}

async fn write(tx: &mut PgConnection, key: &[u8], tries: Tries) -> Result<()> {
    sqlx::query!(
        "UPDATE identity.sign_in_failures SET failures = $2, last_at = $3, blocked_until = $4 WHERE login_hash = $1",
        key,
        tries.failures,
        sql::at(tries.last_at) as _,
        sql::at(tries.blocked_until) as _,
    )
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

/// A NUL stands in none of the parts: a login and a network have no control characters.
fn key(parts: &[&str]) -> Vec<u8> {
    digest(&SHA256, parts.join("\0").as_bytes()).as_ref().to_vec()
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
    fn a_login_is_tried_from_everywhere_so_often_and_then_now_and_then() {
        let (mut counts_until, mut got) = (start(), 0);
        while let Ok(next) = next_anywhere(counts_until, start()) {
            (counts_until, got) = (next, got + 1);
        }
        assert_eq!(got, ANYWHERE_AT_ONCE);
        assert_eq!(next_anywhere(counts_until, start()).unwrap_err(), ANYWHERE_PAUSE);
        let later = start() + ANYWHERE_PAUSE;
        let next = next_anywhere(counts_until, later).unwrap();
        assert!(next_anywhere(next, later).is_err());
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

        /// However somebody guesses from one network, for as long as a week: the owner has tries left elsewhere.
        #[test]
        fn one_network_never_keeps_a_login_from_all_others(pauses in proptest::collection::vec(0_i64..1_800, 2_000)) {
            let (mut now, mut here, mut anywhere) = (start(), Tries::none(start()), start());
            for pause in pauses {
                now += SignedDuration::from_secs(pause);
                if now > start() + SignedDuration::from_hours(7 * 24) { break; }
                let Ok(next) = here.next(now) else { continue };
                here = next;
                anywhere = next_anywhere(anywhere, now).unwrap();
                prop_assert!(next_anywhere(anywhere, now).is_ok());
            }
        }
    }
}
