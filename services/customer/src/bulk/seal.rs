//! Sealing many files on all cores.

use std::{num::NonZero, thread};

use anyhow::{Context, Result};
use foursight_kernel::{Ids, StoreId};
use foursight_proto::customer::v1::LifeCycleStage;
use jiff::{Timestamp, tz::TimeZone};
use secrecy::ExposeSecret;

use crate::{
    bulk::CustomerRow,
    contacts::ContactValue,
    customers::{KeyRing, NewFile, Profile, SealedFile},
    national_id,
};

/// A sealed file and what a fresh one does not have.
pub(crate) struct Sealed {
    pub(crate) file: SealedFile,
    pub(crate) other_stores: Vec<StoreId>,
    pub(crate) stage: LifeCycleStage,
    pub(crate) create_time: Timestamp,
}

pub(super) fn seal_all(keys: &KeyRing, ids: &Ids, rows: &[CustomerRow]) -> Result<Vec<Sealed>> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = rows.len().div_ceil(cores).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> = rows
            .chunks(share)
            .map(|share| {
                scope.spawn(|| share.iter().map(|row| seal(keys, ids, row)).collect::<Result<Vec<_>>>())
            })
            .collect();
        let mut sealed = Vec::with_capacity(rows.len());
        for worker in workers {
            let share = worker.join().map_err(|_| anyhow::anyhow!("sealing was stopped"))?;
            sealed.append(&mut share?);
        }
        Ok(sealed)
    })
}

fn seal(keys: &KeyRing, ids: &Ids, row: &CustomerRow) -> Result<Sealed> {
    let contacts = row
        .contacts
        .iter()
        .map(|contact| {
            ContactValue::parse(contact.kind, contact.value.expose_secret())
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("a contact point of {}", row.id.name()))
        })
        .collect::<Result<Vec<_>>>()?;
    let national_id = match &row.national_id {
        None => None,
        Some(number) => {
            let latest = row.create_time.to_zoned(TimeZone::UTC).date();
            let number = national_id::normalize(number.expose_secret(), latest)
                .with_context(|| format!("the national id of {}", row.id.name()))?;
            Some(number.into())
        }
    };
    let file = NewFile {
        kind: row.kind,
        display_name: row.display_name.clone(),
        gender: row.gender,
        birthday: row.birthday,
        lunar_birthday: None,
        national_id,
        profile: Profile::default(),
        contacts,
        store: row.store,
        source: row.source,
    };
    Ok(Sealed {
        file: file.seal(keys, ids, row.id)?,
        other_stores: row.other_stores.clone(),
        stage: row.stage,
        create_time: row.create_time,
    })
}
