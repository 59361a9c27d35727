//! Cases: somebody said something.

use foursight_kernel::{
    ids::{CaseId, StoreId},
    sql,
};
use foursight_messaging::{HandleError, Received};
use foursight_proto::complaint::{events::v1::CaseOpened, v1::CaseKind};
use sqlx::PgConnection;

use super::{Reading, newest::NewestById};

/// The cases that a batch tells of.
#[derive(Default)]
pub(super) struct Cases(NewestById<CaseId, Case>);

struct Case {
    store: StoreId,
    kind: i16,
    open_time: jiff::Timestamp,
}

impl Cases {
    pub(super) fn opened(&mut self, event: &Received, told: &CaseOpened) -> Result<(), HandleError> {
        let (id, store, kind) = read(told)?;
        // The event's own time is the intake's: a case is opened by taking it.
        self.0.tell(id, event.version, Case { store, kind, open_time: event.time });
        Ok(())
    }

    pub(super) async fn write(self, tx: &mut PgConnection) -> Result<(), HandleError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (mut ids, mut versions) = (Vec::new(), Vec::new());
        let (mut stores, mut kinds, mut times) = (Vec::new(), Vec::new(), Vec::new());
        for (id, version, case) in self.0.into_rows() {
            ids.push(id.uuid());
            stores.push(case.store.uuid());
            kinds.push(case.kind);
            times.push(sql::at(case.open_time));
            versions.push(version);
        }
        sqlx::query!(
            "INSERT INTO analytics.cases AS c (case_id, store_id, kind, open_time, version)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::timestamptz[], $5::bigint[])
             ON CONFLICT (case_id) DO UPDATE
             SET store_id = EXCLUDED.store_id, kind = EXCLUDED.kind,
                 open_time = EXCLUDED.open_time, version = EXCLUDED.version
             WHERE c.version < EXCLUDED.version",
            &ids,
            &stores,
            &kinds,
            times as _,
            &versions,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

fn read(told: &CaseOpened) -> Result<(CaseId, StoreId, i16), HandleError> {
    let mut reading = Reading::new();
    let case = reading.0.name::<CaseId>("case", &told.case);
    let store = reading.0.name::<StoreId>("store", &told.store);
    let kind = reading.0.required_enum::<CaseKind>("kind", told.kind);
    let kind = kind.and_then(|kind| i16::try_from(i32::from(kind)).ok());
    let fact = case.zip(store).zip(kind);
    reading.finish(fact.map(|((case, store), kind)| (case, store, kind)))
}
