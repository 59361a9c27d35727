//! Keyed hashes, by which equal values are found without being readable: HMAC-SHA-256 of the normalised value, with what
//! it is of in front, so that a phone's hash never equals a WeChat id's of the same digits.

use aws_lc_rs::hmac;
use foursight_kernel::RequestKey;
use foursight_proto::customer::v1::ContactKind;
use prost::Message;
use uuid::Uuid;

use crate::{
    contacts::{ContactValue, phone},
    customers::KeyRing,
};

impl KeyRing {
    /// The hash of a contact value; `None` for a kind that is not searched by.
    pub(crate) fn contact_hash(&self, value: &ContactValue) -> Option<Vec<u8>> {
        let form = value.search_form()?;
        let label = match value.kind() {
            ContactKind::Phone => "phone",
            ContactKind::Email => "email",
            ContactKind::Wechat => "wechat",
            ContactKind::Address | ContactKind::Unspecified => return None,
        };
        Some(self.hash(label, form.as_bytes()))
    }

    /// The hash of a phone's last 4 digits; `None` for another kind.
    pub(crate) fn contact_tail_hash(&self, value: &ContactValue) -> Option<Vec<u8>> {
        (value.kind() == ContactKind::Phone).then(|| self.tail_hash(phone::tail(value.exposed())))
    }

    /// The hash of 4 digits that somebody searches for.
    pub(crate) fn tail_hash(&self, last_4: &str) -> Vec<u8> {
        self.hash("phone tail", last_4.as_bytes())
    }

    /// The hash of a national id number in its kept form.
    pub(crate) fn national_id_hash(&self, number: &str) -> Vec<u8> {
        self.hash("national id", number.as_bytes())
    }

    /// By which a request is known again, if the caller gave an id. The hash is keyed, because requests contain phones, and
    /// an unkeyed hash of a phone is as good as the phone.
    pub(crate) fn request_key(&self, id: Option<Uuid>, request: &impl Message) -> Option<RequestKey> {
        id.map(|id| RequestKey { id, hash: self.hash("request", &request.encode_to_vec()) })
    }

    /// The same for a step at a thing that is there already.
    pub(crate) fn step_key(
        &self,
        id: Option<Uuid>,
        method: &str,
        by: &str,
        request: &impl Message,
    ) -> Option<RequestKey> {
        let said = || [method.as_bytes(), by.as_bytes(), &request.encode_to_vec()].join(&0);
        id.map(|id| RequestKey { id, hash: self.hash("step", &said()) })
    }

    fn hash(&self, label: &str, value: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(self.hashing());
        context.update(label.as_bytes());
        context.update(&[0]);
        context.update(value);
        context.sign().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::customers::tests::{ring, ring_of};

    #[test]
    fn equal_values_have_equal_hashes_and_kinds_do_not_meet() {
        let hash = |kind, text: &str| ring().contact_hash(&ContactValue::parse(kind, text).unwrap());
        assert_eq!(hash(ContactKind::Phone, "138 0000 1234"), hash(ContactKind::Phone, "+8613800001234"));
        assert_ne!(hash(ContactKind::Phone, "13800001234"), hash(ContactKind::Wechat, "8613800001234"));
        assert_eq!(hash(ContactKind::Address, "somewhere"), None);
    }

    #[test]
    fn another_key_gives_other_hashes() {
        let other = ring_of(&[(1, 1)], None, 8);
        assert_ne!(
            ring().national_id_hash("11010519491231002X"),
            other.national_id_hash("11010519491231002X")
        );
    }

    #[test]
    fn the_last_four_digits_are_found_by_themselves() {
        let phone = ContactValue::parse(ContactKind::Phone, "13800001234").unwrap();
        assert_eq!(ring().contact_tail_hash(&phone).unwrap(), ring().tail_hash("1234"));
    }
}
