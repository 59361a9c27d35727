//! Files written into the real tables.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::oracle::{File, model, store};
use crate::segments::keep;

/// What writes them, and which of the rows.
const STATEMENTS: [&str; 8] = [
    "INSERT INTO customer.customers (id, kind, display_name, search_name, gender, birthday, store_id, source, stage, version,
          create_time, update_time, tags, groups, value_tier, intended_models)
     SELECT id, kind, '示例', '示例', gender, birthday, store, source, stage, 1, opened, opened, tags, groups, tier, models
     FROM jsonb_to_recordset($1) AS f (id uuid, kind smallint, gender smallint, birthday date, store uuid,
          source smallint, stage smallint, opened timestamptz, tags uuid[], groups smallint[], tier smallint,
          models text[])",
    "INSERT INTO customer.customer_values (customer_id, value_fen)
     SELECT id, value FROM jsonb_to_recordset($1) AS f (id uuid, value bigint) WHERE value IS NOT NULL",
    "INSERT INTO customer.customer_stores (customer_id, store_id, start_time)
     SELECT file, store, now() FROM jsonb_to_recordset($1) AS f (file uuid, store uuid)",
    "INSERT INTO customer.contact_points (customer_id, id, kind, sealed, exclusive, source, store_id, start_time, end_time)
     SELECT file, id, 1, '', false, 1, id, now(), CASE WHEN ended THEN now() END
     FROM jsonb_to_recordset($1) AS f (file uuid, id uuid, ended boolean)",
    "WITH car AS (SELECT * FROM jsonb_to_recordset($1) AS f (file uuid, id uuid, vin text, model text, registered date,
               warranty date, compulsory date, commercial date, inspection date, gone boolean)),
           made AS (
          INSERT INTO customer.vehicles (id, vin, model, trim, colour, version, create_time, update_time, registration_date,
      warranty_end, compulsory_end, commercial_end, inspection_date)
          SELECT id, vin, model, '', '', 1, now(), now(), registered, warranty, compulsory, commercial, inspection
          FROM car RETURNING id)
     INSERT INTO customer.vehicle_ownerships (vehicle_id, customer_id, start_time, end_time)
     SELECT id, file, now(), CASE WHEN gone THEN now() END FROM car JOIN made USING (id)",
    "INSERT INTO customer.visits (id, store_id, vehicle_id, customer_id, kind, state, odometer_km, advisor_id, check_in_time,
          hand_over_time, version)
     SELECT id, store, (SELECT id FROM customer.vehicles ORDER BY id LIMIT 1), file, 1, 2, 1, id, at, at, 1
     FROM jsonb_to_recordset($1) AS f (file uuid, id uuid, store uuid, at timestamptz)",
    "INSERT INTO customer.leads (id, customer_id, store_id, source, intended_model, grade, state, owner_id, version,
          create_time, update_time)
     SELECT id, file, store, 1, '', 0, CASE WHEN open THEN 1 ELSE 2 END, who, 1, now(), now()
     FROM jsonb_to_recordset($1) AS f (id uuid, file uuid, store uuid, who uuid, open boolean)",
    "INSERT INTO customer.consents (id, customer_id, purpose, contact_kind, state, method, wording_version, version, create_time)
     SELECT id, file, purpose, kind, state, 'counter', '1', version, now()
     FROM jsonb_to_recordset($1) AS f (id uuid, file uuid, purpose smallint, kind smallint, state smallint,
          version bigint)",
];

/// Writes the files into the tables, and has their rows made.
pub(super) async fn write(tx: &mut PgConnection, files: &[File]) {
    let mut id = 5_000_u128;
    let mut next = || {
        id += 1;
        Uuid::from_u128(id)
    };
    let (mut of_files, mut links, mut points, mut cars, mut visits, mut leads, mut consents) =
        (vec![], vec![], vec![], vec![], vec![], vec![], vec![]);
    for file in files {
        let (kind, gender, stage, source, tier) = file.codes;
        let tags: Vec<Uuid> = file.tags.iter().map(|tag| Uuid::from_u128(*tag)).collect();
        let models: Vec<String> = file.intended.iter().map(|number| model(*number)).collect();
        of_files.push(json!({
            "id": file.id, "kind": kind, "gender": gender, "stage": stage, "source": source, "tier": tier,
            "birthday": file.birthday, "opened": file.opened, "store": store(file.stores[0]), "tags": tags,
            "groups": file.groups, "models": models, "value": file.value_fen,
        }));
        links.extend(file.stores.iter().map(|number| json!({ "file": file.id, "store": store(*number) })));
        let held = file.phone.iter();
        points.extend(held.map(|held| json!({ "file": file.id, "id": next(), "ended": !held })));
        cars.extend(file.cars.iter().map(|car| {
            let id = next();
            json!({
                "file": file.id, "id": id, "vin": format!("{:017}", id.as_u128()), "model": model(car.model),
                "registered": car.new_on, "warranty": car.warranty, "compulsory": car.compulsory,
                "commercial": car.commercial, "inspection": car.inspection, "gone": car.gone,
            })
        }));
        visits.extend(file.visits.iter().map(|(place, at)| {
            json!({ "file": file.id, "id": next(), "store": store(file.stores[*place]), "at": at })
        }));
        leads.extend(file.leads.iter().map(|(place, who, open)| {
            let (store, who) = (store(file.stores[*place]), Uuid::from_u128(*who));
            json!({ "file": file.id, "id": next(), "store": store, "who": who, "open": open })
        }));
        consents.extend((1..).zip(&file.consents).map(|(version, (purpose, kind, state)): (i64, _)| {
            json!({ "file": file.id, "id": next(), "purpose": purpose, "kind": kind, "state": state, "version": version })
        }));
    }
    let rows = [of_files.clone(), of_files, links, points, cars, visits, leads, consents];
    for (statement, rows) in STATEMENTS.into_iter().zip(rows) {
        sqlx::query(statement).bind(json!(rows)).execute(&mut *tx).await.unwrap();
    }
    let ids: Vec<Uuid> = files.iter().map(|file| file.id).collect();
    keep::refresh(tx, &ids).await.unwrap();
    keep::refresh(tx, &ids[..7]).await.unwrap();
}
