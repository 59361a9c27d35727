//! Which relations there are, how each is seen from the other side, and whose it can be.

use foursight_proto::customer::v1::{CustomerKind, RelationKind};

/// The same relation, seen from the other one.
pub(crate) fn inverse(kind: RelationKind) -> RelationKind {
    use RelationKind::{
        Child, ContactPerson, ContactPersonOf, Driver, DriverOf, LegalRepresentative, LegalRepresentativeOf,
        Other, Parent, Relative, Sibling, Spouse, Unspecified,
    };
    match kind {
        Parent => Child,
        Child => Parent,
        ContactPerson => ContactPersonOf,
        ContactPersonOf => ContactPerson,
        LegalRepresentative => LegalRepresentativeOf,
        LegalRepresentativeOf => LegalRepresentative,
        Driver => DriverOf,
        DriverOf => Driver,
        Spouse | Sibling | Relative | Other | Unspecified => kind,
    }
}

/// Whether a relation is written from the other side: of a kind and its inverse only one stands in the database.
pub(crate) fn from_other_side(kind: RelationKind) -> bool {
    i32::from(inverse(kind)) < i32::from(kind)
}

/// Why somebody cannot be this to a customer; `None` when it fits.
pub(super) fn misfit(
    kind: RelationKind,
    customer: CustomerKind,
    other: CustomerKind,
) -> Option<&'static str> {
    use CustomerKind::{Organization, Person};
    if from_other_side(kind) {
        return misfit(inverse(kind), other, customer);
    }
    match kind {
        RelationKind::Spouse | RelationKind::Parent | RelationKind::Sibling | RelationKind::Relative
            if (customer, other) != (Person, Person) =>
        {
            Some("is between two people")
        }
        RelationKind::ContactPerson | RelationKind::Driver if other != Person => {
            Some("is a person's part, not an organization's")
        }
        RelationKind::LegalRepresentative if (customer, other) != (Organization, Person) => {
            Some("is a person's part in an organization")
        }
        _ => None,
    }
}

/// What the other one is to the customer, in Chinese and English.
pub(super) fn words(kind: RelationKind) -> (&'static str, &'static str) {
    match kind {
        RelationKind::Unspecified => ("", ""),
        RelationKind::Spouse => ("配偶", "Spouse"),
        RelationKind::Parent => ("父母", "Parent"),
        RelationKind::Child => ("子女", "Child"),
        RelationKind::Sibling => ("兄弟姐妹", "Sibling"),
        RelationKind::Relative => ("其他亲属", "Relative"),
        RelationKind::ContactPerson => ("联系人", "Contact person"),
        RelationKind::ContactPersonOf => ("担任其联系人", "Contact person of"),
        RelationKind::LegalRepresentative => ("法定代表人", "Legal representative"),
        RelationKind::LegalRepresentativeOf => ("担任其法定代表人", "Legal representative of"),
        RelationKind::Driver => ("司机", "Driver"),
        RelationKind::DriverOf => ("担任其司机", "Driver of"),
        RelationKind::Other => ("其他关系", "Other"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::collections::HashSet;

    use CustomerKind::{Organization, Person};

    use super::*;

    fn all() -> impl Iterator<Item = RelationKind> {
        (1..=12).map(|number| RelationKind::try_from(number).unwrap())
    }

    #[test]
    fn each_kind_is_seen_from_both_sides_and_written_from_one() {
        for kind in all() {
            assert_eq!(inverse(inverse(kind)), kind);
            assert!(!(from_other_side(kind) && from_other_side(inverse(kind))), "{kind:?}");
            assert_eq!(inverse(kind) == kind, !from_other_side(kind) && !from_other_side(inverse(kind)));
            for (customer, other) in [
                (Person, Person),
                (Person, Organization),
                (Organization, Person),
                (Organization, Organization),
            ] {
                assert_eq!(misfit(kind, customer, other), misfit(inverse(kind), other, customer), "{kind:?}");
            }
        }
        let written: Vec<i32> = all().filter(|kind| !from_other_side(*kind)).map(i32::from).collect();
        assert_eq!(written, [1, 2, 4, 5, 6, 8, 10, 12], "as the table's check has them");
    }

    #[test]
    fn only_people_are_family_and_only_people_stand_for_an_organization() {
        assert_eq!(misfit(RelationKind::Spouse, Person, Person), None);
        assert!(misfit(RelationKind::Child, Person, Organization).is_some());
        assert_eq!(misfit(RelationKind::LegalRepresentative, Organization, Person), None);
        assert_eq!(misfit(RelationKind::LegalRepresentativeOf, Person, Organization), None);
        assert!(misfit(RelationKind::LegalRepresentative, Person, Person).is_some());
        assert_eq!(misfit(RelationKind::Driver, Person, Person), None);
        assert!(misfit(RelationKind::ContactPerson, Organization, Organization).is_some());
        assert_eq!(misfit(RelationKind::Other, Organization, Organization), None);
    }

    #[test]
    fn every_kind_has_words_of_its_own() {
        let zh: HashSet<_> = all().map(|kind| words(kind).0).collect();
        let en: HashSet<_> = all().map(|kind| words(kind).1).collect();
        assert_eq!((zh.len(), en.len()), (12, 12));
    }
}
