//! Birthdays by the solar and by the lunar calendar, and when the next one is.

use foursight_proto::{
    customer::v1::{Customer, ListCustomersRequest, LunarDate},
    google::r#type::Date,
};
use foursight_testkit::wrong_fields;

use crate::world::{World, creation, person};

#[expect(clippy::unnecessary_wraps, reason = "as a file has it")]
fn solar(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

#[expect(clippy::unnecessary_wraps, reason = "as a file has it")]
fn lunar(year: i32, month: i32, leap_month: bool, day: i32) -> Option<LunarDate> {
    Some(LunarDate { year, month, leap_month, day })
}

impl World {
    /// From then on it is so late.
    fn at(&self, instant: &str) {
        self.stack.clock.set(instant.parse().unwrap());
    }

    async fn born(&self, phone: &str, birthday: Option<Date>, lunar_birthday: Option<LunarDate>) -> Customer {
        let customer = Customer { birthday, lunar_birthday, ..person(self.hangzhou, "示例一", phone) };
        self.customers(&self.here).create_customer(creation(customer)).await.unwrap().into_inner()
    }
}

#[tokio::test]
async fn a_file_keeps_the_lunar_birthday_and_tells_the_next_one_in_solar_days() {
    let world = World::start().await;
    // Noon of New Year's Eve by the lunar calendar.
    world.at("2027-02-05T04:00:00Z");
    let made = world.born("13800001234", solar(1990, 7, 1), lunar(1990, 5, true, 10)).await;
    assert_eq!(made.lunar_birthday, lunar(1990, 5, true, 10));
    assert_eq!(made.birthday, solar(1990, 7, 1), "the id card's date stays beside it");
    assert_eq!(made.next_birthday, solar(2027, 6, 14), "the ordinary 5th month: 2027 has no leap one");
    assert_eq!(world.file(&world.here, &made.name).await.unwrap(), made);
    world.stack.settled().await.unwrap();
    let request = ListCustomersRequest { q: "示例".to_owned(), ..ListCustomersRequest::default() };
    let listed = world.customers(&world.here).list_customers(request).await.unwrap().into_inner();
    assert_eq!(listed.customers, [made]);

    let eve = world.born("13800001235", None, lunar(0, 12, false, 30)).await;
    assert_eq!(eve.next_birthday, solar(2027, 2, 5), "the year's last day, which is the 29th in this year");
    let leap_day = world.born("13800001236", solar(2000, 2, 29), None).await;
    assert_eq!(leap_day.next_birthday, solar(2027, 2, 28));
    let unknown = world.born("13800001237", None, None).await;
    assert_eq!(unknown.next_birthday, None);
}

#[tokio::test]
async fn a_birthday_is_over_when_the_day_is_over_at_the_store() {
    let world = World::start().await;
    world.at("2027-02-05T15:59:59Z");
    let made = world.born("13800001234", None, lunar(0, 12, false, 29)).await;
    assert_eq!(made.next_birthday, solar(2027, 2, 5), "23:59:59 in Hangzhou");
    world.at("2027-02-05T16:00:00Z");
    let read = world.file(&world.here, &made.name).await.unwrap();
    assert_eq!(read.next_birthday, solar(2028, 1, 25), "midnight has come");

    // A store further west, and identity says so.
    world.directory.with_time_zone(world.suzhou, "Asia/Kolkata");
    let there = Customer {
        lunar_birthday: lunar(0, 12, false, 29),
        ..person(world.suzhou, "示例二", "13800001235")
    };
    let there = world.customers(&world.there).create_customer(creation(there)).await.unwrap().into_inner();
    assert_eq!(there.next_birthday, solar(2027, 2, 5), "half past nine in the evening");
    // Files are read while identity is away, too.
    world.directory.away(true);
    assert_eq!(world.file(&world.there, &there.name).await.unwrap(), there);
    assert_eq!(world.file(&world.here, &made.name).await.unwrap(), read);
}

#[tokio::test]
async fn a_reception_learns_a_lunar_birthday_once() {
    let world = World::start().await;
    let file = world.born("13800001234", None, None).await;
    let visitor =
        |lunar_birthday| Customer { lunar_birthday, ..person(world.hangzhou, "示例一", "13800001234") };
    let learnt = world.receive(&world.here, world.hangzhou, visitor(lunar(1990, 5, true, 10))).await;
    let outcome = learnt.visitor_outcome.unwrap();
    assert_eq!((outcome.added, outcome.not_taken), (vec!["lunar_birthday".to_owned()], vec![]));
    let other = world.receive(&world.here, world.hangzhou, visitor(lunar(1991, 1, false, 1))).await;
    let outcome = other.visitor_outcome.unwrap();
    assert_eq!((outcome.added, outcome.not_taken), (vec![], vec!["lunar_birthday".to_owned()]));
    let read = world.file(&world.here, &file.name).await.unwrap();
    assert_eq!(read.lunar_birthday, lunar(1990, 5, true, 10));
}

#[tokio::test]
async fn a_lunar_day_that_never_was_is_told_by_its_part() {
    let world = World::start().await;
    for (told, field) in [
        (lunar(1991, 5, true, 10), "customer.lunar_birthday.leap_month"),
        (lunar(0, 13, false, 10), "customer.lunar_birthday.month"),
        (lunar(2025, 12, false, 30), "customer.lunar_birthday.day"),
        (lunar(2099, 1, false, 1), "customer.lunar_birthday"),
    ] {
        let customer =
            Customer { lunar_birthday: told, ..person(world.hangzhou, "示例一", "13800001234") };
        let refused = world.customers(&world.here).create_customer(creation(customer)).await;
        assert_eq!(wrong_fields(refused), [field]);
    }
}
