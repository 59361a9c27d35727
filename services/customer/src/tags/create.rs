//! `CreateTag`.

use foursight_access::{Principal, audit};
use foursight_kernel::{RequestKey, Result, TagId, Violations, replay, sql, unique_violation};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::TagCreated,
    v1::{CreateTagRequest, Tag},
};
use foursight_runtime::record;
use sqlx::PgConnection;

use crate::{
    context::Context,
    tags::{MOST_TAGS, TagError, TagRow},
};

/// Adds a tag to the catalogue.
///
/// # Errors
/// `TAG_EXISTS`, `TOO_MANY_TAGS`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(super) async fn create(ctx: &Context, caller: &Principal, request: CreateTagRequest) -> Result<Tag> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let told = request.tag.clone().unwrap_or_default();
    let zh = v.line("tag.display_name_zh", &told.display_name_zh, 1..=20);
    let en = v.line("tag.display_name_en", &told.display_name_en, 1..=40);
    v.check()?;
    let content = CreateTagRequest { request_id: String::new(), ..request };
    let key = RequestKey::of(request_id, &content);
    let key = key.as_ref();
    replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, &zh, &en, key)).await
}

/// What the same request made the first time.
async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<Tag>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        TagRow,
        "SELECT id, display_name_zh, display_name_en, create_time, archive_time, request_hash
         FROM customer.tags WHERE request_id = $1",
        key.id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    row.map(|row| key.confirm(row.request_hash.as_deref()).map(|()| row.to_proto())).transpose()
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    zh: &str,
    en: &str,
    key: Option<&RequestKey>,
) -> Result<Option<Tag>> {
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    let in_use =
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM customer.tags WHERE archive_time IS NULL"#)
            .fetch_one(&mut *tx)
            .await?;
    if in_use >= MOST_TAGS {
        return Err(TagError::TooMany.into());
    }
    let row = TagRow {
        id: ctx.ids.next::<TagId>().uuid(),
        display_name_zh: zh.to_owned(),
        display_name_en: en.to_owned(),
        create_time: sql::at(now),
        archive_time: None,
        request_hash: None,
    };
    let written = insert(&mut tx, &row, key).await;
    if let Err(error) = &written
        && let Some("tags_name_zh" | "tags_name_en") = unique_violation(error)
    {
        return Err(TagError::Exists.into());
    }
    if replay::unless_taken(written, "tags_request")?.is_none() {
        return Ok(None);
    }
    let tag = row.to_proto();
    let event = NewEvent::new(&TagCreated { tag: tag.name.clone() }, row.id, 1, None);
    let action = audit::Action {
        method: "CreateTag",
        resource: &tag.name,
        store: None,
        detail: serde_json::json!({}),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(Some(tag))
}

async fn insert(tx: &mut PgConnection, row: &TagRow, key: Option<&RequestKey>) -> Result<(), sqlx::Error> {
    let (request_id, request_hash) = replay::columns(key);
    sqlx::query!(
        "INSERT INTO customer.tags (id, display_name_zh, display_name_en, create_time, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6)",
        row.id,
        row.display_name_zh,
        row.display_name_en,
        row.create_time as _,
        request_id,
        request_hash,
    )
    .execute(tx)
    .await?;
    Ok(())
}
