//! `ListTimelineEntries`.

use std::collections::BTreeMap;

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Page, Result, StoreId, Violations, sql, sql::Timestamp, time};
use foursight_proto::customer::v1::{ListTimelineEntriesRequest, ListTimelineEntriesResponse, TimelineEntry};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{CustomerError, stores},
    names,
    timeline::entry::KINDS,
};

const MOST_KINDS: usize = 50;
/// From so many entries on a page ends, full or not, when only some kinds are wanted: a rare kind of a long history is not looked for to
/// its beginning.
const MOST_LOOKED_AT: i64 = 2_000;

/// The last entry of a page: its instant, its place among others of that instant, its event.
type Cursor = (jiff::Timestamp, i64, Uuid);

struct EntryRow {
    event_id: Uuid,
    kind: String,
    resource: String,
    store_id: Option<Uuid>,
    occur_time: Timestamp,
    place: i64,
    details: Value,
    /// Whether it is an entry of the page; else it says where looking ended.
    fits: bool,
}

/// What happened with a customer at the caller's stores, and what is of no one store, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file; wrong fields, among them a kind that there is not.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListTimelineEntriesRequest,
) -> Result<ListTimelineEntriesResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    v.at_most("kinds", &request.kinds, MOST_KINDS);
    for (place, kind) in request.kinds.iter().enumerate().take(MOST_KINDS) {
        if !KINDS.contains(&kind.as_str()) {
            v.push(
                format!("kinds[{place}]"),
                "must be a kind of the timeline's entries, such as LEAD_GRADED",
            );
        }
    }
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<Cursor>::parse(request)?;
    let after = page.after;

    let mut tx = ctx.db.begin_list(caller).await?;
    stores::require_visible(&mut tx, customer).await?;
    let rows = sqlx::query_as!(
        EntryRow,
        r#"WITH looked AS MATERIALIZED (
               SELECT event_id, kind, resource, store_id, occur_time, place, details,
                      cardinality($2::text[]) = 0 OR kind = ANY ($2) AS fits
               FROM customer.timeline_entries
               WHERE customer_id = $1
                 AND ($3::timestamptz IS NULL OR (occur_time, place, event_id) < ($3, $4::bigint, $5::uuid))
               ORDER BY occur_time DESC, place DESC, event_id DESC
               LIMIT CASE WHEN cardinality($2::text[]) = 0 THEN $6::bigint ELSE $7::bigint END
           )
           SELECT event_id AS "event_id!", kind AS "kind!", resource AS "resource!", store_id, occur_time AS "occur_time!",
                  place AS "place!", details AS "details!", fits AS "fits!"
           FROM (
               (SELECT * FROM looked WHERE fits ORDER BY occur_time DESC, place DESC, event_id DESC LIMIT $6::bigint)
               UNION ALL
               -- Where looking ended, perhaps before the history did.
               (SELECT event_id, kind, resource, store_id, occur_time, place, details, false FROM looked
                ORDER BY occur_time DESC, place DESC, event_id DESC OFFSET $7::bigint - 1)
           ) page
           ORDER BY occur_time DESC, place DESC, event_id DESC, fits DESC"#,
        customer.uuid(),
        &request.kinds,
        sql::maybe_at(after.map(|(time, ..)| time)) as _,
        after.map(|(_, place, _)| place),
        after.map(|(.., event)| event),
        page.limit,
        MOST_LOOKED_AT,
    )
    .fetch_all(&mut *tx)
    .await?;
    let place = |row: &EntryRow| (row.occur_time.to_jiff(), row.place, row.event_id);
    let (rows, mut next_page_token) = page.finish(rows, place)?;
    if next_page_token.is_empty()
        && let Some(last) = rows.last().filter(|last| !last.fits)
    {
        next_page_token = page.token(&place(last))?;
    }
    let timeline_entries = rows
        .into_iter()
        .filter(|row| row.fits)
        .map(|row| row.into_proto(customer))
        .collect::<Result<Vec<_>>>()?;
    Ok(ListTimelineEntriesResponse { timeline_entries, next_page_token })
}

impl EntryRow {
    fn into_proto(self, customer: CustomerId) -> Result<TimelineEntry> {
        let details: BTreeMap<String, String> =
            serde_json::from_value(self.details).map_err(Error::internal)?;
        Ok(TimelineEntry {
            name: names::below(customer, "timelineEntries", self.event_id),
            kind: self.kind,
            resource: self.resource,
            store: self.store_id.map_or_else(String::new, |store| StoreId::from(store).name()),
            occur_time: Some(time::to_proto(self.occur_time.to_jiff())),
            details,
        })
    }
}
