//! `CorrectStage`.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, Violations, sql};
use foursight_proto::customer::{
    events::v1::StageCorrected,
    v1::{CorrectStageRequest, Customer, LifeCycleStage},
};
use serde_json::json;

use crate::{context::Context, customers::file_step::FileStep};

/// Corrects where a customer stands. What was stays on record with who corrected it and why.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_CHANGED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, `STAFF_ONLY`, and every wrong field at once.
pub(crate) async fn correct(
    ctx: &Context,
    caller: &Principal,
    mut request: CorrectStageRequest,
) -> Result<Customer> {
    let by = caller.require_staff()?;
    let mut v = Violations::default();
    let step = FileStep::parse(&mut v, ctx, caller, "CorrectStage", &mut request);
    let stage: Option<LifeCycleStage> = v.required_enum("stage", request.stage);
    let reason = v.text("reason", &request.reason, 1..=500);
    v.check()?;
    let (Some(step), Some(stage)) = (step, stage) else {
        return Err(Error::invalid_field("name", "is required"));
    };
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(mut found) = found {
        let previous = LifeCycleStage::try_from(i32::from(found.stage)).map_err(Error::internal)?;
        if previous == stage {
            return Err(Error::invalid_field("stage", "is what the file says already"));
        }
        found.stage = sql::number(stage);
        sqlx::query!(
            "INSERT INTO customer.stage_corrections
                 (id, customer_id, previous_stage, stage, reason, store_id, staff_id, correct_time)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            ctx.ids.uuid(),
            step.customer.uuid(),
            sql::number(previous),
            found.stage,
            reason,
            step.store.uuid(),
            by.uuid(),
            sql::at(step.now) as _,
        )
        .execute(&mut *tx)
        .await?;
        let corrected = StageCorrected {
            customer: step.customer.name(),
            store: step.store.name(),
            stage: stage.into(),
            previous_stage: previous.into(),
        };
        let detail = json!({ "stage": stage.as_str_name(), "previous_stage": previous.as_str_name() });
        step.take(&mut tx, ctx, caller, (&found, &corrected, detail), None).await?;
    }
    step.end(tx, ctx).await
}
