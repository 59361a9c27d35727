//! What a case came from or is about: something that its store knows.

use foursight_kernel::{CallTaskId, Result, StoreId, VehicleId, Violations, VisitId};
use foursight_proto::{
    customer::v1::{
        GetVehicleRequest, GetVisitRequest, vehicle_service_client::VehicleServiceClient,
        visit_service_client::VisitServiceClient,
    },
    notification::v1::{GetCallTaskRequest, call_task_service_client::CallTaskServiceClient},
};
use tonic::metadata::AsciiMetadataValue;

use super::{
    Desk,
    lookup::{as_caller, found},
};

/// A subject by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    CallTask(CallTaskId),
    Visit(VisitId),
    Vehicle(VehicleId),
}

impl Subject {
    /// Reads the subject, which may be absent.
    pub(super) fn parse(v: &mut Violations, name: &str) -> Option<Self> {
        if name.is_empty() {
            return None;
        }
        let call_task = CallTaskId::parse_name(name).map(Self::CallTask);
        let visit = || VisitId::parse_name(name).map(Self::Visit);
        let vehicle = || VehicleId::parse_name(name).map(Self::Vehicle);
        let subject = call_task.or_else(|_| visit()).or_else(|_| vehicle()).ok();
        if subject.is_none() {
            v.push("case.subject", "must be the name of a call task, a visit or a vehicle");
        }
        subject
    }

    /// Whether the caller sees it, and it is this store's; a car is no one store's.
    ///
    /// # Errors
    /// `SUBJECT_AWAY` while the service that knows it does not answer.
    pub(super) async fn is_known(
        self,
        desk: &Desk,
        token: Option<&AsciiMetadataValue>,
        store: StoreId,
    ) -> Result<bool> {
        const REASON: &str = "SUBJECT_AWAY";
        const MESSAGE: &str =
            "what the case is about cannot be looked up now; try again, or leave the subject out";
        Ok(match self {
            Self::CallTask(id) => {
                let request = as_caller(token, GetCallTaskRequest { name: id.name() });
                let answer = CallTaskServiceClient::new(desk.calls.clone()).get_call_task(request).await;
                found(answer, REASON, MESSAGE)?.is_some_and(|task| task.store == store.name())
            }
            Self::Visit(id) => {
                let request = as_caller(token, GetVisitRequest { name: id.name() });
                let answer = VisitServiceClient::new(desk.customers.clone()).get_visit(request).await;
                found(answer, REASON, MESSAGE)?.is_some_and(|visit| visit.store == store.name())
            }
            Self::Vehicle(id) => {
                let request = as_caller(token, GetVehicleRequest { name: id.name() });
                let answer = VehicleServiceClient::new(desk.customers.clone()).get_vehicle(request).await;
                found(answer, REASON, MESSAGE)?.is_some()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_subject_is_a_call_a_visit_or_a_car() {
        let id = Uuid::from_u128(1);
        let read = |name: &str| {
            let mut v = Violations::default();
            let subject = Subject::parse(&mut v, name);
            (subject, v.is_empty())
        };
        assert_eq!(read(&CallTaskId::from(id).name()), (Some(Subject::CallTask(id.into())), true));
        assert_eq!(read(&VisitId::from(id).name()), (Some(Subject::Visit(id.into())), true));
        assert_eq!(read(&VehicleId::from(id).name()), (Some(Subject::Vehicle(id.into())), true));
        assert_eq!(read(""), (None, true));
        assert_eq!(read(&StoreId::from(id).name()), (None, false));
    }
}
