//! `ArchiveTag`.

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, Result, TagId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::TagArchived,
    v1::{ArchiveTagRequest, Tag},
};
use foursight_runtime::record;

use crate::{
    context::Context,
    tags::{TagError, TagRow},
};

/// Takes a tag out of use. One that is archived stays as it is.
///
/// # Errors
/// `TAG_NOT_FOUND`.
pub(super) async fn archive(ctx: &Context, caller: &Principal, request: &ArchiveTagRequest) -> Result<Tag> {
    let mut v = Violations::default();
    let id: Option<TagId> = v.name("name", &request.name);
    v.check()?;
    let Some(id) = id else { return Err(Error::invalid_field("name", "is required")) };
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let mut row = sqlx::query_as!(
        TagRow,
        "SELECT id, display_name_zh, display_name_en, create_time, archive_time, request_hash
         FROM customer.tags WHERE id = $1 FOR NO KEY UPDATE",
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(TagError::NotFound)?;
    if row.archive_time.is_some() {
        return Ok(row.to_proto());
    }
    row.archive_time = Some(sql::at(now));
    sqlx::query!("UPDATE customer.tags SET archive_time = $2 WHERE id = $1", id.uuid(), sql::at(now) as _)
        .execute(&mut *tx)
        .await?;
    let event = NewEvent::new(&TagArchived { tag: id.name() }, id.uuid(), 2, None);
    let action = audit::Action {
        method: "ArchiveTag",
        resource: &id.name(),
        store: None,
        detail: serde_json::json!({}),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(row.to_proto())
}
