//! The role that a process runs: this room's gRPC services and its consumer.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use foursight_proto::customer::v1::{
    consent_service_server::ConsentServiceServer, contact_service_server::ContactServiceServer,
    customer_service_server::CustomerServiceServer, delivery_service_server::DeliveryServiceServer,
    duplicate_service_server::DuplicateServiceServer, export_service_server::ExportServiceServer,
    group_service_server::GroupServiceServer, import_service_server::ImportServiceServer,
    lead_service_server::LeadServiceServer, merge_service_server::MergeServiceServer,
    points_service_server::PointsServiceServer, privacy_service_server::PrivacyServiceServer,
    reception_service_server::ReceptionServiceServer, relation_service_server::RelationServiceServer,
    retention_service_server::RetentionServiceServer, segment_service_server::SegmentServiceServer,
    tag_service_server::TagServiceServer, value_service_server::ValueServiceServer,
    vehicle_people_service_server::VehiclePeopleServiceServer, vehicle_service_server::VehicleServiceServer,
    visit_service_server::VisitServiceServer,
};
use foursight_runtime::{Role, RoleContext, RoleParts, Settings, Together, Worker, staffing};
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::{
    consents::Consents,
    contacts::Contacts,
    context::Context,
    customers::{Customers, FilesById, KeyRing, Lookups, Rewrap, name_keys},
    deliveries::Deliveries,
    duplicates::{self, Duplicates},
    erasures::{self, Privacy},
    exports::Exports,
    groups::Groups,
    imports::{self, Imports},
    leads::{self, Leads},
    merges::{self, Merges},
    people::People,
    points::Points,
    receptions::Receptions,
    regions,
    relations::Relations,
    retention::{self, Retention},
    segments::{self, Segments},
    settings::CustomerSettings,
    staff::{self, Colleagues},
    stages,
    store_days::StoreDays,
    tags::Tags,
    timeline,
    value::{self, Ranker, Values},
    vehicles::{Vehicles, vin::VinRule},
    visits::Visits,
};

static MIGRATOR: Migrator = sqlx::migrate!();

/// How often data keys are looked for that another master key wraps than the one that seals. That changes with the configuration only,
/// and so when a process starts.
const REWRAP_EVERY: Duration = Duration::from_hours(1);

/// How often leads of owners who left are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The customer service. Needs `keys.master` and `keys.hash` in the configuration.
#[derive(Debug, Clone, Copy, Default)]
pub struct CustomerRole;

#[async_trait]
impl Role for CustomerRole {
    fn name(&self) -> &'static str {
        "customer"
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn build(&self, context: &RoleContext) -> anyhow::Result<RoleParts> {
        let settings: CustomerSettings = context.settings.section("customer")?;
        let rule = settings.value;
        rule.check()?;
        settings.stages.check()?;
        let ctx = Context {
            db: context.db.clone(),
            files: Together::new("files", FilesById(context.db.clone())),
            clock: context.clock.clone(),
            ids: context.ids.clone(),
            keys: Arc::new(key_ring(&context.settings).await?),
            lookups: Lookups::default(),
            staff: Colleagues::new(context.peers.channel("identity"), context.db.clone()),
            days: StoreDays::new(context.peers.channel("identity")),
            vins: VinRule { check_digit: settings.vin_check_digit },
        };
        let rewrap = Rewrap { db: ctx.db.clone(), keys: ctx.keys.clone() };
        let routes = Routes::new(CustomerServiceServer::new(Customers(ctx.clone())))
            .add_service(ConsentServiceServer::new(Consents(ctx.clone())))
            .add_service(ContactServiceServer::new(Contacts(ctx.clone())))
            .add_service(ReceptionServiceServer::new(Receptions(ctx.clone())))
            .add_service(LeadServiceServer::new(Leads(ctx.clone())))
            .add_service(DeliveryServiceServer::new(Deliveries(ctx.clone())))
            .add_service(VehicleServiceServer::new(Vehicles(ctx.clone())))
            .add_service(VisitServiceServer::new(Visits(ctx.clone())))
            .add_service(VehiclePeopleServiceServer::new(People(ctx.clone())))
            .add_service(RelationServiceServer::new(Relations(ctx.clone())))
            .add_service(TagServiceServer::new(Tags(ctx.clone())))
            .add_service(GroupServiceServer::new(Groups(ctx.clone())))
            .add_service(ValueServiceServer::new(Values(ctx.clone())))
            .add_service(PointsServiceServer::new(Points(ctx.clone())))
            .add_service(ImportServiceServer::new(Imports(ctx.clone())))
            .add_service(SegmentServiceServer::new(Segments(ctx.clone())))
            .add_service(ExportServiceServer::new(Exports::new(ctx.clone())))
            .add_service(DuplicateServiceServer::new(Duplicates(ctx.clone())))
            .add_service(MergeServiceServer::new(Merges(ctx.clone())))
            .add_service(RetentionServiceServer::new(Retention(ctx.clone())))
            .add_service(PrivacyServiceServer::new(Privacy::new(ctx.clone(), |service| {
                context.peers.channel(service)
            })));
        let standing = value::consumer(rule, context.clock.clone(), context.ids.clone());
        let mut workers = vec![
            staffing::worker(context, self.name(), LOOK_EVERY, leads::Release),
            retention::worker(&ctx),
            Worker::new("rewrap", REWRAP_EVERY, Arc::new(rewrap)),
            Ranker::worker(context.db.clone(), context.clock.clone(), context.ids.clone(), rule),
            stages::Pass::worker(
                context.db.clone(),
                context.clock.clone(),
                context.ids.clone(),
                settings.stages,
            ),
            duplicates::Pass::worker(context.db.clone(), context.clock.clone(), context.ids.clone()),
            merges::Forget::worker(context.db.clone(), context.clock.clone()),
        ];
        workers.extend(imports::workers(&ctx));
        Ok(RoleParts {
            routes,
            consumers: vec![
                timeline::consumer(),
                staff::consumer(),
                regions::consumer(),
                name_keys::consumer(),
                standing,
                segments::keep::consumer(),
                erasures::consumer(context.clock.clone()),
            ],
            workers,
            ..RoleParts::default()
        })
    }
}

/// The keys that the configuration names.
pub(crate) async fn key_ring(settings: &Settings) -> anyhow::Result<KeyRing> {
    let masters = settings.key_source().master_keys().await?;
    Ok(KeyRing::new(&masters, &settings.hash_key()?.0)?)
}
