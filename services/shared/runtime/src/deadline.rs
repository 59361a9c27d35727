//! Deadlines: a call has one, and hands what is left of it on to the calls that it makes itself.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue};

/// gRPC's header for the time that a call may take.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs a future that ends at a deadline; `None` when it was too slow. One whose deadline has passed is not begun.
pub async fn within<F: Future>(allowed: Duration, future: F) -> Option<F::Output> {
    let deadline = Instant::now() + allowed;
    // A call within a call cannot have more time than the outer one.
    let deadline = DEADLINE.try_with(|outer| deadline.min(*outer)).unwrap_or(deadline);
    if deadline <= Instant::now() {
        return None;
    }
    DEADLINE.scope(deadline, tokio::time::timeout_at(deadline.into(), future)).await.ok()
}

/// The time left for the call that is being answered; `None` outside any.
pub fn left() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

/// Reads the header, as gRPC writes it: up to eight digits and a unit.
pub fn parse(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Writes what is left into a call's headers, unless it names a deadline itself.
pub(crate) fn hand_on(headers: &mut HeaderMap) {
    if let Some(left) = left()
        && !headers.contains_key(GRPC_TIMEOUT)
        && let Ok(value) = HeaderValue::from_str(&format!("{}m", left.as_millis().min(99_999_999)))
    {
        headers.insert(GRPC_TIMEOUT, value);
    }
}
