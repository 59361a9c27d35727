//! `UndoMerge`.

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, MergeId, Result, StoreId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::CustomersUnmerged,
    v1::{Merge, UndoMergeRequest},
};
use foursight_runtime::record;
use serde_json::json;

use crate::{
    context::Context,
    merges::{MergeError, row, two},
};

/// Gives both files back what was their own.
///
/// # Errors
/// `MERGE_NOT_FOUND`, `MERGE_FINAL`, `MERGE_UNDONE`, `SURVIVOR_ABSORBED`, `STORE_OUT_OF_REACH`, `STAFF_ONLY`, and every wrong field at
/// once.
pub(super) async fn undo(ctx: &Context, caller: &Principal, request: &UndoMergeRequest) -> Result<Merge> {
    let by = caller.require_staff()?;
    let mut v = Violations::default();
    let id: Option<MergeId> = v.name("name", &request.name);
    let store: Option<StoreId> = v.name("store", &request.store);
    let reason = v.text("reason", &request.reason, 1..=500);
    v.check()?;
    let (Some(id), Some(store)) = (id, store) else { return Err(MergeError::NotFound.into()) };
    ctx.staff.require_store(caller, "store", store).await?;

    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    two::lock(&mut tx).await?;
    let merge = row::find(&mut tx, id).await?;
    merge.require_undoable(now)?;
    // Who is at the survivor's file now comes before this, or after.
    sqlx::query!(
        "SELECT FROM customer.customers WHERE id = ANY ($1) ORDER BY id FOR UPDATE",
        &[merge.survivor_id, merge.absorbed_id],
    )
    .fetch_all(&mut *tx)
    .await?;
    let parted = sqlx::query!(
        r#"SELECT survivor_version AS "version!", phones_elsewhere AS "phones_elsewhere!", id_elsewhere AS "id_elsewhere!"
           FROM customer.part_files($1, $2)"#,
        id.uuid(),
        sql::at(now) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE customer.merges SET undo_time = $2, undo_store_id = $3, undo_staff_id = $4, undo_reason = $5 WHERE id = $1",
        id.uuid(),
        sql::at(now) as _,
        store.uuid(),
        by.uuid(),
        reason,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        r#"SELECT customer.part_pair($1, $2, $3) AS "parted?""#,
        id.uuid(),
        ctx.ids.uuid(),
        sql::at(now) as _
    )
    .fetch_one(&mut *tx)
    .await?;
    let (survivor, absorbed) = (CustomerId::from(merge.survivor_id), CustomerId::from(merge.absorbed_id));
    let unmerged = CustomersUnmerged {
        merge: id.name(),
        customer: survivor.name(),
        other: absorbed.name(),
        store: store.name(),
    };
    let detail = json!({ "customer": survivor.name(), "other": absorbed.name() });
    let action = audit::Action { method: "UndoMerge", resource: &id.name(), store: Some(store), detail };
    let event = NewEvent::new(&unmerged, survivor.uuid(), parted.version, Some(store));
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    let undone = row::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Merge {
        phones_elsewhere: parted.phones_elsewhere,
        national_id_elsewhere: parted.id_elsewhere,
        ..undone.to_proto(caller)
    })
}
