//! One contact value, read and checked, in the form in which it is sealed.

use std::fmt;

use foursight_kernel::Error;
use foursight_proto::customer::v1::ContactKind;
use secrecy::{ExposeSecret, SecretString};

use crate::{contacts::phone, customers::sealing::FieldKind};

const MOST_EMAIL: usize = 254;
const MOST_WECHAT: usize = 64;
const MOST_ADDRESS: usize = 200;

/// A contact value in its kept form. Prints its kind only.
#[derive(Clone)]
pub(crate) struct ContactValue {
    kind: ContactKind,
    kept: SecretString,
}

impl ContactValue {
    /// Reads a value of a kind; the error is a description for the field's violation and never contains the value.
    pub(crate) fn parse(kind: ContactKind, text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters");
        }
        let kept = match kind {
            ContactKind::Phone => phone::normalize(text)
                .map_err(|_| "must be a phone number; one from abroad needs its country code, such as +49")?,
            ContactKind::Email => email(text).ok_or("must be an e-mail address, such as name@example.com")?,
            ContactKind::Wechat => {
                wechat(text).ok_or("must be a WeChat id: 1 to 64 letters, digits, _ or -")?
            }
            ContactKind::Address => address(text).ok_or("must have 1 to 200 characters")?,
            ContactKind::Unspecified => return Err("needs its kind"),
        };
        Ok(Self { kind, kept: kept.into() })
    }

    pub(crate) fn kind(&self) -> ContactKind {
        self.kind
    }

    /// The value itself, for sealing, hashing and masking only.
    pub(crate) fn exposed(&self) -> &str {
        self.kept.expose_secret()
    }

    /// Under which binding it is sealed.
    pub(crate) fn field_kind(&self) -> FieldKind {
        // A value was parsed, so its kind is one of the four.
        field_kind(self.kind).unwrap_or(FieldKind::Address)
    }

    /// The form by which equal values are found: an e-mail address and a WeChat id are the same in any case. None for an
    /// address, which is written in many ways.
    pub(crate) fn search_form(&self) -> Option<String> {
        match self.kind {
            ContactKind::Phone => Some(self.exposed().to_owned()),
            ContactKind::Email | ContactKind::Wechat => Some(self.exposed().to_lowercase()),
            ContactKind::Address | ContactKind::Unspecified => None,
        }
    }
}

impl fmt::Debug for ContactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactValue({})", self.kind.as_str_name())
    }
}

/// The kind that a row says.
pub(crate) fn kind_of(number: i16) -> Result<(ContactKind, FieldKind), Error> {
    let kind = ContactKind::try_from(i32::from(number)).map_err(Error::internal)?;
    let field = field_kind(kind).ok_or_else(|| Error::internal("a contact point has no kind"))?;
    Ok((kind, field))
}

fn field_kind(kind: ContactKind) -> Option<FieldKind> {
    match kind {
        ContactKind::Phone => Some(FieldKind::Phone),
        ContactKind::Email => Some(FieldKind::Email),
        ContactKind::Wechat => Some(FieldKind::Wechat),
        ContactKind::Address => Some(FieldKind::Address),
        ContactKind::Unspecified => None,
    }
}

/// Not all that RFC 5321 allows, but all that a mail server of today takes; the last word has the sending.
fn email(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let local_is_right = !local.is_empty()
        && local.len() <= 64
        && local.chars().all(|c| !c.is_whitespace() && !"@<>()[],;:\\\"".contains(c))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let labels: Vec<&str> = domain.split('.').collect();
    let domain_is_right = labels.len() >= 2
        && labels.iter().all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
    (local_is_right && domain_is_right && text.len() <= MOST_EMAIL).then(|| text.to_owned())
}

fn wechat(text: &str) -> Option<String> {
    let right = (1..=MOST_WECHAT).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    right.then(|| text.to_owned())
}

fn address(text: &str) -> Option<String> {
    (1..=MOST_ADDRESS).contains(&text.chars().count()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn right_values_are_kept_and_wrong_ones_refused() {
        for (kind, text, right) in [
            (ContactKind::Email, " Wei.Demo+x@Example.com ", true),
            (ContactKind::Email, "wei@邮件.中国", true),
            (ContactKind::Email, "wei@example", false),
            (ContactKind::Email, "wei@@example.com", false),
            (ContactKind::Email, "we i@example.com", false),
            (ContactKind::Email, "wei@example.com\r\nBcc: x@example.com", false),
            (ContactKind::Wechat, "wei_demo-1", true),
            (ContactKind::Wechat, "伟", false),
            (ContactKind::Address, "浙江省杭州市示例路1号", true),
            (ContactKind::Address, "  ", false),
            (ContactKind::Unspecified, "x", false),
        ] {
            assert_eq!(ContactValue::parse(kind, text).is_ok(), right, "{text}");
        }
    }

    #[test]
    fn case_does_not_make_another_mail_box() {
        let form = |text| ContactValue::parse(ContactKind::Email, text).unwrap().search_form();
        assert_eq!(form("Wei@Example.COM"), form("wei@example.com"));
    }

    proptest! {
        #[test]
        fn a_value_never_prints_itself(digits in "1[3-9][0-9]{9}") {
            let value = ContactValue::parse(ContactKind::Phone, &digits).unwrap();
            let printed = format!("{value:?}");
            prop_assert!(!printed.contains(&digits[3..]));
        }
    }
}
