//! From intake to the satisfied re-visit.

use std::sync::atomic::Ordering;

use anyhow::Result;
use foursight_kernel::{CallTaskId, CustomerId, StoreId, VehicleId, VisitId};
use foursight_proto::{
    complaint::{
        events::v1::{CaseAdvanced, CaseOpened, Step},
        v1::{
            AssignCaseRequest, Case, CaseState, ClockKind, ClockState, CreateCaseRequest, GetCaseRequest,
            ReopenCaseRequest, ReplyCaseRequest,
        },
    },
    identity::v1::Role,
};
use foursight_testkit::{refusal, wrong_fields};
use jiff::SignedDuration;
use tonic::{Code, Status};

use crate::world::World;

#[tokio::test]
async fn a_complaint_lives_to_the_satisfied_revisit() -> Result<()> {
    let world = World::new().await?;
    let taken = world.complain().await?;
    assert_eq!(taken.state(), CaseState::Open);
    assert_eq!(taken.owner, world.handler.id.name(), "whoever takes it owns it");
    assert_eq!(taken.number, "SH01-202603-0001");
    let why = &taken.clocks[0].explanation;
    assert!(why.contains("周三（03-04） 10:00–12:00 计 2 小时"), "{why}");
    let name = &taken.name;

    let reply =
        ReplyCaseRequest { name: name.clone(), note: "已致电安抚".to_owned(), ..Default::default() };
    let replied = world.cases(&world.handler).reply_case(reply).await?.into_inner();
    assert_eq!(replied.state(), CaseState::Open);
    assert_eq!(replied.clocks[0].state(), ClockState::Met);

    let before = refusal(world.handle(name).await);
    assert_eq!(before, (Code::FailedPrecondition, "CASE_NOT_ASSIGNED".to_owned()));
    world.assign(name).await?;
    world.handle(name).await?;
    let told = world.tell_result(name).await?;
    assert_eq!(told.clocks.iter().filter(|clock| clock.kind() == ClockKind::Revisit).count(), 1);

    let own = refusal(world.revisit(&world.handler, name, true).await);
    assert_eq!(own, (Code::FailedPrecondition, "REVISIT_BY_HANDLER".to_owned()));
    let again = world.revisit(&world.visitor, name, false).await?;
    assert_eq!((again.state(), again.r#loop), (CaseState::Reopened, 2));

    world.assign(name).await?;
    world.handle(name).await?;
    world.tell_result(name).await?;
    let closed = world.revisit(&world.visitor, name, true).await?;
    assert_eq!((closed.state(), closed.r#loop), (CaseState::Closed, 2));
    assert!(closed.close_time.is_some());
    assert!(closed.clocks.iter().all(|clock| clock.state() == ClockState::Met));
    assert_eq!(closed.steps.len(), 10);
    let read =
        world.cases(&world.visitor).get_case(GetCaseRequest { name: name.clone() }).await?.into_inner();
    assert_eq!(read, closed, "what was answered is what is kept");

    assert_eq!(world.stack.told::<CaseOpened>().await?.len(), 1);
    let steps: Vec<_> = world.stack.told::<CaseAdvanced>().await?.iter().map(CaseAdvanced::step).collect();
    let round = [Step::Assigned, Step::Handled, Step::ResultTold];
    let mut expected = vec![Step::Replied];
    expected.extend(round);
    expected.push(Step::RevisitReopened);
    expected.extend(round);
    expected.push(Step::Closed);
    assert_eq!(steps, expected);
    Ok(())
}

#[tokio::test]
async fn a_closed_case_is_reopened_for_thirty_days() -> Result<()> {
    let world = World::new().await?;
    let name = &world.complain().await?.name;
    world.assign(name).await?;
    world.handle(name).await?;
    world.tell_result(name).await?;
    world.revisit(&world.visitor, name, true).await?;

    let reopen =
        ReopenCaseRequest { name: name.clone(), note: "异响又出现".to_owned(), ..Default::default() };
    world.stack.clock.advance(SignedDuration::from_hours(31 * 24));
    let late = refusal(world.cases(&world.handler).reopen_case(reopen.clone()).await);
    assert_eq!(late, (Code::FailedPrecondition, "CASE_TOO_OLD_TO_REOPEN".to_owned()));
    world.stack.clock.advance(SignedDuration::from_hours(-2 * 24));
    let reopened = world.cases(&world.handler).reopen_case(reopen).await?.into_inner();
    assert_eq!((reopened.state(), reopened.r#loop), (CaseState::Reopened, 2));
    assert!(reopened.close_time.is_none());
    Ok(())
}

#[tokio::test]
async fn whoever_was_slower_is_told() -> Result<()> {
    let world = World::new().await?;
    let read = world.complain().await?;
    let assign = AssignCaseRequest {
        name: read.name.clone(),
        assignee: world.visitor.id.name(),
        etag: read.etag.clone(),
        ..Default::default()
    };
    world.cases(&world.handler).assign_case(assign.clone()).await?;
    let slower = refusal(world.cases(&world.visitor).assign_case(assign).await);
    assert_eq!(slower, (Code::Aborted, "CASE_CHANGED".to_owned()));
    Ok(())
}

#[tokio::test]
async fn only_active_staff_of_the_store_are_given_cases() -> Result<()> {
    let world = World::new().await?;
    let name = &world.complain().await?.name;
    let stranger = world.stack.ids.next();
    world.tell_staff(stranger, Role::CrManager, &[world.stack.ids.next()], true, 1).await?;
    let gone = world.stack.ids.next();
    world.tell_staff(gone, Role::CrManager, &[world.store], false, 2).await?;
    // Old news about somebody who left.
    world.tell_staff(gone, Role::CrManager, &[world.store], true, 1).await?;
    // Works here, and may not work on complaints.
    let seller = world.stack.ids.next();
    world.tell_staff(seller, Role::SalesAdvisor, &[world.store], true, 1).await?;
    world.stack.settled().await?;
    for assignee in [stranger, gone, seller] {
        assert_eq!(wrong_fields(world.assign_to(assignee, name).await), ["assignee"]);
    }
    Ok(())
}

/// As it is after an upgrade, until identity's history was heard again.
#[tokio::test]
async fn whose_roles_are_not_known_yet_is_given_cases_as_before() -> Result<()> {
    let world = World::new().await?;
    let name = &world.complain().await?.name;
    let owner = world.stack.owner().await?;
    sqlx::query("UPDATE complaint.staff SET roles = NULL").execute(&owner).await?;
    world.assign_to(world.visitor.id, name).await?;
    // The same news again tells the roles.
    world.tell_staff(world.visitor.id, Role::SalesAdvisor, &[world.store], true, 1).await?;
    world.stack.settled().await?;
    assert_eq!(wrong_fields(world.assign_to(world.visitor.id, name).await), ["assignee"]);
    Ok(())
}

#[tokio::test]
async fn who_handled_a_case_in_an_earlier_loop_does_not_make_the_revisit() -> Result<()> {
    let world = World::new().await?;
    let second = world.stack.staff(&[Role::CrManager], &[world.store])?;
    world.tell_staff(second.id, Role::CrManager, &[world.store], true, 1).await?;
    world.stack.settled().await?;
    let name = &world.complain().await?.name;
    world.assign(name).await?;
    world.handle(name).await?;
    // Who only replied after the handling did not handle.
    let reply =
        ReplyCaseRequest { name: name.clone(), note: "已再次致电".to_owned(), ..Default::default() };
    world.cases(&world.visitor).reply_case(reply).await?;
    world.tell_result(name).await?;
    world.revisit(&world.visitor, name, false).await?;

    world.assign_to(second.id, name).await?;
    world.handle_by(&second, name).await?;
    world.tell_result(name).await?;
    for handler in [&world.handler, &second] {
        let own = refusal(world.revisit(handler, name, true).await);
        assert_eq!(own, (Code::FailedPrecondition, "REVISIT_BY_HANDLER".to_owned()));
    }
    assert_eq!(world.revisit(&world.visitor, name, true).await?.state(), CaseState::Closed);
    Ok(())
}

#[tokio::test]
async fn a_case_is_about_something_of_its_store() -> Result<()> {
    let world = World::new().await?;
    let elsewhere: StoreId = world.stack.ids.next();
    let subjects = &world.notification.subjects;
    let about = async |subject: String| {
        let case = Case { subject, ..world.complaint() };
        let request = CreateCaseRequest { case: Some(case), ..Default::default() };
        Ok::<_, Status>(world.cases(&world.handler).create_case(request).await?.into_inner())
    };
    let call = |store: StoreId| {
        let id: CallTaskId = world.stack.ids.next();
        subjects.know(&id.name(), store);
        id.name()
    };
    let visit = |store: StoreId| {
        let id: VisitId = world.stack.ids.next();
        subjects.know(&id.name(), store);
        id.name()
    };
    let car: VehicleId = world.stack.ids.next();
    subjects.know(&car.name(), elsewhere);
    let unknown: VehicleId = world.stack.ids.next();

    for wrong in [call(elsewhere), visit(elsewhere), unknown.name()] {
        assert_eq!(wrong_fields(about(wrong).await), ["case.subject"]);
    }
    for right in [call(world.store), visit(world.store), car.name()] {
        assert_eq!(about(right.clone()).await?.subject, right);
    }
    let right = call(world.store);
    world.notification.away.store(true, Ordering::SeqCst);
    assert_eq!(refusal(about(right).await), (Code::Unavailable, "SUBJECT_AWAY".to_owned()));
    assert_eq!(world.stack.told::<CaseOpened>().await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn every_wrong_field_is_named() -> Result<()> {
    let world = World::new().await?;
    let mut case = world.complaint();
    // A branch of the tree, not one of its leaves.
    case.category = "repair".to_owned();
    case.subject = "leads/1".to_owned();
    case.customer = world.stack.ids.next::<CustomerId>().name();
    let request = CreateCaseRequest { case: Some(case), request_id: "no".to_owned() };
    let found = wrong_fields(world.cases(&world.handler).create_case(request).await);
    assert_eq!(found, ["case.category", "case.customer", "case.subject", "request_id"]);
    let case = Case { category: String::new(), ..world.complaint() };
    let request = CreateCaseRequest { case: Some(case), ..Default::default() };
    let found = wrong_fields(world.cases(&world.handler).create_case(request).await);
    assert_eq!(found, ["case.category"], "it is said once");
    Ok(())
}

#[tokio::test]
async fn headquarters_names_a_store_that_exists() -> Result<()> {
    let world = World::new().await?;
    let headquarters = world.stack.headquarters(&[Role::CrManager])?;
    let nowhere: StoreId = world.stack.ids.next();
    for (store, wrong) in [(nowhere, true), (world.store, false)] {
        let case = Case { store: store.name(), ..world.complaint() };
        let request = CreateCaseRequest { case: Some(case), ..Default::default() };
        let answer = world.cases(&headquarters).create_case(request).await;
        if wrong {
            assert_eq!(wrong_fields(answer), ["case.store"]);
        } else {
            assert_eq!(answer?.into_inner().store, store.name());
        }
    }
    assert_eq!(world.stack.told::<CaseOpened>().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_same_request_makes_one_case() -> Result<()> {
    let world = World::new().await?;
    let request_id = world.stack.ids.uuid().to_string();
    let request = CreateCaseRequest { case: Some(world.complaint()), request_id: request_id.clone() };
    let mut cases = world.cases(&world.handler);
    let first = cases.create_case(request.clone()).await?.into_inner();
    let second = cases.create_case(request.clone()).await?.into_inner();
    assert_eq!(first, second);
    let mut other = world.complaint();
    other.description = "另一件事".to_owned();
    let request = CreateCaseRequest { case: Some(other), request_id };
    let reused = refusal(cases.create_case(request).await);
    assert_eq!(reused, (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
    assert_eq!(world.stack.told::<CaseOpened>().await?.len(), 1);
    Ok(())
}
