//! Asks the customer service whether the caller may know a customer. It is asked as the caller, with the caller's own
//! token: another store's customer does not exist for it.

use std::time::Duration;

use foursight_kernel::{CustomerId, Error, Result};
use foursight_proto::customer::v1::{GetCustomerRequest, customer_service_client::CustomerServiceClient};
use foursight_runtime::PeerChannel;
use tonic::{Code, Request, metadata::AsciiMetadataValue};

/// The header that carries the caller's token.
pub(crate) const AUTHORIZATION: &str = "authorization";

/// Whether the caller may know this customer.
///
/// # Errors
/// `UNAVAILABLE` while the customer service does not answer.
pub(crate) async fn is_known(
    channel: &PeerChannel,
    token: Option<AsciiMetadataValue>,
    customer: CustomerId,
) -> Result<bool> {
    let mut request = Request::new(GetCustomerRequest { name: customer.name() });
    if let Some(token) = token {
        request.metadata_mut().insert(AUTHORIZATION, token);
    }
    let answer = CustomerServiceClient::new(channel.clone()).get_customer(request).await;
    match answer.map_err(|status| (status.code(), status)) {
        Ok(_) => Ok(true),
        Err((Code::NotFound | Code::PermissionDenied, _)) => Ok(false),
        Err((_, status)) => {
            let message = "the customer cannot be looked up now; try again, or leave the customer out";
            Err(Error::unavailable("CUSTOMER_SERVICE_AWAY", message, Duration::from_secs(2))
                .with_source(status))
        }
    }
}
