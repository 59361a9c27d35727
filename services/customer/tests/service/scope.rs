//! A store sees its own customers, by the API and in the database itself.

use foursight_kernel::CustomerId;
use foursight_proto::customer::v1::{
    CreateReceptionRequest, GetVisitRequest, ListReceptionsRequest, Reception, ReceptionKind,
};
use foursight_testkit::{Stack, refusal};
use tonic::Code;

use crate::world::{World, creation, delivery, person};

const TABLES: [&str; 14] = [
    "customers",
    "customer_stores",
    "customer_keys",
    "contact_points",
    "consents",
    "vehicles",
    "vehicle_ownerships",
    "vehicle_plates",
    "odometer_readings",
    "receptions",
    "leads",
    "deliveries",
    "visits",
    "timeline_entries",
];

async fn counts(world: &World, stores: &[foursight_kernel::StoreId]) -> Vec<i64> {
    let mut tx = world.stack.db("customer").begin(&Stack::reaching(stores)).await.unwrap();
    let mut counts = Vec::new();
    for table in TABLES {
        let count = format!("SELECT count(*) FROM customer.{table}");
        counts.push(sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&mut *tx).await.unwrap());
    }
    counts
}

/// How many rows the function that reads files has of this one: it reads as the tables' owner, and asks for itself.
async fn readable(world: &World, stores: &[foursight_kernel::StoreId], customer: &str) -> i64 {
    let customer = CustomerId::parse_name(customer).unwrap();
    let mut tx = world.stack.db("customer").begin(&Stack::reaching(stores)).await.unwrap();
    let count = "SELECT count(*) FROM customer.files(NULL, ARRAY[$1])";
    sqlx::query_scalar(count).bind(customer.uuid()).fetch_one(&mut *tx).await.unwrap()
}

#[tokio::test]
async fn the_database_itself_shows_a_store_its_own_customers_only() {
    let world = World::start().await;
    let reception =
        world.receive(&world.here, world.hangzhou, person(world.hangzhou, "示例一", "13800001234")).await;
    world.lead(&world.here, world.hangzhou, &reception.customer).await;
    let car = foursight_proto::customer::v1::Delivery {
        plate: "浙A12345".to_owned(),
        ..delivery(&reception.customer, world.hangzhou, "LDEMA00000X000001")
    };
    let car = world.deliver(&world.here, car).await.unwrap();
    let visit = world.check_in(&world.here, world.hangzhou, &car.vehicle, 500).await.unwrap();
    world.stack.settled().await.unwrap();

    let here = counts(&world, &[world.hangzhou]).await;
    for (table, count) in TABLES.iter().zip(here) {
        assert!(count > 0 || *table == "consents", "{table} is empty here");
    }
    assert_eq!(counts(&world, &[world.suzhou]).await, [0; 14]);
    assert_eq!(counts(&world, &[]).await, [0; 14]);
    for (stores, files) in [(&[world.hangzhou][..], 1), (&[world.suzhou], 0), (&[], 0)] {
        assert_eq!(readable(&world, stores, &reception.customer).await, files, "{stores:?}");
    }

    assert_eq!(refusal(world.file(&world.there, &reception.customer).await).0, Code::NotFound);
    assert_eq!(refusal(world.vehicle(&world.there, &car.vehicle).await).0, Code::NotFound);
    let answer = world.visits(&world.there).get_visit(GetVisitRequest { name: visit.name }).await;
    assert_eq!(refusal(answer), (Code::NotFound, "VISIT_NOT_FOUND".to_owned()));
    let request = ListReceptionsRequest { store: world.hangzhou.name(), ..ListReceptionsRequest::default() };
    let answer = world.receptions(&world.there).list_receptions(request).await;
    assert_eq!(refusal(answer), (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
    let answer = world
        .customers(&world.there)
        .create_customer(creation(person(world.hangzhou, "示例", "13900000000")))
        .await;
    assert_eq!(refusal(answer), (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
}

#[tokio::test]
async fn a_statement_that_forgets_its_scope_reaches_nothing() {
    let world = World::start().await;
    world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    let mut tx = world.stack.db("customer").pool().begin("BEGIN").await.unwrap();
    let files: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.customers").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(files, 0);
    let written = sqlx::query(
        "INSERT INTO customer.customer_stores VALUES (gen_random_uuid(), gen_random_uuid(), now())",
    )
    .execute(&mut *tx)
    .await;
    assert!(written.unwrap_err().to_string().contains("row-level security"));
}

#[tokio::test]
async fn a_visitor_who_is_on_file_elsewhere_is_served_with_that_file() {
    let world = World::start().await;
    let made = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    assert_eq!(refusal(world.file(&world.there, &made.name).await).0, Code::NotFound);

    let reception =
        world.receive(&world.there, world.suzhou, person(world.suzhou, "示例 一", "138 0000 1234")).await;
    assert_eq!(reception.customer, made.name);
    assert!(reception.contact_left);
    let seen = world.file(&world.there, &made.name).await.unwrap();
    assert_eq!((seen.display_name.as_str(), seen.stores.as_slice()), ("示例一", &[world.suzhou.name()][..]));
    assert_eq!(seen.store, "", "another store's name is not the caller's business");
    let mut both = world.file(&world.headquarters, &made.name).await.unwrap().stores;
    both.sort();
    let mut expected = [world.hangzhou.name(), world.suzhou.name()];
    expected.sort();
    assert_eq!(both, expected);
}

#[tokio::test]
async fn twenty_receptions_of_one_unknown_visitor_open_one_file() {
    let world = World::start().await;
    let receptions = (0..20).map(|number| {
        let (store, caller) =
            if number % 2 == 0 { (world.hangzhou, &world.here) } else { (world.suzhou, &world.there) };
        let mut client = world.receptions(caller);
        let reception = Reception {
            store: store.name(),
            kind: ReceptionKind::WalkIn.into(),
            visitor: Some(person(store, "示例一", "13800001234")),
            ..Reception::default()
        };
        let request = CreateReceptionRequest { reception: Some(reception), request_id: String::new() };
        tokio::spawn(async move { client.create_reception(request).await })
    });
    let mut customers = Vec::new();
    for reception in receptions.collect::<Vec<_>>() {
        customers.push(reception.await.unwrap().unwrap().into_inner().customer);
    }
    customers.dedup();
    assert_eq!(customers.len(), 1);
}
