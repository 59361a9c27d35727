//! What a list is narrowed by.

use std::collections::HashSet;

use foursight_kernel::{Result, StaffId, TagId, Violations, sql};
use foursight_proto::customer::v1::{
    CustomerGroup, LifeCycleStage, ListCustomersRequest, SourceChannel, ValueTier,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

/// How much earlier than its file an id may have been taken.
const TAKEN_BEFORE: SignedDuration = SignedDuration::from_secs(60);

/// Everything that is absent lets everything pass. Ranges are from (with) and to (without).
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::customers) struct Filter {
    stage: Option<LifeCycleStage>,
    source: Option<SourceChannel>,
    pub(in crate::customers) owner: Option<StaffId>,
    model: Option<String>,
    created: (Option<Timestamp>, Option<Timestamp>),
    visited: (Option<Timestamp>, Option<Timestamp>),
    tag: Option<TagId>,
    group: Option<CustomerGroup>,
    value_tier: Option<ValueTier>,
}

impl Filter {
    /// Reads it from a request.
    pub(in crate::customers) fn parse(v: &mut Violations, request: &ListCustomersRequest) -> Self {
        let filter = Self {
            stage: v.optional_enum("stage", request.stage),
            source: v.optional_enum("source", request.source),
            owner: v.optional_name("owner", &request.owner),
            model: v.optional_text("model", &request.model, 100),
            created: (
                v.timestamp("created_from", request.created_from.as_ref()),
                v.timestamp("created_before", request.created_before.as_ref()),
            ),
            visited: (
                v.timestamp("visited_from", request.visited_from.as_ref()),
                v.timestamp("visited_before", request.visited_before.as_ref()),
            ),
            tag: v.optional_name("tag", &request.tag),
            group: v.optional_enum("group", request.group),
            value_tier: v.optional_enum("value_tier", request.value_tier),
        };
        for (field, (from, before)) in
            [("created_before", filter.created), ("visited_before", filter.visited)]
        {
            if from.zip(before).is_some_and(|(from, before)| before <= from) {
                v.push(field, "must be later than the range's beginning");
            }
        }
        filter
    }

    /// Whether anything is left out.
    pub(in crate::customers) fn narrows(&self) -> bool {
        *self != Self::default()
    }

    /// The label of `file_labels` that all the files have, when they are of a tag or a group.
    pub(in crate::customers) fn label(&self) -> Option<Uuid> {
        let group = || self.group.map(|group| Uuid::from_u128(u128::from(group as u8)));
        self.tag.map(TagId::uuid).or_else(group)
    }

    /// Between which ids the files are, from (with) and to (without), as ids carry the time.
    pub(super) fn ids(&self) -> (Uuid, Uuid) {
        let (from, before) = self.created;
        let first = from.and_then(|from| from.checked_sub(TAKEN_BEFORE).ok()).map_or(Uuid::nil(), first_id);
        let end = before
            .and_then(|before| before.checked_add(SignedDuration::from_millis(1)).ok())
            .map_or(Uuid::max(), first_id);
        (first, end)
    }

    /// Those of the files that it lets pass.
    pub(in crate::customers) async fn keep(
        &self,
        tx: &mut PgConnection,
        ids: Vec<Uuid>,
    ) -> Result<HashSet<Uuid>> {
        if !self.narrows() || ids.is_empty() {
            return Ok(ids.into_iter().collect());
        }
        let kept = sqlx::query_scalar!(
            "SELECT c.id FROM customer.customers c
             WHERE c.id = ANY ($1)
               AND ($2::smallint IS NULL OR c.stage = $2)
               AND ($3::smallint IS NULL OR c.source = $3)
               AND ($4::timestamptz IS NULL OR c.create_time >= $4)
               AND ($5::timestamptz IS NULL OR c.create_time < $5)
               AND ($6::uuid IS NULL OR (
                       SELECT true FROM customer.leads l
                       WHERE l.customer_id = c.id AND l.state = 1 AND l.owner_id = $6 AND l.release_time IS NULL
                       LIMIT 1))
               AND ($7::text IS NULL OR (
                       SELECT true FROM customer.vehicle_ownerships o JOIN customer.vehicles v ON v.id = o.vehicle_id
                       WHERE o.customer_id = c.id AND o.end_time IS NULL AND v.model = $7
                       LIMIT 1))
               AND (($8::timestamptz IS NULL AND $9::timestamptz IS NULL) OR (
                       SELECT newest.check_in_time >= coalesce($8, '-infinity')
                              AND newest.check_in_time < coalesce($9, 'infinity')
                       FROM (SELECT v.check_in_time FROM customer.visits v
                             WHERE v.customer_id = c.id ORDER BY v.check_in_time DESC LIMIT 1) newest))
               AND ($10::uuid IS NULL OR $10 = ANY (c.tags))
               AND ($11::smallint IS NULL OR $11 = ANY (c.groups))
               AND ($12::smallint IS NULL OR c.value_tier = $12)",
            &ids,
            self.stage.map(sql::number),
            self.source.map(sql::number),
            sql::maybe_at(self.created.0) as _,
            sql::maybe_at(self.created.1) as _,
            self.owner.map(StaffId::uuid),
            self.model.as_deref(),
            sql::maybe_at(self.visited.0) as _,
            sql::maybe_at(self.visited.1) as _,
            self.tag.map(TagId::uuid),
            self.group.map(sql::number),
            self.value_tier.map(sql::number),
        )
        .fetch_all(tx)
        .await?;
        Ok(kept.into_iter().collect())
    }
}

/// No id of this millisecond or later is smaller (RFC 9562, version 7).
pub(crate) fn first_id(instant: Timestamp) -> Uuid {
    let milliseconds = u128::try_from(instant.as_millisecond()).unwrap_or_default();
    Uuid::from_u128(milliseconds << 80)
}

#[cfg(test)]
mod tests {
    use foursight_kernel::time;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_file_opened_within_the_range_has_its_id_within(from in 0_i64..4_000_000_000_000, wide in 1_i64..1_000_000_000, into in 0_f64..1.0) {
            let at = |ms| Timestamp::from_millisecond(ms).unwrap_or_default();
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any place between")]
            let opened = from + ((wide - 1) as f64 * into) as i64;
            let request = ListCustomersRequest {
                created_from: Some(time::to_proto(at(from))),
                created_before: Some(time::to_proto(at(from + wide))),
                ..ListCustomersRequest::default()
            };
            let mut v = Violations::default();
            let (first, end) = Filter::parse(&mut v, &request).ids();
            prop_assert!(v.is_empty());
            let id = first_id(at(opened));
            prop_assert!(first <= id && id < end);
        }
    }
}
