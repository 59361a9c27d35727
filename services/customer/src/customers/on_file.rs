//! A file as it stands, whose facts change: each with where it came from, in `facts` over time.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Result, StaffId, StoreId, sql, unique_violation};
use foursight_proto::customer::v1::{Customer, CustomerKind, Gender, SourceChannel};
use jiff::Timestamp;
use prost::Message;
use secrecy::ExposeSecret;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{
        CustomerError, KeyRing, LunarBirthday, Profile, WrappedKey,
        facts::{Facts, Field},
        open::{Clash, OpenError},
        profile::Contact,
        sealing::{DataKey, FieldKind, SealingError},
        search,
    },
};

/// Where facts come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) store: StoreId,
    pub(crate) source: SourceChannel,
    pub(crate) time: Timestamp,
}

/// A file as it stands.
pub(crate) struct OnFile {
    pub(crate) id: CustomerId,
    pub(crate) facts: Facts,
    pub(crate) key: DataKey,
    pub(crate) kind: CustomerKind,
    pub(crate) version: i64,
    pub(crate) opened: OpenedAs,
}

/// How the file was opened.
pub(crate) struct OpenedAs {
    pub(crate) store: Uuid,
    pub(crate) source: i16,
    pub(crate) time: sql::Timestamp,
}

/// Locks a file that the transaction's caller sees until the transaction ends, and reads it.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`.
pub(crate) async fn lock(tx: &mut PgConnection, ctx: &Context, id: CustomerId) -> Result<OnFile> {
    sqlx::query!(
        "SELECT FROM customer.customers WHERE id = $1 AND merged_into IS NULL FOR NO KEY UPDATE",
        id.uuid()
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(CustomerError::NotFound)?;
    read(tx, ctx, id).await
}

/// A file's facts by column, and its key.
pub(crate) struct FileColumns {
    pub(crate) id: Uuid,
    pub(crate) kind: i16,
    pub(crate) version: i64,
    pub(crate) store_id: Uuid,
    pub(crate) source: i16,
    pub(crate) create_time: sql::Timestamp,
    pub(crate) display_name: String,
    pub(crate) gender: i16,
    pub(crate) birthday: Option<sql::Date>,
    pub(crate) lunar_year: Option<i16>,
    pub(crate) lunar_month: Option<i16>,
    pub(crate) lunar_leap: Option<bool>,
    pub(crate) lunar_day: Option<i16>,
    pub(crate) national_id_sealed: Option<Vec<u8>>,
    pub(crate) occupation: String,
    pub(crate) intended_models: Vec<String>,
    pub(crate) car_use: i16,
    pub(crate) budget_min_fen: Option<i64>,
    pub(crate) budget_max_fen: Option<i64>,
    pub(crate) spending_preference: i16,
    pub(crate) contact_channel: i16,
    pub(crate) contact_from: Option<i16>,
    pub(crate) contact_to: Option<i16>,
    pub(crate) master_version: i32,
    pub(crate) wrapped: Vec<u8>,
}

/// Reads a file that the transaction's caller sees.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`.
pub(crate) async fn read(tx: &mut PgConnection, ctx: &Context, id: CustomerId) -> Result<OnFile> {
    let file = read_many(tx, &[id.uuid()]).await?.pop().ok_or(CustomerError::NotFound)?;
    file.open(&ctx.keys)
}

/// The facts of those of these files that the transaction's caller sees, still sealed.
pub(crate) async fn read_many(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<FileColumns>> {
    let files = sqlx::query_as!(
        FileColumns,
        "SELECT c.id, c.kind, c.version, c.store_id, c.source, c.create_time, c.display_name, c.gender, c.birthday, c.lunar_year,
                c.lunar_month, c.lunar_leap, c.lunar_day, c.national_id_sealed, c.occupation, c.intended_models, c.car_use,
                c.budget_min_fen, c.budget_max_fen, c.spending_preference, c.contact_channel, c.contact_from, c.contact_to,
                k.master_version, k.wrapped
         FROM customer.customers c JOIN customer.customer_keys k ON k.customer_id = c.id
         WHERE c.id = ANY ($1) AND c.merged_into IS NULL",
        ids,
    )
    .fetch_all(tx)
    .await?;
    Ok(files)
}

impl FileColumns {
    /// The file, with what is sealed opened.
    pub(crate) fn open(self, keys: &KeyRing) -> Result<OnFile> {
        let id = CustomerId::from(self.id);
        let key =
            keys.unwrap(id, &WrappedKey { master_version: self.master_version, wrapped: self.wrapped })?;
        let sealed = self.national_id_sealed.as_deref();
        let national_id = sealed.map(|sealed| key.open(FieldKind::NationalId, sealed)).transpose()?;
        let facts = Facts {
            display_name: self.display_name,
            gender: Gender::try_from(i32::from(self.gender)).map_err(Error::internal)?,
            birthday: self.birthday.map(sql::Date::to_jiff),
            lunar_birthday: LunarBirthday::from_columns(
                self.lunar_year,
                self.lunar_month,
                self.lunar_leap,
                self.lunar_day,
            ),
            national_id,
            profile: Profile {
                occupation: self.occupation,
                intended_models: self.intended_models,
                car_use: self.car_use,
                budget: self.budget_min_fen.zip(self.budget_max_fen),
                spending_preference: self.spending_preference,
                contact: Contact {
                    channel: self.contact_channel,
                    hours: self.contact_from.zip(self.contact_to),
                },
            },
        };
        let kind = CustomerKind::try_from(i32::from(self.kind)).map_err(Error::internal)?;
        let opened = OpenedAs { store: self.store_id, source: self.source, time: self.create_time };
        Ok(OnFile { id, facts, key, kind, version: self.version, opened })
    }
}

impl OnFile {
    /// Those of these fields in which other facts differ.
    pub(crate) fn changed(&self, fields: &[Field], told: &Facts) -> Vec<Field> {
        let differs = |field: &Field| self.facts.only(*field) != told.only(*field);
        fields.iter().copied().filter(differs).collect()
    }

    /// A fact as it is kept over time; `None` when nothing is known of it.
    pub(crate) fn seal_fact(&self, facts: &Facts, field: Field) -> Result<Option<Vec<u8>>, SealingError> {
        let only = facts.only(field);
        let known = only != Customer::default();
        known.then(|| self.key.seal_bytes(FieldKind::Fact, &only.encode_to_vec())).transpose()
    }

    /// Takes these facts on, and keeps on record what they were and where the new ones came from. Gives the file's new version.
    ///
    /// # Errors
    /// A clash when somebody else's file has the national id.
    pub(crate) async fn take(
        &self,
        tx: &mut PgConnection,
        ctx: &Context,
        caller: &Principal,
        (fields, told): (&[Field], &Facts),
        origin: Origin,
    ) -> Result<i64, OpenError> {
        let mut facts = self.facts.clone();
        for field in fields {
            facts.take(*field, told);
        }
        let version = self.update(tx, ctx, &facts, origin.time).await?;
        self.record(tx, ctx, caller, (fields, &facts), origin).await?;
        Ok(version)
    }

    async fn update(
        &self,
        tx: &mut PgConnection,
        ctx: &Context,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<i64, OpenError> {
        let number = facts.national_id.as_ref().map(ExposeSecret::expose_secret);
        let sealed = number.map(|number| self.key.seal(FieldKind::NationalId, number)).transpose();
        let (lunar_year, lunar_month, lunar_leap, lunar_day) = LunarBirthday::columns(facts.lunar_birthday);
        let profile = &facts.profile;
        let version = sqlx::query_scalar!(
            "UPDATE customer.customers
             SET display_name = $2, search_name = $3, gender = $4, birthday = $5, lunar_year = $6, lunar_month = $7,
                 lunar_leap = $8, lunar_day = $9, national_id_sealed = $10, national_id_hash = $11, occupation = $12,
                 intended_models = $13, car_use = $14, budget_min_fen = $15, budget_max_fen = $16,
                 spending_preference = $17, contact_channel = $18, contact_from = $19, contact_to = $20,
                 version = version + 1, update_time = $21
             WHERE id = $1 RETURNING version",
            self.id.uuid(),
            facts.display_name,
            search::fold(&facts.display_name),
            sql::number(facts.gender),
            facts.birthday.map(sql::on) as _,
            lunar_year,
            lunar_month,
            lunar_leap,
            lunar_day,
            sealed.map_err(Error::from)?,
            number.map(|number| ctx.keys.national_id_hash(number)),
            profile.occupation,
            &profile.intended_models,
            profile.car_use,
            profile.budget.map(|(min, _)| min),
            profile.budget.map(|(_, max)| max),
            profile.spending_preference,
            profile.contact.channel,
            profile.contact.hours.map(|(from, _)| from),
            profile.contact.hours.map(|(_, to)| to),
            sql::at(now) as _,
        )
        .fetch_one(tx)
        .await;
        version.map_err(|error| match unique_violation(&error) {
            Some("customers_national_id") => OpenError::Clash(Clash::Customer),
            _ => OpenError::Other(error.into()),
        })
    }

    /// Of each field what it is now; and what it was, where the opening of the file is all that is known of it.
    async fn record(
        &self,
        tx: &mut PgConnection,
        ctx: &Context,
        caller: &Principal,
        (fields, facts): (&[Field], &Facts),
        origin: Origin,
    ) -> Result<()> {
        // Ids of one instant come in no order: what was comes before what is.
        let mut ids: Vec<Uuid> = fields.iter().chain(fields).map(|_| ctx.ids.uuid()).collect();
        ids.sort_unstable();
        let seal = |facts: &Facts, field: Field| self.seal_fact(facts, field);
        let before = fields.iter().map(|field| seal(&self.facts, *field)).collect::<Result<Vec<_>, _>>()?;
        let after = fields.iter().map(|field| seal(facts, *field)).collect::<Result<Vec<_>, _>>()?;
        let numbers: Vec<i16> = fields.iter().map(|field| *field as i16).collect();
        let (ids_before, ids_after) = ids.split_at(fields.len());
        sqlx::query!(
            "INSERT INTO customer.facts (id, customer_id, field, sealed, source, store_id, staff_id, learn_time)
             SELECT w.id, $1, w.field, w.sealed, $4::smallint, $5::uuid, NULL::uuid, $6::timestamptz
             FROM unnest($2::uuid[], $3::smallint[], $7::bytea[]) AS w (id, field, sealed)
             WHERE w.sealed IS NOT NULL
               AND NOT EXISTS (SELECT FROM customer.facts f WHERE f.customer_id = $1 AND f.field = w.field)
             UNION ALL
             SELECT i.id, $1, i.field, i.sealed, $10::smallint, $11::uuid, $12::uuid, $13::timestamptz
             FROM unnest($8::uuid[], $3::smallint[], $9::bytea[]) AS i (id, field, sealed)",
            self.id.uuid(),
            ids_before,
            &numbers,
            self.opened.source,
            self.opened.store,
            self.opened.time as _,
            &before as _,
            ids_after,
            &after as _,
            sql::number(origin.source),
            origin.store.uuid(),
            caller.staff().map(StaffId::uuid),
            sql::at(origin.time) as _,
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// The file has changed. Gives its new version.
pub(crate) async fn touch(tx: &mut PgConnection, id: CustomerId, now: Timestamp) -> Result<i64> {
    let version = sqlx::query_scalar!(
        "UPDATE customer.customers SET version = version + 1, update_time = $2 WHERE id = $1 RETURNING version",
        id.uuid(),
        sql::at(now) as _,
    )
    .fetch_one(tx)
    .await?;
    Ok(version)
}
