//! Asks the customer service how customers can be reached, for a purpose, now. The answers live as long as one sending.

use std::{collections::HashMap, time::Duration};

use foursight_kernel::CustomerId;
use foursight_proto::customer::v1::{
    ContactKind, Purpose, Resolution, ResolveContactsRequest, contact_service_client::ContactServiceClient,
};
use foursight_runtime::PeerChannel;

use crate::gate::Contact;

/// What the customer service takes at once.
const MOST_CUSTOMERS: usize = 500;

/// A customer service that says nothing for so long is taken for absent; well below the claim's lease.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a customer can be reached. It has no `Debug`: it holds name and address.
pub(super) struct Recipient {
    pub(super) contact: Contact,
    pub(super) address: String,
    pub(super) display_name: String,
}

impl Recipient {
    fn away() -> Self {
        Self { contact: Contact::Away, address: String::new(), display_name: String::new() }
    }
}

/// Asks for many customers at once. Everybody who was asked for is in the answer; those whom the customer service did not
/// answer for are [`Contact::Away`].
pub(super) async fn resolve(
    peer: &PeerChannel,
    purpose: Purpose,
    kind: ContactKind,
    customers: &[CustomerId],
) -> HashMap<CustomerId, Recipient> {
    let mut recipients: HashMap<_, _> = customers.iter().map(|id| (*id, Recipient::away())).collect();
    for some in customers.chunks(MOST_CUSTOMERS) {
        let request = ResolveContactsRequest {
            customers: some.iter().map(|id| id.name()).collect(),
            purpose: purpose.into(),
            contact_kind: kind.into(),
        };
        let mut client = ContactServiceClient::new(peer.clone());
        // Nothing is lost when there is no answer: the messages are held and asked for again.
        let answer = match tokio::time::timeout(PATIENCE, client.resolve_contacts(request)).await {
            Ok(Ok(answer)) => answer.into_inner(),
            Ok(Err(status)) => {
                tracing::warn!(code = ?status.code(), "the customer service did not resolve contacts");
                continue;
            }
            Err(_) => {
                tracing::warn!("the customer service did not answer in time");
                continue;
            }
        };
        for contact in answer.contacts {
            let Ok(customer) = CustomerId::parse_name(&contact.customer) else { continue };
            // An answer about somebody whom we did not ask for is none.
            let Some(recipient) = recipients.get_mut(&customer) else { continue };
            *recipient = Recipient {
                contact: match contact.resolution() {
                    Resolution::Unspecified => Contact::Away,
                    Resolution::Reachable => Contact::Reachable,
                    Resolution::NoConsent => Contact::NoConsent,
                    Resolution::NoContact => Contact::NoAddress,
                    Resolution::Unknown => Contact::Unknown,
                },
                address: contact.address,
                display_name: contact.display_name,
            };
        }
    }
    recipients
}
