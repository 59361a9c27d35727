//! The customer's file: opening, reading, finding, showing a fact whole.

mod add_contact_point;
mod birthday;
pub(crate) mod correct_stage;
mod create;
mod end_contact_point;
pub(crate) mod facts;
pub(crate) mod file;
pub(crate) mod file_step;
mod finding;
mod get;
mod keys;
pub(crate) mod learn;
mod list;
mod list_facts;
mod lookups;
mod lunar;
pub(crate) mod masking;
pub(crate) mod name_keys;
pub(crate) mod new_file;
pub(crate) mod on_file;
pub(crate) mod open;
pub(crate) mod profile;
mod reveal;
mod rewrap;
pub(crate) mod sealed_file;
pub(crate) mod sealing;
pub(crate) mod search;
pub(crate) mod stage;
pub(crate) mod stores;
mod taken;
pub(crate) mod told_of;
pub(crate) mod tries;
mod update;
mod walk;

use foursight_access::rights::roles_in_words;
use foursight_kernel::{CustomerId, Error};
use foursight_proto::customer::v1::{
    AddContactPointRequest, CreateCustomerRequest, Customer, EndContactPointRequest, GetCustomerRequest,
    ListCustomersRequest, ListCustomersResponse, ListFactsRequest, ListFactsResponse,
    ListTimelineEntriesRequest, ListTimelineEntriesResponse, RevealFieldRequest, RevealFieldResponse,
    UpdateCustomerRequest, customer_service_server::CustomerService,
};
use jiff::Timestamp;
use tonic::{Request, Response, Status};

pub(crate) use birthday::tell_next as tell_next_birthdays;
pub(crate) use file::{FileRow, FilesById, Shown, date_to_proto, etag, open_all, read, rows_of};
pub(crate) use finding::first_id;
#[cfg(test)]
pub(crate) use keys::tests;
pub(crate) use keys::{KeyRing, WrappedKey};
pub(crate) use lookups::Lookups;
pub(crate) use lunar::LunarBirthday;
pub(crate) use new_file::NewFile;
pub(crate) use profile::Profile;
pub(crate) use rewrap::Rewrap;
pub use rewrap::wrapped_by_version;
pub(crate) use sealed_file::SealedFile;
pub(crate) use walk::Walk;

use crate::{context::Context, timeline};

/// What an operation on a file is refused for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CustomerError {
    /// None, or not for this caller.
    #[error("there is no such customer, or not in the caller's stores")]
    NotFound,
    /// It was absorbed by this one, which the caller sees.
    #[error("the customer's file was merged into another one; go on with that")]
    Merged(CustomerId),
    /// A person's phone or national id is on file, and the caller may see the file.
    #[error("the phone or national id is on file already; use that file")]
    Exists(CustomerId),
    /// It is on file, and the caller may not; but who stands at the counter may be received.
    #[error(
        "the phone or national id is on file at another store of the group; a reception at the counter, with the customer as \
         its `visitor`, finds that file and opens it to the store{}", who_receives(*receives)
    )]
    ExistsElsewhere { receives: bool },
    /// It holds already.
    #[error("the file has this contact point already")]
    PointExists,
    /// Too many hold.
    #[error("the file has 20 contact points that hold; end one first")]
    PointsFull,
    /// When.
    #[error("the contact point has ended already")]
    PointEnded(Timestamp),
    /// With whose it is, if the caller may see the file.
    #[error(
        "the phone is on another customer's file, as far as the group knows; ask again, and if it is this customer's, send \
         phone_confirmed"
    )]
    PhoneTaken(Option<CustomerId>),
    /// Somebody was faster.
    #[error("the file was changed since it was read; read it again and decide again")]
    Changed,
    /// Nothing to show.
    #[error("the customer's file has no such fact")]
    NoSuchFact,
}

/// Who is to be asked for a reception by who may not make one.
fn who_receives(receives: bool) -> String {
    if receives { String::new() } else { format!("; these roles may: {}", roles_in_words("reception.write")) }
}

impl From<CustomerError> for Error {
    fn from(error: CustomerError) -> Self {
        let message = error.to_string();
        match error {
            CustomerError::NotFound => Self::not_found("CUSTOMER_NOT_FOUND", message),
            CustomerError::Merged(survivor) => {
                Self::not_found("CUSTOMER_MERGED", message).with_metadata("customer", survivor.name())
            }
            CustomerError::PointExists => Self::already_exists("CONTACT_POINT_EXISTS", message),
            CustomerError::PointsFull => Self::failed_precondition("CONTACT_POINTS_FULL", message),
            CustomerError::PointEnded(time) => Self::failed_precondition("CONTACT_POINT_ENDED", message)
                .with_metadata("end_time", time.to_string()),
            CustomerError::PhoneTaken(holder) => {
                let error = Self::already_exists("PHONE_TAKEN", message);
                match holder {
                    Some(holder) => error.with_metadata("customer", holder.name()),
                    None => error,
                }
            }
            CustomerError::Changed => Self::aborted("CUSTOMER_CHANGED", message),
            CustomerError::NoSuchFact => Self::not_found("FACT_NOT_FOUND", message),
            CustomerError::Exists(customer) => {
                Self::already_exists("CUSTOMER_EXISTS", message).with_metadata("customer", customer.name())
            }
            CustomerError::ExistsElsewhere { .. } => {
                Self::already_exists("CUSTOMER_EXISTS", message).with_metadata("found_by", "CreateReception")
            }
        }
    }
}

/// `CustomerService`, on this room.
#[derive(Clone)]
pub(crate) struct Customers(pub(crate) Context);

#[tonic::async_trait]
impl CustomerService for Customers {
    async fn create_customer(
        &self,
        request: Request<CreateCustomerRequest>,
    ) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(create::create(&self.0, &caller, request.into_inner()).await?))
    }

    async fn get_customer(&self, request: Request<GetCustomerRequest>) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_customers(
        &self,
        request: Request<ListCustomersRequest>,
    ) -> Result<Response<ListCustomersResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn update_customer(
        &self,
        request: Request<UpdateCustomerRequest>,
    ) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(update::update(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_facts(
        &self,
        request: Request<ListFactsRequest>,
    ) -> Result<Response<ListFactsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list_facts::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn add_contact_point(
        &self,
        request: Request<AddContactPointRequest>,
    ) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(add_contact_point::add(&self.0, &caller, request.into_inner()).await?))
    }

    async fn end_contact_point(
        &self,
        request: Request<EndContactPointRequest>,
    ) -> Result<Response<Customer>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(end_contact_point::end(&self.0, &caller, request.into_inner()).await?))
    }

    async fn reveal_field(
        &self,
        request: Request<RevealFieldRequest>,
    ) -> Result<Response<RevealFieldResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(reveal::reveal(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_timeline_entries(
        &self,
        request: Request<ListTimelineEntriesRequest>,
    ) -> Result<Response<ListTimelineEntriesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(timeline::list(&self.0, &caller, &request.into_inner()).await?))
    }
}
