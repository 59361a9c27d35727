//! Whom an access token is made for.

use foursight_access::{
    Principal, Reach, Subject,
    rights::{rights_of_all, rights_of_service},
};
use foursight_kernel::{Result, StaffId, StoreId};
use foursight_proto::identity::v1::Role;
use sqlx::PgConnection;

/// A caller to be, with the rights that the token will carry.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) principal: Principal,
    pub(super) rights: Vec<String>,
}

impl Holder {
    /// A service: it acts for the whole group, with the rights of its own.
    pub(super) fn service(name: &str) -> Self {
        let rights = rights_of_service(name).iter().map(|right| (*right).to_owned()).collect();
        Self { principal: Principal::service(name), rights }
    }

    /// A person who is only named, in the audit log, and may nothing.
    pub(super) fn person(staff: StaffId) -> Self {
        let principal = Principal::new(Subject::Staff(staff), Reach::Stores(Vec::new()), Vec::new());
        Self { principal, rights: Vec::new() }
    }

    /// A member of staff as things are now; `None` once inactive.
    pub(super) async fn active(tx: &mut PgConnection, staff: StaffId) -> Result<Option<Self>> {
        let row = sqlx::query!(
            r#"SELECT roles, headquarters,
                      ARRAY(SELECT w.store_id FROM identity.staff_stores w WHERE w.staff_id = s.id ORDER BY 1)
                          AS "stores!: Vec<StoreId>"
               FROM identity.staff s WHERE s.id = $1 AND s.active"#,
            staff.uuid(),
        )
        .fetch_optional(tx)
        .await?;
        Ok(row.map(|row| {
            let roles: Vec<Role> =
                row.roles.into_iter().filter_map(|role| Role::try_from(i32::from(role)).ok()).collect();
            let rights = rights_of_all(&roles);
            let reach = if row.headquarters { Reach::Group } else { Reach::Stores(row.stores) };
            Self { principal: Principal::new(Subject::Staff(staff), reach, rights.clone()), rights }
        }))
    }

    /// The same, and nobody can deactivate the person before the transaction ends.
    pub(super) async fn lock_active(tx: &mut PgConnection, staff: StaffId) -> Result<Option<Self>> {
        sqlx::query!("SELECT id FROM identity.staff WHERE id = $1 FOR SHARE", staff.uuid())
            .fetch_optional(&mut *tx)
            .await?;
        Self::active(tx, staff).await
    }
}
