//! What one row of cars says, checked by the rules by which the API checks.

use foursight_kernel::Violations;
use foursight_proto::customer::v1::{Insurance, Vehicle, Warranty};
use foursight_sheets::{Row, values};
use jiff::{Timestamp, civil::Date};
use prost::Message;
use sqlx::PgConnection;

use crate::{
    customers::date_to_proto,
    imports::{
        kind::Hash,
        owner::{Owner, content_of},
        reading::{Reader, Reading, begin_of, key_of},
        reason::Reason,
        run::Run,
        worker::Stop,
    },
    vehicles::{
        facts::{self, Field},
        plate,
    },
};

use super::fields::{
    COLOUR, COMMERCIAL_END, COMMERCIAL_INSURER, COMPULSORY_END, COMPULSORY_INSURER, DELIVER_DATE,
    INSPECTION_DATE, MODEL, ODOMETER_DATE, ODOMETER_KM, PLATE, REGISTRATION_DATE, TRIM, VIN, WARRANTY_END,
    WARRANTY_KM,
};

/// The kinds of `import_keys.kind`.
const BY_VIN: i16 = 5;
const BY_PLATE: i16 = 6;
/// More is a slip of the pen: a taxi is scrapped at 600,000 km.
const MOST_KM: i64 = 1_000_000;

/// A row that can be taken.
#[derive(Debug, Clone)]
pub(in crate::imports) struct Told {
    pub(super) vin: String,
    pub(super) plate: Option<String>,
    /// What it says of the car's facts, in the form in which they are kept; and which.
    pub(super) facts: Vehicle,
    pub(super) fields: Vec<Field>,
    pub(super) delivered: Option<Timestamp>,
    /// What the odometer showed, and when if that is said.
    pub(super) odometer: Option<(i32, Option<Timestamp>)>,
    pub(super) owner: Option<Owner>,
    pub(super) content: i64,
}

impl Told {
    /// Since when the car is its owner's, as far as the row says.
    pub(super) fn since(&self) -> Option<Timestamp> {
        let mut v = Violations::default();
        let registered = v.date("registration_date", self.facts.registration_date.as_ref());
        self.delivered.or_else(|| registered.and_then(begin_of))
    }
}

/// Reads a row, or says all that is wrong with it.
pub(super) fn read(reading: &Reading<'_>, row: &Row) -> Result<Told, Vec<Reason>> {
    let mut it = Reader::of(reading, row);
    let vins = reading.vins;
    let vin = it.ruled(VIN, |text| vins.read(text));
    it.require(VIN, vin.is_some());
    let plate = it.ruled(PLATE, plate::normalize);
    let delivered = it.past(DELIVER_DATE);
    let odometer = odometer(&mut it);
    let said = facts_of(&mut it);
    let fields: Vec<Field> = Field::ALL.into_iter().filter(|field| facts::has(&said, *field)).collect();
    let mut v = Violations::default();
    let facts = facts::parse(&mut v, &said, &fields, reading.today);
    for violation in v.into_vec() {
        let field = field_of(&violation.field);
        if !it.is_wrong(field) {
            it.refuse(field, violation.description);
        }
    }
    let owner = Owner::read(&mut it);
    let Some(vin) = vin.filter(|_| it.wrong.is_empty()) else { return Err(it.wrong) };
    let mut told = Told {
        vin,
        plate,
        facts,
        fields,
        delivered: delivered.and_then(begin_of),
        odometer,
        owner,
        content: 0,
    };
    told.content = content(&told);
    Ok(told)
}

fn odometer(it: &mut Reader<'_>) -> Option<(i32, Option<Timestamp>)> {
    let km = kilometres(it);
    let day: Option<Date> = it.past(ODOMETER_DATE);
    Some((km?, day.and_then(begin_of)))
}

/// Reads what the odometer showed.
pub(in crate::imports) fn kilometres(it: &mut Reader<'_>) -> Option<i32> {
    let km = it.read(ODOMETER_KM, values::whole)?;
    if !(0..=MOST_KM).contains(&km) {
        it.refuse(ODOMETER_KM, format!("must be between 0 and {MOST_KM}"));
        return None;
    }
    i32::try_from(km).ok()
}

/// The row as a request would have it.
fn facts_of(it: &mut Reader<'_>) -> Vehicle {
    let end = it.read(WARRANTY_END, values::date).map(date_to_proto);
    let km = it.read(WARRANTY_KM, values::whole).map(|km| i32::try_from(km).unwrap_or(i32::MAX));
    let warranty = Warranty { end_date: end, end_km: km.unwrap_or_default() };
    let mut insurance = |insurer: &'static str, end: &'static str| {
        let it = Insurance {
            insurer: it.line(insurer, 100).unwrap_or_default(),
            end_date: it.read(end, values::date).map(date_to_proto),
        };
        (it != Insurance::default()).then_some(it)
    };
    let compulsory_insurance = insurance(COMPULSORY_INSURER, COMPULSORY_END);
    let commercial_insurance = insurance(COMMERCIAL_INSURER, COMMERCIAL_END);
    Vehicle {
        model: it.line(MODEL, 100).unwrap_or_default(),
        trim: it.line(TRIM, 100).unwrap_or_default(),
        colour: it.line(COLOUR, 100).unwrap_or_default(),
        warranty: (warranty != Warranty::default()).then_some(warranty),
        compulsory_insurance,
        commercial_insurance,
        inspection_date: it.read(INSPECTION_DATE, values::date).map(date_to_proto),
        registration_date: it.past(REGISTRATION_DATE).map(date_to_proto),
        ..Vehicle::default()
    }
}

/// Which column a violation is about.
fn field_of(path: &str) -> &'static str {
    match path.trim_start_matches("vehicle.") {
        "model" => MODEL,
        "trim" => TRIM,
        "colour" => COLOUR,
        "warranty.end_km" => WARRANTY_KM,
        "compulsory_insurance.insurer" => COMPULSORY_INSURER,
        "compulsory_insurance.end_date" => COMPULSORY_END,
        "commercial_insurance.insurer" => COMMERCIAL_INSURER,
        "commercial_insurance.end_date" => COMMERCIAL_END,
        "inspection_date" => INSPECTION_DATE,
        "registration_date" => REGISTRATION_DATE,
        _ => WARRANTY_END,
    }
}

/// A digest of what a row says in the form in which it is kept, whatever the order of its columns.
fn content(told: &Told) -> i64 {
    let odometer = told.odometer.map(|(km, at)| (km, at.map(Timestamp::as_second)));
    let facts = Vehicle {
        vin: told.vin.clone(),
        plate: told.plate.clone().unwrap_or_default(),
        ..told.facts.clone()
    };
    let rest = format!("{:?} {odometer:?}", told.delivered.map(Timestamp::as_second));
    content_of([facts.encode_to_vec(), rest.into_bytes()].concat(), told.owner.as_ref())
}

/// A car is its VIN, and a plate hangs on one.
pub(super) fn keys(told: &Told) -> Vec<(i16, Hash)> {
    let plate = told.plate.iter().map(|plate| (BY_PLATE, key_of(plate)));
    [(BY_VIN, key_of(&told.vin))].into_iter().chain(plate).collect()
}

/// A row that says a plate is about the car, too, on which the plate hangs now: so that it does not matter which of the two comes
/// first.
pub(super) async fn lead_on(tx: &mut PgConnection, run: &Run) -> Result<(), Stop> {
    sqlx::query!(
        "INSERT INTO customer.import_keys (import_id, key, row_number, content, kind)
         SELECT $1, sha256(convert_to(v.vin, 'UTF8')), k.row_number, k.content, $2
         FROM customer.vehicle_plates p
         JOIN customer.import_keys k ON k.key = sha256(convert_to(p.plate, 'UTF8'))
         JOIN customer.vehicles v ON v.id = p.vehicle_id
         WHERE p.end_time IS NULL AND k.import_id = $1 AND k.kind = $3
         ON CONFLICT DO NOTHING",
        run.id,
        BY_VIN,
        BY_PLATE,
    )
    .execute(tx)
    .await?;
    Ok(())
}
