//! Who may sign in to the demo group.

use foursight_proto::identity::v1::Role;

use super::plan;
use crate::up::ready::User;

/// The password of everybody in the demo group. Whoever loads the demo group wants strangers to sign in: never load it
/// beside real customers ([`super::load()`] refuses to).
pub const PASSWORD: &str = "foursight-demo-2026";

/// The stores whose people are told.
const SHOWN: [&str; 2] = ["SH01", "BJ01"];

/// One sign-in for each role, at headquarters and at two stores.
pub fn sign_ins() -> Vec<User> {
    let mut users: Vec<User> =
        plan::HEADQUARTERS.iter().map(|(role, login)| user(login, *role, String::new())).collect();
    for code in SHOWN {
        let Some(store) = plan::store_of_code(code) else { continue };
        for (role, ..) in plan::CREW {
            users.push(user(&plan::login_of(code, role, 1), role, store.name()));
        }
    }
    users
}

fn user(login: &str, role: Role, store: String) -> User {
    let role = role.as_str_name().trim_start_matches("ROLE_").to_owned();
    User { login: login.to_owned(), password: PASSWORD.to_owned(), role, store }
}
