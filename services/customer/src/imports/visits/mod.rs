//! Tables of service visits of the past. The cars and their owners are on file already.

mod decide;
mod fields;
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
    vehicles::fields::{FIELDS, ODOMETER_KM, PLATE, VIN},
    worker::Stop,
};

/// Tables of visits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visits;

const OF_CARS: [&str; 3] = [VIN, PLATE, ODOMETER_KM];

impl Described for Visits {
    fn kind(&self) -> ImportKind {
        ImportKind::Visits
    }

    fn fields(&self) -> Vec<FieldSpec> {
        let own = FIELDS.into_iter().filter(|field| OF_CARS.contains(&field.key));
        own.chain(fields::FIELDS).chain([history::ADVISOR_FIELD]).chain(owner::FIELDS).collect()
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need { any_of: &[VIN, PLATE], what: "VIN or plate (车架号, 车牌号)" },
            Need { any_of: &[fields::CHECK_IN_DATE], what: "day of the visit (进厂日期)" },
            Need { any_of: &[fields::KIND], what: "kind of the visit (维修类型)" },
            Need { any_of: &[ODOMETER_KM], what: "odometer (里程)" },
        ]
    }
}

impl kind::Told for told::Told {
    fn keys(&self) -> Vec<(i16, Hash)> {
        vec![(told::BY_VISIT, told::key(self))]
    }

    fn content(&self) -> i64 {
        self.content
    }
}

#[async_trait]
impl Kind for Visits {
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
