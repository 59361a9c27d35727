//! A lead as it stands in the database.

use foursight_kernel::{CustomerId, Error, LeadId, Result, StaffId, StoreId, sql::Timestamp, time};
use foursight_proto::customer::v1::{Lead, LeadGrade, LeadLoss, LeadState};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::leads::state::{self, LeadError};

pub(crate) struct LeadRow {
    pub(crate) id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) store_id: Uuid,
    pub(crate) source: i16,
    pub(crate) intended_model: String,
    pub(crate) grade: i16,
    pub(crate) state: i16,
    /// Who has it, or had it last.
    pub(crate) owner_id: Uuid,
    /// Since when nobody has it.
    pub(crate) release_time: Option<Timestamp>,
    pub(crate) next_follow_up_time: Option<Timestamp>,
    /// Who gave it to its owner, if anybody has.
    pub(crate) assigner_id: Option<Uuid>,
    /// How it was lost: this and the next four are there, or none.
    pub(crate) loss_reason: Option<i16>,
    pub(crate) loss_note: Option<String>,
    pub(crate) competitor: Option<String>,
    pub(crate) loser_id: Option<Uuid>,
    pub(crate) lose_time: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) create_time: Timestamp,
    pub(crate) update_time: Timestamp,
    pub(crate) request_hash: Option<Vec<u8>>,
}

/// The lead, which nobody else changes until the transaction ends.
pub(crate) async fn lock(tx: &mut PgConnection, id: LeadId) -> Result<LeadRow> {
    let row = sqlx::query_as!(
        LeadRow,
        "SELECT id, customer_id, store_id, source, intended_model, grade, state, owner_id, release_time,
                next_follow_up_time, assigner_id, loss_reason, loss_note, competitor, loser_id, lose_time, version,
                create_time, update_time, request_hash
         FROM customer.leads WHERE id = $1 FOR NO KEY UPDATE",
        id.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.ok_or(LeadError::NotFound)?)
}

impl LeadRow {
    /// Refuses a step that does not fit the lead as it is.
    pub(crate) fn require_open_and_as_read(&self, etag: &str) -> Result<()> {
        if !etag.is_empty() && etag != self.etag() {
            return Err(self.as_found(LeadError::Changed));
        }
        state::require_open(self.state).map_err(|refused| self.as_found(refused))
    }

    /// Whose it is; `None` when nobody has it.
    pub(crate) fn owner(&self) -> Option<StaffId> {
        self.release_time.is_none().then_some(StaffId::from(self.owner_id))
    }

    /// Who gave it to whom, when a person has and it is still theirs.
    pub(crate) fn assigned(&self) -> Option<(StaffId, StaffId)> {
        self.owner().zip(self.assigner_id.map(StaffId::from))
    }

    fn loss(&self) -> Option<LeadLoss> {
        Some(LeadLoss {
            reason: self.loss_reason?.into(),
            competitor: self.competitor.clone()?,
            note: self.loss_note.clone()?,
            staff: StaffId::from(self.loser_id?).name(),
            lose_time: self.lose_time.map(|at| time::to_proto(at.to_jiff())),
        })
    }

    pub(crate) fn to_proto(&self) -> Lead {
        Lead {
            name: LeadId::from(self.id).name(),
            customer: CustomerId::from(self.customer_id).name(),
            store: StoreId::from(self.store_id).name(),
            source: self.source.into(),
            intended_model: self.intended_model.clone(),
            grade: self.grade.into(),
            state: self.state.into(),
            owner: self.owner().map(StaffId::name).unwrap_or_default(),
            next_follow_up_time: self.next_follow_up_time.map(|due| time::to_proto(due.to_jiff())),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            update_time: Some(time::to_proto(self.update_time.to_jiff())),
            etag: self.etag(),
            loss: self.loss(),
        }
    }

    /// What gives back who shows to know the lead as it is.
    pub(crate) fn etag(&self) -> String {
        format!("r{}", self.version)
    }

    /// A refusal that says how the lead was found, and so what others did meanwhile.
    pub(crate) fn as_found(&self, refused: LeadError) -> Error {
        let state = LeadState::try_from(i32::from(self.state)).unwrap_or_default().as_str_name();
        let grade = LeadGrade::try_from(i32::from(self.grade)).unwrap_or_default().as_str_name();
        let changed = self.update_time.to_jiff();
        Error::from(refused)
            .adding(format_args!("it is {state} with {grade} since {changed}"))
            .with_metadata("state", state)
            .with_metadata("grade", grade)
            .with_metadata("update_time", changed.to_string())
    }
}
