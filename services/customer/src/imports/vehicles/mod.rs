//! Tables of cars.

mod decide;
pub(super) mod fields;
pub(super) mod on_file;
mod take;
pub(super) mod told;
pub(super) mod undo;
pub(super) mod write;

use async_trait::async_trait;
use foursight_proto::customer::v1::ImportKind;
use foursight_sheets::Row;
use sqlx::PgConnection;

use crate::imports::{
    kind::{self, Batch, Described, FieldSpec, Hash, Kind, Need, SetBack, Taken},
    outcome::{Undone, Written},
    owner,
    reading::Reading,
    reason::Reason,
    run::Run,
    worker::Stop,
};

/// Tables of cars.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vehicles;

impl Described for Vehicles {
    fn kind(&self) -> ImportKind {
        ImportKind::Vehicles
    }

    fn fields(&self) -> Vec<FieldSpec> {
        // What a car's column may be called goes before what a customer's may.
        fields::FIELDS.into_iter().chain(owner::FIELDS).collect()
    }

    fn needs(&self) -> &'static [Need] {
        &[Need { any_of: &[fields::VIN], what: "VIN (车架号, VIN)" }]
    }
}

impl kind::Told for told::Told {
    fn keys(&self) -> Vec<(i16, Hash)> {
        told::keys(self)
    }

    fn content(&self) -> i64 {
        self.content
    }
}

#[async_trait]
impl Kind for Vehicles {
    type Told = told::Told;

    fn read(&self, reading: &Reading<'_>, row: &Row) -> Result<told::Told, Vec<Reason>> {
        told::read(reading, row)
    }

    async fn lead_on(&self, tx: &mut PgConnection, run: &Run) -> Result<(), Stop> {
        told::lead_on(tx, run).await
    }

    async fn take(&self, batch: &mut Batch<'_, told::Told>) -> Result<Taken, Stop> {
        take::take(batch).await
    }

    async fn set_back(&self, back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
        undo::set_back(back, rows).await
    }
}
