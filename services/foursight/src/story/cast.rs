//! Who plays: one person for each part, found among the demo group's sign-ins.

use anyhow::{Context, Result};

use super::client::{Client, Person};
use crate::up::ready::User;

/// The sign-ins of the people who are needed.
#[derive(Debug)]
pub(super) struct Cast {
    store: String,
    intention_specialist: User,
    sales_advisor: User,
    follow_up_specialist: User,
    cr_manager: User,
    supervisor: User,
    service_advisor: User,
    general_manager: User,
    /// The same part in another store.
    stranger: User,
}

/// The people, signed in.
#[derive(Debug)]
pub(super) struct People {
    /// Where they work.
    pub(super) store: String,
    pub(super) intention_specialist: Person,
    pub(super) sales_advisor: Person,
    pub(super) follow_up_specialist: Person,
    pub(super) cr_manager: Person,
    pub(super) supervisor: Person,
    pub(super) service_advisor: Person,
    pub(super) general_manager: Person,
    pub(super) stranger: Person,
}

impl Cast {
    pub(super) fn of(users: &[User]) -> Result<Self> {
        let store = users.iter().find(|user| user.role == "CR_MANAGER" && !user.store.is_empty());
        let store = store.context("the stack has no demo group: start it with customers")?.store.clone();
        let part = |role: &str, here: bool| {
            let found = users
                .iter()
                .find(|user| user.role == role && !user.store.is_empty() && (user.store == store) == here);
            found.cloned().with_context(|| format!("nobody plays {role}"))
        };
        Ok(Self {
            intention_specialist: part("INTENTION_SPECIALIST", true)?,
            sales_advisor: part("SALES_ADVISOR", true)?,
            follow_up_specialist: part("FOLLOW_UP_SPECIALIST", true)?,
            cr_manager: part("CR_MANAGER", true)?,
            supervisor: part("SUPERVISOR", true)?,
            service_advisor: part("SERVICE_ADVISOR", true)?,
            general_manager: part("GENERAL_MANAGER", true)?,
            stranger: part("CR_MANAGER", false)?,
            store,
        })
    }

    pub(super) async fn sign_in(&self, client: &Client) -> Result<People> {
        let enter = async |user: &User| client.sign_in(&user.login, &user.password).await;
        Ok(People {
            store: self.store.clone(),
            intention_specialist: enter(&self.intention_specialist).await?,
            sales_advisor: enter(&self.sales_advisor).await?,
            follow_up_specialist: enter(&self.follow_up_specialist).await?,
            cr_manager: enter(&self.cr_manager).await?,
            supervisor: enter(&self.supervisor).await?,
            service_advisor: enter(&self.service_advisor).await?,
            general_manager: enter(&self.general_manager).await?,
            stranger: enter(&self.stranger).await?,
        })
    }
}
