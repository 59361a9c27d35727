//! Who may be put in charge: members of the store's staff, as identity knows them.

use foursight_kernel::{Clock, StaffId, StoreId, time};
use foursight_proto::{
    customer::v1::{CreateLeadRequest, Delivery, Lead, Visit},
    identity::v1::Role,
};
use foursight_testkit::{refusal, wrong_fields};
use jiff::SignedDuration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, creation, delivery, lead, person, visit};

struct Group {
    world: World,
    customer: String,
    /// Sells cars at the store.
    advisor: StaffId,
    /// Sells cars at another store.
    foreign: StaffId,
    /// Sold cars at the store.
    gone: StaffId,
    /// Is known to nobody.
    nobody: StaffId,
}

impl Group {
    async fn start() -> Self {
        let world = World::start().await;
        let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
        let [advisor, foreign, gone, nobody] = [(); 4].map(|()| world.stack.ids.next());
        let sells = [Role::SalesAdvisor];
        world.directory.tell(advisor, &sells, &[world.hangzhou], true);
        world.directory.tell(foreign, &sells, &[world.suzhou], true);
        world.directory.tell(gone, &sells, &[world.hangzhou], false);
        Self { world, customer, advisor, foreign, gone, nobody }
    }

    async fn lead_of(&self, owner: StaffId) -> Result<Lead, Status> {
        let lead = Lead { owner: owner.name(), ..lead(self.world.hangzhou, &self.customer) };
        self.world.try_lead(&self.world.here, lead).await
    }

    async fn leads(&self) -> i64 {
        let owner = self.world.stack.owner().await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM customer.leads").fetch_one(&owner).await.unwrap()
    }
}

#[tokio::test]
async fn a_lead_belongs_to_somebody_who_can_work_it() {
    let group = Group::start().await;
    let world = &group.world;
    let service: StaffId = world.stack.ids.next();
    world.directory.tell(service, &[Role::ServiceAdvisor], &[world.hangzhou], true);
    for owner in [group.foreign, group.gone, group.nobody, service] {
        assert_eq!(wrong_fields(group.lead_of(owner).await), ["lead.owner"]);
    }
    assert_eq!(group.leads().await, 0);
    assert_eq!(group.lead_of(group.advisor).await.unwrap().owner, group.advisor.name());

    let director: StaffId = world.stack.ids.next();
    world.directory.tell(director, &[Role::SalesAdvisor], &[], true);
    let other = world.open(&world.here, world.hangzhou, "示例二", "13900005678").await.name;
    let at_headquarters = Lead { owner: director.name(), ..lead(world.hangzhou, &other) };
    world.try_lead(&world.here, at_headquarters).await.unwrap();
}

#[tokio::test]
async fn a_delivery_of_the_past_may_be_of_somebody_who_left() {
    let group = Group::start().await;
    let world = &group.world;
    let by = |advisor: StaffId| Delivery {
        advisor: advisor.name(),
        ..delivery(&group.customer, world.hangzhou, "LDEMA00000X000001")
    };
    for advisor in [group.foreign, group.gone, group.nobody] {
        assert_eq!(wrong_fields(world.deliver(&world.here, by(advisor)).await), ["delivery.advisor"]);
    }
    let last_year = time::to_proto(world.stack.clock.now() - SignedDuration::from_hours(24 * 400));
    let then = |advisor| Delivery { deliver_time: Some(last_year), ..by(advisor) };
    assert_eq!(wrong_fields(world.deliver(&world.here, then(group.foreign)).await), ["delivery.advisor"]);
    world.deliver(&world.here, then(group.gone)).await.unwrap();
}

#[tokio::test]
async fn a_visit_has_an_advisor_of_its_store() {
    let group = Group::start().await;
    let world = &group.world;
    let car = world
        .deliver(&world.here, delivery(&group.customer, world.hangzhou, "LDEMA00000X000001"))
        .await
        .unwrap();
    let by = |advisor: StaffId| Visit {
        vehicle: car.vehicle.clone(),
        advisor: advisor.name(),
        ..visit(world.hangzhou, 800)
    };
    for advisor in [group.foreign, group.gone] {
        assert_eq!(wrong_fields(world.try_check_in(&world.here, by(advisor)).await), ["visit.advisor"]);
    }
    assert_eq!(
        world.try_check_in(&world.here, by(group.advisor)).await.unwrap().advisor,
        group.advisor.name()
    );
}

#[tokio::test]
async fn while_identity_is_away_only_oneself_can_be_put_in_charge() {
    let group = Group::start().await;
    let world = &group.world;
    world.directory.away(true);
    let refused = group.lead_of(group.advisor).await.unwrap_err();
    assert!(refused.get_error_details().retry_info().is_some_and(|retry| retry.retry_delay.is_some()));
    assert_eq!(refusal::<()>(Err(refused)), (Code::Unavailable, "IDENTITY_AWAY".to_owned()));
    assert_eq!(group.leads().await, 0);
    let asked = world.directory.asked();
    let own = group.lead_of(world.here.id).await.unwrap();
    assert_eq!((own.owner, world.directory.asked()), (world.here.id.name(), asked));
}

#[tokio::test]
async fn identity_is_asked_once_for_many_leads_and_not_for_a_repeated_request() {
    let group = Group::start().await;
    let world = &group.world;
    let request = CreateLeadRequest {
        lead: Some(Lead { owner: group.advisor.name(), ..lead(world.hangzhou, &group.customer) }),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let made = world.leads(&world.here).create_lead(request.clone()).await.unwrap().into_inner();
    for number in 2..5 {
        let name = format!("示例{number}");
        let customer =
            world.open(&world.here, world.hangzhou, &name, &format!("1390000000{number}")).await.name;
        let lead = Lead { owner: group.advisor.name(), ..lead(world.hangzhou, &customer) };
        world.try_lead(&world.here, lead).await.unwrap();
    }
    assert_eq!(world.directory.asked(), 1);
    // By now the advisor has left, and nobody is asked about what was done.
    world.directory.tell(group.advisor, &[Role::SalesAdvisor], &[world.hangzhou], false);
    world.directory.away(true);
    let again = world.leads(&world.here).create_lead(request).await.unwrap().into_inner();
    assert_eq!(again.name, made.name);
}

#[tokio::test]
async fn who_reaches_the_whole_group_names_stores_that_exist() {
    let world = World::start().await;
    let nowhere = StoreId::from(uuid::Uuid::from_u128(7));
    world.directory.without_store(nowhere);
    let request = |store| creation(person(store, "示例一", "13800001234"));
    let mut customers = world.customers(&world.headquarters);
    let refused = customers.create_customer(request(nowhere)).await;
    assert_eq!(wrong_fields(refused), ["customer.store"]);
    let made = customers.create_customer(request(world.hangzhou)).await.unwrap().into_inner();
    assert_eq!(made.store, world.hangzhou.name());
}
