//! A relation as it stands in the database, and as one of the two sees it.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, RelationId, Result, StaffId, sql::Timestamp, time};
use foursight_proto::customer::v1::{Relation, RelationKind};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    names,
    relations::{
        RelationError,
        rule::{inverse, words},
    },
    scope,
};

pub(super) const COLLECTION: &str = "relations";

pub(super) struct RelationRow {
    pub(super) id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) other_id: Uuid,
    pub(super) kind: i16,
    pub(super) source: i16,
    pub(super) start_time: Timestamp,
    pub(super) store_id: Uuid,
    pub(super) staff_id: Option<Uuid>,
    pub(super) end_time: Option<Timestamp>,
    pub(super) end_store_id: Option<Uuid>,
    pub(super) end_staff_id: Option<Uuid>,
    pub(super) request_hash: Option<Vec<u8>>,
    /// What the one is called who is not the asked one; nothing where the caller does not see that file.
    pub(super) display_name: Option<String>,
}

/// The rows that a condition picks; its first argument is the customer from whose side they are seen.
macro_rules! relation_rows {
    ($which:tt, $($argument:expr),* $(,)?) => {
        sqlx::query_as!(
            $crate::relations::row::RelationRow,
            r#"SELECT r.id, r.customer_id, r.other_id, r.kind, r.source, r.start_time, r.store_id, r.staff_id, r.end_time,
                      r.end_store_id, r.end_staff_id, r.request_hash, c.display_name AS "display_name?"
               FROM customer.customer_relations r
               LEFT JOIN customer.customers c ON c.id = CASE WHEN r.customer_id = $1 THEN r.other_id ELSE r.customer_id END
               WHERE "# + $which,
            $($argument),*
        )
    };
}
pub(super) use relation_rows;

/// A relation of this customer, whom the transaction's caller sees.
///
/// # Errors
/// `RELATION_NOT_FOUND`.
pub(super) async fn find(tx: &mut PgConnection, from: CustomerId, id: RelationId) -> Result<RelationRow> {
    let row = relation_rows!(
        "r.id = $2 AND (r.customer_id = $1 OR r.other_id = $1) AND NOT r.rests",
        from.uuid(),
        id.uuid(),
    );
    Ok(row.fetch_optional(tx).await?.ok_or(RelationError::NotFound)?)
}

impl RelationRow {
    /// What the other one is to the customer from whose side it is seen.
    pub(super) fn kind_from(&self, from: CustomerId) -> Result<RelationKind> {
        let kind = RelationKind::try_from(i32::from(self.kind)).map_err(Error::internal)?;
        Ok(if self.is_other(from) { inverse(kind) } else { kind })
    }

    fn is_other(&self, from: CustomerId) -> bool {
        self.other_id == from.uuid() && self.customer_id != from.uuid()
    }

    /// The one of the two who is not the customer.
    pub(super) fn other(&self, from: CustomerId) -> CustomerId {
        if self.is_other(from) { self.customer_id.into() } else { self.other_id.into() }
    }

    /// As the caller may see it, from this customer's side.
    pub(super) fn to_proto(&self, caller: &Principal, from: CustomerId) -> Result<Relation> {
        let staff = |id: Option<Uuid>| id.map(|id| StaffId::from(id).name()).unwrap_or_default();
        let kind = self.kind_from(from)?;
        let (kind_zh, kind_en) = words(kind);
        let seen = self.display_name.is_some();
        Ok(Relation {
            name: names::below(from, COLLECTION, self.id),
            other: if seen { self.other(from).name() } else { String::new() },
            display_name: self.display_name.clone().unwrap_or_default(),
            kind: kind.into(),
            kind_zh: kind_zh.to_owned(),
            kind_en: kind_en.to_owned(),
            source: self.source.into(),
            store: scope::store_within(caller, Some(self.store_id)),
            staff: staff(self.staff_id),
            start_time: Some(time::to_proto(self.start_time.to_jiff())),
            end_time: self.end_time.map(|at| time::to_proto(at.to_jiff())),
            end_store: scope::store_within(caller, self.end_store_id),
            end_staff: staff(self.end_staff_id),
        })
    }
}
