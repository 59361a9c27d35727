//! Cars are brought in beside their owners, who are there already.

use foursight_customer::vehicles::vin::with_check_digit;
use foursight_proto::{
    customer::{
        events::v1::{VehicleAdded, VehicleRemoved, VehicleUpdated},
        v1::{
            Customer, CustomerGroup, Import, ImportKind, ImportOutcome, ImportState, ListVehiclesRequest,
            StartImportRequest, Vehicle,
        },
    },
    google::r#type::Date,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    imports::{counts, csv, faults, import, reasons},
    world::{World, delivery},
};

const HEADER: &str = "车架号,车牌号,车型,颜色,购车日期,上牌日期,质保到期,交强险到期日,保险公司,商业险到期日,年检到期,里程,里程日期,车主,手机";

pub(crate) fn vin(number: u32) -> String {
    with_check_digit(&format!("LDC000000R{number:07}")).unwrap()
}

fn row(number: u32, rest: &str) -> String {
    format!("{},{rest}", vin(number))
}

fn table(rows: &[String]) -> Vec<u8> {
    csv(HEADER, &rows.iter().map(String::as_str).collect::<Vec<_>>())
}

fn day(year: i32, month: i32, day: i32) -> Date {
    Date { year, month, day }
}

impl World {
    pub(crate) async fn bring_cars(&self, table: &[u8]) -> Import {
        self.bring_kind(&self.here, ImportKind::Vehicles, table, false).await
    }

    pub(crate) async fn cars_of(&self, customer: &str) -> Vec<Vehicle> {
        let request = ListVehiclesRequest { customer: customer.to_owned(), ..ListVehiclesRequest::default() };
        let cars = self.vehicles(&self.here).list_vehicles(request).await.unwrap().into_inner().vehicles;
        let mut read = Vec::new();
        for car in cars {
            read.push(self.vehicle(&self.here, &car.name).await.unwrap());
        }
        read
    }

    pub(crate) async fn owner(&self, name: &str, phone: &str) -> Customer {
        self.open(&self.here, self.hangzhou, name, phone).await
    }

    /// Whether a customer is in UIO, once all was heard.
    pub(crate) async fn is_uio(&self, customer: &str) -> bool {
        self.stack.settled().await.unwrap();
        self.file(&self.here, customer).await.unwrap().groups.contains(&CustomerGroup::Uio.into())
    }
}

#[tokio::test]
async fn cars_come_in_change_and_the_same_table_again_changes_nothing() {
    let world = World::start().await;
    let owner = world.owner("示例一", "13800000001").await;
    let rows = [row(
        1,
        "浙a·12345,远山 S7,墨绿,2024年3月5日,45356,2027-03-04,2026/12/1,示例保险,2026/12/2,2028/3/1,\"12,500\",2026/3/1,示例一,138 0000 0001",
    )];
    let dry = world.bring_kind(&world.here, ImportKind::Vehicles, &table(&rows), true).await;
    assert_eq!((dry.state(), counts(&dry)), (ImportState::Checked, [1, 0, 0, 0, 0]), "{dry:?}");
    assert_eq!(world.cars_of(&owner.name).await.len(), 0);
    let run = world.bring_cars(&table(&rows)).await;
    assert_eq!((run.state(), counts(&run)), (ImportState::Done, [1, 0, 0, 0, 0]), "{run:?}");
    let [car] = <[Vehicle; 1]>::try_from(world.cars_of(&owner.name).await).unwrap();
    assert_eq!(
        (car.vin.as_str(), car.plate.as_str(), car.model.as_str()),
        (vin(1).as_str(), "浙A12345", "远山 S7")
    );
    assert_eq!(
        (car.odometer_km, &car.owner, car.registration_date),
        (12_500, &owner.name, Some(day(2024, 3, 5)))
    );
    assert_eq!(car.warranty.unwrap().end_date, Some(day(2027, 3, 4)));
    let (compulsory, commercial) =
        (car.compulsory_insurance.clone().unwrap(), car.commercial_insurance.clone().unwrap());
    assert_eq!((compulsory.end_date, commercial.end_date), (Some(day(2026, 12, 1)), Some(day(2026, 12, 2))));
    assert_eq!((commercial.insurer.as_str(), car.inspection_date), ("示例保险", Some(day(2028, 3, 1))));
    let rows_of = world.rows(&world.here, &run, ImportOutcome::Create).await;
    assert_eq!((&rows_of[0].subject, &rows_of[0].customer), (&car.name, &owner.name));
    assert_eq!(world.stack.told::<VehicleAdded>().await.unwrap().len(), 1);
    assert!(world.is_uio(&owner.name).await);

    assert_eq!(counts(&world.bring_cars(&table(&rows)).await), [0, 0, 1, 0, 0]);
    // What is blank stays; who is not named stays the owner.
    let changed = [row(1, "浙A54321,,银,,,,,,,,13000,2026/3/2,,")];
    let run = world.bring_cars(&table(&changed)).await;
    assert_eq!(counts(&run), [0, 1, 0, 0, 0], "{run:?}");
    let now = world.vehicle(&world.here, &car.name).await.unwrap();
    assert_eq!((now.colour.as_str(), now.plate.as_str(), now.odometer_km), ("银", "浙A54321", 13_000));
    assert_eq!((now.model.as_str(), now.inspection_date), ("远山 S7", Some(day(2028, 3, 1))));
    let updated = world.stack.told::<VehicleUpdated>().await.unwrap();
    assert_eq!(updated[0].fields, ["colour", "plate", "odometer_km"]);
    assert_eq!(counts(&world.bring_cars(&table(&changed)).await), [0, 0, 1, 0, 0]);

    let undone = world.undo(&world.here, &run.name).await;
    assert_eq!((undone.undone_rows, undone.kept_rows), (1, 0), "{undone:?}");
    let back = world.vehicle(&world.here, &car.name).await.unwrap();
    let same = |it: &Vehicle| Vehicle { etag: String::new(), ..it.clone() };
    assert_eq!(same(&back), same(&car));
}

#[tokio::test]
async fn what_does_not_fit_is_a_conflict_and_what_cannot_be_read_says_why() {
    let world = World::start().await;
    let owner = world.owner("示例一", "13800000001").await;
    let other = world.owner("示例二", "13800000002").await;
    let there = world.open(&world.there, world.suzhou, "示例三", "13800000003").await;
    let mut sold = delivery(&owner.name, world.hangzhou, &vin(1));
    (sold.plate, sold.odometer_km) = ("浙A11111".to_owned(), 5_000);
    let car = world.deliver(&world.here, sold).await.unwrap();
    world.deliver(&world.there, delivery(&there.name, world.suzhou, &vin(2))).await.unwrap();
    let rows = [
        row(1, ",,,,,,,,,,4000,,,"),
        row(3, "浙A11111,远山 S7,,,,,,,,,,,示例二,13800000002"),
        row(2, ",,银,,,,,,,,,,,"),
        row(4, ",远山 S7,,,,,,,,,,,示例九,13800000009"),
        row(5, ",远山 S7,,,,,,,,,,,示例三,13800000003"),
        row(6, ",远山 S7,,,,,,,,,,,,"),
        row(7, ",,,,,,,,,,,,示例二,13800000002"),
        row(8, ",远山 S7,,,,,,,,,,,示例一,13800000002"),
        "LDC000000R0000009,A1,远山 S7,,5/3/2026,2999-1-1,,,,,,一万,,示例二,13800000002".to_owned(),
    ];
    // Rows 1 and 3 have the plate's car in common: neither is taken, whichever comes first.
    let run = world.bring_cars(&table(&rows)).await;
    assert_eq!(counts(&run), [0, 0, 0, 4, 5], "{run:?}");
    let conflicts = reasons(&world.rows(&world.here, &run, ImportOutcome::Conflict).await);
    let told: Vec<_> = conflicts.iter().map(|(row, reason)| (*row, reason.as_str())).collect();
    assert_eq!(
        told,
        [(2, "ROWS_CONTRADICT"), (3, "ROWS_CONTRADICT"), (4, "VEHICLE_ELSEWHERE"), (9, "OTHER_NAME")]
    );
    let errors = world.rows(&world.here, &run, ImportOutcome::Error).await;
    assert_eq!(
        faults(&errors),
        [
            (5, "", "OWNER_UNKNOWN"),
            (6, "", "OWNER_UNKNOWN"),
            (7, "owner_name", "MISSING"),
            (8, "model", "MISSING"),
            (10, "vin", "VALUE_WRONG"),
            (10, "plate", "VALUE_WRONG"),
            (10, "deliver_date", "NO_DATE"),
            (10, "odometer_km", "VALUE_WRONG"),
            (10, "registration_date", "VALUE_WRONG"),
        ]
    );
    assert!(errors[0].reasons[0].message.contains("请先导入客户"));
    let file = String::from_utf8(world.errors(&world.here, &run).await).unwrap();
    assert!(file.contains("未导入原因") && file.contains("车架号：内容不符合要求：VIN 须为 17 位"), "{file}");

    // One at a time, each says what it is.
    for (rest, number, code) in [
        (",,,,,,,,,,4000,,,", 1, "ODOMETER_BACK"),
        (",,,,,,,,,,900000,,,", 1, "ODOMETER_TOO_FAR"),
        ("浙A11111,远山 S7,,,,,,,,,,,示例二,13800000002", 3, "PLATE_ELSEWHERE"),
        (",,,,,,,,,,,,示例二,13800000002", 1, "OTHER_OWNER"),
    ] {
        let run = world.bring_cars(&table(&[row(number, rest)])).await;
        let conflicts = reasons(&world.rows(&world.here, &run, ImportOutcome::Conflict).await);
        assert_eq!(conflicts, [(2, code.to_owned())], "{rest}");
    }
    assert_eq!(world.vehicle(&world.here, &car.vehicle).await.unwrap().odometer_km, 5_000);
    assert_eq!(world.cars_of(&other.name).await.len(), 0);
}

#[tokio::test]
async fn a_run_is_undone_as_far_as_nothing_newer_depends_on_it() {
    let world = World::start().await;
    let (one, two) = (world.owner("示例一", "13800000001").await, world.owner("示例二", "13800000002").await);
    let rows = [
        row(1, "浙A11111,远山 S7,,,,,,,,,100,,示例一,13800000001"),
        row(2, "浙A22222,远山 S7,,,,,,,,,200,,示例二,13800000002"),
    ];
    let run = world.bring_cars(&table(&rows)).await;
    assert_eq!(counts(&run), [2, 0, 0, 0, 0], "{run:?}");
    assert!(world.is_uio(&one.name).await);
    let car = world.cars_of(&two.name).await.remove(0);
    world.check_in(&world.here, world.hangzhou, &car.name, 300).await.unwrap();
    let undone = world.undo(&world.here, &run.name).await;
    assert_eq!((undone.undone_rows, undone.kept_rows), (1, 1), "{undone:?}");
    let rows_of = world.rows(&world.here, &undone, ImportOutcome::Create).await;
    assert_eq!(reasons(&rows_of), [(3, "NEEDED_SINCE".to_owned())]);
    assert_eq!((world.cars_of(&one.name).await.len(), world.cars_of(&two.name).await.len()), (0, 1));
    assert_eq!(world.stack.told::<VehicleRemoved>().await.unwrap().len(), 1);
    assert!(!world.is_uio(&one.name).await && world.is_uio(&two.name).await);
    // And in again.
    assert_eq!(counts(&world.bring_cars(&table(&rows[..1])).await), [1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn columns_are_learned_for_cars_alone_and_reasons_come_in_english_where_that_is_wanted() {
    let world = World::start().await;
    world.owner("示例一", "13800000001").await;
    let table = csv(
        "车辆码,车型,车主,手机",
        &[&row(1, "远山 S7,示例一,13800000001"), "x,远山 S7,示例一,13800000001"],
    );
    let of_cars =
        || Import { kind: ImportKind::Vehicles.into(), language: "en".to_owned(), ..import(world.hangzhou) };
    let name = world.upload(&world.here, of_cars(), &table).await;
    world.start_import(&world.here, &name, true).await.unwrap();
    assert_eq!(world.follow(&world.here, &name).await.failure.unwrap().reason, "COLUMNS_MISSING");
    let mapping = [("车辆码".to_owned(), "vin".to_owned())].into();
    let request = StartImportRequest { name: name.clone(), mapping, ..StartImportRequest::default() };
    world.imports(&world.here).start_import(request).await.unwrap();
    let run = world.follow(&world.here, &name).await;
    assert_eq!((counts(&run), run.language.as_str()), ([1, 0, 0, 0, 1], "en"), "{run:?}");
    let errors = world.rows(&world.here, &run, ImportOutcome::Error).await;
    assert_eq!(
        errors[0].reasons[0].message,
        "must have 17 characters: digits and letters without I, O and Q"
    );
    let file = String::from_utf8(world.errors(&world.here, &run).await).unwrap();
    assert!(file.contains("not imported because"), "{file}");
    // The next one knows it; a table of customers does not.
    assert_eq!(counts(&world.bring_cars(&table).await), [0, 0, 1, 0, 1]);
    let customers =
        world.bring(&world.here, world.hangzhou, &csv("车辆码,姓名,手机", &["1,示例五,13800000005"])).await;
    assert_eq!(customers.columns[0].field, "");
    let mapping = [("车辆码".to_owned(), "gender".to_owned())].into();
    let wrong = Import { mapping, ..of_cars() };
    let request =
        foursight_proto::customer::v1::CreateImportRequest { import: Some(wrong), ..Default::default() };
    assert!(world.imports(&world.here).create_import(request).await.is_err(), "cars have no gender");
}

/// Cars that move plates, say the same twice, and contradict each other.
fn rows() -> impl Strategy<Value = Vec<String>> {
    let one = (1_u32..6, 0_usize..4, 0_usize..3, 1_u32..4, 0_usize..3);
    let one = one.prop_map(|(car, plate, colour, owner, km)| {
        let plate = ["", "浙A11111", "浙A22222", "浙A33333"][plate];
        let (colour, km) = (["", "银", "墨绿"][colour], ["", "500", "90"][km]);
        row(car, &format!("{plate},远山 S7,{colour},,,,,,,,{km},2026/3/1,示例{owner},1380000000{owner}"))
    });
    prop::collection::vec(one, 1..12)
}

#[tokio::test]
async fn the_order_of_rows_does_not_matter() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..6 {
        let rows = rows().new_tree(&mut runner).unwrap().current();
        let turned = Just(rows.clone()).prop_shuffle().new_tree(&mut runner).unwrap().current();
        let mut seen = Vec::new();
        for rows in [rows, turned] {
            let world = World::start().await;
            let mut owners = Vec::new();
            for number in 1..4 {
                owners.push(world.owner(&format!("示例{number}"), &format!("1380000000{number}")).await.name);
            }
            // Some are there before: their plates may be about to move.
            world
                .bring_cars(&table(&[
                    row(1, "浙A11111,远山 S7,,,,,,,,,100,2026/1/5,示例1,13800000001"),
                    row(2, "浙A22222,远山 S7,,,,,,,,,100,2026/1/5,示例2,13800000002"),
                ]))
                .await;
            let run = world.bring_cars(&table(&rows)).await;
            let mut cars = Vec::new();
            for owner in &owners {
                for car in world.cars_of(owner).await {
                    let facts = [car.vin, car.plate, car.colour, car.odometer_km.to_string()];
                    cars.push((owners.iter().position(|it| *it == car.owner), facts));
                }
            }
            cars.sort();
            seen.push((counts(&run), cars, rows.len()));
        }
        assert_eq!(seen[0], seen[1]);
    }
}
