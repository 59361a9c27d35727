//! A part at a car as it stands in the database, and what is sealed of it.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Result, StaffId, VehicleId, Violations, sql::Timestamp, time};
use foursight_proto::customer::v1::VehiclePerson;
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{
        WrappedKey, masking,
        sealing::{DataKey, FieldKind},
    },
    people::PersonError,
    scope,
};

pub(super) struct PersonRow {
    pub(super) id: Uuid,
    pub(super) vehicle_id: Uuid,
    pub(super) owner_id: Uuid,
    pub(super) role: i16,
    pub(super) customer_id: Option<Uuid>,
    pub(super) sealed: Option<Vec<u8>>,
    pub(super) start_time: Timestamp,
    pub(super) store_id: Uuid,
    pub(super) staff_id: Option<Uuid>,
    pub(super) end_time: Option<Timestamp>,
    pub(super) end_store_id: Option<Uuid>,
    pub(super) end_staff_id: Option<Uuid>,
    pub(super) request_hash: Option<Vec<u8>>,
    /// The owner's key, where the caller sees the owner's file.
    pub(super) master_version: Option<i32>,
    pub(super) wrapped: Option<Vec<u8>>,
}

/// The key of an owner, whose file the transaction's caller sees.
pub(super) async fn key_of(tx: &mut PgConnection, ctx: &Context, owner: CustomerId) -> Result<DataKey> {
    let row = sqlx::query!(
        "SELECT master_version, wrapped FROM customer.customer_keys WHERE customer_id = $1",
        owner.uuid(),
    )
    .fetch_optional(tx)
    .await?
    .ok_or(PersonError::NotFound)?;
    let key = WrappedKey { master_version: row.master_version, wrapped: row.wrapped };
    Ok(ctx.keys.unwrap(owner, &key)?)
}

/// A part at a car that the transaction's caller may see.
///
/// # Errors
/// `VEHICLE_PERSON_NOT_FOUND`.
pub(super) async fn find(tx: &mut PgConnection, vehicle: VehicleId, id: Uuid) -> Result<PersonRow> {
    let row = sqlx::query_as!(
        PersonRow,
        r#"SELECT p.id, p.vehicle_id, p.owner_id, p.role, p.customer_id, p.sealed, p.start_time, p.store_id, p.staff_id,
                  p.end_time, p.end_store_id, p.end_staff_id, p.request_hash,
                  k.master_version AS "master_version?", k.wrapped AS "wrapped?"
           FROM customer.vehicle_people p LEFT JOIN customer.customer_keys k ON k.customer_id = p.owner_id
           WHERE p.id = $1 AND p.vehicle_id = $2"#,
        id,
        vehicle.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.ok_or(PersonError::NotFound)?)
}

/// Reads the name of a part at this very car.
pub(super) fn parse_name(v: &mut Violations, name: &str, vehicle: Option<VehicleId>) -> Option<Uuid> {
    let id = name.split_once("/people/").and_then(|(parent, id)| {
        let parent = VehicleId::parse_name(parent).ok()?;
        (id.len() == 36 && vehicle.is_none_or(|vehicle| vehicle == parent)).then_some(())?;
        Uuid::try_parse(id).ok()
    });
    if id.is_none() {
        v.push("person", "must be a name of the form {vehicle}/people/{uuid}, of the same vehicle");
    }
    id
}

/// With the name of somebody without a file, and the phone masked.
pub(super) fn with_stranger(person: VehiclePerson, stranger: &VehiclePerson) -> VehiclePerson {
    let known = !stranger.phone.is_empty();
    let phone = known.then(|| masking::mask(FieldKind::Phone, &stranger.phone));
    VehiclePerson { display_name: stranger.display_name.clone(), phone: phone.unwrap_or_default(), ..person }
}

impl PersonRow {
    pub(super) fn name(&self) -> String {
        format!("{}/people/{}", VehicleId::from(self.vehicle_id).name(), self.id)
    }

    /// Name and phone of somebody without a file; nothing where the owner's file is not the caller's to see.
    pub(super) fn open(&self, ctx: &Context) -> Result<Option<VehiclePerson>> {
        let (Some(sealed), Some(master_version), Some(wrapped)) =
            (&self.sealed, self.master_version, &self.wrapped)
        else {
            return Ok(None);
        };
        let key = WrappedKey { master_version, wrapped: wrapped.clone() };
        let key = ctx.keys.unwrap(CustomerId::from(self.owner_id), &key)?;
        let bytes = key.open_bytes(FieldKind::Person, sealed)?;
        VehiclePerson::decode(bytes.as_slice()).map(Some).map_err(Error::internal)
    }

    /// As the caller may see it, the phone masked.
    pub(super) fn to_proto(&self, ctx: &Context, caller: &Principal) -> Result<VehiclePerson> {
        let stranger = self.open(ctx)?.unwrap_or_default();
        let staff = |id: Option<Uuid>| id.map(|id| StaffId::from(id).name()).unwrap_or_default();
        let person = VehiclePerson {
            name: self.name(),
            role: self.role.into(),
            customer: self.customer_id.map(|id| CustomerId::from(id).name()).unwrap_or_default(),
            display_name: String::new(),
            phone: String::new(),
            store: scope::store_within(caller, Some(self.store_id)),
            staff: staff(self.staff_id),
            start_time: Some(time::to_proto(self.start_time.to_jiff())),
            end_time: self.end_time.map(|at| time::to_proto(at.to_jiff())),
            end_store: scope::store_within(caller, self.end_store_id),
            end_staff: staff(self.end_staff_id),
        };
        Ok(with_stranger(person, &stranger))
    }
}
