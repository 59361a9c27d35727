//! The cases of somebody who left wait for another owner, and say why.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use foursight_kernel::StaffId;
use foursight_proto::{
    complaint::{
        events::v1::{CaseAdvanced, Step},
        v1::{AssignCaseRequest, Case, CaseState, CreateCaseRequest, GetCaseRequest, ListCasesRequest},
    },
    identity::v1::Role,
};
use foursight_testkit::{Caller, refusal, wrong_fields};
use tonic::Code;

use crate::world::World;

/// Somebody of the store who works on cases.
async fn colleague(world: &World) -> Result<Caller> {
    let colleague = world.stack.staff(&[Role::CrManager], &[world.store])?;
    world.tell_staff(colleague.id, Role::CrManager, &[world.store], true, 1).await?;
    world.stack.settled().await?;
    Ok(colleague)
}

async fn leaves(world: &World, staff: StaffId) -> Result<()> {
    world.tell_staff(staff, Role::CrManager, &[world.store], false, 2).await?;
    look(world).await
}

/// A whole round of the worker that looks for what leavers left behind.
async fn look(world: &World) -> Result<()> {
    world.stack.settled().await?;
    while !world.stack.running.round("complaint", "release").await? {}
    Ok(())
}

async fn read(world: &World, name: &str) -> Result<Case> {
    Ok(world.cases(&world.visitor).get_case(GetCaseRequest { name: name.to_owned() }).await?.into_inner())
}

async fn of_nobody(world: &World) -> Result<Vec<String>> {
    let request = ListCasesRequest { unassigned: true, ..Default::default() };
    let cases = world.cases(&world.visitor).list_cases(request).await?.into_inner().cases;
    Ok(cases.into_iter().map(|case| case.name).collect())
}

#[tokio::test]
async fn the_case_of_a_leaver_is_to_be_assigned_again_and_stays_as_urgent() -> Result<()> {
    let world = World::new().await?;
    let leaver = colleague(&world).await?;
    let (name, other) = (world.complain().await?.name, world.complain().await?.name);
    let before = world.assign_to(leaver.id, &name).await?;
    world.assign(&other).await?;
    look(&world).await?;
    assert!(of_nobody(&world).await?.is_empty(), "nobody has left yet");

    leaves(&world, leaver.id).await?;
    look(&world).await?;
    let after = read(&world, &name).await?;
    assert_eq!((after.state(), after.owner.as_str(), after.r#loop), (CaseState::Open, "", 1));
    assert_eq!(after.clocks, before.clocks, "the customer waits all the same");
    assert_eq!(after.steps.len(), before.steps.len() + 1, "taken once, however often it is looked for");
    let step = after.steps.last().context("a step")?;
    assert_eq!((step.state(), step.staff.as_str()), (CaseState::Open, ""));
    assert!(step.note.contains("待重新指派"), "{}", step.note);
    assert_eq!(of_nobody(&world).await?, std::slice::from_ref(&name));
    assert_eq!(read(&world, &other).await?.owner, world.handler.id.name());

    // Who read the case before is told that it changed.
    let assignee = world.visitor.id.name();
    let stale = AssignCaseRequest { name: name.clone(), assignee, etag: before.etag, ..Default::default() };
    let stale = refusal(world.cases(&world.handler).assign_case(stale).await);
    assert_eq!(stale, (Code::Aborted, "CASE_CHANGED".to_owned()));
    assert_eq!(refusal(world.handle(&name).await).1, "CASE_NOT_ASSIGNED");
    let given = world.assign(&name).await?;
    assert_eq!((given.state(), &given.owner), (CaseState::Assigned, &world.handler.id.name()));
    world.handle(&name).await?;

    let steps: Vec<_> = world
        .stack
        .told::<CaseAdvanced>()
        .await?
        .iter()
        .filter(|told| told.case == name)
        .map(|told| (told.step(), told.owner.clone()))
        .collect();
    let (leaver, handler) = (leaver.id.name(), world.handler.id.name());
    assert_eq!(
        steps,
        [
            (Step::Assigned, leaver),
            (Step::Released, String::new()),
            (Step::Assigned, handler.clone()),
            (Step::Handled, handler),
        ]
    );
    let owner = world.stack.owner().await?;
    let audited: Vec<(String, String)> =
        sqlx::query_as("SELECT subject, resource FROM complaint.audit WHERE method = 'ReleaseCase'")
            .fetch_all(&owner)
            .await?;
    assert_eq!(audited, [("service/complaint".to_owned(), name)]);
    Ok(())
}

#[tokio::test]
async fn a_case_is_released_where_it_stands() -> Result<()> {
    let world = World::new().await?;
    let (first, second) = (colleague(&world).await?, colleague(&world).await?);
    let [handled, again, closed] =
        [world.complain().await?.name, world.complain().await?.name, world.complain().await?.name];
    for name in [&handled, &again, &closed] {
        world.assign_to(first.id, name).await?;
        world.handle_by(&first, name).await?;
    }
    for name in [&again, &closed] {
        world.tell_result(name).await?;
        world.revisit(&world.visitor, name, *name == closed).await?;
    }
    world.assign_to(second.id, &again).await?;
    leaves(&world, first.id).await?;
    leaves(&world, second.id).await?;

    let closed = read(&world, &closed).await?;
    assert_eq!((closed.state(), &closed.owner), (CaseState::Closed, &first.id.name()), "it is over");
    let again = read(&world, &again).await?;
    assert_eq!((again.state(), again.owner.as_str(), again.r#loop), (CaseState::Reopened, "", 2));
    // Handled, but not told yet: somebody else sees it to its end, and who handled it stays known.
    let case = read(&world, &handled).await?;
    assert_eq!(
        (case.state(), case.owner.as_str(), &case.handler),
        (CaseState::Handled, "", &first.id.name())
    );
    let given = world.assign(&handled).await?;
    assert_eq!((given.state(), &given.owner), (CaseState::Handled, &world.handler.id.name()));
    assert_eq!(refusal(world.assign_to(world.visitor.id, &handled).await).1, "CASE_ALREADY_HANDLED");
    world.tell_result(&handled).await?;
    assert_eq!(refusal(world.revisit(&first, &handled, true).await).1, "REVISIT_BY_HANDLER");
    assert_eq!(world.revisit(&world.visitor, &handled, true).await?.state(), CaseState::Closed);
    Ok(())
}

#[tokio::test]
async fn who_changes_store_or_handles_complaints_no_more_leaves_them_behind() -> Result<()> {
    let world = World::new().await?;
    let (moved, sells) = (colleague(&world).await?, colleague(&world).await?);
    let (one, two) = (world.complain().await?.name, world.complain().await?.name);
    world.assign_to(moved.id, &one).await?;
    world.assign_to(sells.id, &two).await?;
    world.tell_staff(moved.id, Role::CrManager, &[world.stack.ids.next()], true, 2).await?;
    world.tell_staff(sells.id, Role::SalesAdvisor, &[world.store], true, 2).await?;
    look(&world).await?;
    let listed: BTreeSet<_> = of_nobody(&world).await?.into_iter().collect();
    assert_eq!(listed, BTreeSet::from([one, two]));
    Ok(())
}

/// With a token that is valid still, but older than what identity told.
#[tokio::test]
async fn who_has_left_takes_no_case() -> Result<()> {
    let world = World::new().await?;
    let (leaver, newcomer) =
        (colleague(&world).await?, world.stack.staff(&[Role::CrManager], &[world.store])?);
    let take = async |by: &Caller, request_id: &str| {
        let request = CreateCaseRequest { case: Some(world.complaint()), request_id: request_id.to_owned() };
        Ok::<_, tonic::Status>(world.cases(by).create_case(request).await?.into_inner())
    };
    let request_id = world.stack.ids.uuid().to_string();
    let taken = take(&leaver, &request_id).await?;
    leaves(&world, leaver.id).await?;
    assert_eq!(wrong_fields(take(&leaver, "").await), ["case.owner"]);
    assert_eq!(take(&leaver, &request_id).await?.name, taken.name, "what was taken before is answered");
    // Nothing was told of the newcomer yet.
    assert_eq!(take(&newcomer, "").await?.owner, newcomer.id.name());
    Ok(())
}
