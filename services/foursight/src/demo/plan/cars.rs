//! Cars: model, vehicle identification number, plate, and how far they are driven.

use foursight_customer::vehicles::vin;
use foursight_kernel::VehicleId;
use jiff::{Timestamp, civil::Date};

use super::{
    dice::{Dice, scatter},
    group::Store,
};

/// A car.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Car {
    pub(crate) id: VehicleId,
    pub(crate) vin: String,
    /// Absent while the car is too new to be registered.
    pub(crate) plate: Option<String>,
    pub(crate) model: &'static str,
    pub(crate) trim: &'static str,
    pub(crate) colour: &'static str,
    /// Metres driven on an ordinary day.
    pub(crate) metres_a_day: i64,
}

#[derive(Debug, Clone, Copy)]
struct Model {
    name: &'static str,
    /// Fourth to eighth place of the VIN.
    code: &'static str,
    new_energy: bool,
    trims: &'static [&'static str],
}

const MODELS: [(Model, u32); 6] = [
    (
        Model {
            name: "启岚 L3", code: "AB13K", new_energy: false, trims: &["1.5T 舒适型", "1.5T 豪华型"]
        },
        26,
    ),
    (
        Model {
            name: "启岚 L5",
            code: "AB15K",
            new_energy: false,
            trims: &["2.0T 舒适型", "2.0T 豪华型", "2.0T 旗舰型"],
        },
        17,
    ),
    (Model { name: "启岚 X5", code: "AC25M", new_energy: false, trims: &["2.0T 两驱", "2.0T 四驱"] }, 20),
    (Model { name: "启岚 X7", code: "AC27M", new_energy: false, trims: &["2.0T 六座", "2.0T 七座"] }, 9),
    (Model { name: "启岚 E4", code: "AE34N", new_energy: true, trims: &["标准续航", "长续航"] }, 19),
    (Model { name: "启岚 E6", code: "AE36N", new_energy: true, trims: &["长续航", "四驱性能"] }, 9),
];
const COLOURS: [(&str, u32); 6] =
    [("珍珠白", 38), ("曜石黑", 22), ("星空灰", 17), ("冰川银", 9), ("深海蓝", 9), ("枫叶红", 5)];

/// Letters that plates use: neither I nor O.
const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
/// The model year's sign, from 2010 on (GB 16735): neither I, O, Q, U nor Z.
const YEARS: &[u8; 30] = b"ABCDEFGHJKLMNPRSTVWXY123456789";
/// The plants' signs.
const PLANTS: &[u8; 20] = b"ABCDEFGHJKLMNPRSTVWX";

/// A car delivered by a store on a day. `index` makes VIN and plate unique.
pub(crate) fn car(
    dice: &mut Dice,
    seed: u64,
    index: u64,
    store: &Store,
    delivered: Timestamp,
    day: Date,
    registered: bool,
) -> Car {
    let model = dice.weighted(&MODELS);
    let plate =
        if model.new_energy { new_energy_plate(seed, index, store) } else { plate(seed, index, store) };
    Car {
        id: dice.id(delivered),
        vin: vehicle_number(seed, index, &model, day.year()),
        plate: registered.then_some(plate),
        model: model.name,
        trim: dice.pick(model.trims),
        colour: dice.weighted(&COLOURS),
        metres_a_day: dice.around(42_000),
    }
}

/// A vehicle identification number (ISO 3779): maker, model, check digit, year, plant, serial number.
fn vehicle_number(seed: u64, index: u64, model: &Model, year: i16) -> String {
    const SERIALS: u64 = 1_000_000;
    let place = scatter(index, seed, SERIALS * PLANTS.len() as u64);
    let plant = sign(PLANTS, place / SERIALS);
    let year = sign(YEARS, u64::try_from(year - 2010).unwrap_or(0) % YEARS.len() as u64);
    // No maker has this code; the ninth place is still to come.
    let number = format!("LX0{}0{year}{plant}{:06}", model.code, place % SERIALS);
    vin::with_check_digit(&number).unwrap_or(number)
}

/// Cars with plates of the everyday patterns; those beyond have rarer ones.
const EVERYDAY: u64 = 24 * 24 * 1000 + 24 * 10_000;
const EVERYDAY_NEW_ENERGY: u64 = 34 * 10_000 * 2;

/// A plate of seven places (GA 36): the city's two, then five with one or two letters.
fn plate(seed: u64, index: u64, store: &Store) -> String {
    if let Some(index) = index.checked_sub(EVERYDAY) {
        return rare_plate(seed, index, store);
    }
    let place = scatter(index, seed, EVERYDAY);
    let rest = match place.checked_sub(24 * 24 * 1000) {
        Some(place) => format!("{:04}{}", place / 24, sign(LETTERS, place % 24)),
        None => format!(
            "{}{}{:03}",
            sign(LETTERS, place / 24_000),
            sign(LETTERS, place / 1000 % 24),
            place % 1000
        ),
    };
    format!("{}{rest}", store.plate)
}

/// One letter before or among the digits, or two letters at both ends or at the end.
fn rare_plate(seed: u64, index: u64, store: &Store) -> String {
    const ONE_LETTER: u64 = 4 * 24 * 10_000;
    const TWO_LETTERS: u64 = 24 * 24 * 1000;
    let place = scatter(index, seed, ONE_LETTER + 2 * TWO_LETTERS);
    let Some(place) = place.checked_sub(ONE_LETTER) else {
        let digits = format!("{:04}", place / 96);
        let (before, after) = digits.split_at(usize::try_from(place / 24 % 4).unwrap_or(0));
        return format!("{}{before}{}{after}", store.plate, sign(LETTERS, place % 24));
    };
    let digits = place / 2 % 1000;
    let (one, other) = (sign(LETTERS, place / 2000 % 24), sign(LETTERS, place / 48_000));
    if place.is_multiple_of(2) {
        format!("{}{one}{digits:03}{other}", store.plate)
    } else {
        format!("{}{digits:03}{one}{other}", store.plate)
    }
}

/// A plate of eight places for an electric car: D, a letter or digit, four digits after the city's.
fn new_energy_plate(seed: u64, index: u64, store: &Store) -> String {
    let (kinds, place) = match index.checked_sub(EVERYDAY_NEW_ENERGY) {
        None => (b"DF".as_slice(), scatter(index, seed, EVERYDAY_NEW_ENERGY)),
        Some(index) => (b"ABCEGHJK".as_slice(), scatter(index, seed, EVERYDAY_NEW_ENERGY * 4)),
    };
    let kinds_of = kinds.len() as u64;
    let kind = sign(kinds, place % kinds_of);
    let place = place / kinds_of;
    let second = match (place / 10_000).checked_sub(10) {
        Some(letter) => sign(LETTERS, letter),
        None => sign(b"0123456789", place / 10_000),
    };
    format!("{}{kind}{second}{:04}", store.plate, place % 10_000)
}

fn sign(alphabet: &[u8], place: u64) -> char {
    let place = usize::try_from(place).unwrap_or(0);
    alphabet.get(place).copied().map_or('A', char::from)
}
