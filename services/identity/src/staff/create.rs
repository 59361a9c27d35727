//! Adding a member of staff with a local account.

use foursight_access::{Principal, audit};
use foursight_kernel::{
    Error, RequestKey, Result, StaffId, StoreId, Violations, replay, sql, unique_violation,
};
use foursight_messaging::NewEvent;
use foursight_proto::identity::v1::{self as proto, Role};
use foursight_runtime::record;
use jiff::Timestamp;
use secrecy::SecretString;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{StaffRecord, account, error::StaffError, get};
use crate::{directory::Directory, password::hash_password, repeats};

/// Nobody works for more stores than this; who does is at headquarters.
const MOST_STORES: usize = 200;

/// A checked request, without the password.
#[derive(Debug)]
struct NewStaff {
    login: String,
    display_name: String,
    roles: Vec<i16>,
    stores: Vec<StoreId>,
    headquarters: bool,
}

pub(crate) async fn create(
    directory: &Directory,
    caller: &Principal,
    request: proto::CreateStaffRequest,
) -> Result<proto::Staff> {
    let (new, key) = check(&request)?;
    let password = SecretString::from(request.password);
    // Before the transaction: no connection waits for a hash.
    let hash = hash_password(password.clone()).await?;
    let now = directory.clock.now();
    let mut tx = directory.db.begin(caller).await?;
    if let Some(key) = &key {
        repeats::take_turns(&mut tx, key).await?;
        if let Some(before) = made_before(&mut tx, key.id).await? {
            key.confirm(before.request_hash.as_deref())?;
            let staff = get::find(&mut tx, before.id).await?.ok_or(StaffError::NotFound)?;
            tx.commit().await?;
            let turn = directory.passwords.turn().await?;
            let same = turn.verify(password, Some(before.password_hash)).await?;
            return if same { Ok(staff.to_proto()) } else { Err(replay::reused()) };
        }
    }
    require_stores(&mut tx, &new.stores).await?;
    let staff = insert(&mut tx, directory.ids.next(), new, &hash, key.as_ref(), now).await?;
    let event = NewEvent::new(&staff.to_event(), staff.id.uuid(), staff.version, None);
    let action = audit::Action {
        method: "CreateStaff",
        resource: &staff.id.name(),
        store: None,
        detail: serde_json::json!({ "roles": staff.roles, "headquarters": staff.headquarters }),
    };
    record::change(&mut tx, &directory.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(staff.to_proto())
}

fn check(request: &proto::CreateStaffRequest) -> Result<(NewStaff, Option<RequestKey>)> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    account::check_password(&mut v, "password", &request.password);
    let Some(staff) = &request.staff else {
        v.push("staff", "is required");
        return Err(Error::invalid(v));
    };
    let new = NewStaff::read(&mut v, staff);
    v.check()?;
    let key = RequestKey::of(request_id, &new.content());
    Ok((new, key))
}

impl NewStaff {
    fn read(v: &mut Violations, staff: &proto::Staff) -> Self {
        let login = account::check_login(v, "staff.login", &staff.login);
        let display_name = v.line("staff.display_name", &staff.display_name, 1..=100);
        if staff.roles.is_empty() {
            v.push("staff.roles", "must have at least one role");
        }
        v.at_most("staff.roles", &staff.roles, 12);
        let mut roles = Vec::new();
        for (index, role) in staff.roles.iter().take(12).enumerate() {
            let role = v.required_enum::<Role>(&format!("staff.roles[{index}]"), *role);
            roles.extend(role.map(sql::number));
        }
        roles.sort_unstable();
        roles.dedup();
        let stores = read_stores(v, staff);
        Self { login, display_name, roles, stores, headquarters: staff.headquarters }
    }

    /// What makes two requests the same; the password is compared by its hash.
    fn content(&self) -> proto::Staff {
        proto::Staff {
            login: self.login.clone(),
            display_name: self.display_name.clone(),
            roles: self.roles.iter().copied().map(i32::from).collect(),
            stores: self.stores.iter().map(|store| store.name()).collect(),
            headquarters: self.headquarters,
            ..Default::default()
        }
    }
}

/// Either the whole group or some stores.
fn read_stores(v: &mut Violations, staff: &proto::Staff) -> Vec<StoreId> {
    if staff.headquarters && !staff.stores.is_empty() {
        v.push("staff.stores", "must be empty for headquarters, whose reach is the whole group");
    } else if !staff.headquarters && staff.stores.is_empty() {
        v.push("staff.stores", "must name at least one store, or set staff.headquarters");
    }
    v.at_most("staff.stores", &staff.stores, MOST_STORES);
    let mut stores = Vec::new();
    for (index, store) in staff.stores.iter().take(MOST_STORES).enumerate() {
        stores.extend(v.name::<StoreId>(&format!("staff.stores[{index}]"), store));
    }
    stores.sort_unstable();
    stores.dedup();
    stores
}

async fn require_stores(tx: &mut PgConnection, stores: &[StoreId]) -> Result<()> {
    let ids: Vec<Uuid> = stores.iter().map(|store| store.uuid()).collect();
    let found =
        sqlx::query_scalar!("SELECT id FROM identity.stores WHERE id = ANY ($1)", &ids).fetch_all(tx).await?;
    if found.len() == ids.len() {
        return Ok(());
    }
    let unknown = ids.len() - found.len();
    Err(Error::invalid_field(
        "staff.stores",
        format!("must name stores that exist; {unknown} of them do not"),
    ))
}

async fn insert(
    tx: &mut PgConnection,
    id: StaffId,
    new: NewStaff,
    password_hash: &str,
    key: Option<&RequestKey>,
    now: Timestamp,
) -> Result<StaffRecord> {
    let (request_id, request_hash) = replay::columns(key);
    let inserted = sqlx::query!(
        "INSERT INTO identity.staff (id, login, display_name, password_hash, roles, headquarters, version,
                                     created_at, updated_at, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $8, $9)",
        id.uuid(),
        new.login,
        new.display_name,
        password_hash,
        &new.roles,
        new.headquarters,
        sql::at(now) as _,
        request_id as _,
        request_hash,
    )
    .execute(&mut *tx)
    .await;
    match inserted {
        Ok(_) => {}
        Err(error) if unique_violation(&error) == Some("staff_login_key") => {
            return Err(StaffError::LoginTaken.into());
        }
        Err(error) => return Err(error.into()),
    }
    let stores: Vec<Uuid> = new.stores.iter().map(|store| store.uuid()).collect();
    sqlx::query!(
        "INSERT INTO identity.staff_stores (staff_id, store_id) SELECT $1, unnest($2::uuid[])",
        id.uuid(),
        &stores,
    )
    .execute(tx)
    .await?;
    Ok(StaffRecord {
        id,
        login: new.login,
        display_name: new.display_name,
        roles: new.roles,
        headquarters: new.headquarters,
        active: true,
        created_at: sql::at(now),
        version: 1,
        stores: new.stores,
    })
}

struct Before {
    id: StaffId,
    password_hash: String,
    request_hash: Option<Vec<u8>>,
}

async fn made_before(tx: &mut PgConnection, request_id: Uuid) -> Result<Option<Before>> {
    let before = sqlx::query_as!(
        Before,
        r#"SELECT id AS "id: StaffId", password_hash, request_hash FROM identity.staff WHERE request_id = $1"#,
        request_id,
    )
    .fetch_optional(tx)
    .await?;
    Ok(before)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn fields(staff: proto::Staff, password: &str) -> Vec<String> {
        let request = proto::CreateStaffRequest {
            staff: Some(staff),
            password: password.into(),
            request_id: String::new(),
        };
        match check(&request) {
            Ok(_) => Vec::new(),
            Err(error) => error.violations().fields().into_iter().map(str::to_owned).collect(),
        }
    }

    fn director() -> proto::Staff {
        proto::Staff {
            login: "director".into(),
            display_name: "集团总监".into(),
            roles: vec![Role::GroupDirector as i32],
            headquarters: true,
            ..Default::default()
        }
    }

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let staff =
            proto::Staff { roles: vec![0, 99], stores: vec!["stores/x".into()], ..Default::default() };
        assert_eq!(
            fields(staff, "short"),
            [
                "password",
                "staff.display_name",
                "staff.login",
                "staff.roles[0]",
                "staff.roles[1]",
                "staff.stores[0]"
            ]
        );
    }

    #[test]
    fn a_person_is_at_headquarters_or_at_stores() {
        let store = StoreId::from(Uuid::nil()).name();
        assert_eq!(fields(director(), "a good password"), Vec::<String>::new());
        let both = proto::Staff { stores: vec![store], ..director() };
        assert_eq!(fields(both, "a good password"), ["staff.stores"]);
        let neither = proto::Staff { headquarters: false, ..director() };
        assert_eq!(fields(neither, "a good password"), ["staff.stores"]);
    }

    #[test]
    fn the_password_is_no_part_of_the_digest() {
        let request = |password: &str| proto::CreateStaffRequest {
            staff: Some(director()),
            password: password.into(),
            request_id: Uuid::nil().to_string(),
        };
        let hash = |password: &str| check(&request(password)).unwrap().1.unwrap().hash;
        assert_eq!(hash("a good password"), hash("another password"));
    }
}
