//! How long which kind of data is kept: rules, what they would take, and the worker that applies them each night.

mod apply;
mod due;
mod list;
mod preview;
mod update;

use foursight_kernel::{StaffId, sql::Timestamp, time};
use foursight_proto::customer::v1::{
    ListRetentionRulesRequest, ListRetentionRulesResponse, PreviewRetentionRequest, PreviewRetentionResponse,
    RetentionKind, RetentionRule, UpdateRetentionRuleRequest, retention_service_server::RetentionService,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

pub(crate) use apply::worker;
pub(crate) use due::is_due;

use crate::context::Context;

/// The longest that a rule may keep something, in months.
const LONGEST: i32 = 240;

/// Every kind there is.
const KINDS: [RetentionKind; 3] =
    [RetentionKind::Prospects, RetentionKind::LostLeads, RetentionKind::ImportSnapshots];

struct RuleRow {
    kind: i16,
    keep_months: i32,
    update_time: Timestamp,
    staff_id: Uuid,
    apply_time: Option<Timestamp>,
}

impl RuleRow {
    fn to_proto(&self) -> RetentionRule {
        RetentionRule {
            kind: self.kind.into(),
            keep_months: self.keep_months,
            update_time: Some(time::to_proto(self.update_time.to_jiff())),
            staff: StaffId::from(self.staff_id).name(),
            apply_time: self.apply_time.map(|at| time::to_proto(at.to_jiff())),
        }
    }
}

/// `RetentionService`, on this room.
#[derive(Clone)]
pub(crate) struct Retention(pub(crate) Context);

#[tonic::async_trait]
impl RetentionService for Retention {
    async fn list_retention_rules(
        &self,
        request: Request<ListRetentionRulesRequest>,
    ) -> Result<Response<ListRetentionRulesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller).await?))
    }

    async fn update_retention_rule(
        &self,
        request: Request<UpdateRetentionRuleRequest>,
    ) -> Result<Response<RetentionRule>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(update::update(&self.0, &caller, *request.get_ref()).await?))
    }

    async fn preview_retention(
        &self,
        request: Request<PreviewRetentionRequest>,
    ) -> Result<Response<PreviewRetentionResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(preview::preview(&self.0, &caller, *request.get_ref()).await?))
    }
}
