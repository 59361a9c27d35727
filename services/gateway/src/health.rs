//! `grpc.health.v1`: the same verdict as `/readyz`, for who asks by gRPC.

use async_trait::async_trait;
use foursight_runtime::Readiness;
use tonic::{Request, Response, Status, codegen::BoxStream};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server,
};

/// Answers for the process as a whole: its services stand and fall together.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) readiness: Readiness,
}

#[async_trait]
impl health_server::Health for Health {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        if !service.is_empty() && foursight_proto::descriptors().get_service_by_name(service).is_none() {
            return Err(Status::not_found("there is no service of this name"));
        }
        let status =
            if self.readiness.holds().await { ServingStatus::Serving } else { ServingStatus::NotServing };
        Ok(Response::new(HealthCheckResponse { status: status.into() }))
    }

    /// A watcher would keep its request in hand for as long as the process lives, and so delay the stop. The protocol lets
    /// a server do without.
    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("ask `Check` again and again"))
    }
}
