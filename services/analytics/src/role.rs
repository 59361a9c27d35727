//! What the service consists of.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_messaging::ConsumerSpec;
use foursight_proto::analytics::v1::measure_service_server::MeasureServiceServer;
use foursight_runtime::{Role, RoleContext, RoleParts, Worker, customer_data};
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::{
    customers::erased,
    facts::{self, Facts},
    measures::MeasureApi,
    rebuild::Progress,
};

/// The service's name.
pub(crate) const SERVICE: &str = "analytics";

/// What its consumer is for; part of the durable's name.
pub(crate) const PURPOSE: &str = "facts";

/// How often it is looked how far a rebuild is.
const LOOK_EVERY: Duration = Duration::from_secs(2);

static MIGRATOR: Migrator = sqlx::migrate!();

/// The analytics service: keeps the facts from the events, answers the measures.
#[derive(Debug, Default, Clone, Copy)]
pub struct AnalyticsRole;

#[async_trait]
impl Role for AnalyticsRole {
    fn name(&self) -> &'static str {
        SERVICE
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn build(&self, ctx: &RoleContext) -> anyhow::Result<RoleParts> {
        Ok(RoleParts {
            routes: Routes::new(MeasureServiceServer::new(MeasureApi::new(ctx.db.clone())))
                .add_service(customer_data::server(ctx.db.clone())),
            consumers: vec![
                ConsumerSpec::projection(PURPOSE, &facts::sources(), Arc::new(Facts)),
                erased::consumer(ctx),
            ],
            workers: vec![Worker::new("rebuild", LOOK_EVERY, Arc::new(Progress { db: ctx.db.clone() }))],
            ..RoleParts::default()
        })
    }
}
