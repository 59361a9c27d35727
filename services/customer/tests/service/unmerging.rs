//! Whatever happened with two files: merged and parted again, each row is as it was.

use std::collections::BTreeMap;

use foursight_kernel::CustomerId;
use foursight_proto::customer::v1::{
    AddContactPointRequest, AddToGroupRequest, AddVehiclePersonRequest, ConsentState, ContactKind,
    CorrectStageRequest, CreateTagRequest, Customer, CustomerGroup, Gender, LifeCycleStage, Profile, Purpose,
    SetValueTierRequest, SourceChannel, Tag, TagCustomerRequest, UpdateCustomerRequest, ValueTier,
    VehiclePerson, VehicleRole, group_service_client::GroupServiceClient,
    tag_service_client::TagServiceClient, value_service_client::ValueServiceClient,
    vehicle_people_service_client::VehiclePeopleServiceClient,
};
use foursight_testkit::Caller;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use crate::world::{World, delivery, person};

impl World {
    /// What the database has of these customers, all tables, as text; but for versions, which only rise, and for what tells of the
    /// merge itself.
    pub(crate) async fn rows_of(&self, customers: &[&str]) -> BTreeMap<String, Vec<String>> {
        self.stack.settled().await.unwrap();
        let owner = self.stack.owner().await.unwrap();
        let ids: Vec<uuid::Uuid> =
            customers.iter().map(|name| CustomerId::parse_name(name).unwrap().uuid()).collect();
        let columns: Vec<(String, String)> = sqlx::query_as(
            "SELECT table_name::text, string_agg(format('%I', column_name), ',' ORDER BY column_name)
             FROM information_schema.columns
             WHERE table_schema = 'customer' AND table_name NOT IN ('files_in_reach', 'merges', 'import_rows')
               AND (column_name IN ('customer_id', 'owner_id') OR (table_name = 'customers' AND column_name = 'id'))
               AND data_type = 'uuid'
             GROUP BY table_name",
        )
        .fetch_all(&owner)
        .await
        .unwrap();
        assert!(columns.len() > 15, "{columns:?}");
        let mut rows = BTreeMap::new();
        for (table, columns) in columns {
            let mine = columns
                .split(',')
                .map(|column| format!("t.{column} = ANY ($1)"))
                .collect::<Vec<_>>()
                .join(" OR ");
            let versions = if table == "consents" { "{}" } else { "{version}" };
            let statement = format!(
                "SELECT (to_jsonb(t) - '{versions}'::text[])::text FROM customer.{table} t WHERE ({mine})
                   AND coalesce(to_jsonb(t) ->> 'kind', '') NOT LIKE 'CUSTOMERS_%' ORDER BY 1"
            );
            let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
                .bind(&ids)
                .fetch_all(&owner)
                .await
                .unwrap();
            rows.insert(table, found);
        }
        rows
    }
}

/// What may happen with a customer.
#[derive(Debug, Clone)]
enum Deed {
    Lead(bool),
    Reception,
    Car(u32),
    Visit,
    Consent(bool, bool),
    Tag(usize),
    CarClub,
    Occupation(String),
    Birthday(i8),
    Email(u8),
    Driver,
    Stranger,
    Tier,
    Stage,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        any::<bool>().prop_map(Deed::Lead),
        Just(Deed::Reception),
        (0_u32..900).prop_map(Deed::Car),
        Just(Deed::Visit),
        any::<(bool, bool)>().prop_map(|(marketing, given)| Deed::Consent(marketing, given)),
        (0_usize..3).prop_map(Deed::Tag),
        Just(Deed::CarClub),
        "[a-z]{1,10}".prop_map(Deed::Occupation),
        (1_i8..28).prop_map(Deed::Birthday),
        (0_u8..3).prop_map(Deed::Email),
        Just(Deed::Driver),
        Just(Deed::Stranger),
        Just(Deed::Tier),
        Just(Deed::Stage),
    ];
    prop::collection::vec(deed, 0..10)
}

struct Play<'a> {
    world: &'a World,
    tags: Vec<String>,
    phones: [String; 2],
    /// Of each of the two, the cars.
    cars: [Vec<String>; 2],
}

impl Play<'_> {
    async fn happen(&mut self, who: usize, both: [&str; 2], deed: &Deed) {
        let (world, customer, other) = (self.world, both[who], both[1 - who]);
        let (by, store) = if who == 0 { (&world.here, world.hangzhou) } else { (&world.there, world.suzhou) };
        match deed {
            // A second one at the same store is refused, as it should be.
            Deed::Lead(here) => {
                let (by, store) = if *here { (&world.headquarters, world.hangzhou) } else { (by, store) };
                let _ = world.try_lead(by, crate::world::lead(store, customer)).await;
            }
            Deed::Reception => {
                let visitor = person(store, ["王小明", "王晓明"][who], &self.phones[who]);
                let _ = world.try_receive(by, store, visitor).await;
            }
            Deed::Car(number) => {
                let vin = format!("LSVAA4182E2{who}{:05}", number + 1);
                if let Ok(delivered) = world.deliver(by, delivery(customer, store, &vin)).await {
                    self.cars[who].push(delivered.vehicle);
                }
            }
            Deed::Visit => {
                if let Some(car) = self.cars[who].last()
                    && let Ok(visit) = world.check_in(by, store, car, 5_000).await
                {
                    world.hand_back(by, &visit.name).await;
                }
            }
            _ => self.learn_of(by, &store.name(), (customer, other), (who, deed)).await,
        }
    }

    /// What is said of the customer, and of who is around the car.
    #[expect(clippy::too_many_lines, reason = "a call for each deed, one after the other")]
    async fn learn_of(
        &self,
        by: &Caller,
        store: &str,
        (customer, other): (&str, &str),
        (who, deed): (usize, &Deed),
    ) {
        let (world, store_name) = (self.world, store.to_owned());
        let step = (customer.to_owned(), store_name.clone());
        match deed {
            Deed::Lead(_) | Deed::Reception | Deed::Car(_) | Deed::Visit => {}
            Deed::Consent(marketing, given) => {
                let purpose = if *marketing { Purpose::Marketing } else { Purpose::Service };
                let state = if *given { ConsentState::Given } else { ConsentState::Withdrawn };
                world.consent(by, customer, purpose, state).await;
            }
            Deed::Tag(tag) => {
                let (name, store) = step;
                let tags = vec![self.tags[*tag].clone()];
                let request = TagCustomerRequest { name, store, tags, ..TagCustomerRequest::default() };
                let mut client = TagServiceClient::new(world.stack.channel("customer", by));
                client.tag_customer(request).await.unwrap();
            }
            Deed::CarClub => {
                let (name, store) = step;
                let group = CustomerGroup::CarClub.into();
                let request = AddToGroupRequest {
                    name,
                    store,
                    group,
                    reason: "车友会".to_owned(),
                    ..Default::default()
                };
                let _ =
                    GroupServiceClient::new(world.stack.channel("customer", by)).add_to_group(request).await;
            }
            Deed::Occupation(occupation) => {
                let profile = Some(Profile { occupation: occupation.clone(), ..Profile::default() });
                world.learn_facts(by, &step, Customer { profile, ..Customer::default() }).await;
            }
            Deed::Birthday(day) => {
                let birthday = Some(foursight_proto::google::r#type::Date {
                    year: 1980,
                    month: 3,
                    day: i32::from(*day),
                });
                world
                    .learn_facts(
                        by,
                        &step,
                        Customer { birthday, gender: Gender::Female.into(), ..Customer::default() },
                    )
                    .await;
            }
            Deed::Email(which) => {
                let request = AddContactPointRequest {
                    name: customer.to_owned(),
                    kind: ContactKind::Email.into(),
                    value: format!("demo{which}@example.com"),
                    store: store_name,
                    source: SourceChannel::WalkIn.into(),
                    ..AddContactPointRequest::default()
                };
                let _ = world.customers(by).add_contact_point(request).await;
            }
            Deed::Driver | Deed::Stranger => {
                let Some(car) = self.cars[who].last() else { return };
                let stranger = VehiclePerson {
                    display_name: "司机".to_owned(),
                    phone: "13912345678".to_owned(),
                    ..Default::default()
                };
                let known = VehiclePerson { customer: other.to_owned(), ..Default::default() };
                let person = if matches!(deed, Deed::Driver) { known } else { stranger };
                let person = VehiclePerson { role: VehicleRole::Driver.into(), store: store_name, ..person };
                let request = AddVehiclePersonRequest {
                    parent: car.clone(),
                    person: Some(person),
                    ..Default::default()
                };
                let mut client =
                    VehiclePeopleServiceClient::new(world.stack.channel("customer", &world.headquarters));
                let _ = client.add_vehicle_person(request).await;
            }
            Deed::Tier => {
                let (name, store) = step;
                let value_tier = ValueTier::A.into();
                let request = SetValueTierRequest {
                    name,
                    store,
                    value_tier,
                    reason: "大客户".to_owned(),
                    ..Default::default()
                };
                ValueServiceClient::new(world.stack.channel("customer", by))
                    .set_value_tier(request)
                    .await
                    .unwrap();
            }
            Deed::Stage => {
                let (name, store) = step;
                let stage = LifeCycleStage::Dormant.into();
                let request = CorrectStageRequest {
                    name,
                    store,
                    stage,
                    reason: "很久没来".to_owned(),
                    ..Default::default()
                };
                let _ =
                    ValueServiceClient::new(world.stack.channel("customer", by)).correct_stage(request).await;
            }
        }
    }
}

impl World {
    pub(crate) async fn learn_facts(
        &self,
        by: &Caller,
        (name, store): &(String, String),
        customer: Customer,
    ) {
        let request = UpdateCustomerRequest {
            name: name.clone(),
            store: store.clone(),
            source: SourceChannel::WalkIn.into(),
            customer: Some(customer),
            ..UpdateCustomerRequest::default()
        };
        self.customers(by).update_customer(request).await.unwrap();
    }

    async fn new_tags(&self) -> Vec<String> {
        let mut tags = Vec::new();
        for (zh, en) in [("赛车迷", "Racing fan"), ("老客户", "Old customer"), ("带孩子", "With children")]
        {
            let tag =
                Tag { display_name_zh: zh.to_owned(), display_name_en: en.to_owned(), ..Tag::default() };
            let request = CreateTagRequest { tag: Some(tag), request_id: String::new() };
            let mut client = TagServiceClient::new(self.stack.channel("customer", &self.headquarters));
            tags.push(client.create_tag(request).await.unwrap().into_inner().name);
        }
        tags
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_is_undone_leaves_every_row_as_it_was() {
    let world = World::start().await;
    let tags = world.new_tags().await;
    let mut runner = TestRunner::new(Config::default());
    for case in 0..12 {
        let [own, others] = [(); 2].map(|()| deeds().new_tree(&mut runner).unwrap().current());
        let phones = [format!("1380000{case:04}"), format!("1381111{case:04}")];
        let one = world.open(&world.here, world.hangzhou, "王小明", &phones[0]).await.name;
        let other = world.open(&world.there, world.suzhou, "王晓明", &phones[1]).await.name;
        let both = [one.as_str(), other.as_str()];
        let mut play = Play {
            world: &world,
            tags: tags.clone(),
            phones: phones.clone(),
            cars: [Vec::new(), Vec::new()],
        };
        for place in 0..own.len().max(others.len()) {
            for (who, deeds) in [&own, &others].into_iter().enumerate() {
                if let Some(deed) = deeds.get(place) {
                    play.happen(who, both, deed).await;
                }
            }
        }
        let before = world.rows_of(&both).await;
        let merge = world
            .merge_taking(&world.headquarters, &one, &other, &["birthday", "display_name"])
            .await
            .unwrap();
        let merged = world.rows_of(&both).await;
        let its_own = |row: &&String| {
            ["customer_id", "owner_id"]
                .iter()
                .any(|column| row.contains(&format!("\"{column}\": \"{}\"", &other[10..])))
        };
        for (table, rows) in merged.iter().filter(|(table, _)| *table != "customer_keys") {
            let left: Vec<_> = rows.iter().filter(its_own).collect();
            assert!(left.is_empty(), "{table} keeps {left:?}, after {own:?} and {others:?}");
        }
        world.unmerge(&world.headquarters, &merge.name).await.unwrap();
        let after = world.rows_of(&both).await;
        for (table, rows) in &before {
            assert_eq!(rows, &after[table], "{table}, after {own:?} and {others:?}");
        }
    }
}
