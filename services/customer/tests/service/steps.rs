//! Grades and hand-backs that come twice, or from two people at once.

use foursight_proto::{
    customer::{
        events::v1::{LeadGraded, VisitCompleted},
        v1::{CompleteVisitRequest, GradeLeadRequest, LeadGrade},
    },
    google::r#type::Money,
};
use foursight_testkit::{metadata, refusal};
use futures::future::join_all;
use tonic::Code;

use crate::world::{World, delivery};

#[tokio::test]
async fn a_grade_that_comes_again_is_given_once() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let lead = world.lead(&world.here, world.hangzhou, &customer).await;
    let grade = GradeLeadRequest {
        name: lead.name.clone(),
        grade: LeadGrade::H.into(),
        etag: lead.etag.clone(),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let sent = join_all((0..6).map(async |_| world.leads(&world.here).grade_lead(grade.clone()).await)).await;
    let mut answers: Vec<_> = sent.into_iter().map(|answer| answer.unwrap().into_inner()).collect();
    answers.dedup();
    assert_eq!(answers.len(), 1, "all are answered alike");
    assert_eq!(world.stack.told::<LeadGraded>().await.unwrap().len(), 1);

    let other = GradeLeadRequest { grade: LeadGrade::C.into(), ..grade.clone() };
    let reused = world.leads(&world.here).grade_lead(other).await;
    assert_eq!(refusal(reused), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
    let slower = GradeLeadRequest { request_id: String::new(), grade: LeadGrade::C.into(), ..grade };
    let slower = world.leads(&world.here).grade_lead(slower).await.unwrap_err();
    assert_eq!(metadata(&slower, "grade").as_deref(), Some("LEAD_GRADE_H"), "what somebody else said");
    assert_eq!(refusal::<()>(Err(slower)), (Code::Aborted, "LEAD_CHANGED".to_owned()));
}

#[tokio::test]
async fn a_car_is_handed_back_once_and_the_second_one_is_told_when() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let car =
        world.deliver(&world.here, delivery(&customer, world.hangzhou, "LDEMA00000X000001")).await.unwrap();
    let visit = world.check_in(&world.here, world.hangzhou, &car.vehicle, 800).await.unwrap();
    let pay = |units: i64| CompleteVisitRequest {
        name: visit.name.clone(),
        amount: Some(Money { currency_code: "CNY".to_owned(), units, nanos: 0 }),
        etag: visit.etag.clone(),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let complete = async |request| Ok(world.visits(&world.here).complete_visit(request).await?.into_inner());
    let requests = [pay(680), pay(690)];
    let answers = join_all(requests.clone().map(complete)).await;
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for (request, answer) in requests.into_iter().zip(answers) {
        match answer {
            Ok(visit) => taken.push((request, visit)),
            Err(status) => refused.push(status),
        }
    }
    let [(request, handed_over)] = &taken[..] else { panic!("{taken:?} {refused:?}") };
    for status in refused {
        let at = metadata(&status, "hand_over_time").unwrap();
        let handed = handed_over.hand_over_time.unwrap();
        assert_eq!(at.parse::<jiff::Timestamp>().unwrap().as_second(), handed.seconds);
        assert_eq!(refusal::<()>(Err(status)), (Code::Aborted, "VISIT_CHANGED".to_owned()));
    }
    // Who has not said what the visit was like is told what it is like.
    let again = complete(CompleteVisitRequest { etag: String::new(), ..pay(680) }).await.unwrap_err();
    assert!(metadata(&again, "hand_over_time").is_some());
    let told = (Code::FailedPrecondition, "VISIT_ALREADY_HANDED_OVER".to_owned());
    assert_eq!(refusal::<()>(Err(again)), told);
    assert_eq!(&complete(request.clone()).await.unwrap(), handed_over, "the same request once more");
    assert_eq!(world.stack.told::<VisitCompleted>().await.unwrap().len(), 1);
}
