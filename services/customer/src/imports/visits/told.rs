//! What one row of visits says.

use foursight_kernel::StaffId;
use foursight_proto::customer::v1::VisitKind;
use foursight_sheets::{Row, values};
use jiff::civil::Date;

use crate::{
    imports::{
        history,
        kind::Hash,
        owner::{Owner, content_of},
        reading::{Reader, Reading, key_of},
        reason::Reason,
        vehicles::{
            fields::{ODOMETER_KM, PLATE, VIN},
            told::kilometres,
        },
    },
    vehicles::plate,
};

use super::fields::{self, AMOUNT, CHECK_IN_DATE, HAND_OVER_DATE, KIND};

/// The kind of `import_keys.kind`.
pub(super) const BY_VISIT: i16 = 8;
/// In fen: a hundred million yuan, as for a visit at the counter.
const MOST_FEN: i64 = 10_000_000_000;

/// A row that can be taken.
#[derive(Debug, Clone)]
pub(in crate::imports) struct Told {
    /// By its VIN, or by the plate that hangs on it.
    pub(super) vin: Option<String>,
    pub(super) plate: Option<String>,
    pub(super) day: Date,
    pub(super) out: Date,
    pub(super) kind: VisitKind,
    pub(super) odometer_km: i32,
    pub(super) amount_fen: Option<i64>,
    pub(super) advisor: Option<StaffId>,
    /// Who brought it; the owner of that day when absent.
    pub(super) customer: Option<Owner>,
    pub(super) content: i64,
}

/// A visit is its car, its day and its kind.
pub(super) fn key(told: &Told) -> Hash {
    let car = told.vin.as_ref().or(told.plate.as_ref());
    key_of(&format!("{car:?} {} {}", told.day, told.kind.as_str_name()))
}

/// Reads a row, or says all that is wrong with it.
pub(super) fn read(reading: &Reading<'_>, row: &Row) -> Result<Told, Vec<Reason>> {
    let mut it = Reader::of(reading, row);
    let vins = reading.vins;
    let (vin, plate) = (it.ruled(VIN, |text| vins.read(text)), it.ruled(PLATE, plate::normalize));
    let (day, out) = (it.past(CHECK_IN_DATE), it.past(HAND_OVER_DATE));
    if let (Some(day), Some(out)) = (day, out)
        && out < day
    {
        it.refuse(HAND_OVER_DATE, "must not be before the check-in".to_owned());
    }
    let kind = it.word(
        KIND,
        fields::kind,
        "write 保养, 维修, 钣喷, 索赔 or 年检; maintenance, repair, body, warranty or inspection",
    );
    let odometer_km = kilometres(&mut it);
    let amount_fen = it.read(AMOUNT, |cell| values::minor_units(cell, 2));
    if amount_fen.is_some_and(|fen| !(0..=MOST_FEN).contains(&fen)) {
        it.refuse(AMOUNT, "must be between 0 and 100,000,000".to_owned());
    }
    let advisor = history::advisor(&mut it);
    let customer = Owner::read(&mut it);
    it.require(VIN, vin.is_some() || plate.is_some() || it.is_wrong(PLATE));
    it.require(CHECK_IN_DATE, day.is_some());
    it.require(KIND, kind.is_some());
    it.require(ODOMETER_KM, odometer_km.is_some());
    let (Some(day), Some(kind), Some(odometer_km), true) = (day, kind, odometer_km, it.wrong.is_empty())
    else {
        return Err(it.wrong);
    };
    let out = out.unwrap_or(day);
    let said = format!("{vin:?} {plate:?} {day} {out} {kind:?} {odometer_km} {amount_fen:?} {advisor:?} ");
    let content = content_of(said, customer.as_ref());
    Ok(Told { vin, plate, day, out, kind, odometer_km, amount_fen, advisor, customer, content })
}
