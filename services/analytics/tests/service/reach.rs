//! Who may ask for what.

use foursight_analytics::AnalyticsRole;
use foursight_kernel::{DeliveryId, StoreId, VehicleId, time::to_proto};
use foursight_proto::{
    analytics::v1::{
        ListMeasuresRequest, QueryMeasureValuesRequest, QueryMeasureValuesResponse,
        measure_service_client::MeasureServiceClient,
    },
    customer::events::v1::VehicleDelivered,
    identity::v1::Role,
};
use foursight_testkit::{Caller, Stack};
use tonic::Code;

async fn deliver(stack: &Stack, store: StoreId) {
    let delivery: DeliveryId = stack.ids.next();
    let vehicle: VehicleId = stack.ids.next();
    let told = VehicleDelivered {
        delivery: delivery.name(),
        store: store.name(),
        vehicle: vehicle.name(),
        deliver_time: Some(to_proto("2026-02-10T03:00:00Z".parse().unwrap())),
        ..Default::default()
    };
    stack.tell(&told, delivery.uuid(), 1, Some(store)).await.unwrap();
}

async fn ask(
    stack: &Stack,
    caller: &Caller,
    request: QueryMeasureValuesRequest,
) -> Result<QueryMeasureValuesResponse, tonic::Status> {
    let mut client = MeasureServiceClient::new(stack.channel("analytics", caller));
    client.query_measure_values(request).await.map(tonic::Response::into_inner)
}

fn deliveries(store: &str) -> QueryMeasureValuesRequest {
    QueryMeasureValuesRequest {
        store: store.to_owned(),
        measures: vec!["measures/deliveries".to_owned()],
        from_month: "2026-02".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_store_sees_its_own_numbers_and_headquarters_all() {
    let stack = Stack::start(AnalyticsRole).await.unwrap();
    let (ours, theirs): (StoreId, StoreId) = (stack.ids.next(), stack.ids.next());
    deliver(&stack, ours).await;
    deliver(&stack, theirs).await;
    deliver(&stack, theirs).await;
    stack.settled().await.unwrap();

    let manager = stack.staff(&[Role::GeneralManager], &[ours]).unwrap();
    let seen = ask(&stack, &manager, deliveries("")).await.unwrap().values;
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].store.as_str(), seen[0].value), (ours.name().as_str(), Some(1.0)));
    let refused = ask(&stack, &manager, deliveries(&theirs.name())).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);

    let director = stack.headquarters(&[Role::GroupDirector]).unwrap();
    assert_eq!(ask(&stack, &director, deliveries("")).await.unwrap().values.len(), 2);
    let one = ask(&stack, &director, deliveries(&theirs.name())).await.unwrap().values;
    assert_eq!((one.len(), one[0].numerator), (1, 2.0));

    // The rows themselves stay hidden, whatever is asked of them.
    let mut tx = stack.db("analytics").begin(&Stack::reaching(&[ours])).await.unwrap();
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM analytics.deliveries").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(rows, 1);
    let through_a_view: i64 =
        sqlx::query_scalar("SELECT count(*) FROM analytics.delivered").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(through_a_view, 1);
}

#[tokio::test]
async fn months_that_are_none_are_refused_and_rights_are_needed() {
    let stack = Stack::start(AnalyticsRole).await.unwrap();
    let director = stack.headquarters(&[Role::GroupDirector]).unwrap();
    let request = QueryMeasureValuesRequest { from_month: "2026-13".to_owned(), ..Default::default() };
    assert_eq!(ask(&stack, &director, request.clone()).await.unwrap_err().code(), Code::InvalidArgument);

    let store: StoreId = stack.ids.next();
    let advisor = stack.staff(&[Role::SalesAdvisor], &[store]).unwrap();
    assert_eq!(ask(&stack, &advisor, deliveries("")).await.unwrap_err().code(), Code::PermissionDenied);

    let mut client = MeasureServiceClient::new(stack.channel("analytics", &director));
    let measures = client.list_measures(ListMeasuresRequest {}).await.unwrap().into_inner().measures;
    assert_eq!(measures.len(), 5);
}
