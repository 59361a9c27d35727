//! The reception register 来店/回厂登记.

mod create;
mod list;
pub(crate) mod same_person;
mod visitor;

use foursight_kernel::{CustomerId, Error, ReceptionId, StoreId, sql::Timestamp, time};
use foursight_proto::customer::v1::{
    CreateReceptionRequest, ListReceptionsRequest, ListReceptionsResponse, Reception, VisitorOutcome,
    reception_service_server::ReceptionService,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::context::Context;

/// What a reception is refused for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceptionError {
    /// The file is somebody else's, as far as name and id card tell; named when the caller sees it.
    #[error(
        "phone or id number are on file under another name, or not together; ask for the id card, check the name and the number on \
         it, tell the customer's own phone with them, or leave out what is not the customer's"
    )]
    NotConfirmed(Option<CustomerId>),
}

impl From<ReceptionError> for Error {
    fn from(error: ReceptionError) -> Self {
        let message = error.to_string();
        let ReceptionError::NotConfirmed(seen) = error;
        let error = Self::failed_precondition("VISITOR_NOT_CONFIRMED", message);
        match seen {
            Some(customer) => error.with_metadata("customer", customer.name()),
            None => error,
        }
    }
}

/// `ReceptionService`, on this room.
#[derive(Clone)]
pub(crate) struct Receptions(pub(crate) Context);

#[tonic::async_trait]
impl ReceptionService for Receptions {
    async fn create_reception(
        &self,
        request: Request<CreateReceptionRequest>,
    ) -> Result<Response<Reception>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(create::create(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_receptions(
        &self,
        request: Request<ListReceptionsRequest>,
    ) -> Result<Response<ListReceptionsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }
}

struct ReceptionRow {
    id: Uuid,
    store_id: Uuid,
    kind: i16,
    customer_id: Option<Uuid>,
    intended_model: String,
    contact_left: bool,
    create_time: Timestamp,
    request_hash: Option<Vec<u8>>,
    /// What became of what the visitor told; absent without a visitor.
    file_opened: Option<bool>,
    added: Option<Vec<String>>,
    not_taken: Option<Vec<String>>,
}

impl ReceptionRow {
    fn to_proto(&self) -> Reception {
        Reception {
            name: ReceptionId::from(self.id).name(),
            store: StoreId::from(self.store_id).name(),
            kind: self.kind.into(),
            customer: self.customer_id.map_or_else(String::new, |id| CustomerId::from(id).name()),
            visitor: None,
            intended_model: self.intended_model.clone(),
            contact_left: self.contact_left,
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            visitor_outcome: self.file_opened.map(|file_opened| VisitorOutcome {
                file_opened,
                added: self.added.clone().unwrap_or_default(),
                not_taken: self.not_taken.clone().unwrap_or_default(),
            }),
        }
    }
}
