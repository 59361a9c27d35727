//! 事事有回音: a customer hears that the case was taken, and that it is closed. Who stays anonymous hears nothing.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_kernel::{CaseId, Ids, SharedClock};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use foursight_proto::{
    complaint::events::v1::{CaseAdvanced, CaseOpened, Step},
    notification::v1::MessageKind,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::PgConnection;

use super::plan::{Planned, plan};
use crate::stores::id_in;

/// News of a case that could not be told for so long is no news.
const LASTS: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Tells customers of their cases.
pub(crate) struct CaseProgress {
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
}

/// What there is to tell.
struct News<'a> {
    kind: MessageKind,
    case: &'a str,
    store: &'a str,
    customer: &'a str,
    number: &'a str,
    occurrence: String,
}

impl CaseProgress {
    /// The consumer of cases.
    pub(crate) fn consumer(self) -> ConsumerSpec {
        let sources = [Source::event::<CaseOpened>(), Source::event::<CaseAdvanced>()];
        ConsumerSpec::new("case-progress", &sources, Arc::new(self))
    }

    async fn tell(&self, tx: &mut PgConnection, time: Timestamp, news: News<'_>) -> Result<(), HandleError> {
        let now = self.clock.now();
        let expire_time = time.saturating_add(LASTS).unwrap_or(Timestamp::MAX);
        if news.customer.is_empty() || expire_time <= now {
            return Ok(());
        }
        let message = Planned {
            kind: news.kind,
            customer: id_in(news.customer)?,
            store: id_in(news.store)?,
            subject: id_in::<CaseId>(news.case)?.uuid(),
            occurrence: news.occurrence,
            variables: json!({ "case_number": news.number }),
            event_time: time,
            send_at: time,
            expire_time,
        };
        Ok(plan(tx, &self.ids, now, message).await?)
    }
}

#[async_trait]
impl Handler for CaseProgress {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        if let Some(opened) = event.decode::<CaseOpened>()? {
            let news = News {
                kind: MessageKind::CaseOpened,
                case: &opened.case,
                store: &opened.store,
                customer: &opened.customer,
                number: &opened.number,
                occurrence: String::new(),
            };
            self.tell(tx, event.time, news).await
        } else if let Some(advanced) = event.decode::<CaseAdvanced>()? {
            if advanced.step != Step::Closed as i32 {
                return Ok(());
            }
            let news = News {
                kind: MessageKind::CaseClosed,
                case: &advanced.case,
                store: &advanced.store,
                customer: &advanced.customer,
                number: &advanced.number,
                // A case that was reopened is closed once more, and that is news again.
                occurrence: format!("version {}", event.version),
            };
            self.tell(tx, event.time, news).await
        } else {
            Ok(())
        }
    }
}
