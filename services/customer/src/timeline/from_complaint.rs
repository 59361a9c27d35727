//! Entries from the complaint service's events.

use foursight_messaging::{HandleError, Received};
use foursight_proto::complaint::{
    events::v1::{CaseAdvanced, CaseOpened, ClockBreached, Step},
    v1::{CaseKind, CaseState, ClockKind, Severity},
};

use crate::timeline::entry::{Entry, Rank, code};

pub(super) fn entry(event: &Received) -> Result<Option<Entry>, HandleError> {
    if let Some(it) = event.decode::<CaseOpened>()? {
        let details = [
            ("number", it.number),
            ("kind", case_kind(it.kind)),
            ("category", it.category),
            ("severity", code(it.severity, Severity::as_str_name, "SEVERITY_")),
            ("owner", it.owner),
        ];
        return Ok(Entry::of(&it.customer, "CASE_OPENED", Rank::Case, it.case, details));
    }
    if let Some(it) = event.decode::<CaseAdvanced>()? {
        let kind = match Step::try_from(it.step) {
            Ok(Step::Assigned) => "CASE_ASSIGNED",
            Ok(Step::Replied) => "CASE_REPLIED",
            Ok(Step::Handled) => "CASE_HANDLED",
            Ok(Step::ResultTold) => "CASE_RESULT_TOLD",
            Ok(Step::Closed) => "CASE_CLOSED",
            Ok(Step::Released) => "CASE_RELEASED",
            Ok(Step::RevisitReopened | Step::Reopened) => "CASE_REOPENED",
            // A step that is newer than this program.
            Ok(Step::Unspecified) | Err(_) => "CASE_ADVANCED",
        };
        let details = [
            ("number", it.number),
            ("kind", case_kind(it.kind)),
            ("step", code(it.step, Step::as_str_name, "STEP_")),
            ("state", code(it.state, CaseState::as_str_name, "CASE_STATE_")),
            ("loop", it.r#loop.to_string()),
            ("owner", it.owner),
        ];
        return Ok(Entry::of(&it.customer, kind, Rank::Case, it.case, details));
    }
    if let Some(it) = event.decode::<ClockBreached>()? {
        let details = [
            ("clock", code(it.clock, ClockKind::as_str_name, "CLOCK_KIND_")),
            ("loop", it.r#loop.to_string()),
        ];
        return Ok(Entry::of(&it.customer, "CLOCK_BREACHED", Rank::Case, it.case, details));
    }
    Ok(None)
}

fn case_kind(value: i32) -> String {
    code(value, CaseKind::as_str_name, "CASE_KIND_")
}
