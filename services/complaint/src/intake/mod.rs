//! A dissatisfied follow-up call becomes a complaint at once.
//!
//! The event says that the customer was dissatisfied and about what; the customer's words are not in it, so the
//! notification service is asked for them. While it does not answer, the event is tried again: nothing is lost. The
//! follow-up call's id is unique among cases: nothing is taken twice.

use async_trait::async_trait;
use foursight_access::Principal;
use foursight_kernel::{CallTaskId, CustomerId, Error, Ids, SharedClock, StaffId, StoreId, time};
use foursight_messaging::{HandleError, Handler, Received};
use foursight_proto::{
    complaint::v1::{CaseKind, IntakeChannel, Severity},
    notification::{
        events::v1::CallTaskCompleted,
        v1::{CallTask, GetCallTaskRequest, Satisfaction, call_task_service_client::CallTaskServiceClient},
    },
};
use foursight_runtime::{PeerChannel, erasure};
use sqlx::PgConnection;

use crate::cases::{self, NewCase};

/// Stands for words that nobody took down.
const NO_WORDS: &str = "客户在回访电话中表示不满意 (the customer was dissatisfied in the follow-up call)";
/// What a complaint is about when its category is not one of ours.
const OTHER: &str = "other";

/// Opens a case for each dissatisfied follow-up call.
pub(crate) struct Intake {
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    /// The notification service.
    pub(crate) notification: PeerChannel,
}

#[async_trait]
impl Handler for Intake {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let Some(completed) = event.decode::<CallTaskCompleted>()? else { return Ok(()) };
        if completed.satisfaction() != Satisfaction::Dissatisfied {
            return Ok(());
        }
        let call_task = CallTaskId::parse_name(&completed.call_task).map_err(permanent)?;
        let store = StoreId::parse_name(&completed.store).map_err(permanent)?;
        let customer = CustomerId::parse_name(&completed.customer).ok();
        // Nobody is there any more whose complaint it could be.
        if let Some(customer) = customer
            && !erasure::lives(&mut *tx, customer).await?
        {
            return Ok(());
        }
        if is_taken(tx, call_task).await? {
            return Ok(());
        }
        let words = self.words(call_task).await?;
        // The clocks run from the customer's words on, however late the event comes.
        let now = self.clock.now();
        let at = completed.complete_time.as_ref().and_then(time::from_proto).map_or(now, |at| at.min(now));
        let selectable = cases::selectable(tx, &completed.category).await?;
        let new = NewCase {
            store,
            customer,
            kind: CaseKind::Complaint,
            channel: IntakeChannel::FollowUpCall,
            category: if selectable { completed.category } else { OTHER.to_owned() },
            severity: Severity::Normal,
            description: words,
            subject: call_task.name(),
            owner: StaffId::parse_name(&completed.caller).ok(),
            call_task: Some(call_task),
            request: None,
        };
        // None: another replica was faster.
        cases::open(tx, &self.ids, &Principal::service("complaint"), at, new).await?;
        Ok(())
    }
}

impl Intake {
    /// What the customer said in the call.
    async fn words(&self, call_task: CallTaskId) -> Result<String, HandleError> {
        let request = GetCallTaskRequest { name: call_task.name() };
        let task = CallTaskServiceClient::new(self.notification.clone()).get_call_task(request).await?;
        Ok(dissatisfied_words(&task.into_inner()))
    }
}

/// The words of the last dissatisfied attempt.
fn dissatisfied_words(task: &CallTask) -> String {
    task.attempts
        .iter()
        .rev()
        .filter(|attempt| attempt.satisfaction() == Satisfaction::Dissatisfied)
        .map(|attempt| attempt.note.trim())
        .find(|note| !note.is_empty())
        .unwrap_or(NO_WORDS)
        .chars()
        .take(4000)
        .collect()
}

async fn is_taken(tx: &mut PgConnection, call_task: CallTaskId) -> Result<bool, HandleError> {
    let taken = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM complaint.cases WHERE call_task_id = $1) AS "taken!""#,
        call_task.uuid(),
    )
    .fetch_one(tx)
    .await?;
    Ok(taken)
}

fn permanent(error: foursight_kernel::InvalidName) -> HandleError {
    HandleError::Permanent(Error::internal(error))
}

#[cfg(test)]
mod tests {
    use foursight_proto::notification::v1::CallAttempt;

    use super::*;

    #[test]
    fn the_words_are_those_of_the_dissatisfied_attempt() {
        let attempt = |satisfaction: Satisfaction, note: &str| CallAttempt {
            satisfaction: satisfaction.into(),
            note: note.to_owned(),
            ..CallAttempt::default()
        };
        let mut task = CallTask {
            attempts: vec![
                attempt(Satisfaction::Unspecified, "忙线"),
                attempt(Satisfaction::Dissatisfied, " 承诺的脚垫没有给 "),
            ],
            ..CallTask::default()
        };
        assert_eq!(dissatisfied_words(&task), "承诺的脚垫没有给");
        task.attempts.pop();
        assert_eq!(dissatisfied_words(&task), NO_WORDS);
    }
}
