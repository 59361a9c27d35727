//! The complaint service as one role of the binary.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_messaging::{ConsumerSpec, Source};
use foursight_proto::{
    complaint::v1::case_service_server::CaseServiceServer,
    identity::events::v1::{StaffChanged, StoreChanged},
    notification::events::v1::CallTaskCompleted,
};
use foursight_runtime::{Role, RoleContext, RoleParts, Worker, customer_data, merging, staffing};
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::{
    breaches::Breaches,
    cases::{Cases, Desk, Release},
    customers::erased,
    intake::Intake,
    stores::{People, Stores},
};

static MIGRATOR: Migrator = sqlx::migrate!();

/// How often passed deadlines are looked for, and cases of owners who left.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Complaints from intake to the satisfied re-visit, with their clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct ComplaintRole;

#[async_trait]
impl Role for ComplaintRole {
    fn name(&self) -> &'static str {
        "complaint"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn build(&self, ctx: &RoleContext) -> anyhow::Result<RoleParts> {
        let desk = Desk {
            db: ctx.db.clone(),
            clock: ctx.clock.clone(),
            ids: ctx.ids.clone(),
            customers: ctx.peers.channel("customer"),
            calls: ctx.peers.channel("notification"),
        };
        let intake = Intake {
            clock: ctx.clock.clone(),
            ids: ctx.ids.clone(),
            notification: ctx.peers.channel("notification"),
        };
        let breaches = Breaches { db: ctx.db.clone(), clock: ctx.clock.clone(), ids: ctx.ids.clone() };
        Ok(RoleParts {
            routes: Routes::new(CaseServiceServer::new(Cases(desk)))
                .add_service(customer_data::server(ctx.db.clone())),
            consumers: vec![
                ConsumerSpec::new("intake", &[Source::event::<CallTaskCompleted>()], Arc::new(intake)),
                // Hears of staff, too, for the release before, which shares the durable; here another one keeps them.
                ConsumerSpec::new(
                    "stores",
                    &[Source::event::<StoreChanged>(), Source::event::<StaffChanged>()],
                    Arc::new(Stores),
                ),
                // On its own, so that it hears again of who was told before their roles were kept.
                ConsumerSpec::new("staff", &[Source::event::<StaffChanged>()], Arc::new(People)),
                merging::consumer(),
                erased::consumer(ctx),
            ],
            workers: vec![
                Worker::new("breaches", LOOK_EVERY, Arc::new(breaches)),
                staffing::worker(ctx, self.name(), LOOK_EVERY, Release),
            ],
            ..RoleParts::default()
        })
    }
}
