//! Tables of deliveries of the past. The cars and their owners are on file already.

mod take;
mod told;
mod undo;

use async_trait::async_trait;
use foursight_proto::customer::v1::ImportKind;
use foursight_sheets::Row;

use crate::imports::{
    history,
    kind::{self, Batch, Described, FieldSpec, Hash, Kind, Need, SetBack, Taken},
    outcome::{Undone, Written},
    owner,
    reading::Reading,
    reason::Reason,
    vehicles::fields::{COLOUR, DELIVER_DATE, FIELDS, MODEL, ODOMETER_KM, PLATE, TRIM, VIN},
    worker::Stop,
};

/// Tables of deliveries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deliveries;

const OF_CARS: [&str; 7] = [VIN, DELIVER_DATE, MODEL, TRIM, COLOUR, PLATE, ODOMETER_KM];

impl Described for Deliveries {
    fn kind(&self) -> ImportKind {
        ImportKind::Deliveries
    }

    fn fields(&self) -> Vec<FieldSpec> {
        let own = FIELDS.into_iter().filter(|field| OF_CARS.contains(&field.key));
        own.chain([history::ADVISOR_FIELD]).chain(owner::FIELDS).collect()
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need { any_of: &[VIN], what: "VIN (车架号, VIN)" },
            Need { any_of: &[DELIVER_DATE], what: "day of the delivery (交车日期)" },
        ]
    }
}

impl kind::Told for told::Told {
    fn keys(&self) -> Vec<(i16, Hash)> {
        vec![(told::BY_CAR, told::key(&self.vin))]
    }

    fn content(&self) -> i64 {
        self.content
    }
}

#[async_trait]
impl Kind for Deliveries {
    type Told = told::Told;

    fn read(&self, reading: &Reading<'_>, row: &Row) -> Result<told::Told, Vec<Reason>> {
        told::read(reading, row)
    }

    async fn take(&self, batch: &mut Batch<'_, told::Told>) -> Result<Taken, Stop> {
        take::take(batch).await
    }

    async fn set_back(&self, back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
        undo::set_back(back, rows).await
    }
}
