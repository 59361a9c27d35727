//! Opening a store.

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, RequestKey, Result, StoreId, Violations, replay, sql, unique_violation};
use foursight_messaging::NewEvent;
use foursight_proto::identity::v1 as proto;
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    StoreRecord,
    calendar::{Calendar, Hours},
    error::StoreError,
};
use crate::{directory::Directory, repeats};

/// A checked request.
#[derive(Debug)]
pub(crate) struct NewStore {
    pub(crate) code: String,
    pub(crate) display_name: String,
    pub(crate) region: String,
    pub(crate) city: String,
    pub(crate) calendar: Calendar,
}

pub(crate) async fn create(
    directory: &Directory,
    caller: &Principal,
    request: &proto::CreateStoreRequest,
) -> Result<proto::Store> {
    let (new, key) = check(request)?;
    let now = directory.clock.now();
    let mut tx = directory.db.begin(caller).await?;
    if let Some(key) = &key {
        repeats::take_turns(&mut tx, key).await?;
        if let Some(store) = made_before(&mut tx, key.id).await? {
            key.confirm(store.request_hash.as_deref())?;
            return Ok(store.to_proto());
        }
    }
    let store = insert(&mut tx, directory.ids.next(), new, key.as_ref(), now).await?;
    let event = NewEvent::new(&store.to_event(), store.id.uuid(), store.version, Some(store.id));
    let action = audit::Action {
        method: "CreateStore",
        resource: &store.id.name(),
        store: Some(store.id),
        detail: serde_json::json!({ "code": store.code }),
    };
    record::change(&mut tx, &directory.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(store.to_proto())
}

fn check(request: &proto::CreateStoreRequest) -> Result<(NewStore, Option<RequestKey>)> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let Some(store) = &request.store else {
        v.push("store", "is required");
        return Err(Error::invalid(v));
    };
    let new = NewStore::read(&mut v, "store", store);
    v.check()?;
    let new = new.ok_or_else(|| Error::internal("a store passed its checks and is not there"))?;
    let key = RequestKey::of(request_id, &new.content());
    Ok((new, key))
}

impl NewStore {
    /// Checks a store that somebody sent; every fault goes to `v` under the path `field`.
    pub(crate) fn read(v: &mut Violations, field: &str, store: &proto::Store) -> Option<Self> {
        let code = check_code(v, &format!("{field}.code"), &store.code);
        let display_name = v.line(&format!("{field}.display_name"), &store.display_name, 1..=100);
        let region = v.line(&format!("{field}.region"), &store.region, 1..=50);
        let city = v.line(&format!("{field}.city"), &store.city, 0..=50);
        let calendar = Calendar::read(v, &format!("{field}.calendar"), store.calendar.as_ref())?;
        Some(Self { code, display_name, region, city, calendar })
    }

    /// The row of a store that was not there before.
    pub(crate) fn into_record(self, id: StoreId, request_hash: Option<Vec<u8>>) -> StoreRecord {
        StoreRecord {
            id,
            code: self.code,
            display_name: self.display_name,
            region: self.region,
            city: self.city,
            time_zone: self.calendar.time_zone,
            calendar: Json(self.calendar.hours),
            version: 1,
            request_hash,
        }
    }

    /// What makes two requests the same.
    fn content(&self) -> proto::Store {
        proto::Store {
            name: String::new(),
            code: self.code.clone(),
            display_name: self.display_name.clone(),
            region: self.region.clone(),
            city: self.city.clone(),
            calendar: Some(self.calendar.to_proto()),
        }
    }
}

/// 2 to 16 capitals, digits or hyphens; small letters become capitals.
fn check_code(v: &mut Violations, field: &str, code: &str) -> String {
    let code = code.trim().to_ascii_uppercase();
    let simple = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    if code.is_empty() {
        v.push(field, "is required");
    } else if !(2..=16).contains(&code.len())
        || !code.starts_with(simple)
        || !code.chars().all(|c| simple(c) || c == '-')
    {
        v.push(field, "must be 2 to 16 letters A-Z, digits or hyphens, and begin with a letter or digit");
    }
    code
}

async fn insert(
    tx: &mut PgConnection,
    id: StoreId,
    new: NewStore,
    key: Option<&RequestKey>,
    now: Timestamp,
) -> Result<StoreRecord> {
    let (request_id, request_hash) = replay::columns(key);
    let store = new.into_record(id, request_hash.map(<[u8]>::to_vec));
    let inserted = sqlx::query!(
        "INSERT INTO identity.stores (id, code, display_name, region, city, time_zone, calendar, version,
                                      created_at, updated_at, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)",
        store.id.uuid(),
        store.code,
        store.display_name,
        store.region,
        store.city,
        store.time_zone,
        &store.calendar as &Json<Hours>,
        store.version,
        sql::at(now) as _,
        request_id as _,
        store.request_hash.as_deref(),
    )
    .execute(tx)
    .await;
    match inserted {
        Ok(_) => Ok(store),
        Err(error) if unique_violation(&error) == Some("stores_code_key") => {
            Err(StoreError::CodeTaken.into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn made_before(tx: &mut PgConnection, request_id: Uuid) -> Result<Option<StoreRecord>> {
    let store = sqlx::query_as!(
        StoreRecord,
        r#"SELECT id AS "id: StoreId", code, display_name, region, city, time_zone,
                  calendar AS "calendar: Json<Hours>", version, request_hash
           FROM identity.stores WHERE request_id = $1"#,
        request_id,
    )
    .fetch_optional(tx)
    .await?;
    Ok(store)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let request = proto::CreateStoreRequest {
            store: Some(proto::Store {
                code: "上海一店".into(),
                region: "华东\0".into(),
                city: "沪".repeat(51),
                ..Default::default()
            }),
            request_id: "again".into(),
        };
        let error = check(&request).unwrap_err();
        let fields: Vec<&str> = error.violations().fields().into_iter().collect();
        assert_eq!(
            fields,
            [
                "request_id",
                "store.calendar",
                "store.city",
                "store.code",
                "store.display_name",
                "store.region"
            ]
        );
    }

    #[test]
    fn a_code_is_kept_in_capitals() {
        let mut v = Violations::default();
        assert_eq!(check_code(&mut v, "store.code", " sh-01 "), "SH-01");
        assert!(v.is_empty());
        for code in ["", "S", "-SH", "SH 01", "ABCDEFGHIJKLMNOPQ"] {
            let mut v = Violations::default();
            check_code(&mut v, "store.code", code);
            assert!(!v.is_empty(), "{code:?}");
        }
    }
}
