//! Tags, groups, relations, people around cars and cars' papers, a set at a time; and the catalogue that they rest on.

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use foursight_kernel::{CustomerId, Ids, TagId, sql};
use foursight_messaging::{NewEvent, outbox, outbox::PastEvent};
use foursight_proto::customer::events::v1::{
    CustomerTagged, GroupChanged, RelationAdded, TagCreated, VehiclePersonAdded,
};
use jiff::Timestamp;
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    bulk::{
        Batch, CustomerTagRow, MembershipRow, PapersRow, PersonRow, RelationRow, SegmentRow, TagRow,
        write::column,
    },
    names,
    relations::{from_other_side, inverse},
};

/// Who made what a load brings.
const CREATOR: &str = "service/customer";

/// Writes the group's tags and segments, and passes over those that are there. `tx` reaches the whole group.
///
/// # Errors
/// When a value is too long, or when the database does not answer.
pub async fn catalogue(
    tx: &mut PgConnection,
    ids: &Ids,
    (tags, segments): (&[TagRow], &[SegmentRow]),
    at: Timestamp,
) -> Result<()> {
    let new = sqlx::query_scalar!(
        "INSERT INTO customer.tags (id, display_name_zh, display_name_en, create_time)
         SELECT id, zh, en, $4 FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t (id, zh, en)
         ON CONFLICT DO NOTHING RETURNING id",
        &column(tags, |row| row.id.uuid()),
        &column(tags, |row| row.display_name_zh.clone()),
        &column(tags, |row| row.display_name_en.clone()),
        sql::at(at) as _,
    )
    .fetch_all(&mut *tx)
    .await?;
    let told = new.into_iter().map(|id| {
        let created = TagCreated { tag: TagId::from(id).name() };
        PastEvent { id: ids.uuid(), at, event: NewEvent::new(&created, id, 1, None) }
    });
    outbox::append_all(tx, told.collect()).await?;
    sqlx::query!(
        "INSERT INTO customer.segments (id, store_id, display_name, description, condition, shared, creator, version,
             create_time, update_time)
         SELECT id, NULL, name, description, condition, true, $5, 1, $6, $6
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) AS s (id, name, description, condition)
         ON CONFLICT DO NOTHING",
        &column(segments, |row| row.id.uuid()),
        &column(segments, |row| row.display_name.clone()),
        &column(segments, |row| row.description.clone()),
        &column(segments, |row| row.condition.encode_to_vec()),
        CREATOR,
        sql::at(at) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes what a batch has of these, once its files and cars are there; answers what is to be told.
pub(super) async fn write(tx: &mut PgConnection, ids: &Ids, batch: &Batch) -> Result<Vec<PastEvent>> {
    let mut told = tags(tx, ids, &batch.tags).await?;
    told.extend(memberships(tx, ids, &batch.memberships).await?);
    told.extend(relations(tx, ids, &batch.relations).await?);
    told.extend(people(tx, ids, &batch.people).await?);
    papers(tx, &batch.papers).await?;
    Ok(told)
}

async fn tags(tx: &mut PgConnection, ids: &Ids, rows: &[CustomerTagRow]) -> Result<Vec<PastEvent>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query!(
        "INSERT INTO customer.customer_tags (id, customer_id, tag_id, start_time, store_id, staff_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::uuid[])",
        &column(rows, |_| ids.uuid()),
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| row.tag.uuid()),
        &column(rows, |row| sql::at(row.said.at)) as _,
        &column(rows, |row| row.said.store.uuid()),
        &column(rows, |row| row.said.staff.uuid()),
    )
    .execute(&mut *tx)
    .await?;
    let mut of_customers: BTreeMap<CustomerId, Vec<&CustomerTagRow>> = BTreeMap::new();
    for row in rows {
        of_customers.entry(row.customer).or_default().push(row);
    }
    let all: Vec<(CustomerId, Vec<&CustomerTagRow>)> = of_customers.into_iter().collect();
    let words = |rows: &[&CustomerTagRow]| {
        rows.iter().map(|row| row.tag.uuid().to_string()).collect::<Vec<_>>().join(",")
    };
    let versions = sqlx::query!(
        "UPDATE customer.customers c SET tags = string_to_array(t.tags, ',')::uuid[], version = c.version + 1
         FROM unnest($1::uuid[], $2::text[]) AS t (id, tags) WHERE c.id = t.id RETURNING c.id, c.version",
        &column(&all, |(customer, _)| customer.uuid()),
        &column(&all, |(_, rows)| words(rows)),
    )
    .fetch_all(tx)
    .await?;
    let versions: HashMap<Uuid, i64> = versions.into_iter().map(|row| (row.id, row.version)).collect();
    let told = all.iter().filter_map(|(customer, rows)| {
        let said = rows.first()?.said;
        let tagged = CustomerTagged {
            customer: customer.name(),
            store: said.store.name(),
            added: rows.iter().map(|row| row.tag.name()).collect(),
            removed: Vec::new(),
        };
        let version = versions.get(&customer.uuid()).copied()?;
        let event = NewEvent::new(&tagged, customer.uuid(), version, Some(said.store));
        Some(PastEvent { id: ids.uuid(), at: said.at, event })
    });
    Ok(told.collect())
}

async fn memberships(tx: &mut PgConnection, ids: &Ids, rows: &[MembershipRow]) -> Result<Vec<PastEvent>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query!(
        "INSERT INTO customer.group_memberships (id, customer_id, its_group, start_time, reason, store_id, staff_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::timestamptz[], $5::text[], $6::uuid[], $7::uuid[])",
        &column(rows, |_| ids.uuid()),
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| sql::number(row.group)),
        &column(rows, |row| sql::at(row.said.at)) as _,
        &column(rows, |row| row.reason.clone()),
        &column(rows, |row| row.said.store.uuid()),
        &column(rows, |row| row.said.staff.uuid()),
    )
    .execute(&mut *tx)
    .await?;
    let versions = sqlx::query!(
        "UPDATE customer.customers c SET groups = ARRAY[g.its_group], version = c.version + 1
         FROM unnest($1::uuid[], $2::smallint[]) AS g (id, its_group) WHERE c.id = g.id RETURNING c.id, c.version",
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| sql::number(row.group)),
    )
    .fetch_all(tx)
    .await?;
    let versions: HashMap<Uuid, i64> = versions.into_iter().map(|row| (row.id, row.version)).collect();
    let told = rows.iter().filter_map(|row| {
        let changed = GroupChanged {
            customer: row.customer.name(),
            store: row.said.store.name(),
            group: row.group.into(),
            member: true,
        };
        let version = versions.get(&row.customer.uuid()).copied()?;
        let event = NewEvent::new(&changed, row.customer.uuid(), version, Some(row.said.store));
        Some(PastEvent { id: ids.uuid(), at: row.said.at, event })
    });
    Ok(told.collect())
}

async fn relations(tx: &mut PgConnection, ids: &Ids, rows: &[RelationRow]) -> Result<Vec<PastEvent>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let written = column(rows, |row| {
        if from_other_side(row.kind) {
            (row.other, row.customer, inverse(row.kind))
        } else {
            (row.customer, row.other, row.kind)
        }
    });
    sqlx::query!(
        "INSERT INTO customer.customer_relations (id, customer_id, other_id, kind, source, start_time, store_id, staff_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::smallint[], $6::timestamptz[], $7::uuid[],
                              $8::uuid[])",
        &column(rows, |row| row.id.uuid()),
        &column(&written, |row| row.0.uuid()),
        &column(&written, |row| row.1.uuid()),
        &column(&written, |row| sql::number(row.2)),
        &column(rows, |row| sql::number(row.source)),
        &column(rows, |row| sql::at(row.said.at)) as _,
        &column(rows, |row| row.said.store.uuid()),
        &column(rows, |row| row.said.staff.uuid()),
    )
    .execute(tx)
    .await?;
    let told = rows.iter().map(|row| {
        let added = RelationAdded {
            relation: names::below(row.customer, "relations", row.id.uuid()),
            customer: row.customer.name(),
            store: row.said.store.name(),
            kind: row.kind.into(),
            other: row.other.name(),
        };
        let event = NewEvent::new(&added, row.id.uuid(), 1, Some(row.said.store));
        PastEvent { id: ids.uuid(), at: row.said.at, event }
    });
    Ok(told.collect())
}

async fn people(tx: &mut PgConnection, ids: &Ids, rows: &[PersonRow]) -> Result<Vec<PastEvent>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query!(
        "INSERT INTO customer.vehicle_people (id, vehicle_id, owner_id, role, customer_id, start_time, store_id, staff_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::uuid[], $6::timestamptz[], $7::uuid[],
                              $8::uuid[])",
        &column(rows, |row| row.id),
        &column(rows, |row| row.vehicle.uuid()),
        &column(rows, |row| row.owner.uuid()),
        &column(rows, |row| sql::number(row.role)),
        &column(rows, |row| row.customer.uuid()),
        &column(rows, |row| sql::at(row.said.at)) as _,
        &column(rows, |row| row.said.store.uuid()),
        &column(rows, |row| row.said.staff.uuid()),
    )
    .execute(tx)
    .await?;
    let told = rows.iter().map(|row| {
        let added = VehiclePersonAdded {
            person: format!("{}/people/{}", row.vehicle.name(), row.id),
            vehicle: row.vehicle.name(),
            customer: row.owner.name(),
            store: row.said.store.name(),
            role: row.role.into(),
            other: row.customer.name(),
        };
        let event = NewEvent::new(&added, row.id, 1, Some(row.said.store));
        PastEvent { id: ids.uuid(), at: row.said.at, event }
    });
    Ok(told.collect())
}

async fn papers(tx: &mut PgConnection, rows: &[PapersRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE customer.vehicles v
         SET registration_date = p.registered, inspection_date = p.inspection, warranty_end = p.warranty,
             warranty_km = p.warranty_km, compulsory_insurer = p.insurer, commercial_insurer = p.insurer,
             compulsory_end = p.insurance, commercial_end = p.insurance
         FROM unnest($1::uuid[], $2::date[], $3::date[], $4::date[], $5::integer[], $6::text[], $7::date[])
              AS p (id, registered, inspection, warranty, warranty_km, insurer, insurance)
         WHERE v.id = p.id",
        &column(rows, |row| row.vehicle.uuid()),
        &column(rows, |row| sql::on(row.registration_date)) as _,
        &column(rows, |row| sql::on(row.inspection_date)) as _,
        &column(rows, |row| sql::on(row.warranty_end)) as _,
        &column(rows, |row| row.warranty_km),
        &column(rows, |row| row.insurer.clone()),
        &column(rows, |row| sql::on(row.insurance_end)) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}
