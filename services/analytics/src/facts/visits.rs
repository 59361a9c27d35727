//! Service visits: a car came in, and was handed back. Two events tell one row; either may come first.

use std::collections::BTreeMap;

use foursight_kernel::{
    ids::{StoreId, VehicleId, VisitId},
    sql,
};
use foursight_messaging::HandleError;
use foursight_proto::customer::events::v1::{VisitCompleted, VisitRemoved, VisitStarted};
use sqlx::PgConnection;

use super::{Reading, newest::Newest};

/// The visits that a batch tells of; in order, as in [`super::newest::NewestById`].
#[derive(Default)]
pub(super) struct Visits(BTreeMap<VisitId, Visit>);

#[derive(Default)]
struct Visit {
    /// Told by both events: the newer one holds.
    place: Newest<(StoreId, VehicleId)>,
    /// Without a time for one that was taken back.
    check_in: Newest<Option<jiff::Timestamp>>,
    hand_over: Newest<Option<jiff::Timestamp>>,
}

impl Visits {
    pub(super) fn started(&mut self, version: i64, told: &VisitStarted) -> Result<(), HandleError> {
        let names = (&*told.visit, &*told.store, &*told.vehicle);
        let (visit, time) = self.step(version, names, "check_in_time", told.check_in_time.as_ref())?;
        visit.check_in.tell(version, Some(time));
        Ok(())
    }

    pub(super) fn completed(&mut self, version: i64, told: &VisitCompleted) -> Result<(), HandleError> {
        let names = (&*told.visit, &*told.store, &*told.vehicle);
        let (visit, time) = self.step(version, names, "hand_over_time", told.hand_over_time.as_ref())?;
        visit.hand_over.tell(version, Some(time));
        Ok(())
    }

    pub(super) fn removed(&mut self, version: i64, told: &VisitRemoved) -> Result<(), HandleError> {
        let mut reading = Reading::new();
        let visit = reading.0.name::<VisitId>("visit", &told.visit);
        let store = reading.0.name::<StoreId>("store", &told.store);
        let vehicle = reading.0.name::<VehicleId>("vehicle", &told.vehicle);
        let ((id, store), vehicle) = reading.finish(visit.zip(store).zip(vehicle))?;
        let visit = self.0.entry(id).or_default();
        visit.place.tell(version, (store, vehicle));
        visit.check_in.tell(version, None);
        visit.hand_over.tell(version, None);
        Ok(())
    }

    /// Reads what both events tell: the visit that a step belongs to, with its place, and the step's time.
    fn step(
        &mut self,
        version: i64,
        (visit, store, vehicle): (&str, &str, &str),
        time_field: &'static str,
        time: Option<&prost_types::Timestamp>,
    ) -> Result<(&mut Visit, jiff::Timestamp), HandleError> {
        let mut reading = Reading::new();
        let visit = reading.0.name::<VisitId>("visit", visit);
        let store = reading.0.name::<StoreId>("store", store);
        let vehicle = reading.0.name::<VehicleId>("vehicle", vehicle);
        let time = reading.time(time_field, time);
        let (((id, store), vehicle), time) = reading.finish(visit.zip(store).zip(vehicle).zip(time))?;
        let visit = self.0.entry(id).or_default();
        visit.place.tell(version, (store, vehicle));
        Ok((visit, time))
    }

    pub(super) async fn write(self, tx: &mut PgConnection) -> Result<(), HandleError> {
        let (mut ids, mut stores, mut vehicles) = (Vec::new(), Vec::new(), Vec::new());
        let (mut check_ins, mut started) = (Vec::new(), Vec::new());
        let (mut hand_overs, mut completed) = (Vec::new(), Vec::new());
        for (id, visit) in self.0 {
            let Some((store, vehicle)) = visit.place.told() else { continue };
            ids.push(id.uuid());
            stores.push(store.uuid());
            vehicles.push(vehicle.uuid());
            check_ins.push(sql::maybe_at(visit.check_in.told().copied().flatten()));
            started.push(visit.check_in.version());
            hand_overs.push(sql::maybe_at(visit.hand_over.told().copied().flatten()));
            completed.push(visit.hand_over.version());
        }
        if ids.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "INSERT INTO analytics.visits AS v
                 (visit_id, store_id, vehicle_id, check_in_time, started_version, hand_over_time, completed_version)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[],
                                  $6::timestamptz[], $7::bigint[])
             ON CONFLICT (visit_id) DO UPDATE
             SET store_id = CASE WHEN greatest(EXCLUDED.started_version, EXCLUDED.completed_version)
                                      > greatest(v.started_version, v.completed_version)
                                 THEN EXCLUDED.store_id ELSE v.store_id END,
                 vehicle_id = CASE WHEN greatest(EXCLUDED.started_version, EXCLUDED.completed_version)
                                        > greatest(v.started_version, v.completed_version)
                                   THEN EXCLUDED.vehicle_id ELSE v.vehicle_id END,
                 check_in_time = CASE WHEN v.started_version IS NULL OR EXCLUDED.started_version > v.started_version
                                      THEN EXCLUDED.check_in_time ELSE v.check_in_time END,
                 started_version = greatest(EXCLUDED.started_version, v.started_version),
                 hand_over_time = CASE WHEN v.completed_version IS NULL OR EXCLUDED.completed_version > v.completed_version
                                       THEN EXCLUDED.hand_over_time ELSE v.hand_over_time END,
                 completed_version = greatest(EXCLUDED.completed_version, v.completed_version)",
            &ids,
            &stores,
            &vehicles,
            check_ins as _,
            &started as _,
            hand_overs as _,
            &completed as _,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}
