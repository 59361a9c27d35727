//! Asks a peer whether the caller may know something. It is asked as the caller, with the caller's own token: what is another
//! store's does not exist for it.

use std::time::Duration;

use foursight_kernel::{CustomerId, Error, Result};
use foursight_proto::customer::v1::{GetCustomerRequest, customer_service_client::CustomerServiceClient};
use tonic::{Code, Request, Response, Status, metadata::AsciiMetadataValue};

use super::Desk;

/// The header that carries the caller's token.
pub(crate) const AUTHORIZATION: &str = "authorization";

/// Whether the caller may know this customer.
///
/// # Errors
/// `CUSTOMER_SERVICE_AWAY` while the customer service does not answer.
pub(crate) async fn is_known(
    desk: &Desk,
    token: Option<&AsciiMetadataValue>,
    customer: CustomerId,
) -> Result<bool> {
    let request = as_caller(token, GetCustomerRequest { name: customer.name() });
    let answer = CustomerServiceClient::new(desk.customers.clone()).get_customer(request).await;
    let message = "the customer cannot be looked up now; try again, or leave the customer out";
    Ok(found(answer, "CUSTOMER_SERVICE_AWAY", message)?.is_some())
}

/// A request in the caller's name.
pub(super) fn as_caller<T>(token: Option<&AsciiMetadataValue>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Some(token) = token {
        request.metadata_mut().insert(AUTHORIZATION, token.clone());
    }
    request
}

/// What a peer knows; `None` when there is no such thing for this caller.
///
/// # Errors
/// `UNAVAILABLE` with this reason and message when the peer did not say.
pub(super) fn found<T>(
    answer: Result<Response<T>, Status>,
    reason: &'static str,
    message: &str,
) -> Result<Option<T>> {
    match answer.map_err(|status| (status.code(), status)) {
        Ok(found) => Ok(Some(found.into_inner())),
        Err((Code::NotFound | Code::PermissionDenied, _)) => Ok(None),
        Err((_, status)) => {
            Err(Error::unavailable(reason, message, Duration::from_secs(2)).with_source(status))
        }
    }
}
