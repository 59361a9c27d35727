//! What the customer allows, one record for each purpose and kind of contact.

mod list;
mod record;

use foursight_kernel::{ConsentId, CustomerId, StaffId, sql::Timestamp, time};
use foursight_proto::customer::v1::{
    Consent, ListConsentsRequest, ListConsentsResponse, RecordConsentRequest,
    consent_service_server::ConsentService,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{context::Context, names};

/// `ConsentService`, on this room.
#[derive(Clone)]
pub(crate) struct Consents(pub(crate) Context);

#[tonic::async_trait]
impl ConsentService for Consents {
    async fn record_consent(
        &self,
        request: Request<RecordConsentRequest>,
    ) -> Result<Response<Consent>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(record::record(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_consents(
        &self,
        request: Request<ListConsentsRequest>,
    ) -> Result<Response<ListConsentsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }
}

struct ConsentRow {
    id: Uuid,
    customer_id: Uuid,
    purpose: i16,
    contact_kind: i16,
    state: i16,
    method: String,
    wording_version: String,
    recorder: Option<Uuid>,
    version: i64,
    create_time: Timestamp,
    request_hash: Option<Vec<u8>>,
}

impl ConsentRow {
    fn to_proto(&self) -> Consent {
        Consent {
            name: names::below(
                CustomerId::from(self.customer_id),
                "consents",
                ConsentId::from(self.id).uuid(),
            ),
            purpose: self.purpose.into(),
            contact_kind: self.contact_kind.into(),
            state: self.state.into(),
            method: self.method.clone(),
            wording_version: self.wording_version.clone(),
            recorder: self.recorder.map_or_else(String::new, |staff| StaffId::from(staff).name()),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
        }
    }
}
