//! Deliveries and visits of the past are brought in: they are on record, and nobody acts on them.

use foursight_proto::customer::{
    events::v1::{DeliveryRemoved, VehicleDelivered, VisitCompleted, VisitRemoved, VisitStarted},
    v1::{
        DayRange, GetVisitRequest, Import, ImportKind, ImportOutcome, LifeCycleStage,
        ListTimelineEntriesRequest, segment_condition::Condition as It,
    },
};

use crate::{
    imports::{counts, csv, reasons},
    imports_vehicles::vin,
    segments::is,
    world::World,
};

const CARS: &str = "车架号,车牌号,车型,购车日期,车主,手机";
const DELIVERIES: &str = "车架号,交车日期,里程,车主,手机";
const VISITS: &str = "车架号,车牌号,进厂日期,出厂日期,维修类型,里程,金额";

fn table(header: &str, rows: &[String]) -> Vec<u8> {
    csv(header, &rows.iter().map(String::as_str).collect::<Vec<_>>())
}

impl World {
    async fn bring_history(&self, kind: ImportKind, table: &[u8]) -> Import {
        self.bring_kind(&self.here, kind, table, false).await
    }

    /// Two owners with a car each.
    async fn with_cars(&self) -> [String; 2] {
        let one = self.owner("示例一", "13800000001").await.name;
        let two = self.owner("示例二", "13800000002").await.name;
        let rows = [
            format!("{},浙A11111,远山 S7,,示例一,13800000001", vin(1)),
            format!("{},浙A22222,远山 X5,2023/5/1,示例二,13800000002", vin(2)),
        ];
        assert_eq!(counts(&self.bring_cars(&table(CARS, &rows)).await), [2, 0, 0, 0, 0]);
        [one, two]
    }

    async fn told_of(&self, customer: &str) -> Vec<String> {
        self.stack.settled().await.unwrap();
        let request = ListTimelineEntriesRequest {
            parent: customer.to_owned(),
            ..ListTimelineEntriesRequest::default()
        };
        let list = self.customers(&self.here).list_timeline_entries(request).await.unwrap().into_inner();
        list.timeline_entries.into_iter().map(|entry| entry.kind).collect()
    }

    /// How many customers of the store had their last visit on or after this day.
    async fn came_since(&self, year: i32) -> i64 {
        let from = Some(foursight_proto::google::r#type::Date { year, month: 1, day: 1 });
        self.counted(&self.here, is(It::LastVisit(DayRange { from, ..DayRange::default() }))).await
    }
}

#[tokio::test]
async fn deliveries_of_the_past_are_on_record_once_and_can_be_undone() {
    let world = World::start().await;
    let [one, two] = world.with_cars().await;
    let rows =
        [format!("{},2024年3月5日,12,示例一,13800000001", vin(1)), format!("{},2023-05-01,,,", vin(2))];
    let dry = world.bring_kind(&world.here, ImportKind::Deliveries, &table(DELIVERIES, &rows), true).await;
    assert_eq!(counts(&dry), [2, 0, 0, 0, 0], "{dry:?}");
    assert_eq!(world.stack.told::<VehicleDelivered>().await.unwrap().len(), 0);
    let run = world.bring_history(ImportKind::Deliveries, &table(DELIVERIES, &rows)).await;
    assert_eq!(counts(&run), [2, 0, 0, 0, 0], "{run:?}");
    let told = world.stack.told::<VehicleDelivered>().await.unwrap();
    assert!(told.len() == 2 && told.iter().all(|it| it.imported && it.advisor.is_empty()), "{told:?}");
    assert_eq!(world.told_of(&one).await, ["CUSTOMER_CREATED", "VEHICLE_DELIVERED"]);
    let car = world.cars_of(&one).await.remove(0);
    assert_eq!((car.odometer_km, car.deliver_time.is_some()), (12, true));
    assert_eq!(world.file(&world.here, &one).await.unwrap().stage(), LifeCycleStage::Buyer);
    let subject = &world.rows(&world.here, &run, ImportOutcome::Create).await[0].subject;
    let request = foursight_proto::customer::v1::GetDeliveryRequest { name: subject.clone() };
    let delivery = world.deliveries(&world.here).get_delivery(request).await.unwrap().into_inner();
    assert_eq!((delivery.model.as_str(), delivery.advisor.as_str()), ("远山 S7", ""));

    assert_eq!(
        counts(&world.bring_history(ImportKind::Deliveries, &table(DELIVERIES, &rows)).await),
        [0, 0, 2, 0, 0]
    );
    let wrong = [
        format!("{},2024/3/6,,,", vin(1)),
        format!("{},2023/5/1,,示例一,13800000001", vin(2)),
        format!("{},2023/5/1,,,", vin(3)),
        format!("{},2999/5/1,,,", vin(4)),
        format!("{},,,示例九,13800000009", vin(5)),
    ];
    let refused = world.bring_history(ImportKind::Deliveries, &table(DELIVERIES, &wrong)).await;
    assert_eq!(counts(&refused), [0, 0, 0, 2, 3], "{refused:?}");
    let conflicts = reasons(&world.rows(&world.here, &refused, ImportOutcome::Conflict).await);
    assert_eq!(conflicts, [(2, "RECORD_DIFFERS".to_owned()), (3, "OTHER_OWNER".to_owned())]);
    let errors = reasons(&world.rows(&world.here, &refused, ImportOutcome::Error).await);
    let errors: Vec<&str> = errors.iter().map(|(_, code)| code.as_str()).collect();
    assert_eq!(errors, ["VEHICLE_UNKNOWN", "VALUE_WRONG", "MISSING"]);

    let undone = world.undo(&world.here, &run.name).await;
    assert_eq!((undone.undone_rows, undone.kept_rows), (2, 0), "{undone:?}");
    assert_eq!(world.stack.told::<DeliveryRemoved>().await.unwrap().len(), 2);
    assert_eq!(world.told_of(&one).await, ["CUSTOMER_CREATED"]);
    assert_eq!(world.file(&world.here, &one).await.unwrap().stage(), LifeCycleStage::Prospect);
    let car = world.cars_of(&one).await.remove(0);
    assert_eq!((car.odometer_km, car.deliver_time, car.odometer_readings.len()), (0, None, 0));
    // What the table of cars said stays.
    assert!(world.cars_of(&two).await.remove(0).deliver_time.is_some());
}

#[tokio::test]
async fn visits_of_the_past_are_on_timelines_and_in_segments_and_plan_nothing() {
    let world = World::start().await;
    let [one, two] = world.with_cars().await;
    assert_eq!(world.came_since(2020).await, 0);
    let rows = [
        format!("{},,2024/6/1,2024/6/3,保养,5000,\"1,280.50\"", vin(1)),
        format!("{},,2025/6/1,,维修,12000,", vin(1)),
        ",浙A22222,2026/3/3,2026/3/3,索赔,800,0".to_owned(),
    ];
    let run = world.bring_history(ImportKind::Visits, &table(VISITS, &rows)).await;
    assert_eq!(counts(&run), [3, 0, 0, 0, 0], "{run:?}");
    let started = world.stack.told::<VisitStarted>().await.unwrap();
    let completed = world.stack.told::<VisitCompleted>().await.unwrap();
    assert!(started.len() == 3 && started.iter().all(|it| it.imported), "{started:?}");
    assert!(completed.len() == 3 && completed.iter().all(|it| it.imported), "{completed:?}");
    let told = world.told_of(&one).await;
    assert_eq!(told.iter().filter(|kind| *kind == "VISIT_COMPLETED").count(), 2, "{told:?}");
    assert_eq!((world.came_since(2025).await, world.came_since(2026).await), (2, 1));
    let row = &world.rows(&world.here, &run, ImportOutcome::Create).await[0];
    let request = GetVisitRequest { name: row.subject.clone() };
    let visit = world.visits(&world.here).get_visit(request).await.unwrap().into_inner();
    let amount = visit.amount.unwrap();
    assert_eq!((amount.units, amount.nanos, visit.odometer_km), (1_280, 500_000_000, 5_000));
    assert_eq!((visit.customer.as_str(), visit.advisor.as_str()), (one.as_str(), ""));
    assert_eq!(world.cars_of(&two).await[0].odometer_km, 800);
    assert_eq!(world.file(&world.here, &two).await.unwrap().stage(), LifeCycleStage::Service);
    assert_eq!(
        counts(&world.bring_history(ImportKind::Visits, &table(VISITS, &rows)).await),
        [0, 0, 3, 0, 0]
    );

    let wrong = [
        format!("{},,2024/6/1,,保养,5001,", vin(1)),
        format!("{},,2024/12/1,,保养,4000,", vin(1)),
        format!("{},,2024/12/1,,保养,4000,", vin(9)),
        format!("{},,2024/12/2,2024/12/1,洗澡,,-1", vin(1)),
    ];
    let refused = world.bring_history(ImportKind::Visits, &table(VISITS, &wrong)).await;
    let conflicts = reasons(&world.rows(&world.here, &refused, ImportOutcome::Conflict).await);
    assert_eq!(conflicts, [(2, "RECORD_DIFFERS".to_owned()), (3, "ODOMETER_BACK".to_owned())]);
    let errors = reasons(&world.rows(&world.here, &refused, ImportOutcome::Error).await);
    let errors: Vec<(i64, &str)> = errors.iter().map(|(row, code)| (*row, code.as_str())).collect();
    assert_eq!(
        errors,
        [(4, "VEHICLE_UNKNOWN"), (5, "VALUE_WRONG"), (5, "WORD_UNKNOWN"), (5, "VALUE_WRONG"), (5, "MISSING")]
    );

    let undone = world.undo(&world.here, &run.name).await;
    assert_eq!((undone.undone_rows, undone.kept_rows), (3, 0), "{undone:?}");
    assert_eq!(world.stack.told::<VisitRemoved>().await.unwrap().len(), 3);
    assert_eq!(world.told_of(&one).await, ["CUSTOMER_CREATED"]);
    assert_eq!(world.came_since(2020).await, 0);
    assert_eq!(world.file(&world.here, &one).await.unwrap().stage(), LifeCycleStage::Prospect);
    assert_eq!(world.cars_of(&one).await[0].odometer_readings.len(), 0);
}
