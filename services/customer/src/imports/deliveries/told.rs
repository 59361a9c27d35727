//! What one row of deliveries says.

use foursight_kernel::StaffId;
use foursight_sheets::Row;
use jiff::civil::Date;

use crate::{
    imports::{
        history,
        kind::Hash,
        owner::{Owner, content_of},
        reading::{Reader, Reading, key_of},
        reason::Reason,
        vehicles::{
            fields::{COLOUR, DELIVER_DATE, MODEL, PLATE, TRIM, VIN},
            told::kilometres,
        },
    },
    vehicles::plate,
};

/// The kind of `import_keys.kind`.
pub(super) const BY_CAR: i16 = 7;

/// A row that can be taken.
#[derive(Debug, Clone)]
pub(in crate::imports) struct Told {
    pub(super) vin: String,
    pub(super) day: Date,
    pub(super) plate: Option<String>,
    pub(super) model: Option<String>,
    pub(super) trim: Option<String>,
    pub(super) colour: Option<String>,
    pub(super) odometer_km: Option<i32>,
    pub(super) advisor: Option<StaffId>,
    pub(super) owner: Option<Owner>,
    pub(super) content: i64,
}

pub(super) fn key(vin: &str) -> Hash {
    key_of(vin)
}

/// Reads a row, or says all that is wrong with it.
pub(super) fn read(reading: &Reading<'_>, row: &Row) -> Result<Told, Vec<Reason>> {
    let mut it = Reader::of(reading, row);
    let vins = reading.vins;
    let (vin, day) = (it.ruled(VIN, |text| vins.read(text)), it.past(DELIVER_DATE));
    it.require(VIN, vin.is_some());
    it.require(DELIVER_DATE, day.is_some());
    let plate = it.ruled(PLATE, plate::normalize);
    let (model, trim, colour) = (it.line(MODEL, 100), it.line(TRIM, 100), it.line(COLOUR, 100));
    let odometer_km = kilometres(&mut it);
    let advisor = history::advisor(&mut it);
    let owner = Owner::read(&mut it);
    let (Some(vin), Some(day), true) = (vin, day, it.wrong.is_empty()) else { return Err(it.wrong) };
    let said = format!("{vin} {day} {plate:?} {model:?} {trim:?} {colour:?} {odometer_km:?} {advisor:?} ");
    let content = content_of(said, owner.as_ref());
    Ok(Told { vin, day, plate, model, trim, colour, odometer_km, advisor, owner, content })
}
