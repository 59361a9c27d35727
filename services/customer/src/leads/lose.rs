//! `LoseLead`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, LeadId, RequestKey, Result, StaffId, StoreId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::LeadLost,
    v1::{Lead, LeadLossReason, LeadState, LoseLeadRequest},
};
use foursight_runtime::{record, step};

use crate::{
    context::Context,
    leads::row::{self, LeadRow},
};

const METHOD: &str = "LoseLead";

#[derive(Debug)]
struct Loss {
    reason: LeadLossReason,
    competitor: String,
    note: String,
}

/// Gives an open lead up 战败. Whose it is stays as it was.
///
/// # Errors
/// `LEAD_NOT_FOUND`; `LEAD_NOT_OPEN` when it is won or lost already; `LEAD_CHANGED` when the etag is not the lead's any more;
/// `STAFF_ONLY`; every wrong field at once.
pub(crate) async fn lose(ctx: &Context, caller: &Principal, mut request: LoseLeadRequest) -> Result<Lead> {
    let by = caller.require_staff()?;
    let mut v = Violations::default();
    let id: Option<LeadId> = v.name("name", &request.name);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    let loss = parse(&mut v, &request);
    v.check()?;
    let (Some(id), Some(loss)) = (id, loss) else {
        return Err(Error::invalid_field("reason", "is required"));
    };

    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let before = row::lock(&mut tx, id).await?;
    let store = StoreId::from(before.store_id);
    if !step::is_new(&mut tx, key.as_ref(), store, now).await? {
        return Ok(before.to_proto());
    }
    before.require_open_and_as_read(&request.etag)?;
    let row = sqlx::query_as!(
        LeadRow,
        "UPDATE customer.leads
         SET state = $2, next_follow_up_time = NULL, loss_reason = $3, loss_note = $4, competitor = $5, loser_id = $6,
             lose_time = $7, version = version + 1, update_time = $7
         WHERE id = $1
         RETURNING id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                   next_follow_up_time, assigner_id, loss_reason, loss_note, competitor, loser_id, lose_time, version,
                   create_time, update_time, request_hash",
        id.uuid(),
        sql::number(LeadState::Lost),
        sql::number(loss.reason),
        loss.note,
        loss.competitor,
        by.uuid(),
        sql::at(now) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    let lead = row.to_proto();
    // What the customer said stays here: the event has the code.
    let told = LeadLost {
        lead: lead.name.clone(),
        customer: lead.customer.clone(),
        store: lead.store.clone(),
        reason: loss.reason.into(),
        owner: before.owner().map(StaffId::name).unwrap_or_default(),
        staff: by.name(),
    };
    let event = NewEvent::new(&told, row.id, row.version, Some(store));
    let action = audit::Action {
        method: METHOD,
        resource: &lead.name,
        store: Some(store),
        detail: serde_json::json!({ "reason": loss.reason.as_str_name() }),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(lead)
}

fn parse(v: &mut Violations, request: &LoseLeadRequest) -> Option<Loss> {
    let reason = v.required_enum("reason", request.reason);
    let elsewhere = matches!(reason, Some(LeadLossReason::OtherBrand | LeadLossReason::OtherDealer));
    let competitor = v.line("competitor", &request.competitor, 0..=100);
    if elsewhere && request.competitor.trim().is_empty() {
        v.push("competitor", "is required when the customer bought elsewhere: the brand or the dealer");
    }
    let note = v.text("note", &request.note, 0..=500);
    if reason == Some(LeadLossReason::Other) && request.note.trim().is_empty() {
        v.push("note", "is required with the reason OTHER");
    }
    Some(Loss { reason: reason?, competitor, note })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(reason: LeadLossReason, competitor: &str, note: &str) -> Vec<String> {
        let request = LoseLeadRequest {
            reason: reason.into(),
            competitor: competitor.to_owned(),
            note: note.to_owned(),
            ..LoseLeadRequest::default()
        };
        let mut v = Violations::default();
        parse(&mut v, &request);
        v.fields().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn the_reason_says_what_else_is_to_be_told() {
        assert_eq!(wrong(LeadLossReason::Price, "", ""), [""; 0]);
        assert_eq!(wrong(LeadLossReason::OtherBrand, "", ""), ["competitor"]);
        assert_eq!(wrong(LeadLossReason::OtherDealer, "  ", ""), ["competitor"]);
        assert_eq!(wrong(LeadLossReason::OtherBrand, "示例汽车", ""), [""; 0]);
        assert_eq!(wrong(LeadLossReason::Other, "", " "), ["note"]);
        assert_eq!(wrong(LeadLossReason::Other, "", "搬家了"), [""; 0]);
        assert_eq!(wrong(LeadLossReason::Unspecified, "", ""), ["reason"]);
    }
}
