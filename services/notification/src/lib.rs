//! Notifications: follow-up calls 回访, reminders and news to customers, and the one gate that decides what may be sent.
//!
//! | folder | what lives there |
//! |---|---|
//! | `call_tasks` | calls after a delivery (7DC) and after service (3DC), done by evidence |
//! | `messages` | messages, their states and decisions, and the dispatcher that sends them |
//! | `gate` | the policy gate: consent, quiet hours, expiry; pure |
//! | `channels` | the ways to a customer: e-mail |
//! | `templates` | the words, in Chinese and English |
//! | `customers` | what becomes of customers: who was erased |
//! | `stores` | what identity tells about stores and staff |
//!
//! No name, number or address of a customer is kept here: the dispatcher asks the customer service at the moment of sending and
//! forgets the answer.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use foursight_proto::notification::v1::{
    call_task_service_server::CallTaskServiceServer, message_service_server::MessageServiceServer,
};
use foursight_runtime::{Role, RoleContext, RoleParts, Worker, customer_data, merging, staffing};
use jiff::tz::TimeZone;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

pub mod bulk;
mod call_tasks;
mod channels;
mod customers;
mod gate;
mod messages;
mod settings;
mod stores;
mod templates;

pub use settings::NotificationSettings;
pub use templates::Language;

static MIGRATOR: Migrator = sqlx::migrate!();

/// The role `notification`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotificationRole;

#[async_trait]
impl Role for NotificationRole {
    fn name(&self) -> &'static str {
        "notification"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn build(&self, ctx: &RoleContext) -> anyhow::Result<RoleParts> {
        let settings: Arc<NotificationSettings> = Arc::new(ctx.settings.section("notification")?);
        TimeZone::get(&settings.time_zone)
            .context("notification.time_zone is not the name of a time zone")?;
        let (clock, ids) = (&ctx.clock, &ctx.ids);

        let call_tasks = call_tasks::CallTasks { db: ctx.db.clone(), clock: clock.clone(), ids: ids.clone() };
        let messages = messages::Messages { db: ctx.db.clone() };
        let routes = Routes::new(CallTaskServiceServer::new(call_tasks))
            .add_service(MessageServiceServer::new(messages))
            .add_service(customer_data::server(ctx.db.clone()));

        let calls = call_tasks::plan::CallPlanner {
            clock: clock.clone(),
            ids: ids.clone(),
            settings: settings.clone(),
        };
        let first_service = messages::first_service::FirstService {
            clock: clock.clone(),
            ids: ids.clone(),
            settings: settings.clone(),
        };
        let cases = messages::case_progress::CaseProgress { clock: clock.clone(), ids: ids.clone() };
        let consumers = vec![
            stores::consumer(),
            calls.consumer(),
            first_service.consumer(),
            cases.consumer(),
            merging::consumer(),
            customers::erased::consumer(ctx),
        ];

        let dispatch = messages::dispatch::Dispatch {
            db: ctx.db.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            customer: ctx.peers.channel("customer"),
            channels: channels::Channels::new(&settings)?,
            templates: templates::Templates::new()?,
            settings: settings.clone(),
        };
        let workers = vec![
            staffing::worker(ctx, self.name(), settings.assign_interval(), call_tasks::Staffing),
            Worker::new("message-dispatch", settings.dispatch_interval(), Arc::new(dispatch)),
        ];
        Ok(RoleParts { routes, consumers, workers, ..RoleParts::default() })
    }
}
