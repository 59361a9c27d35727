//! Whose file a row is. Pure.
//!
//! A person is who the national id says, or a phone together with the same name; an organization is its name with a phone. One weak sign
//! alone is nobody: phones are recycled and shared in families. What leads to two files, or to a file of another name or id
//! number, is a conflict, for a person to look at.

use foursight_kernel::CustomerId;
use foursight_proto::customer::v1::CustomerKind;

use crate::imports::{customers::told::Signs, kind::Hash, reason::Code};

/// A file that a row's phones or id number lead to, whichever store's it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::imports) struct Found {
    pub(in crate::imports) id: CustomerId,
    pub(in crate::imports) kind: CustomerKind,
    /// Comparable.
    pub(in crate::imports) name: String,
    pub(in crate::imports) card: Option<Hash>,
    /// Those of the phones that were asked for that it has.
    pub(in crate::imports) phones: Vec<Hash>,
    /// Whether who imports sees the file.
    pub(in crate::imports) seen: bool,
}

/// Whose file a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::imports) enum Who {
    /// Nobody's yet.
    New,
    /// This one's.
    Of(CustomerId),
    /// That cannot be told.
    Unclear(Clash),
}

/// Why it cannot be told whose file a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::imports) struct Clash {
    pub(in crate::imports) why: Why,
    /// A file that stands against it, where who imports sees it.
    pub(in crate::imports) seen: Option<CustomerId>,
    /// What of files that who imports does not see was told without being its customer's: each counts as a try.
    pub(in crate::imports) tried: Vec<Hash>,
}

/// What stands against a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::imports) enum Why {
    OtherName,
    OtherCard,
    TwoFiles,
    /// Says the same of whatever it is about.
    NotConfirmed,
}

impl Why {
    pub(in crate::imports) fn code(self) -> Code {
        match self {
            Self::OtherName => Code::OtherName,
            Self::OtherCard => Code::OtherIdNumber,
            Self::TwoFiles => Code::TwoFiles,
            Self::NotConfirmed => Code::NotConfirmed,
        }
    }
}

/// Whose file the row is, of those that its phones and its id number lead to.
pub(in crate::imports) fn who(row: &Signs, files: &[Found]) -> Who {
    let mut files: Vec<&Found> =
        files.iter().filter(|file| file.kind == row.kind && leads_to(row, file)).collect();
    files.sort_unstable_by_key(|file| file.id);
    if row.kind == CustomerKind::Organization {
        // A switchboard is many organizations'.
        files.retain(|file| same_name(row, file));
    }
    match files.as_slice() {
        [] => Who::New,
        [file] => match against(row, file) {
            None => Who::Of(file.id),
            Some(why) => unclear(row, &files, why),
        },
        // One of them may still be the row's own: then a phone is somebody else's.
        _ => unclear(
            row,
            &files,
            if files.iter().any(|file| against(row, file).is_none()) {
                Why::TwoFiles
            } else {
                files.iter().find_map(|file| against(row, file)).unwrap_or(Why::TwoFiles)
            },
        ),
    }
}

fn leads_to(row: &Signs, file: &Found) -> bool {
    same_card(row, file) || row.phones.iter().any(|phone| file.phones.contains(phone))
}

fn same_name(row: &Signs, file: &Found) -> bool {
    !row.name.is_empty() && row.name == file.name
}

fn same_card(row: &Signs, file: &Found) -> bool {
    row.card.is_some() && row.card == file.card
}

/// What keeps this one file from being the row's.
fn against(row: &Signs, file: &Found) -> Option<Why> {
    let phone = row.phones.iter().any(|phone| file.phones.contains(phone));
    if same_card(row, file) {
        // Id numbers can be counted through: of a file that is not to be seen, a second sign has to agree.
        return (!file.seen && !phone && !same_name(row, file)).then_some(Why::NotConfirmed);
    }
    if row.card.is_some() && file.card.is_some() {
        return Some(if same_name(row, file) { Why::OtherCard } else { Why::OtherName });
    }
    (!same_name(row, file)).then_some(Why::OtherName)
}

fn unclear(row: &Signs, files: &[&Found], why: Why) -> Who {
    let hidden = files.iter().filter(|file| !file.seen);
    let mut tried: Vec<Hash> = hidden
        .flat_map(|file| {
            let phones = row.phones.iter().filter(|phone| file.phones.contains(phone));
            phones.chain(row.card.iter().filter(|_| same_card(row, file)))
        })
        .cloned()
        .collect();
    tried.sort_unstable();
    tried.dedup();
    let seen = files.iter().find(|file| file.seen).map(|file| file.id);
    let why = if tried.is_empty() { why } else { Why::NotConfirmed };
    Who::Unclear(Clash { why, seen: seen.filter(|_| tried.is_empty()), tried })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn row(name: &str, card: Option<u8>, phones: &[u8]) -> Signs {
        let phones = phones.iter().map(|phone| vec![*phone]).collect();
        Signs {
            kind: CustomerKind::Person,
            name: name.to_owned(),
            card: card.map(|card| vec![100 + card]),
            phones,
        }
    }

    fn file(id: u128, name: &str, card: Option<u8>, phones: &[u8]) -> Found {
        let Signs { kind, name, card, phones } = row(name, card, phones);
        Found { id: Uuid::from_u128(id).into(), kind, name, card, phones, seen: true }
    }

    fn of(row: &Signs, files: &[Found]) -> String {
        match who(row, files) {
            Who::New => "new".to_owned(),
            Who::Of(id) => id.uuid().as_u128().to_string(),
            Who::Unclear(clash) => clash.why.code().name().to_owned(),
        }
    }

    #[test]
    fn an_id_number_or_a_phone_with_the_name_is_who_it_is() {
        let files = [file(1, "示例一", Some(1), &[1])];
        assert_eq!(of(&row("示例一", Some(1), &[9]), &files), "1");
        assert_eq!(of(&row("改名了", Some(1), &[]), &files), "1");
        assert_eq!(of(&row("示例一", None, &[1]), &files), "1");
        assert_eq!(of(&row("示例一", None, &[2]), &files), "new");
        assert_eq!(of(&row("示例二", None, &[1]), &files), "OTHER_NAME");
        assert_eq!(of(&row("示例一", Some(2), &[1]), &files), "OTHER_ID_NUMBER");
    }

    #[test]
    fn what_leads_to_two_files_is_nobodys() {
        let files = [file(1, "示例一", Some(1), &[]), file(2, "示例一", None, &[2])];
        assert_eq!(of(&row("示例一", Some(1), &[2]), &files), "TWO_FILES");
        let files = [file(1, "示例一", None, &[1]), file(2, "示例二", None, &[2])];
        assert_eq!(of(&row("示例一", None, &[1, 2]), &files), "TWO_FILES");
        assert_eq!(of(&row("示例三", None, &[1, 2]), &files), "OTHER_NAME");
    }

    #[test]
    fn an_organization_is_its_name_and_a_phone() {
        let organization = |mut file: Found| {
            file.kind = CustomerKind::Organization;
            file
        };
        let files =
            [organization(file(1, "甲公司", None, &[1])), organization(file(2, "乙公司", None, &[1]))];
        let mut it = row("乙公司", None, &[1]);
        it.kind = CustomerKind::Organization;
        assert_eq!(of(&it, &files), "2");
        it.name = "丙公司".to_owned();
        assert_eq!(of(&it, &files), "new");
        // A person may have a firm's phone.
        assert_eq!(of(&row("乙公司", None, &[1]), &files), "new");
    }

    #[test]
    fn of_a_file_that_is_not_to_be_seen_two_signs_agree_or_nothing_is_said() {
        let hidden = [Found { seen: false, ..file(1, "示例一", Some(1), &[1]) }];
        assert_eq!(of(&row("示例一", Some(1), &[]), &hidden), "1");
        assert_eq!(of(&row("示例一", None, &[1]), &hidden), "1");
        assert_eq!(of(&row("改名了", Some(1), &[1]), &hidden), "1");
        for (guess, tried) in [
            (row("示例二", None, &[1]), vec![vec![1]]),
            (row("示例二", Some(1), &[]), vec![vec![101]]),
            (row("示例一", Some(2), &[1]), vec![vec![1]]),
        ] {
            let wanted = Clash { why: Why::NotConfirmed, seen: None, tried };
            assert_eq!(who(&guess, &hidden), Who::Unclear(wanted));
        }
    }

    fn signs() -> impl Strategy<Value = Signs> {
        ("[甲乙]", prop::option::of(0_u8..3), prop::collection::btree_set(0_u8..4, 0..3))
            .prop_map(|(name, card, phones)| row(&name, card, &phones.into_iter().collect::<Vec<_>>()))
    }

    /// As the database keeps them: an id number and a phone are on one file only.
    fn files() -> impl Strategy<Value = Vec<Found>> {
        prop::collection::vec((signs(), any::<bool>()), 0..5).prop_map(|all| {
            let (mut cards, mut phones) = (Vec::new(), Vec::new());
            let mut files = Vec::new();
            for (number, (mut it, seen)) in (1_u128..).zip(all) {
                it.card = it.card.filter(|card| !cards.contains(card));
                it.phones.retain(|phone| !phones.contains(phone));
                cards.extend(it.card.clone());
                phones.extend(it.phones.clone());
                let Signs { kind, name, card, phones } = it;
                files.push(Found { id: Uuid::from_u128(number).into(), kind, name, card, phones, seen });
            }
            files
        })
    }

    proptest! {
        #[test]
        fn the_order_of_files_does_not_matter(it in signs(), files in files(), turn in 0_usize..5) {
            let mut turned = files.clone();
            turned.rotate_left(turn.min(files.len()));
            prop_assert_eq!(who(&it, &files), who(&it, &turned));
        }

        #[test]
        fn two_signs_agree_with_a_file_or_the_id_number_of_one_that_is_seen(it in signs(), files in files()) {
            if let Who::Of(id) = who(&it, &files) {
                let fits = |file: &Found| {
                    let phone = it.phones.iter().any(|phone| file.phones.contains(phone));
                    let agreeing = [phone, same_name(&it, file), same_card(&it, file)].into_iter().filter(|sign| *sign).count();
                    let card = it.card.is_none() || file.card.is_none() || it.card == file.card;
                    card && (agreeing >= 2 || (file.seen && same_card(&it, file)))
                };
                prop_assert!(files.iter().any(|file| file.id == id && fits(file)));
            }
        }

        #[test]
        fn a_new_file_takes_nothing_from_another(it in signs(), files in files()) {
            if who(&it, &files) == Who::New {
                prop_assert!(files.iter().all(|file| !leads_to(&it, file)));
            }
        }

        #[test]
        fn what_is_not_to_be_seen_is_never_named(it in signs(), files in files()) {
            if let Who::Unclear(clash) = who(&it, &files) {
                prop_assert!(clash.seen.is_none_or(|id| files.iter().any(|file| file.id == id && file.seen)));
                prop_assert!(clash.tried.is_empty() || (clash.seen.is_none() && clash.why == Why::NotConfirmed));
            }
        }
    }
}
