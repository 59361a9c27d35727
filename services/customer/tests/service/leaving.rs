//! Somebody leaves: their leads are nobody's, and they take on nothing more.

use std::collections::BTreeSet;

use foursight_kernel::{StaffId, StoreId};
use foursight_proto::{
    customer::{
        events::v1::LeadReleased,
        v1::{
            AssignLeadRequest, Delivery, GetLeadRequest, GradeLeadRequest, Lead, LeadGrade, LeadState,
            ListLeadsRequest, ListTimelineEntriesRequest, TimelineEntry,
        },
    },
    identity::{events::v1::StaffChanged, v1::Role},
};
use foursight_testkit::{Caller, wrong_fields};
use tonic::Status;

use crate::world::{World, delivery, lead};

/// The store in Hangzhou with its manager and two who sell cars.
pub(crate) struct Store {
    pub(crate) world: World,
    pub(crate) manager: Caller,
    pub(crate) first: StaffId,
    pub(crate) second: StaffId,
}

impl Store {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let manager = world.stack.staff(&[Role::GeneralManager], &[world.hangzhou]).unwrap();
        let [first, second] = [(); 2].map(|()| world.stack.ids.next());
        let store = Self { world, manager, first, second };
        for staff in [first, second] {
            store.works(staff, Role::SalesAdvisor, &[store.world.hangzhou], true, 1).await;
        }
        store
    }

    /// Identity tells, and answers, that somebody works so from now on.
    pub(crate) async fn works(
        &self,
        id: StaffId,
        role: Role,
        stores: &[StoreId],
        active: bool,
        version: i64,
    ) {
        self.world.directory.tell(id, &[role], stores, active);
        let changed = StaffChanged {
            staff: id.name(),
            roles: vec![role.into()],
            stores: stores.iter().map(|store| store.name()).collect(),
            headquarters: stores.is_empty(),
            active,
        };
        self.world.stack.tell(&changed, id.uuid(), version, None).await.unwrap();
        self.world.stack.settled().await.unwrap();
    }

    /// A graded lead of a new customer.
    pub(crate) async fn lead_of(&self, owner: StaffId, number: usize) -> Lead {
        let (here, store) = (&self.world.here, self.world.hangzhou);
        let customer =
            self.world.open(here, store, &format!("示例{number}"), &format!("1380000000{number}")).await;
        let new = Lead { owner: owner.name(), ..lead(store, &customer.name) };
        let made = self.world.try_lead(here, new).await.unwrap();
        let grade = GradeLeadRequest { name: made.name, grade: LeadGrade::H.into(), ..Default::default() };
        self.world.leads(here).grade_lead(grade).await.unwrap().into_inner()
    }

    /// A whole round of the worker that looks for what leavers left behind.
    pub(crate) async fn look(&self) {
        while !self.world.stack.running.round("customer", "lead-release").await.unwrap() {}
    }

    pub(crate) async fn assign(&self, by: &Caller, lead: &str, owner: StaffId) -> Result<Lead, Status> {
        let request = AssignLeadRequest { name: lead.to_owned(), owner: owner.name(), ..Default::default() };
        Ok(self.world.leads(by).assign_lead(request).await?.into_inner())
    }

    /// Assigns a lead as it was read.
    pub(crate) async fn reassign(&self, by: &Caller, lead: &Lead, owner: StaffId) -> Result<Lead, Status> {
        let (name, etag) = (lead.name.clone(), lead.etag.clone());
        let request = AssignLeadRequest { name, etag, owner: owner.name(), ..Default::default() };
        Ok(self.world.leads(by).assign_lead(request).await?.into_inner())
    }

    pub(crate) async fn read(&self, lead: &str) -> Lead {
        let request = GetLeadRequest { name: lead.to_owned() };
        self.world.leads(&self.manager).get_lead(request).await.unwrap().into_inner()
    }

    /// The leads that the store sees as nobody's.
    async fn of_nobody(&self, by: &Caller) -> Vec<Lead> {
        let request = ListLeadsRequest { unassigned: true, ..ListLeadsRequest::default() };
        self.world.leads(by).list_leads(request).await.unwrap().into_inner().leads
    }

    async fn timeline(&self, customer: &str) -> Vec<TimelineEntry> {
        self.world.stack.settled().await.unwrap();
        let parent = customer.to_owned();
        let kinds = ["LEAD_ASSIGNED", "LEAD_RELEASED"].map(str::to_owned).to_vec();
        let request = ListTimelineEntriesRequest { parent, kinds, ..Default::default() };
        let mut customers = self.world.customers(&self.world.here);
        customers.list_timeline_entries(request).await.unwrap().into_inner().timeline_entries
    }

    pub(crate) async fn audited(&self, method: &str) -> Vec<(String, String)> {
        let owner = self.world.stack.owner().await.unwrap();
        sqlx::query_as("SELECT subject, resource FROM customer.audit WHERE method = $1 ORDER BY seq")
            .bind(method)
            .fetch_all(&owner)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn the_open_leads_of_a_leaver_are_nobodys_until_they_are_given_to_another() {
    let store = Store::start().await;
    let world = &store.world;
    let (left, won, kept) = (
        store.lead_of(store.first, 1).await,
        store.lead_of(store.first, 2).await,
        store.lead_of(store.second, 3).await,
    );
    let sold = delivery(&won.customer, world.hangzhou, "LDEMA00000X000001");
    let sold = Delivery { lead: won.name.clone(), ..sold };
    world.deliver(&world.here, sold).await.unwrap();
    store.look().await;
    assert_eq!(store.of_nobody(&store.manager).await, [], "nobody has left yet");

    store.works(store.first, Role::SalesAdvisor, &[world.hangzhou], false, 2).await;
    for _ in 0..2 {
        store.look().await;
    }
    let listed = store.of_nobody(&store.manager).await;
    assert_eq!(listed.iter().map(|lead| &lead.name).collect::<Vec<_>>(), [&left.name]);
    assert_eq!(listed[0].owner, "");
    assert_eq!(listed[0].next_follow_up_time, left.next_follow_up_time, "the customer waits all the same");
    assert_eq!(listed[0].state(), LeadState::Open);
    assert_eq!(store.of_nobody(&world.there).await, [], "another store sees nothing of it");
    assert_eq!(store.read(&won.name).await.owner, store.first.name(), "what is over stays as it was");
    assert_eq!(store.read(&kept.name).await.owner, store.second.name());

    let given = store.assign(&store.manager, &left.name, store.second).await.unwrap();
    assert_eq!((&given.owner, given.next_follow_up_time), (&store.second.name(), left.next_follow_up_time));
    assert_eq!(store.of_nobody(&store.manager).await, []);
    store.look().await;
    assert_eq!(store.read(&left.name).await, given);

    let told = store.timeline(&left.customer).await;
    let said: Vec<_> = told
        .iter()
        .map(|entry| {
            let of = |key: &str| entry.details.get(key).cloned().unwrap_or_default();
            (entry.kind.as_str(), entry.resource.as_str(), of("previous_owner"), of("owner"))
        })
        .collect();
    let (first, second) = (store.first.name(), store.second.name());
    assert_eq!(
        said,
        [
            ("LEAD_ASSIGNED", left.name.as_str(), first.clone(), second),
            ("LEAD_RELEASED", left.name.as_str(), first, String::new()),
        ]
    );
    assert_eq!(store.audited("ReleaseLead").await, [("service/customer".to_owned(), left.name.clone())]);
    assert_eq!(store.audited("AssignLead").await, [(store.manager.id.name(), left.name)]);
    assert_eq!(world.stack.told::<LeadReleased>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_changes_store_or_work_leaves_behind_what_they_cannot_work() {
    let store = Store::start().await;
    let (hangzhou, suzhou) = (store.world.hangzhou, store.world.suzhou);
    let (moved, serves) = (store.lead_of(store.first, 1).await, store.lead_of(store.second, 2).await);
    // Headquarters works everywhere.
    let director: StaffId = store.world.stack.ids.next();
    store.works(director, Role::SalesAdvisor, &[], true, 1).await;
    store.lead_of(director, 3).await;
    // Both stores now: nothing changes at the first.
    store.works(store.first, Role::SalesAdvisor, &[hangzhou, suzhou], true, 2).await;
    store.look().await;
    assert_eq!(store.of_nobody(&store.manager).await, []);
    store.works(store.first, Role::SalesAdvisor, &[suzhou], true, 3).await;
    store.works(store.second, Role::ServiceAdvisor, &[hangzhou], true, 2).await;
    // Old news that comes late changes nothing.
    store.works(store.first, Role::SalesAdvisor, &[hangzhou], true, 1).await;
    store.look().await;
    let listed: BTreeSet<_> =
        store.of_nobody(&store.manager).await.into_iter().map(|lead| lead.name).collect();
    assert_eq!(listed, BTreeSet::from([moved.name, serves.name]));
}

/// The leaver's token still opens the door for some minutes, and identity's news may be faster.
#[tokio::test]
async fn a_lead_that_a_leaver_takes_at_the_last_moment_is_found_too() {
    let store = Store::start().await;
    let world = &store.world;
    let leaver = world.stack.staff(&[Role::SalesAdvisor], &[world.hangzhou]).unwrap();
    let customer = world.open(&leaver, world.hangzhou, "示例一", "13800001234").await.name;
    // Nothing was heard of the leaver yet.
    let taken = world.lead(&leaver, world.hangzhou, &customer).await;
    assert_eq!(taken.owner, leaver.id.name());
    store.works(leaver.id, Role::SalesAdvisor, &[world.hangzhou], false, 2).await;
    store.look().await;
    assert_eq!(store.read(&taken.name).await.owner, "");
}

/// With a token that is valid still, but older than what identity told.
#[tokio::test]
async fn who_has_left_takes_nothing_more_on() {
    let store = Store::start().await;
    let world = &store.world;
    let works = [Role::SalesAdvisor, Role::ServiceAdvisor];
    let leaver = world.stack.staff(&works, &[world.hangzhou]).unwrap();
    let mover = world.stack.staff(&works, &[world.hangzhou]).unwrap();
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let car = delivery(&customer, world.hangzhou, "LDEMA00000X000001");
    let car = world.deliver(&world.here, car).await.unwrap().vehicle;
    let of_nobody = store.lead_of(store.first, 2).await;
    store.works(store.first, Role::SalesAdvisor, &[world.hangzhou], false, 2).await;
    store.look().await;
    store.works(leaver.id, Role::SalesAdvisor, &[world.hangzhou], false, 2).await;
    store.works(mover.id, Role::SalesAdvisor, &[world.suzhou], true, 2).await;
    for gone in [&leaver, &mover] {
        let taken = world.try_lead(gone, lead(world.hangzhou, &customer)).await;
        assert_eq!(wrong_fields(taken), ["lead.owner"]);
        let sold = delivery(&customer, world.hangzhou, "LDEMA00000X000002");
        assert_eq!(wrong_fields(world.deliver(gone, sold).await), ["delivery.advisor"]);
        assert_eq!(wrong_fields(world.check_in(gone, world.hangzhou, &car, 800).await), ["visit.advisor"]);
        assert_eq!(wrong_fields(store.assign(gone, &of_nobody.name, gone.id).await), ["owner"]);
    }
    // Who has another part now has lost what belonged to the old one.
    store.works(mover.id, Role::ServiceAdvisor, &[world.hangzhou], true, 3).await;
    assert_eq!(wrong_fields(world.try_lead(&mover, lead(world.hangzhou, &customer)).await), ["lead.owner"]);
    world.check_in(&mover, world.hangzhou, &car, 800).await.unwrap();
}

#[tokio::test]
async fn a_lead_of_nobody_that_a_delivery_wins_is_who_sold_the_car_s() {
    let store = Store::start().await;
    let (world, here) = (&store.world, &store.world.here);
    let [named, found, kept] = [
        store.lead_of(store.first, 1).await,
        store.lead_of(store.first, 2).await,
        store.lead_of(store.second, 3).await,
    ];
    store.works(store.first, Role::SalesAdvisor, &[world.hangzhou], false, 2).await;
    store.look().await;
    let deliver = async |lead: &Lead, name: &str, vin: &str| {
        let sold = delivery(&lead.customer, world.hangzhou, vin);
        world.deliver(here, Delivery { lead: name.to_owned(), ..sold }).await.unwrap();
        let won = store.read(&lead.name).await;
        assert_eq!(won.state(), LeadState::Won);
        won.owner
    };
    assert_eq!(deliver(&named, &named.name, "LDEMA00000X000001").await, here.id.name());
    assert_eq!(deliver(&found, "", "LDEMA00000X000002").await, here.id.name());
    assert_eq!(deliver(&kept, "", "LDEMA00000X000003").await, store.second.name(), "it was somebody's");
}
