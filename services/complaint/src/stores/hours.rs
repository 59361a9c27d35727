//! A store's hours for counting deadlines, and what to count on while they are not known.

use std::time::Duration;

use foursight_kernel::{
    Error, Result, StoreId,
    working_time::{Calendar, Deadline},
};
use foursight_proto::{google::r#type::TimeOfDay, identity::v1 as identity};
use jiff::{Timestamp, civil::Date};
use prost::Message;
use sqlx::PgConnection;

/// What the service knows of a store.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    /// What case numbers begin with.
    pub(crate) code: String,
    pub(crate) hours: Hours,
}

/// The calendar that deadlines are counted on.
#[derive(Debug, Clone)]
pub(crate) struct Hours {
    calendar: Calendar,
    /// Whether it stands in for the store's own, which is not known (yet).
    stand_in: bool,
}

/// A deadline and why it is then, in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    pub(crate) explanation: String,
}

impl Hours {
    pub(crate) fn of_store(calendar: Calendar) -> Self {
        Self { calendar, stand_in: false }
    }

    /// Monday to Sunday 09:00–18:00 in Shanghai: a case is never refused because a store's calendar is late.
    pub(crate) fn stand_in() -> Result<Self> {
        let at = |hours| Some(TimeOfDay { hours, ..TimeOfDay::default() });
        let weekly =
            (1..=7).map(|day| identity::WeeklyInterval { day, opens: at(9), closes: at(18) }).collect();
        let calendar =
            identity::Calendar { time_zone: "Asia/Shanghai".to_owned(), weekly, exceptions: Vec::new() };
        let calendar = Calendar::from_proto(&calendar).map_err(Error::internal)?;
        Ok(Self { calendar, stand_in: true })
    }

    /// When so much working time from `start` is over. A store that never opens is counted on the stand-in.
    pub(crate) fn add_working(&self, start: Timestamp, duration: Duration) -> Result<Due> {
        if let Ok(deadline) = self.calendar.add_working(start, duration) {
            return Ok(self.due(&deadline));
        }
        let stand_in = Self::stand_in()?;
        let deadline = stand_in.calendar.add_working(start, duration).map_err(Error::internal)?;
        Ok(stand_in.due(&deadline))
    }

    /// When so much time from `start` is over, around the clock.
    pub(crate) fn add_elapsed(&self, start: Timestamp, duration: Duration) -> Result<Due> {
        let deadline = self.calendar.add_elapsed(start, duration).map_err(Error::internal)?;
        Ok(Due { at: deadline.at, explanation: deadline.explanation.to_string() })
    }

    /// The first day of the month on the store's wall.
    pub(crate) fn month(&self, at: Timestamp) -> Date {
        self.calendar.local_date(at).first_of_month()
    }

    fn due(&self, deadline: &Deadline) -> Due {
        let mut explanation = deadline.explanation.to_string();
        if self.stand_in {
            explanation.push_str(
                "\n门店营业时间未知，按周一至周日 09:00–18:00（Asia/Shanghai）计算\n\
                 the store's opening hours are not known: counted on Monday to Sunday 09:00–18:00 in Asia/Shanghai",
            );
        }
        Due { at: deadline.at, explanation }
    }
}

impl Store {
    /// A store as an event or a row tells it. A calendar that cannot be read is replaced by the stand-in.
    pub(crate) fn new(code: String, calendar: &identity::Calendar) -> Result<Self> {
        let hours = match Calendar::from_proto(calendar) {
            Ok(calendar) => Hours::of_store(calendar),
            Err(error) => {
                tracing::warn!(%code, %error, "a store's calendar cannot be counted on");
                Hours::stand_in()?
            }
        };
        Ok(Self { code, hours })
    }

    /// A store of which nothing was told yet. Its code is made from its id, so that numbers stay unique.
    pub(crate) fn unknown(store: StoreId) -> Result<Self> {
        let id = store.uuid().simple().to_string().to_uppercase();
        // The end of the id is random; its beginning is the time.
        let code = format!("S{}", id.get(20..).unwrap_or(&id));
        Ok(Self { code, hours: Hours::stand_in()? })
    }
}

/// Whether identity has told of the store.
pub(crate) async fn is_known(tx: &mut PgConnection, store: StoreId) -> Result<bool> {
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM complaint.stores WHERE store_id = $1) AS "known!""#,
        store.uuid(),
    )
    .fetch_one(tx)
    .await?;
    Ok(known)
}

/// What is known of a store.
pub(crate) async fn find(tx: &mut PgConnection, store: StoreId) -> Result<Store> {
    let row = sqlx::query!("SELECT code, calendar FROM complaint.stores WHERE store_id = $1", store.uuid())
        .fetch_optional(tx)
        .await?;
    let Some(row) = row else { return Store::unknown(store) };
    let calendar = identity::Calendar::decode(row.calendar.as_slice()).map_err(Error::internal)?;
    Store::new(row.code, &calendar)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_explanation_says_that_the_hours_are_not_the_stores() {
        let never_opens =
            identity::Calendar { time_zone: "Asia/Shanghai".to_owned(), ..identity::Calendar::default() };
        let store = Store::new("SH01".to_owned(), &never_opens).unwrap();
        let start = "2026-11-06T17:00:00+08".parse().unwrap();
        let due = store.hours.add_working(start, Duration::from_hours(2)).unwrap();
        assert_eq!(due.at, "2026-11-07T10:00:00+08".parse().unwrap());
        assert!(due.explanation.contains("门店营业时间未知"), "{}", due.explanation);
        assert!(due.explanation.contains("the store's opening hours are not known"), "{}", due.explanation);
    }
}
