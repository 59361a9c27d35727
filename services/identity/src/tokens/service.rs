//! Signing one of the group's own services in.

use std::collections::BTreeMap;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use foursight_kernel::{Result, Violations};
use foursight_proto::identity::v1 as proto;
use secrecy::{ExposeSecret, SecretString};

use super::{Tokens, holder::Holder, refused};

/// The secrets of the group's services, by name, from the configuration.
pub(crate) struct ServiceSecrets(BTreeMap<String, SecretString>);

impl ServiceSecrets {
    pub(crate) fn new(secrets: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        // An empty secret in the configuration means "none", never "any".
        Self(secrets.into_iter().filter(|(_, secret)| !secret.expose_secret().is_empty()).collect())
    }

    /// Whether the secret is the service's. The time tells neither how much of it was right nor whether the service exists.
    fn verify(&self, service: &str, secret: &str) -> bool {
        let known = self.0.get(service);
        let expected = digest(&SHA256, known.map_or("", |known| known.expose_secret()).as_bytes());
        let given = digest(&SHA256, secret.as_bytes());
        let equal = verify_slices_are_equal(expected.as_ref(), given.as_ref()).is_ok();
        equal && known.is_some()
    }
}

pub(super) async fn create(tokens: &Tokens, grant: &proto::ServiceGrant) -> Result<proto::Token> {
    let mut v = Violations::default();
    for (field, text) in [("service.service", &grant.service), ("service.secret", &grant.secret)] {
        if text.is_empty() {
            v.push(field, "is required");
        }
    }
    v.check()?;
    if !tokens.secrets.verify(&grant.service, &grant.secret) {
        return Err(refused("SIGN_IN_REFUSED", "service or secret is wrong"));
    }
    let issuer = tokens.keyring.issuer().await?;
    tokens.sign(&issuer, &Holder::service(&grant.service), tokens.clock.now(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_of_that_service_is_right() {
        let secrets = [("customer", "one secret"), ("complaint", "another"), ("broken", "")];
        let secrets = ServiceSecrets::new(secrets.map(|(name, secret)| (name.to_owned(), secret.into())));
        assert!(secrets.verify("customer", "one secret"));
        assert!(!secrets.verify("customer", "another"));
        assert!(!secrets.verify("customer", ""));
        assert!(!secrets.verify("unknown", ""));
        assert!(!secrets.verify("broken", ""), "no secret is not an empty secret");
    }
}
