//! `GradeLead`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, LeadId, RequestKey, Result, StoreId, Violations, sql, time};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::LeadGraded,
    v1::{GradeLeadRequest, Lead, LeadGrade},
};
use foursight_runtime::{record, step};

use crate::{
    context::Context,
    leads::{
        row::{self, LeadRow},
        state,
    },
};

const METHOD: &str = "GradeLead";

/// Grades a lead; the next follow-up falls due by the grade, counted from now.
///
/// # Errors
/// `LEAD_NOT_FOUND`; `LEAD_NOT_OPEN` when the lead is won or lost; `LEAD_CHANGED` when the etag is not the lead's any more.
pub(crate) async fn grade(ctx: &Context, caller: &Principal, mut request: GradeLeadRequest) -> Result<Lead> {
    let mut v = Violations::default();
    let id: Option<LeadId> = v.name("name", &request.name);
    let grade: Option<LeadGrade> = v.required_enum("grade", request.grade);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    v.check()?;
    let (Some(id), Some(grade)) = (id, grade) else {
        return Err(Error::invalid_field("grade", "is required"));
    };

    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let before = row::lock(&mut tx, id).await?;
    if !step::is_new(&mut tx, key.as_ref(), before.store_id.into(), now).await? {
        return Ok(before.to_proto());
    }
    before.require_open_and_as_read(&request.etag)?;
    let row = sqlx::query_as!(
        LeadRow,
        "UPDATE customer.leads
         SET grade = $2, next_follow_up_time = $3, version = version + 1, update_time = $4
         WHERE id = $1
         RETURNING id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                   next_follow_up_time, assigner_id, loss_reason, loss_note, competitor, loser_id, lose_time, version,
                   create_time, update_time, request_hash",
        id.uuid(),
        sql::number(grade),
        sql::maybe_at(state::next_follow_up(Some(grade), now)) as _,
        sql::at(now) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    let lead = row.to_proto();
    let graded = LeadGraded {
        lead: lead.name.clone(),
        customer: lead.customer.clone(),
        store: lead.store.clone(),
        grade: lead.grade,
        next_follow_up_time: row.next_follow_up_time.map(|due| time::to_proto(due.to_jiff())),
        owner: lead.owner.clone(),
    };
    let store = StoreId::from(row.store_id);
    let event = NewEvent::new(&graded, row.id, row.version, Some(store));
    let action = audit::Action {
        method: METHOD,
        resource: &lead.name,
        store: Some(store),
        detail: serde_json::json!({ "grade": grade.as_str_name() }),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(lead)
}
