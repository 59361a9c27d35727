//! A batch of rows of cars: looked up, decided, written.

use foursight_kernel::{Result, VehicleId};
use foursight_proto::customer::v1::ImportOutcome;
use foursight_runtime::erasure;
use uuid::Uuid;

use crate::imports::{
    kind::{Batch, Outright, Taken},
    outcome::{Outcomes, RowOutcome},
    owner::{self, Owners},
    worker::Stop,
};

use super::{
    decide::{self, Change, Refusal},
    on_file::{self, OnFile},
    told::Told,
    write,
};

/// A car that is new or changes.
pub(super) struct Wanted<'a> {
    pub(super) told: &'a Told,
    /// The car, new where nothing is on file.
    pub(super) id: VehicleId,
    pub(super) on_file: Option<OnFile>,
    pub(super) owner: Uuid,
    pub(super) change: Change,
    /// The subject of its reading.
    pub(super) reading: Uuid,
}

/// Takes these rows.
pub(super) async fn take(batch: &mut Batch<'_, Told>) -> Result<Taken, Stop> {
    // Whoever is erased now is erased before, or finds what is written here.
    erasure::hold(&mut *batch.tx).await?;
    let lines = batch.lines;
    let told = || lines.iter().filter_map(|line| line.said.as_ref().ok());
    let vins: Vec<String> = told().map(|told| told.vin.clone()).collect();
    let plates: Vec<String> = told().filter_map(|told| told.plate.clone()).collect();
    let owners = Owners::find(batch.tx, batch.run, told().filter_map(|told| told.owner.as_ref())).await?;
    let mut cars = on_file::read(batch.tx, batch.run, &vins, &plates).await?;
    let (mut outcomes, mut wanted) = (Outcomes::default(), Vec::new());
    for line in lines {
        let number = line.number;
        match batch.outright(line) {
            Some(Outright::Refused(row)) => {
                outcomes.push(row);
                continue;
            }
            Some(Outright::As(twin)) => {
                outcomes.push_as(number, twin);
                continue;
            }
            None => {}
        }
        let Ok(told) = &line.said else { continue };
        let owner = told.owner.as_ref().map(|owner| owners.of(owner)).transpose();
        let owner = match owner {
            Ok(owner) => owner,
            Err(unclear) => {
                outcomes.push(owner::refused(number, unclear));
                continue;
            }
        };
        let on_file = cars.by_vin.remove(&told.vin);
        let holder = told.plate.as_ref().and_then(|plate| cars.holders.get(plate)).copied();
        let change = match decide::decide(told, on_file.as_ref(), owner, holder, batch.now) {
            Ok(change) => change,
            Err(Refusal::Wrong(reason)) => {
                outcomes.push(RowOutcome::error(number, &[reason]));
                continue;
            }
            Err(Refusal::Conflict(reason, seen)) => {
                outcomes.push(RowOutcome::conflict(number, &[reason], seen));
                continue;
            }
        };
        let known = on_file.as_ref().map(|car| car.id);
        let whose = on_file.as_ref().and_then(|car| car.owner).or(owner);
        if change.is_none() {
            outcomes.push(RowOutcome::unchanged(number, whose).subject(known.map(VehicleId::uuid)));
            continue;
        }
        if batch.run.dry_run {
            let outcome = if known.is_some() { ImportOutcome::Update } else { ImportOutcome::Create };
            outcomes.push(RowOutcome { outcome, ..RowOutcome::unchanged(number, whose) });
            continue;
        }
        let Some(owner) = whose else { continue };
        let id = known.unwrap_or_else(|| batch.ctx.ids.next());
        let reading = batch.ctx.ids.uuid();
        let it = Wanted { told, id, on_file, owner, change, reading };
        outcomes.push(write::row(batch.key, number, &it, batch.now)?);
        wanted.push(it);
    }
    write::write(batch, &wanted).await?;
    Ok(Taken { outcomes: outcomes.into_rows(), tried: Vec::new() })
}
