//! The rules of a visit: handed back once, for an amount in yuan that is not negative.

use foursight_kernel::{Error, Violations, VisitId};
use foursight_proto::google::r#type::Money;
use jiff::Timestamp;

const CURRENCY: &str = "CNY";
const FEN_PER_YUAN: i64 = 100;
const NANOS_PER_FEN: i32 = 10_000_000;
/// A hundred million yuan: more is a slip of the pen.
const MOST_YUAN: i64 = 100_000_000;

/// What an operation on a visit is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VisitError {
    #[error("there is no such visit, or not in the caller's stores")]
    NotFound,
    #[error("the car was handed back already, at {0}")]
    HandedOver(Timestamp),
    /// With the time at which the car was handed back, if it was.
    #[error("the visit was changed since it was read; read it again and decide again")]
    Changed(Option<Timestamp>),
    /// Named when it is in the caller's stores.
    #[error("the car is checked in already; hand it over there first")]
    AlreadyOpen(Option<VisitId>),
}

impl From<VisitError> for Error {
    fn from(error: VisitError) -> Self {
        let message = error.to_string();
        match error {
            VisitError::NotFound => Self::not_found("VISIT_NOT_FOUND", message),
            VisitError::AlreadyOpen(visit) => {
                let error = Self::already_exists("VISIT_ALREADY_OPEN", message);
                match visit {
                    Some(visit) => error.with_metadata("visit", visit.name()),
                    None => error,
                }
            }
            VisitError::HandedOver(at) => Self::failed_precondition("VISIT_ALREADY_HANDED_OVER", message)
                .with_metadata("hand_over_time", at.to_string()),
            VisitError::Changed(handed_over) => {
                let error = Self::aborted("VISIT_CHANGED", message);
                match handed_over {
                    Some(at) => error.with_metadata("hand_over_time", at.to_string()),
                    None => error,
                }
            }
        }
    }
}

/// Refuses to hand back a car twice.
pub(crate) fn require_in_workshop(handed_over: Option<Timestamp>) -> Result<(), VisitError> {
    handed_over.map_or(Ok(()), |at| Err(VisitError::HandedOver(at)))
}

/// An amount in fen (CNY 0.01); `None` when absent.
pub(crate) fn amount_fen(v: &mut Violations, field: &str, amount: Option<&Money>) -> Option<i64> {
    let amount = amount?;
    if amount.currency_code != CURRENCY {
        v.push(format!("{field}.currency_code"), "must be CNY");
    }
    if amount.units < 0 || amount.nanos < 0 || amount.units > MOST_YUAN || amount.nanos >= 1_000_000_000 {
        v.push(field, "must be from 0 to 100 million yuan");
        return None;
    }
    if amount.nanos % NANOS_PER_FEN != 0 {
        v.push(format!("{field}.nanos"), "must be whole fen, multiples of 10000000");
    }
    Some(amount.units * FEN_PER_YUAN + i64::from(amount.nanos / NANOS_PER_FEN))
}

/// Fen as the API has them.
pub(crate) fn to_money(fen: i64) -> Money {
    Money {
        currency_code: CURRENCY.to_owned(),
        units: fen / FEN_PER_YUAN,
        nanos: i32::try_from(fen % FEN_PER_YUAN).unwrap_or_default() * NANOS_PER_FEN,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(currency: &str, units: i64, nanos: i32) -> Option<i64> {
        let mut v = Violations::default();
        let money = Money { currency_code: currency.to_owned(), units, nanos };
        amount_fen(&mut v, "amount", Some(&money)).filter(|_| v.is_empty())
    }

    #[test]
    fn only_whole_fen_of_yuan_are_paid() {
        assert_eq!(read("CNY", 680, 500_000_000), Some(68_050));
        assert_eq!(read("CNY", 0, 0), Some(0));
        assert_eq!(read("USD", 1, 0), None);
        assert_eq!(read("CNY", -1, 0), None);
        assert_eq!(read("CNY", 0, -1), None);
        assert_eq!(read("CNY", 0, 1), None);
        assert_eq!(read("CNY", i64::MAX, 0), None);
    }

    #[test]
    fn a_car_is_handed_back_once() {
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(require_in_workshop(None), Ok(()));
        assert_eq!(require_in_workshop(Some(at)), Err(VisitError::HandedOver(at)));
    }

    proptest! {
        #[test]
        fn an_amount_reads_back(fen in 0_i64..=10_000_000_000) {
            let mut v = Violations::default();
            prop_assert_eq!(amount_fen(&mut v, "amount", Some(&to_money(fen))), Some(fen));
            prop_assert!(v.is_empty());
        }
    }
}
