//! Entries from the notification service's events.

use foursight_messaging::{HandleError, Received};
use foursight_proto::notification::{
    events::v1::{CallAttempted, CallTaskCompleted, CallTaskPlanned, MessageDecided, MessagePlanned},
    v1::{CallResult, CallTaskKind, CallTaskState, MessageKind, MessageState, Satisfaction},
};

use crate::timeline::entry::{Entry, Rank, code};

pub(super) fn entry(event: &Received) -> Result<Option<Entry>, HandleError> {
    if let Some(it) = event.decode::<CallTaskPlanned>()? {
        let details = [("kind", task_kind(it.kind)), ("subject", it.subject), ("assignee", it.assignee)];
        return Ok(Entry::of(&it.customer, "CALL_TASK_PLANNED", Rank::Task, it.call_task, details));
    }
    if let Some(it) = event.decode::<CallAttempted>()? {
        let details = [
            ("number", it.number.to_string()),
            ("result", code(it.result, CallResult::as_str_name, "CALL_RESULT_")),
            ("caller", it.caller),
        ];
        return Ok(Entry::of(&it.customer, "CALL_ATTEMPTED", Rank::Task, it.call_task, details));
    }
    if let Some(it) = event.decode::<CallTaskCompleted>()? {
        let score = if it.advisor_score > 0 { it.advisor_score.to_string() } else { String::new() };
        let details = [
            ("kind", task_kind(it.kind)),
            ("state", code(it.state, CallTaskState::as_str_name, "CALL_TASK_STATE_")),
            ("satisfaction", code(it.satisfaction, Satisfaction::as_str_name, "SATISFACTION_")),
            ("score", score),
            ("category", it.category),
            ("caller", it.caller),
        ];
        return Ok(Entry::of(&it.customer, "CALL_TASK_COMPLETED", Rank::Task, it.call_task, details));
    }
    if let Some(it) = event.decode::<MessagePlanned>()? {
        let details = [("kind", message_kind(it.kind)), ("subject", it.subject)];
        return Ok(Entry::of(&it.customer, "MESSAGE_PLANNED", Rank::Message, it.message, details));
    }
    if let Some(it) = event.decode::<MessageDecided>()? {
        let kind = match MessageState::try_from(it.state) {
            Ok(MessageState::Sent) => "MESSAGE_SENT",
            Ok(MessageState::Suppressed) => "MESSAGE_SUPPRESSED",
            Ok(MessageState::Failed) => "MESSAGE_FAILED",
            Ok(_) | Err(_) => "MESSAGE_DECIDED",
        };
        let details = [
            ("kind", message_kind(it.kind)),
            ("state", code(it.state, MessageState::as_str_name, "MESSAGE_STATE_")),
            ("reason", it.reason),
        ];
        return Ok(Entry::of(&it.customer, kind, Rank::Message, it.message, details));
    }
    Ok(None)
}

fn task_kind(value: i32) -> String {
    code(value, CallTaskKind::as_str_name, "CALL_TASK_KIND_")
}

fn message_kind(value: i32) -> String {
    code(value, MessageKind::as_str_name, "MESSAGE_KIND_")
}
