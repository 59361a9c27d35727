//! `PreviewUndoMerge`.

use foursight_access::Principal;
use foursight_kernel::{MergeId, Result, Violations};
use foursight_proto::customer::v1::{PreviewUndoMergeRequest, PreviewUndoMergeResponse};

use crate::{
    context::Context,
    merges::{
        MergeError,
        contents::{self, Which},
        row,
    },
};

/// What would go back, and what came since and stays. Nothing is written.
///
/// # Errors
/// `MERGE_NOT_FOUND`, and what undoing it is refused for.
pub(super) async fn preview(
    ctx: &Context,
    caller: &Principal,
    request: &PreviewUndoMergeRequest,
) -> Result<PreviewUndoMergeResponse> {
    let mut v = Violations::default();
    let id: Option<MergeId> = v.name("name", &request.name);
    v.check()?;
    let Some(id) = id else { return Err(MergeError::NotFound.into()) };
    let mut tx = ctx.db.begin(caller).await?;
    let merge = row::find(&mut tx, id).await?;
    merge.require_undoable(ctx.now())?;
    let survivor = merge.survivor_id.into();
    let returns = contents::count(&mut tx, survivor, Which::Of(merge.absorbed_id.into())).await?;
    let stays = contents::count(&mut tx, survivor, Which::Since(merge.merge_time.to_jiff())).await?;
    Ok(PreviewUndoMergeResponse { returns, stays })
}
