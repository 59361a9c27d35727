//! A merge as it stands in the database.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, MergeId, Result, StaffId, sql, time};
use foursight_proto::customer::v1::Merge;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{customers::facts::Field, merges::MergeError, scope};

pub(super) struct MergeRow {
    pub(super) id: Uuid,
    pub(super) survivor_id: Uuid,
    pub(super) absorbed_id: Uuid,
    pub(super) store_id: Uuid,
    pub(super) staff_id: Uuid,
    pub(super) reason: String,
    pub(super) taken: Vec<i16>,
    pub(super) merge_time: sql::Timestamp,
    pub(super) undo_until: sql::Timestamp,
    pub(super) undo_time: Option<sql::Timestamp>,
    pub(super) undo_staff_id: Option<Uuid>,
    pub(super) undo_reason: String,
    /// When what it takes to undo it was removed.
    pub(super) remove_time: Option<sql::Timestamp>,
    /// Whose file the survivor's is now.
    pub(super) survivor_now: Option<Uuid>,
}

/// A merge that the transaction's caller may see. Locked until the transaction ends.
///
/// # Errors
/// `MERGE_NOT_FOUND`.
pub(super) async fn find(tx: &mut PgConnection, id: MergeId) -> Result<MergeRow> {
    let row = sqlx::query_as!(
        MergeRow,
        r#"SELECT m.id, m.survivor_id, m.absorbed_id, m.store_id, m.staff_id, m.reason, m.taken, m.merge_time, m.undo_until,
                  m.undo_time, m.undo_staff_id, m.undo_reason, m.remove_time, customer.survivor_of(m.survivor_id) AS survivor_now
           FROM customer.merges m WHERE m.id = $1 FOR NO KEY UPDATE OF m"#,
        id.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.ok_or(MergeError::NotFound)?)
}

impl MergeRow {
    pub(super) fn to_proto(&self, caller: &Principal) -> Merge {
        let at = |time: sql::Timestamp| time::to_proto(time.to_jiff());
        let path = |number: &i16| Field::of_number(*number).map(|field| field.path().to_owned());
        Merge {
            name: MergeId::from(self.id).name(),
            customer: CustomerId::from(self.survivor_id).name(),
            other: CustomerId::from(self.absorbed_id).name(),
            taken: self.taken.iter().filter_map(path).collect(),
            reason: self.reason.clone(),
            store: scope::store_within(caller, Some(self.store_id)),
            staff: StaffId::from(self.staff_id).name(),
            merge_time: Some(at(self.merge_time)),
            undo_until: Some(at(self.undo_until)),
            undo_time: self.undo_time.map(at),
            undo_staff: self.undo_staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
            undo_reason: self.undo_reason.clone(),
            phones_elsewhere: 0,
            national_id_elsewhere: false,
        }
    }

    /// Refuses what cannot be undone.
    pub(super) fn require_undoable(&self, now: jiff::Timestamp) -> Result<(), MergeError> {
        match self.survivor_now.filter(|now| *now != self.survivor_id) {
            _ if self.undo_time.is_some() => Err(MergeError::Undone),
            _ if self.undo_until.to_jiff() <= now || self.remove_time.is_some() => Err(MergeError::Final),
            Some(by) => Err(MergeError::SurvivorAbsorbed(by.into())),
            None => Ok(()),
        }
    }
}
