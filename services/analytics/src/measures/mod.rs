//! The measures. `definitions` says in words what each one is; each one's file holds its formula as SQL over the facts.

mod advisor_satisfaction;
mod complaint_rate;
mod definitions;
mod deliveries;
mod follow_ups_in_time;
mod list;
mod month;
mod period;
mod query;
mod return_rate;

use foursight_proto::analytics::v1::{
    ListMeasuresRequest, ListMeasuresResponse, QueryMeasureValuesRequest, QueryMeasureValuesResponse,
    measure_service_server::MeasureService,
};
use foursight_runtime::Database;
use tonic::{Request, Response, Status};

/// The service's API.
pub(crate) struct MeasureApi {
    db: Database,
}

impl MeasureApi {
    pub(crate) fn new(db: Database) -> Self {
        Self { db }
    }
}

#[tonic::async_trait]
impl MeasureService for MeasureApi {
    async fn list_measures(
        &self,
        _request: Request<ListMeasuresRequest>,
    ) -> Result<Response<ListMeasuresResponse>, Status> {
        Ok(Response::new(list::list()))
    }

    async fn query_measure_values(
        &self,
        request: Request<QueryMeasureValuesRequest>,
    ) -> Result<Response<QueryMeasureValuesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(query::query(&self.db, &caller, request.get_ref()).await?))
    }
}

/// What a measure came to in one store and month, as its SQL answers it.
#[derive(Debug, Clone, PartialEq)]
struct Counted {
    store: uuid::Uuid,
    /// First day of the month in the store's time zone, as `2026-11`.
    month: String,
    numerator: f64,
    denominator: f64,
}
