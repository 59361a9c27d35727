//! Who may be given a case.

use foursight_access::rights::rights_of;
use foursight_kernel::{Result, StaffId, StoreId};
use foursight_proto::identity::v1::Role;
use sqlx::PgConnection;

/// What working on a case needs.
const RIGHT: &str = "complaint.write";

/// Whether somebody may own a store's cases: active, of this store or of headquarters, and with the right to work on them.
pub(crate) async fn may_own(tx: &mut PgConnection, staff: StaffId, store: StoreId) -> Result<bool> {
    let row = sqlx::query!(
        r#"SELECT active AND (headquarters OR $2 = ANY (stores)) AS "works_there!", roles
           FROM complaint.staff WHERE staff_id = $1"#,
        staff.uuid(),
        store.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    // Whose roles were not heard yet is judged as before they were kept.
    Ok(row.is_some_and(|row| row.works_there && row.roles.is_none_or(|roles| may_write(&roles))))
}

fn may_write(roles: &[i16]) -> bool {
    roles
        .iter()
        .filter_map(|role| Role::try_from(i32::from(*role)).ok())
        .any(|role| rights_of(role).contains(&RIGHT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_role_with_the_right_is_enough() {
        let number = |role: Role| role as i16;
        assert!(may_write(&[number(Role::SalesAdvisor), number(Role::Supervisor)]));
        assert!(!may_write(&[number(Role::SalesAdvisor), number(Role::MemberSpecialist)]));
        assert!(!may_write(&[]));
        // A role that is newer than this program.
        assert!(!may_write(&[999]));
    }
}
