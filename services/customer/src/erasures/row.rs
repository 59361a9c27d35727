//! An erasure as it stands in the database.

use foursight_kernel::{CustomerId, ErasureId, Error, Result, sql, time};
use foursight_proto::customer::v1::{ErasedTable, Erasure, ErasureAnswer};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{customers::CustomerError, erasures::ErasureError};

pub(super) struct ErasureRow {
    pub(super) id: Uuid,
    pub(super) customer_id: Uuid,
    pub(super) state: i16,
    pub(super) ground: i16,
    pub(super) reference: String,
    pub(super) requester: String,
    pub(super) services: Vec<String>,
    pub(super) request_time: sql::Timestamp,
    pub(super) complete_time: Option<sql::Timestamp>,
    pub(super) certificate: Option<String>,
    pub(super) seal: Option<Vec<u8>>,
}

/// What a service has done in a table, as it is kept and sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableCounts {
    #[serde(rename = "table")]
    pub(super) name: String,
    pub(super) removed: i64,
    pub(super) blanked: i64,
    pub(super) kept: i64,
}

impl From<&ErasedTable> for TableCounts {
    fn from(it: &ErasedTable) -> Self {
        Self { name: it.table.clone(), removed: it.removed, blanked: it.blanked, kept: it.kept }
    }
}

impl From<TableCounts> for ErasedTable {
    fn from(it: TableCounts) -> Self {
        Self { table: it.name, removed: it.removed, blanked: it.blanked, kept: it.kept }
    }
}

/// What a service has answered.
pub(super) struct AnswerRow {
    pub(super) service: String,
    pub(super) erase_time: sql::Timestamp,
    pub(super) tables: sqlx::types::Json<Vec<TableCounts>>,
}

impl ErasureRow {
    /// Without its answers and certificate.
    pub(super) fn to_proto(&self) -> Erasure {
        Erasure {
            name: ErasureId::from(self.id).name(),
            customer: CustomerId::from(self.customer_id).name(),
            state: self.state.into(),
            ground: self.ground.into(),
            reference: self.reference.clone(),
            requester: self.requester.clone(),
            request_time: Some(time::to_proto(self.request_time.to_jiff())),
            complete_time: self.complete_time.map(|at| time::to_proto(at.to_jiff())),
            ..Erasure::default()
        }
    }
}

/// An erasure with its answers.
///
/// # Errors
/// `ERASURE_NOT_FOUND`.
pub(super) async fn read(tx: &mut PgConnection, id: ErasureId) -> Result<Erasure> {
    let row = sqlx::query_as!(
        ErasureRow,
        r#"SELECT id, customer_id, state, ground, reference, requester, services, request_time, complete_time, certificate,
                  seal
           FROM customer.erasures WHERE id = $1"#,
        id.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(ErasureError::NotFound)?;
    let answers = answers(tx, id).await?;
    let open = |service: &&String| !answers.iter().any(|answer| answer.service == **service);
    Ok(Erasure {
        waiting_for: row.services.iter().filter(open).cloned().collect(),
        certificate: row.certificate.clone().unwrap_or_default(),
        seal: row.seal.as_deref().map(hex::encode).unwrap_or_default(),
        answers: answers
            .into_iter()
            .map(|answer| ErasureAnswer {
                service: answer.service,
                erase_time: Some(time::to_proto(answer.erase_time.to_jiff())),
                tables: answer.tables.0.into_iter().map(ErasedTable::from).collect(),
            })
            .collect(),
        ..row.to_proto()
    })
}

/// What was answered so far, by service.
pub(super) async fn answers(tx: &mut PgConnection, id: ErasureId) -> Result<Vec<AnswerRow>> {
    let rows = sqlx::query_as!(
        AnswerRow,
        r#"SELECT service, erase_time, tables AS "tables: sqlx::types::Json<Vec<TableCounts>>"
           FROM customer.erasure_answers WHERE erasure_id = $1 ORDER BY service"#,
        id.uuid(),
    )
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

/// The erasure of a customer, if there was one and the transaction reaches the whole group.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn of_customer(tx: &mut PgConnection, customer: CustomerId) -> Result<Option<ErasureId>> {
    let id = sqlx::query_scalar!("SELECT id FROM customer.erasures WHERE customer_id = $1", customer.uuid())
        .fetch_optional(tx)
        .await?;
    Ok(id.map(ErasureId::from))
}

/// Why a customer is not there.
pub(super) async fn gone(tx: &mut PgConnection, customer: CustomerId) -> Result<Error> {
    Ok(match of_customer(tx, customer).await? {
        Some(erasure) => ErasureError::Erased(erasure).into(),
        None => CustomerError::NotFound.into(),
    })
}
