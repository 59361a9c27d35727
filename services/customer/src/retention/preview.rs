//! `PreviewRetention`.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, Violations, time};
use foursight_proto::customer::v1::{PreviewRetentionRequest, PreviewRetentionResponse, RetentionKind};

use super::{LONGEST, due};
use crate::context::Context;

/// What would go now.
///
/// # Errors
/// Every wrong field at once.
pub(super) async fn preview(
    ctx: &Context,
    caller: &Principal,
    request: PreviewRetentionRequest,
) -> Result<PreviewRetentionResponse> {
    let mut v = Violations::default();
    let kind: Option<RetentionKind> = v.required_enum("kind", request.kind);
    let keep_months = v.number("keep_months", request.keep_months, 1..=LONGEST);
    v.check()?;
    let kind = kind.ok_or_else(|| Error::invalid_field("kind", "is required"))?;
    let before = due::before(ctx.now(), keep_months);
    let mut tx = ctx.db.begin_list(caller).await?;
    let found = due::count(&mut tx, kind, before).await?;
    Ok(PreviewRetentionResponse { count: found.count, oldest_time: found.oldest.map(time::to_proto) })
}
