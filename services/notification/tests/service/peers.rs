//! The peer that notification asks: the customer service's answer about contacts, as its proto has it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use foursight_kernel::CustomerId;
use foursight_proto::customer::v1::{
    ContactKind, Purpose, Resolution, ResolveContactsRequest, ResolveContactsResponse, ResolvedContact,
    contact_service_server::{ContactService, ContactServiceServer},
};
use foursight_testkit::StandIn;
use tonic::{Request, Response, Status, async_trait, service::Routes};

/// Answers about the contacts that the test gives it; about everybody else with UNKNOWN.
#[derive(Clone, Default)]
pub(crate) struct Customer(Arc<Mutex<Contacts>>);

#[derive(Default)]
struct Contacts {
    known: HashMap<String, (Resolution, &'static str)>,
    away: bool,
}

impl Customer {
    /// What is to be answered about a customer from now on.
    pub(crate) fn answers(&self, customer: CustomerId, resolution: Resolution, address: &'static str) {
        self.0.lock().unwrap().known.insert(customer.name(), (resolution, address));
    }

    pub(crate) fn role(&self) -> StandIn {
        StandIn::new("customer", Routes::new(ContactServiceServer::new(self.clone())))
    }

    /// Whether the service is away.
    pub(crate) fn away(&self, away: bool) {
        self.0.lock().unwrap().away = away;
    }
}

#[async_trait]
impl ContactService for Customer {
    async fn resolve_contacts(
        &self,
        request: Request<ResolveContactsRequest>,
    ) -> Result<Response<ResolveContactsResponse>, Status> {
        let request = request.into_inner();
        assert_eq!((request.purpose(), request.contact_kind()), (Purpose::Service, ContactKind::Email));
        let contacts = self.0.lock().unwrap();
        if contacts.away {
            return Err(Status::unavailable("away"));
        }
        let answer = |customer: String| {
            let (resolution, address) =
                contacts.known.get(&customer).copied().unwrap_or((Resolution::Unknown, ""));
            let reachable = resolution == Resolution::Reachable;
            ResolvedContact {
                customer,
                resolution: resolution.into(),
                address: if reachable { address.to_owned() } else { String::new() },
                display_name: if reachable { "Wei Example".to_owned() } else { String::new() },
            }
        };
        let contacts = request.customers.into_iter().map(answer).collect();
        Ok(Response::new(ResolveContactsResponse { contacts }))
    }
}
