//! What becomes of rows: files are opened, changed, or left as they are, and what does not fit is said.

use foursight_proto::customer::{
    events::v1::{CustomerCreated, CustomerUpdated},
    v1::{
        ContactKind, ContactPoint, CustomerKind, Gender, ImportOutcome, ImportState, ListCustomersRequest,
        SourceChannel,
    },
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    imports::{counts, csv, faults, reasons},
    world::{World, person},
};

const HEADER: &str = "姓名,手机,身份证号,性别,生日,地址,微信,邮箱,职业,来源,意向车型,客户类型,备注";

#[tokio::test]
async fn a_table_becomes_files_and_the_same_table_again_changes_nothing() {
    let world = World::start().await;
    let table = csv(
        HEADER,
        &[
            "示例一,138 0000 0001,11010519491231002x,男,1949年12月31日,示例路1号,wei_one,One@example.com,教师,转介绍,\"远山 S7、远山 X5\",,老客户",
            "示例二,13800000002.0,,女,32874,,,,,,,个人,",
            "示例公司,0571-88880001,,,,,,,,,,单位,",
        ],
    );
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    assert_eq!(
        (run.state(), counts(&run), run.total_rows),
        (ImportState::Done, [3, 0, 0, 0, 0], 3),
        "{run:?}"
    );
    assert_eq!(run.file_name, "客户.csv");
    let unread: Vec<_> =
        run.columns.iter().filter(|it| it.field.is_empty()).map(|it| it.header.as_str()).collect();
    assert_eq!(unread, ["备注"]);

    let rows = world.rows(&world.here, &run, ImportOutcome::Create).await;
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 3, 4]);
    let one = world.file(&world.here, &rows[0].customer).await.unwrap();
    assert_eq!(
        (one.display_name.as_str(), one.gender(), one.source()),
        ("示例一", Gender::Male, SourceChannel::Referral)
    );
    assert_eq!(one.national_id, "1****************X");
    let birthday = one.birthday.unwrap();
    assert_eq!((birthday.year, birthday.month, birthday.day), (1949, 12, 31));
    let kinds: Vec<_> = one.contact_points.iter().map(ContactPoint::kind).collect();
    assert_eq!(kinds, [ContactKind::Phone, ContactKind::Email, ContactKind::Wechat, ContactKind::Address]);
    let profile = one.profile.unwrap();
    assert_eq!(profile.intended_models, ["远山 S7", "远山 X5"]);
    let two = world.file(&world.here, &rows[1].customer).await.unwrap();
    assert_eq!((two.birthday.unwrap().year, two.source()), (1990, SourceChannel::Import));
    let firm = world.file(&world.here, &rows[2].customer).await.unwrap();
    assert_eq!(firm.kind(), CustomerKind::Organization);
    // Found by name, at once.
    assert_eq!(
        world.how_many_found(&world.here, "slx").await + world.how_many_found(&world.here, "示例一").await,
        1
    );
    assert_eq!(world.stack.told::<CustomerCreated>().await.unwrap().len(), 3);

    let again = world.bring(&world.here, world.hangzhou, &table).await;
    assert_eq!(counts(&again), [0, 0, 3, 0, 0]);
    assert_eq!(world.stack.told::<CustomerUpdated>().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_row_changes_what_it_says_and_what_differs() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800000001").await;
    let table =
        csv("姓名,手机,性别,地址,职业", &["示 例一,13800000001,女,示例路1号,", "示例二,13800000002,,,"]);
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    assert_eq!(counts(&run), [1, 1, 0, 0, 0]);
    let rows = world.rows(&world.here, &run, ImportOutcome::Update).await;
    assert_eq!((rows[0].row, &rows[0].customer), (2, &file.name));
    let now = world.file(&world.here, &file.name).await.unwrap();
    assert_eq!(
        (now.display_name.as_str(), now.gender(), now.contact_points.len()),
        ("示例一", Gender::Female, 2)
    );
    assert_eq!(now.etag, "2");
    let updated = world.stack.told::<CustomerUpdated>().await.unwrap();
    assert_eq!(updated[0].fields, ["gender", "contact_points"]);

    // A blank empties nothing.
    let table = csv("姓名,手机,性别,地址,职业", &["示例一,13800000001,,,工程师"]);
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    assert_eq!(counts(&run), [0, 1, 0, 0, 0]);
    let now = world.file(&world.here, &file.name).await.unwrap();
    assert_eq!((now.gender(), now.profile.unwrap().occupation.as_str()), (Gender::Female, "工程师"));
}

#[tokio::test]
async fn what_is_somebody_elses_is_a_conflict_and_what_cannot_be_read_says_why() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800000001").await;
    let before = world.file(&world.here, &file.name).await.unwrap();
    let table = csv(
        "姓名,手机,身份证号,性别,生日,来源",
        &[
            "示例二,13800000001,,,,",
            ",13800000003,,,,",
            "示例四,1.38E+10,,,,",
            "示例五,13800000005,110105194912310021,,,",
            "示例六,,,,,",
            "示例七,13800000007,,男女,5/3/2026,火星",
            "示例八,13800000008,,,2999-01-01,",
        ],
    );
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    assert_eq!(counts(&run), [0, 0, 0, 1, 6], "{run:?}");
    let conflicts = world.rows(&world.here, &run, ImportOutcome::Conflict).await;
    assert_eq!(reasons(&conflicts), [(2, "OTHER_NAME".to_owned())]);
    assert_eq!(conflicts[0].customer, file.name);
    let errors = world.rows(&world.here, &run, ImportOutcome::Error).await;
    assert_eq!(
        faults(&errors),
        [
            (3, "name", "VALUE_WRONG"),
            (4, "phone", "DIGITS_LOST"),
            (5, "national_id", "VALUE_WRONG"),
            (6, "", "NOBODY"),
            (7, "gender", "WORD_UNKNOWN"),
            (7, "birthday", "NO_DATE"),
            (7, "source", "WORD_UNKNOWN"),
            (8, "birthday", "VALUE_WRONG"),
        ]
    );
    assert_eq!(errors[1].reasons[0].column, "手机");
    assert_eq!(world.file(&world.here, &file.name).await.unwrap(), before);
    // No value is repeated, in whatever is told of it.
    let told = format!("{errors:?}");
    assert!(!told.contains("1.38E") && !told.contains("火星") && !told.contains("男女"));
}

#[tokio::test]
async fn rows_of_one_person_are_one_when_they_are_equal_and_conflicts_when_not() {
    let world = World::start().await;
    let table = csv(
        "姓名,手机,身份证号,性别",
        &[
            "示例一,13800000001,,男",
            "示例一,138-0000-0001,,男",
            "示例二,13800000002,,男",
            "示例二,13800000002,,女",
            "示例三,13800000003,11010519491231002X,",
            "示例三,13800000004,11010519491231002X,",
            "示例五,13800000005,,",
        ],
    );
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    assert_eq!(counts(&run), [2, 0, 1, 4, 0], "{run:?}");
    let conflicts = world.rows(&world.here, &run, ImportOutcome::Conflict).await;
    let told: Vec<_> =
        conflicts.iter().map(|row| row.reasons[0].message.split("说的").next().unwrap_or_default()).collect();
    assert_eq!(told, ["第 5 行", "第 4 行", "第 7 行", "第 6 行"]);
    let unchanged = world.rows(&world.here, &run, ImportOutcome::Unchanged).await;
    let created = world.rows(&world.here, &run, ImportOutcome::Create).await;
    assert_eq!((unchanged[0].row, &unchanged[0].customer), (3, &created[0].customer));
}

#[tokio::test]
async fn rows_that_lead_to_one_file_by_different_signs_contradict_each_other_too() {
    let world = World::start().await;
    let mut one = person(world.hangzhou, "示例一", "13800000001");
    one.national_id = "11010519491231002X".to_owned();
    world.customers(&world.here).create_customer(crate::world::creation(one)).await.unwrap();
    let table = csv(
        "姓名,手机,身份证号,性别",
        &["示例一,,11010519491231002X,男", "示例一,13800000001,,女", "示例二,13800000002,,"],
    );
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    assert_eq!(counts(&run), [1, 0, 0, 2, 0]);
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_says_what_the_run_then_does() {
    let world = World::start().await;
    world.open(&world.here, world.hangzhou, "示例一", "13800000001").await;
    world.open(&world.here, world.hangzhou, "示例八", "13800000009").await;
    let table = csv(
        "姓名,手机,性别",
        &[
            "示例一,13800000001,女",
            "示例二,13800000002,",
            "示例二,13800000002,",
            "示例九,13800000009,",
            "示例四,x,",
        ],
    );
    let dry = world.bring_as(&world.here, world.hangzhou, &table, true).await;
    assert_eq!((dry.state(), counts(&dry)), (ImportState::Checked, [1, 1, 1, 1, 1]), "{dry:?}");
    assert!(dry.error_bytes > 0);
    assert_eq!(world.how_many_found(&world.here, "示例二").await, 0);
    assert_eq!(world.stack.told::<CustomerUpdated>().await.unwrap().len(), 0);
    let outcomes = |rows: Vec<foursight_proto::customer::v1::ImportRow>| {
        rows.into_iter().map(|row| (row.row, row.outcome, row.reasons)).collect::<Vec<_>>()
    };
    let foretold = outcomes(world.rows(&world.here, &dry, ImportOutcome::Unspecified).await);

    // The same run, now in earnest.
    world.start_import(&world.here, &dry.name, false).await.unwrap();
    let run = world.follow(&world.here, &dry.name).await;
    assert_eq!((run.state(), counts(&run)), (ImportState::Done, counts(&dry)));
    assert_eq!(outcomes(world.rows(&world.here, &run, ImportOutcome::Unspecified).await), foretold);
    assert_eq!(world.how_many_found(&world.here, "示例二").await, 1);
}

/// What is on file, without ids and times.
async fn state(world: &World) -> Vec<String> {
    let request = ListCustomersRequest { page_size: 200, ..ListCustomersRequest::default() };
    let files = world.customers(&world.here).list_customers(request).await.unwrap().into_inner().customers;
    let mut files: Vec<String> = files
        .into_iter()
        .map(|file| {
            let mut points: Vec<_> =
                file.contact_points.iter().map(|point| (point.kind, &point.value)).collect();
            points.sort();
            format!(
                "{} {:?} {} {:?} {}",
                file.display_name,
                file.gender(),
                file.national_id,
                points,
                file.etag
            )
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn the_order_of_rows_does_not_matter() {
    let rows = || {
        let name = prop::sample::select(vec!["示例一", "示例二", "示例三"]);
        let phone = prop::sample::select(vec!["", "13800000001", "13800000002", "13800000003"]);
        let card = prop::sample::select(vec!["", "", "11010519491231002X", "110105199003071234"]);
        let gender = prop::sample::select(vec!["", "男", "女"]);
        let row = (name, phone, card, gender)
            .prop_map(|(name, phone, card, gender)| format!("{name},{phone},{card},{gender}"));
        prop::collection::vec(row, 1..9).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    };
    let mut runner = TestRunner::deterministic();
    for _ in 0..6 {
        let (rows, shuffled) = rows().new_tree(&mut runner).unwrap().current();
        let mut seen = Vec::new();
        for rows in [rows, shuffled] {
            let world = World::start().await;
            let mut there = person(world.hangzhou, "示例一", "13800000001");
            there.national_id = "11010519491231002X".to_owned();
            world.customers(&world.here).create_customer(crate::world::creation(there)).await.unwrap();
            let table = csv("姓名,手机,身份证号,性别", &rows.iter().map(String::as_str).collect::<Vec<_>>());
            let run = world.bring(&world.here, world.hangzhou, &table).await;
            assert_eq!(run.state(), ImportState::Done, "{run:?}");
            assert_eq!(counts(&run).iter().sum::<i64>(), i64::try_from(rows.len()).unwrap());
            seen.push((counts(&run), state(&world).await));
        }
        assert_eq!(seen[0], seen[1]);
    }
}
