//! Stores and staff: who sees them, who changes them, and what the others hear of it.

use crate::world::{PASSWORD, World, anonymous, by, office_hours};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use foursight_kernel::StoreId;
use foursight_proto::identity::{
    events::v1::{StaffChanged, StoreChanged},
    v1::{
        CreateStaffRequest, CreateStoreRequest, DeactivateStaffRequest, GetStaffRequest, GetStoreRequest,
        ListStaffRequest, ListStoresRequest, Role, Staff, Store, UpdateStoreCalendarRequest,
    },
};
use foursight_testkit::{reason, wrong_fields};
use prost::{Message, Name};
use tonic::Code;
use uuid::Uuid;

fn new_store(code: &str) -> Store {
    Store {
        name: String::new(),
        code: code.into(),
        display_name: "成都一店".into(),
        region: "西南".into(),
        city: "成都".into(),
        calendar: Some(office_hours()),
    }
}

fn new_staff(login: &str, store: StoreId) -> Staff {
    Staff {
        login: login.into(),
        display_name: "新同事".into(),
        roles: vec![Role::ServiceAdvisor as i32],
        stores: vec![store.name()],
        ..Default::default()
    }
}

/// The events of a type about an aggregate, with their versions, in order.
async fn told<M: Message + Name + Default>(world: &World, aggregate: Uuid) -> Vec<(i64, M)> {
    let mut tx = world.app.db("identity").begin_as_service().await.unwrap();
    let rows = sqlx::query!(
        "SELECT version, payload FROM identity.outbox WHERE event_type = $1 AND aggregate = $2 ORDER BY seq",
        M::full_name(),
        aggregate,
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    rows.into_iter().map(|row| (row.version, M::decode(row.payload.as_slice()).unwrap())).collect()
}

#[tokio::test]
async fn a_store_sees_itself_and_headquarters_sees_all() {
    let world = World::start().await;
    let mut directory = world.directory.clone();
    let (director, cr) = (world.access("director").await, world.access("sh01.cr").await);

    let all = directory.list_stores(by(&director, ListStoresRequest::default())).await.unwrap().into_inner();
    let codes: Vec<&str> = all.stores.iter().map(|store| store.code.as_str()).collect();
    assert_eq!(codes, ["SH01", "BJ01"], "华东 before 华北, in the order of their code points");
    let own = directory.list_stores(by(&cr, ListStoresRequest::default())).await.unwrap().into_inner();
    assert_eq!(own.stores.len(), 1);
    let staff = directory.list_staff(by(&cr, ListStaffRequest::default())).await.unwrap().into_inner().staff;
    let logins: Vec<&str> = staff.iter().map(|staff| staff.login.as_str()).collect();
    assert_eq!(logins, ["sh01.cr", "sh01.sales"]);

    let far = GetStoreRequest { name: world.beijing.name() };
    let hidden = directory.get_store(by(&cr, far)).await.unwrap_err();
    assert_eq!((hidden.code(), reason(&hidden)), (Code::NotFound, "STORE_NOT_FOUND".into()));
    for somebody in [world.far, world.director] {
        let hidden =
            directory.get_staff(by(&cr, GetStaffRequest { name: somebody.name() })).await.unwrap_err();
        assert_eq!((hidden.code(), reason(&hidden)), (Code::NotFound, "STAFF_NOT_FOUND".into()));
    }
    let of_far = ListStaffRequest { store: world.beijing.name(), ..Default::default() };
    let refused = directory.list_staff(by(&cr, of_far)).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "STORE_OUT_OF_REACH".into()));
    let calendar = UpdateStoreCalendarRequest { name: world.beijing.name(), calendar: Some(office_hours()) };
    assert_eq!(directory.update_store_calendar(by(&cr, calendar)).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn only_headquarters_with_the_right_changes_the_group() {
    let world = World::start().await;
    let mut directory = world.directory.clone();
    let create = CreateStoreRequest { store: Some(new_store("CD01")), request_id: String::new() };
    let stranger = directory.create_store(anonymous(create.clone())).await.unwrap_err();
    assert_eq!(stranger.code(), Code::Unauthenticated);
    let cr = world.access("sh01.cr").await;
    assert_eq!(reason(&directory.create_store(by(&cr, create)).await.unwrap_err()), "RIGHT_MISSING");
    let leave = DeactivateStaffRequest { name: world.sales.name() };
    assert_eq!(reason(&directory.deactivate_staff(by(&cr, leave)).await.unwrap_err()), "RIGHT_MISSING");
}

#[tokio::test]
async fn a_new_store_is_told_once_however_often_it_is_asked_for() {
    let world = World::start().await;
    let director = world.access("director").await;
    let request =
        CreateStoreRequest { store: Some(new_store("cd01")), request_id: Uuid::from_u128(7).to_string() };
    let tries = (0..4).map(|_| {
        let (mut directory, request) = (world.directory.clone(), by(&director, request.clone()));
        async move { directory.create_store(request).await.unwrap().into_inner() }
    });
    let made = futures::future::join_all(tries).await;
    assert!(made.iter().all(|store| *store == made[0]));
    assert_eq!(made[0].code, "CD01");
    let id = StoreId::parse_name(&made[0].name).unwrap();
    let events = told::<StoreChanged>(&world, id.uuid()).await;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].0, &events[0].1.calendar), (1, &Some(office_hours())));

    let mut directory = world.directory.clone();
    let other = CreateStoreRequest { store: Some(new_store("CD02")), ..request };
    assert_eq!(reason(&directory.create_store(by(&director, other)).await.unwrap_err()), "REQUEST_ID_REUSED");
    let same_code = CreateStoreRequest { store: Some(new_store("CD01")), request_id: String::new() };
    assert_eq!(
        reason(&directory.create_store(by(&director, same_code)).await.unwrap_err()),
        "STORE_CODE_TAKEN"
    );
}

#[tokio::test]
async fn a_calendar_is_replaced_and_told() {
    let world = World::start().await;
    let cr = world.access("sh01.cr").await;
    let mut calendar = office_hours();
    calendar.weekly[0].day = 2;
    let request =
        UpdateStoreCalendarRequest { name: world.shanghai.name(), calendar: Some(calendar.clone()) };
    let store = world.directory.clone().update_store_calendar(by(&cr, request)).await.unwrap().into_inner();
    assert_eq!(store.calendar, Some(calendar.clone()));
    let events = told::<StoreChanged>(&world, world.shanghai.uuid()).await;
    let versions: Vec<i64> = events.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, [1, 2]);
    assert_eq!(events[1].1.calendar, Some(calendar));
}

#[tokio::test]
async fn a_new_colleague_signs_in_until_deactivated() {
    let world = World::start().await;
    let director = world.access("director").await;
    let mut directory = world.directory.clone();
    let request = CreateStaffRequest {
        staff: Some(new_staff("SH01.Service", world.shanghai)),
        password: "first password 1".into(),
        request_id: Uuid::from_u128(8).to_string(),
    };
    let made = directory.create_staff(by(&director, request.clone())).await.unwrap().into_inner();
    let again = directory.create_staff(by(&director, request.clone())).await.unwrap().into_inner();
    assert_eq!(made, again);
    let other = CreateStaffRequest { password: "another password".into(), ..request.clone() };
    assert_eq!(reason(&directory.create_staff(by(&director, other)).await.unwrap_err()), "REQUEST_ID_REUSED");
    let same_login = CreateStaffRequest { request_id: String::new(), ..request };
    assert_eq!(
        reason(&directory.create_staff(by(&director, same_login)).await.unwrap_err()),
        "STAFF_LOGIN_TAKEN"
    );

    let token = world.sign_in("sh01.service", "first password 1").await.unwrap();
    assert_eq!(token.staff, made.name);
    let leave = || by(&director, DeactivateStaffRequest { name: made.name.clone() });
    directory.deactivate_staff(leave()).await.unwrap();
    assert!(
        !directory.deactivate_staff(leave()).await.unwrap().into_inner().active,
        "twice changes nothing more"
    );
    let id = foursight_kernel::StaffId::parse_name(&made.name).unwrap();
    let events = told::<StaffChanged>(&world, id.uuid()).await;
    let story: Vec<(i64, bool)> = events.iter().map(|(version, event)| (*version, event.active)).collect();
    assert_eq!(story, [(1, true), (2, false)]);
    assert_eq!(events[1].1.stores, [world.shanghai.name()]);
}

#[tokio::test]
async fn everything_wrong_with_a_request_is_told_at_once() {
    let world = World::start().await;
    let director = world.access("director").await;
    let mut directory = world.directory.clone();
    let staff = Staff {
        login: "no blanks please".into(),
        display_name: "x".repeat(101),
        roles: vec![77],
        headquarters: true,
        stores: vec!["stores/1".into()],
        ..Default::default()
    };
    let request =
        CreateStaffRequest { staff: Some(staff), password: "too short".into(), request_id: "8".into() };
    assert_eq!(
        wrong_fields(directory.create_staff(by(&director, request)).await),
        [
            "password",
            "request_id",
            "staff.display_name",
            "staff.login",
            "staff.roles[0]",
            "staff.stores",
            "staff.stores[0]"
        ]
    );
    let unknown = CreateStaffRequest {
        staff: Some(new_staff("cd01.sales", StoreId::from(Uuid::from_u128(9)))),
        password: PASSWORD.into(),
        request_id: String::new(),
    };
    assert_eq!(wrong_fields(directory.create_staff(by(&director, unknown)).await), ["staff.stores"]);
}

/// What anybody can read in a token.
fn clear(token: &str) -> String {
    String::from_utf8_lossy(&URL_SAFE_NO_PAD.decode(token).unwrap()).into_owned()
}

#[tokio::test]
async fn pages_show_everybody_once() {
    let world = World::start().await;
    let director = world.access("director").await;
    let mut directory = world.directory.clone();
    let (mut logins, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListStaffRequest { page_size: 3, page_token, ..Default::default() };
        let page = directory.list_staff(by(&director, request)).await.unwrap().into_inner();
        let token = clear(&page.next_page_token);
        for staff in &page.staff {
            assert!(!token.contains(&staff.display_name), "a token goes through URLs: {token}");
        }
        logins.extend(page.staff.into_iter().map(|staff| staff.login));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(logins, ["bj01.sales", "director", "sh01.cr", "sh01.sales"]);
    // Each begins after the one before, also in pages of one.
    let mut one = ListStaffRequest { page_size: 1, ..Default::default() };
    for login in &logins {
        let page = directory.list_staff(by(&director, one.clone())).await.unwrap().into_inner();
        assert_eq!(&page.staff[0].login, login);
        one.page_token = page.next_page_token;
    }

    let advisors = ListStaffRequest {
        store: world.shanghai.name(),
        role: Role::SalesAdvisor as i32,
        ..Default::default()
    };
    let found = directory.list_staff(by(&director, advisors)).await.unwrap().into_inner().staff;
    assert_eq!(found.len(), 1);
    let first =
        directory.list_stores(by(&director, ListStoresRequest { page_size: 1, ..Default::default() }));
    let first = first.await.unwrap().into_inner();
    let rest = ListStoresRequest { page_size: 1, page_token: first.next_page_token };
    let rest = directory.list_stores(by(&director, rest)).await.unwrap().into_inner();
    assert_eq!((first.stores[0].code.as_str(), rest.stores[0].code.as_str()), ("SH01", "BJ01"));
    assert!(rest.next_page_token.is_empty());
}

#[tokio::test]
async fn a_store_that_is_hardly_ever_open_is_refused() {
    let world = World::start().await;
    let cr = world.access("sh01.cr").await;
    let mut calendar = office_hours();
    calendar.weekly.truncate(0);
    let request = UpdateStoreCalendarRequest { name: world.shanghai.name(), calendar: Some(calendar) };
    let refused = world.directory.clone().update_store_calendar(by(&cr, request)).await;
    assert_eq!(foursight_testkit::wrong_fields(refused), ["calendar.weekly"]);
}
