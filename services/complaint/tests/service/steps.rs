//! Steps that come twice, and steps of several people at once.

use anyhow::Result;
use foursight_proto::complaint::{
    events::v1::CaseAdvanced,
    v1::{
        AssignCaseRequest, Case, CaseState, Cause, HandleCaseRequest, Measure, ReopenCaseRequest,
        ReplyCaseRequest, RevisitCaseRequest, TellCaseResultRequest,
    },
};
use foursight_testkit::{metadata, refusal};
use futures::future::join_all;
use tonic::{Code, Status};

use crate::world::World;

#[tokio::test]
async fn a_step_that_comes_again_is_answered_alike_and_not_taken_again() -> Result<()> {
    let world = World::new().await?;
    let name = world.complain().await?.name;
    let (mut by_handler, mut by_visitor) = (world.cases(&world.handler), world.cases(&world.visitor));
    let id = || world.stack.ids.uuid().to_string();
    let note = || "已记录".to_owned();
    macro_rules! twice {
        ($client:ident.$step:ident, $request:expr) => {{
            let request = $request;
            let first: Case = $client.$step(request.clone()).await?.into_inner();
            assert_eq!($client.$step(request).await?.into_inner(), first);
            first
        }};
    }
    let request =
        ReplyCaseRequest { name: name.clone(), note: note(), request_id: id(), ..Default::default() };
    let replied = twice!(by_handler.reply_case, request);
    let (assignee, etag) = (world.handler.id.name(), replied.etag);
    // The etag is the one from before the step: it does not refuse the repetition.
    twice!(
        by_handler.assign_case,
        AssignCaseRequest { name: name.clone(), assignee, etag, request_id: id() }
    );
    let request = HandleCaseRequest {
        name: name.clone(),
        cause: Cause::Service.into(),
        measure: Measure::Rework.into(),
        note: note(),
        request_id: id(),
        ..Default::default()
    };
    twice!(by_handler.handle_case, request);
    let request =
        TellCaseResultRequest { name: name.clone(), note: note(), request_id: id(), ..Default::default() };
    twice!(by_handler.tell_case_result, request);
    let request = RevisitCaseRequest {
        name: name.clone(),
        satisfied: Some(true),
        note: note(),
        request_id: id(),
        ..Default::default()
    };
    twice!(by_visitor.revisit_case, request);
    let request =
        ReopenCaseRequest { name: name.clone(), note: note(), request_id: id(), ..Default::default() };
    let reopened = twice!(by_handler.reopen_case, request);
    // Taken, and six steps.
    assert_eq!((reopened.steps.len(), reopened.r#loop), (7, 2));
    assert_eq!(world.stack.told::<CaseAdvanced>().await?.len(), 6);
    Ok(())
}

#[tokio::test]
async fn a_request_id_is_one_step_of_one_person() -> Result<()> {
    let world = World::new().await?;
    let (name, other) = (world.complain().await?.name, world.complain().await?.name);
    let request_id = world.stack.ids.uuid().to_string();
    let reply = ReplyCaseRequest { name, note: "已致电".to_owned(), request_id, ..Default::default() };
    world.cases(&world.handler).reply_case(reply.clone()).await?;

    let reused = (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned());
    let at_other = ReplyCaseRequest { name: other, ..reply.clone() };
    assert_eq!(refusal(world.cases(&world.handler).reply_case(at_other).await), reused);
    assert_eq!(refusal(world.cases(&world.visitor).reply_case(reply.clone()).await), reused);
    let ReplyCaseRequest { name, note, etag, request_id } = reply;
    let reopen = ReopenCaseRequest { name, note, etag, request_id };
    assert_eq!(refusal(world.cases(&world.handler).reopen_case(reopen).await), reused);
    assert_eq!(world.stack.told::<CaseAdvanced>().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn of_one_step_that_comes_many_times_at_once_there_is_one() -> Result<()> {
    let world = World::new().await?;
    let name = world.complain().await?.name;
    let request_id = world.stack.ids.uuid().to_string();
    let reply = ReplyCaseRequest { name, note: "已致电".to_owned(), request_id, ..Default::default() };
    let sent = join_all((0..8).map(async |_| {
        Ok::<_, Status>(world.cases(&world.handler).reply_case(reply.clone()).await?.into_inner())
    }))
    .await;
    for answer in sent {
        assert_eq!(answer?.steps.len(), 2);
    }
    assert_eq!(world.stack.told::<CaseAdvanced>().await?.len(), 1);
    Ok(())
}

/// The one that went through, and what the others were told.
fn one_of(answers: Vec<Result<Case, Status>>) -> (Case, Vec<Status>) {
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(case) => taken.push(case),
            Err(status) => refused.push(status),
        }
    }
    assert_eq!(taken.len(), 1, "{refused:?}");
    (taken.remove(0), refused)
}

#[tokio::test]
async fn who_comes_second_is_told_what_the_first_one_did() -> Result<()> {
    let world = World::new().await?;
    let name = &world.complain().await?.name;
    let people = [&world.handler, &world.visitor];

    // Both want the case for themselves.
    let assign = async |who: &foursight_testkit::Caller, etag: &str| {
        let (name, assignee, etag) = (name.clone(), who.id.name(), etag.to_owned());
        let request = AssignCaseRequest { name, assignee, etag, ..Default::default() };
        Ok::<_, Status>(world.cases(who).assign_case(request).await?.into_inner())
    };
    let (assigned, refused) = one_of(join_all(people.map(|who| assign(who, ""))).await);
    for status in refused {
        assert_eq!(metadata(&status, "state").as_deref(), Some("CASE_STATE_ASSIGNED"));
        assert_eq!(metadata(&status, "last_step_by"), Some(assigned.owner.clone()));
        let told = (Code::FailedPrecondition, "CASE_ALREADY_ASSIGNED".to_owned());
        assert_eq!(refusal::<()>(Err(status)), told);
    }
    // Who has read the case may overrule that.
    let overruled = assign(people[1], &assigned.etag).await?;
    assert_eq!(overruled.owner, people[1].id.name());
    let late = foursight_testkit::refused(assign(people[0], &assigned.etag).await);
    assert_eq!(metadata(&late, "last_step_by"), Some(people[1].id.name()));
    assert_eq!(refusal::<()>(Err(late)), (Code::Aborted, "CASE_CHANGED".to_owned()));

    let (handled, refused) = one_of(join_all(people.map(|who| world.handle_by(who, name))).await);
    for status in refused {
        assert_eq!(metadata(&status, "last_step_by"), Some(handled.handler.clone()));
        assert!(status.message().contains(&handled.handler), "{}", status.message());
        let told = (Code::FailedPrecondition, "CASE_ALREADY_HANDLED".to_owned());
        assert_eq!(refusal::<()>(Err(status)), told);
    }
    let told = [world.tell_result(name), world.tell_result(name)];
    let (_, refused) = one_of(join_all(told).await);
    for status in refused {
        let told = (Code::FailedPrecondition, "CASE_RESULT_ALREADY_TOLD".to_owned());
        assert_eq!(refusal::<()>(Err(status)), told);
    }
    let read = world.read(name).await?;
    assert_eq!(read.state(), CaseState::ResultTold);
    // Taken, assigned twice, handled, told.
    assert_eq!(read.steps.len(), 5);
    Ok(())
}
