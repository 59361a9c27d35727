//! A segment as it stands in its row.

use std::collections::BTreeSet;

use foursight_access::{Principal, Reach, audit};
use foursight_kernel::{Error, Result, SegmentId, StoreId, Violations, sql::Timestamp, time};
use foursight_proto::customer::v1::{Segment, SegmentCondition};
use foursight_runtime::Tx;
use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    SegmentError,
    condition::{self, Condition, Leaf},
    words::words,
};
use crate::{
    context::Context,
    tags::{self, TagNames},
};

/// A row of `segments`.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) store_id: Option<Uuid>,
    pub(super) display_name: String,
    pub(super) description: String,
    pub(super) condition: Vec<u8>,
    pub(super) shared: bool,
    pub(super) creator: String,
    pub(super) version: i64,
    pub(super) create_time: Timestamp,
    pub(super) update_time: Timestamp,
    pub(super) archive_time: Option<Timestamp>,
    pub(super) request_hash: Option<Vec<u8>>,
}

/// What a request says of a segment, checked.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) store: Option<StoreId>,
    pub(super) display_name: String,
    pub(super) description: String,
    pub(super) condition: SegmentCondition,
    pub(super) shared: bool,
}

impl Said {
    /// Reads it; `None` when something is wrong, which `v` tells.
    pub(super) fn parse(v: &mut Violations, segment: &Segment) -> Option<Self> {
        let store = v.optional_name("segment.store", &segment.store);
        let display_name = v.line("segment.display_name", &segment.display_name, 1..=60);
        let description = v.text("segment.description", &segment.description, 0..=500);
        condition::parse(v, "segment.condition", segment.condition.as_ref())?;
        let condition = segment.condition.clone()?;
        Some(Self { store, display_name, description, condition, shared: segment.shared })
    }
}

/// A segment that the transaction's caller may see: one of the group or of the caller's stores that is shared, or the caller's own.
///
/// # Errors
/// `SEGMENT_NOT_FOUND`.
pub(super) async fn read(tx: &mut PgConnection, caller: &Principal, id: SegmentId) -> Result<Row> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, store_id, display_name, description, condition, shared, creator, version, create_time, update_time,
                archive_time, request_hash
         FROM customer.segments WHERE id = $1 AND (shared OR creator = $2)",
        id.uuid(),
        caller.subject.name(),
    );
    Ok(row.fetch_optional(tx).await?.ok_or(SegmentError::NotFound)?)
}

/// The same, locked until the transaction ends, for who may change it.
///
/// # Errors
/// `SEGMENT_NOT_FOUND`, `SEGMENT_CHANGED`, and `STORE_OUT_OF_REACH` where who reaches stores changes one of the group.
pub(super) async fn lock(
    tx: &mut PgConnection,
    caller: &Principal,
    id: SegmentId,
    etag: &str,
) -> Result<Row> {
    let row = read(&mut *tx, caller, id).await?;
    if row.store_id.is_none() && caller.reach != Reach::Group {
        let message = "a segment of the whole group is changed by who reaches the whole group";
        return Err(Error::permission_denied("STORE_OUT_OF_REACH", message));
    }
    sqlx::query!("SELECT id FROM customer.segments WHERE id = $1 FOR NO KEY UPDATE", id.uuid())
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(SegmentError::NotFound)?;
    let row = read(tx, caller, id).await?;
    if !etag.is_empty() && etag != row.version.to_string() {
        return Err(SegmentError::Changed.into());
    }
    Ok(row)
}

impl Row {
    pub(super) fn store(&self) -> Option<StoreId> {
        self.store_id.map(StoreId::from)
    }

    fn tree(&self) -> Result<SegmentCondition> {
        SegmentCondition::decode(self.condition.as_slice()).map_err(Error::internal)
    }

    /// The condition, as it was checked when it was saved.
    pub(super) fn condition(&self) -> Result<Condition> {
        let mut v = Violations::default();
        let condition = condition::parse(&mut v, "condition", Some(&self.tree()?));
        condition.ok_or_else(|| Error::internal("a saved condition is none any more"))
    }

    /// In the API's form.
    pub(super) fn to_proto(&self, tags: &TagNames) -> Result<Segment> {
        Ok(Segment {
            name: SegmentId::from(self.id).name(),
            store: self.store().map(StoreId::name).unwrap_or_default(),
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            condition: Some(self.tree()?),
            shared: self.shared,
            words: Some(words(&self.condition()?, tags)),
            creator: self.creator.clone(),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            update_time: Some(time::to_proto(self.update_time.to_jiff())),
            archive_time: self.archive_time.map(|at| time::to_proto(at.to_jiff())),
            etag: self.version.to_string(),
        })
    }
}

/// The names of the tags that conditions ask for.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn tag_names<'a>(
    tx: &mut PgConnection,
    trees: impl IntoIterator<Item = &'a Condition>,
) -> Result<TagNames> {
    let leaves = trees.into_iter().flat_map(Condition::leaves);
    let tags: BTreeSet<Uuid> =
        leaves.filter_map(|leaf| if let Leaf::Tag(tag) = leaf { Some(tag.uuid()) } else { None }).collect();
    tags::names(tx, Some(tags.into_iter().collect())).await
}

/// A segment in the API's form, with the names of its tags.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn told(tx: &mut PgConnection, row: &Row) -> Result<Segment> {
    let tags = tag_names(tx, [&row.condition()?]).await?;
    row.to_proto(&tags)
}

/// What every change of a segment ends with: the record of it, and the segment as it is now.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn finish(
    ctx: &Context,
    caller: &Principal,
    mut tx: Tx,
    (id, store): (SegmentId, Option<StoreId>),
    method: &'static str,
) -> Result<Segment> {
    let row = read(&mut tx, caller, id).await?;
    let resource = &id.name();
    let detail = serde_json::json!({ "shared": row.shared });
    audit::record(&mut tx, caller, ctx.now(), audit::Action { method, resource, store, detail }).await?;
    let segment = told(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(segment)
}
