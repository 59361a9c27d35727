//! Which role grants which rights. A right is `{what}.{verb}`; a method names the one that it needs in its proto.

use foursight_proto::identity::v1::Role;

const READ_STORE: &[&str] =
    &["directory.read", "customer.read", "lead.read", "call_task.read", "message.read", "complaint.read"];

/// Who compares stores, and owns privacy.
const GROUP_DIRECTOR: &[&str] = &[
    "directory.admin",
    "directory.write",
    "customer.write",
    "customer.classify",
    "tag.write",
    "customer.import",
    "customer.reveal",
    "customer.erase",
    "customer.copy",
    "consent.write",
    "lead.assign",
    "complaint.write",
    "complaint.assign",
    "complaint.revisit",
    "odometer.correct",
    "plate.correct",
    "measure.read",
];

/// The rights that a role grants, besides those that every role has ([`READ_STORE`] for staff of stores).
pub fn rights_of(role: Role) -> Vec<&'static str> {
    let own: &[&str] = match role {
        Role::Unspecified => return Vec::new(),
        Role::GroupDirector => GROUP_DIRECTOR,
        Role::GeneralManager => &[
            "customer.classify",
            "customer.reveal",
            "lead.assign",
            "complaint.write",
            "complaint.assign",
            "odometer.correct",
            "plate.correct",
            "measure.read",
        ],
        Role::CrManager => &[
            "directory.write",
            "reception.write",
            "customer.write",
            "customer.classify",
            "tag.write",
            "customer.import",
            "customer.reveal",
            "consent.write",
            "lead.assign",
            "complaint.write",
            "complaint.assign",
            "complaint.revisit",
            "call_task.write",
            "odometer.correct",
            "plate.correct",
            "measure.read",
        ],
        Role::FollowUpSpecialist => {
            &["customer.reveal", "call_task.write", "complaint.write", "complaint.revisit", "consent.write"]
        }
        Role::IntentionSpecialist => {
            &["reception.write", "customer.write", "consent.write", "lead.write", "customer.reveal"]
        }
        Role::MemberSpecialist => &["customer.write", "consent.write"],
        Role::MarketingSpecialist => &["measure.read"],
        Role::SalesAdvisor => &[
            "reception.write",
            "customer.write",
            "consent.write",
            "lead.write",
            "delivery.write",
            "customer.reveal",
        ],
        Role::ServiceAdvisor => &[
            "reception.write",
            "customer.write",
            "consent.write",
            "visit.write",
            "customer.reveal",
            "complaint.write",
        ],
        Role::Supervisor => {
            // Who supervises the counter receives there, and corrects what was read; who reads it does not.
            &[
                "reception.write",
                "lead.write",
                "lead.assign",
                "complaint.write",
                "complaint.assign",
                "odometer.correct",
                "plate.correct",
                "measure.read",
                "customer.reveal",
            ]
        }
        // Operations see how the system does, never who its customers are.
        Role::Operations => return vec!["directory.read", "measure.read"],
        Role::Integrator => {
            return vec![
                "directory.read",
                "customer.read",
                "customer.write",
                "consent.write",
                "lead.read",
                "lead.write",
                "delivery.write",
                "visit.write",
            ];
        }
    };
    READ_STORE.iter().chain(own).chain(rights_over_files(role)).copied().collect()
}

/// What a role does with files as a whole: makes one of two, counts and takes out many.
fn rights_over_files(role: Role) -> &'static [&'static str] {
    match role {
        Role::GroupDirector | Role::CrManager => {
            &["customer.export", "customer.merge", "segment.read", "segment.write"]
        }
        Role::MarketingSpecialist => &["segment.read", "segment.write"],
        Role::GeneralManager => &["segment.read"],
        _ => &[],
    }
}

/// The rights of one of the group's own services, for the calls that it makes on its own account.
pub fn rights_of_service(service: &str) -> &'static [&'static str] {
    match service {
        // Reads the words that a follow-up call took down, when they become a complaint.
        "complaint" => &["call_task.read"],
        // Looks up who is put in charge of a lead, a delivery or a visit.
        "customer" => &["directory.read"],
        _ => &[],
    }
}

/// The union of the rights of several roles, sorted.
pub fn rights_of_all(roles: &[Role]) -> Vec<String> {
    let mut rights: Vec<String> = roles.iter().flat_map(|role| rights_of(*role)).map(str::to_owned).collect();
    rights.sort();
    rights.dedup();
    rights
}

/// The numbers of the roles that grant a right, for services that keep who works where in which roles.
pub fn roles_with(right: &str) -> Vec<i16> {
    granting(right).map(|(number, _)| number).collect()
}

/// The roles of people that grant a right, as a sentence names them.
pub fn roles_in_words(right: &str) -> String {
    let people = granting(right).filter(|(_, role)| *role != Role::Integrator);
    people.map(|(_, role)| role.as_str_name()).collect::<Vec<_>>().join(", ")
}

fn granting(right: &str) -> impl Iterator<Item = (i16, Role)> {
    (1..)
        .map_while(|number: i16| Role::try_from(i32::from(number)).ok().map(|role| (number, role)))
        .filter(move |(_, role)| rights_of(*role).contains(&right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_has_the_roles_that_grant_it() {
        let numbers = |roles: &[Role]| roles.iter().map(|role| *role as i16).collect::<Vec<_>>();
        assert_eq!(roles_with("call_task.write"), numbers(&[Role::CrManager, Role::FollowUpSpecialist]));
        assert_eq!(roles_with("delivery.write"), numbers(&[Role::SalesAdvisor, Role::Integrator]));
        assert_eq!(roles_with("nothing.write"), numbers(&[]));
    }

    #[test]
    fn operations_never_see_customers() {
        assert!(rights_of(Role::Operations).iter().all(|right| !right.starts_with("customer.")));
    }

    #[test]
    fn who_may_do_something_can_be_named() {
        assert_eq!(roles_in_words("delivery.write"), "ROLE_SALES_ADVISOR");
        assert_eq!(roles_in_words("nonsense.write"), "");
    }

    #[test]
    fn every_right_that_a_method_needs_is_granted_by_some_role() {
        let granted =
            rights_of_all(&(1..=12).filter_map(|number| Role::try_from(number).ok()).collect::<Vec<_>>());
        for (method, rule) in crate::rules::Rules::from_protos().iter() {
            assert!(rule.right.is_empty() || granted.contains(&rule.right), "{method} needs {}", rule.right);
        }
    }
}
