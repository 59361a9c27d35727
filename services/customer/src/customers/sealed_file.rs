//! A sealed file, on its way to the database.

use foursight_kernel::{ContactPointId, CustomerId, time};
use foursight_proto::customer::v1::{ContactPoint, Customer, LifeCycleStage};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{
    customers::{LunarBirthday, NewFile, WrappedKey, file, masking, sealing::FieldKind, told_of::Told},
    names,
};

/// A file ready to be written.
#[derive(Debug)]
pub(crate) struct SealedFile {
    pub(crate) id: CustomerId,
    pub(crate) key: WrappedKey,
    /// The sealed number and its hash.
    pub(crate) national_id: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) points: Vec<SealedPoint>,
    pub(crate) facts: NewFile,
}

/// A contact point ready to be written.
#[derive(Debug)]
pub(crate) struct SealedPoint {
    pub(crate) id: ContactPointId,
    pub(crate) kind: i16,
    pub(crate) sealed: Vec<u8>,
    pub(crate) hash: Option<Vec<u8>>,
    pub(crate) tail_hash: Option<Vec<u8>>,
    pub(crate) exclusive: bool,
}

/// Contact points by column, for a statement that writes them all.
pub(super) struct PointColumns<'a> {
    pub(super) ids: Vec<Uuid>,
    pub(super) kinds: Vec<i16>,
    pub(super) sealed: Vec<&'a [u8]>,
    pub(super) hashes: Vec<Option<&'a [u8]>>,
    pub(super) tail_hashes: Vec<Option<&'a [u8]>>,
    pub(super) exclusive: Vec<bool>,
}

impl<'a> PointColumns<'a> {
    /// In the points' order.
    pub(super) fn of(points: impl Iterator<Item = &'a SealedPoint> + Clone) -> Self {
        Self {
            ids: points.clone().map(|point| point.id.uuid()).collect(),
            kinds: points.clone().map(|point| point.kind).collect(),
            sealed: points.clone().map(|point| point.sealed.as_slice()).collect(),
            hashes: points.clone().map(|point| point.hash.as_deref()).collect(),
            tail_hashes: points.clone().map(|point| point.tail_hash.as_deref()).collect(),
            exclusive: points.map(|point| point.exclusive).collect(),
        }
    }
}

impl SealedFile {
    /// The hashes of the phones that tell who a person is.
    pub(crate) fn phone_hashes(&self) -> Vec<Vec<u8>> {
        self.points
            .iter()
            .filter(|point| point.tail_hash.is_some())
            .filter_map(|point| point.hash.clone())
            .collect()
    }

    /// What in it tells who somebody is.
    pub(crate) fn told(&self) -> Told {
        Told {
            kind: self.facts.kind,
            phones: self.phone_hashes(),
            card: self.national_id_hash().map(<[u8]>::to_vec),
        }
    }

    /// Whether it has what only one file has: a person's phone or national id.
    pub(crate) fn may_clash(&self) -> bool {
        self.national_id.is_some() || self.points.iter().any(|point| point.exclusive)
    }

    /// The hash of the national id.
    pub(crate) fn national_id_hash(&self) -> Option<&[u8]> {
        self.national_id.as_ref().map(|(_, hash)| hash.as_slice())
    }

    /// The file as it was opened just now, masked.
    pub(crate) fn to_proto(&self, now: Timestamp) -> Customer {
        let facts = &self.facts;
        let mut point_ids: Vec<ContactPointId> = self.points.iter().map(|point| point.id).collect();
        point_ids.sort_unstable();
        let contact_points = point_ids
            .into_iter()
            .zip(&facts.contacts)
            .map(|(id, value)| ContactPoint {
                name: names::below(self.id, "contactPoints", id.uuid()),
                kind: value.kind().into(),
                value: masking::mask_contact(value),
                start_time: Some(time::to_proto(now)),
                end_time: None,
            })
            .collect();
        Customer {
            name: self.id.name(),
            kind: facts.kind.into(),
            display_name: facts.display_name.clone(),
            gender: facts.gender.into(),
            birthday: facts.birthday.map(file::date_to_proto),
            national_id: facts.national_id.as_ref().map_or_else(String::new, |number| {
                masking::mask(FieldKind::NationalId, number.expose_secret())
            }),
            contact_points,
            store: facts.store.name(),
            stores: vec![facts.store.name()],
            source: facts.source.into(),
            stage: LifeCycleStage::Prospect.into(),
            create_time: Some(time::to_proto(now)),
            update_time: Some(time::to_proto(now)),
            etag: file::etag(1),
            lunar_birthday: facts.lunar_birthday.map(LunarBirthday::to_proto),
            next_birthday: None,
            tags: Vec::new(),
            groups: Vec::new(),
            value_tier: 0,
            profile: facts.profile.to_proto(),
        }
    }
}
