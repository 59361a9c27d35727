//! Follow-up calls, from the event that plans them to the evidence that ends them.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use foursight_kernel::{StaffId, StoreId, time::to_proto};
use foursight_notification::bulk::{self, PastCall, PastOutcome, PastSubject};
use foursight_proto::{
    customer::events::v1::{VehicleDelivered, VisitCompleted},
    identity::v1::Role,
    notification::{
        events::v1::{CallAttempted, CallTaskCompleted, CallTaskPlanned},
        v1::{
            AssignCallTaskRequest, CallAttempt, CallResult, CallTask, CallTaskKind, CallTaskState,
            GetCallTaskRequest, RecordCallAttemptRequest, Satisfaction,
        },
    },
};
use foursight_testkit::{metadata, refusal};
use jiff::SignedDuration;
use prost::Message;
use tonic::{Code, Status};

use crate::world::World;

/// A call of its own, each time.
fn no_answer(task: &CallTask) -> RecordCallAttemptRequest {
    static CALLS: AtomicUsize = AtomicUsize::new(100);
    let number = CALLS.fetch_add(1, Ordering::Relaxed);
    let attempt = CallAttempt {
        result: CallResult::NoAnswer.into(),
        call_record: format!("CC-{number}"),
        ..CallAttempt::default()
    };
    RecordCallAttemptRequest { name: task.name.clone(), attempt: Some(attempt), request_id: String::new() }
}

fn dissatisfied(task: &CallTask) -> RecordCallAttemptRequest {
    let attempt = CallAttempt {
        result: CallResult::Reached.into(),
        satisfaction: Satisfaction::Dissatisfied.into(),
        advisor_score: 2,
        note: "the promised floor mats never came".to_owned(),
        category: "sales.promise".to_owned(),
        call_record: "CC-2".to_owned(),
        ..CallAttempt::default()
    };
    RecordCallAttemptRequest { name: task.name.clone(), attempt: Some(attempt), request_id: String::new() }
}

async fn record(world: &World, request: RecordCallAttemptRequest) -> Result<CallTask, Status> {
    world.tasks(&world.caller).record_call_attempt(request).await.map(tonic::Response::into_inner)
}

/// A world with one open task.
async fn with_task() -> (World, CallTask) {
    let world = World::start().await;
    world.tell(&world.delivered(world.ago(1))).await;
    let task = world.open_tasks().await.remove(0);
    (world, task)
}

#[tokio::test]
async fn deliveries_and_visits_plan_one_call_each_shared_out_evenly() {
    let world = World::start().await;
    let specialists: BTreeSet<StaffId> = [world.app.ids.next(), world.app.ids.next()].into();
    for id in &specialists {
        world.staff(*id, Role::FollowUpSpecialist, true, 1).await;
    }
    world.staff(world.app.ids.next(), Role::SalesAdvisor, true, 1).await;
    let (delivered, visited) = (world.delivered(world.ago(2)), world.visit_completed(world.ago(1)));
    world.tell(&delivered).await;
    world.tell(&visited).await;
    // The same news once more, as a new event: nothing is planned twice.
    world.tell(&delivered).await;
    world.tell(&visited).await;

    let tasks = world.open_tasks().await;
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[0].kind(), CallTaskKind::AfterService, "the most urgent first");
    assert_eq!(tasks[0].due_time, Some(to_proto(world.ago(1) + SignedDuration::from_hours(3 * 24))));
    assert_eq!(tasks[1].due_time, Some(to_proto(world.ago(2) + SignedDuration::from_hours(7 * 24))));
    assert_eq!(tasks[1].subject, delivered.delivery);
    let assignees: BTreeSet<String> = tasks.iter().map(|task| task.assignee.clone()).collect();
    assert_eq!(assignees, specialists.iter().map(|id| id.name()).collect());
    assert_eq!(world.app.told::<CallTaskPlanned>().await.unwrap().len(), 2);
}

#[tokio::test]
async fn history_plans_no_calls() {
    let world = World::start().await;
    world.tell(&world.delivered(world.ago(8 * 24))).await;
    world.tell(&world.visit_completed(world.ago(3 * 24))).await;
    assert_eq!(world.open_tasks().await, []);
}

#[tokio::test]
async fn what_an_import_tells_plans_no_call_and_no_reminder_however_fresh_it_is() {
    let world = World::start().await;
    world.tell(&VehicleDelivered { imported: true, ..world.delivered(world.ago(1)) }).await;
    world.tell(&VisitCompleted { imported: true, ..world.visit_completed(world.ago(1)) }).await;
    let told = world.visit_completed(world.ago(1));
    world.tell(&told).await;
    let subjects: Vec<String> = world.open_tasks().await.into_iter().map(|task| task.subject).collect();
    assert_eq!(subjects, [told.visit]);
    let owner = world.app.owner().await.unwrap();
    let planned: i64 =
        sqlx::query_scalar("SELECT count(*) FROM notification.messages").fetch_one(&owner).await.unwrap();
    assert_eq!(planned, 0);
}

#[tokio::test]
async fn three_attempts_that_reach_nobody_end_the_task() {
    let (world, task) = with_task().await;
    for number in 1..=3 {
        let after = record(&world, no_answer(&task)).await.unwrap();
        assert_eq!(after.attempts.len(), number);
        let expected = if number == 3 { CallTaskState::Unreached } else { CallTaskState::Open };
        assert_eq!(after.state(), expected);
    }
    let refused = record(&world, no_answer(&task)).await.unwrap_err();
    assert_eq!(metadata(&refused, "state").as_deref(), Some("CALL_TASK_STATE_UNREACHED"));
    assert!(metadata(&refused, "complete_time").is_some_and(|time| !time.is_empty()));
    assert_eq!(refusal::<()>(Err(refused)), (Code::FailedPrecondition, "CALL_TASK_NOT_OPEN".to_owned()));
    let numbers: Vec<i32> =
        world.app.told::<CallAttempted>().await.unwrap().iter().map(|event| event.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let completed = world.app.told::<CallTaskCompleted>().await.unwrap();
    assert_eq!(completed.len(), 1);
    assert_eq!((completed[0].state(), completed[0].advisor_score), (CallTaskState::Unreached, 0));
}

#[tokio::test]
async fn a_dissatisfied_customers_words_stay_at_home_and_can_be_asked_for() {
    let (world, task) = with_task().await;
    let after = record(&world, dissatisfied(&task)).await.unwrap();
    assert_eq!(after.state(), CallTaskState::Done);
    assert_eq!(after.attempts[0].caller, world.caller.id.name());

    let completed = world.app.told::<CallTaskCompleted>().await.unwrap().remove(0);
    assert_eq!(completed.category, "sales.promise");
    assert_eq!(completed.satisfaction(), Satisfaction::Dissatisfied);
    assert!(!String::from_utf8_lossy(&completed.encode_to_vec()).contains("floor mats"));

    let complaint = world.app.service("complaint").unwrap();
    let request = GetCallTaskRequest { name: task.name.clone() };
    let read = world.tasks(&complaint).get_call_task(request).await.unwrap().into_inner();
    assert_eq!(read.attempts[0].note, "the promised floor mats never came");
}

#[tokio::test]
async fn the_same_attempt_is_recorded_once_however_often_and_at_once_it_is_sent() {
    let (world, task) = with_task().await;
    let request_id = world.app.ids.uuid().to_string();
    let request = RecordCallAttemptRequest { request_id, ..no_answer(&task) };
    let sends = (0..6).map(|_| record(&world, request.clone()));
    for sent in futures::future::join_all(sends).await {
        assert_eq!(sent.unwrap().attempts.len(), 1);
    }
    let other = RecordCallAttemptRequest { request_id: request.request_id.clone(), ..dissatisfied(&task) };
    assert_eq!(record(&world, other).await.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(world.app.told::<CallAttempted>().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_stores_tasks_do_not_exist() {
    let (world, task) = with_task().await;
    let elsewhere: StoreId = world.app.ids.next();
    let stranger = world.app.staff(&[Role::FollowUpSpecialist], &[elsewhere]).unwrap();
    let read = world.tasks(&stranger).get_call_task(GetCallTaskRequest { name: task.name.clone() }).await;
    assert_eq!(read.unwrap_err().code(), Code::NotFound);
    let wrote = world.tasks(&stranger).record_call_attempt(no_answer(&task)).await;
    assert_eq!(wrote.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_task_is_given_to_the_stores_own_active_staff_who_may_call_only() {
    let (world, task) = with_task().await;
    let [manager, leaver, advisor, nobody]: [StaffId; 4] = [(); 4].map(|()| world.app.ids.next());
    world.staff(manager, Role::CrManager, true, 1).await;
    world.staff(leaver, Role::FollowUpSpecialist, false, 1).await;
    // Works here, and may not make calls.
    world.staff(advisor, Role::SalesAdvisor, true, 1).await;
    let to = |staff: StaffId| AssignCallTaskRequest {
        name: task.name.clone(),
        assignee: staff.name(),
        ..Default::default()
    };
    for unfit in [leaver, advisor, nobody] {
        let refused = world.tasks(&world.caller).assign_call_task(to(unfit)).await;
        assert_eq!(foursight_testkit::wrong_fields(refused), ["assignee"]);
    }
    let given = world.tasks(&world.caller).assign_call_task(to(manager)).await.unwrap().into_inner();
    assert_eq!(given.assignee, manager.name());
}

#[tokio::test]
async fn what_a_person_assigned_is_overruled_by_who_has_seen_it_only() {
    let (world, task) = with_task().await;
    let (first, second): (StaffId, StaffId) = (world.app.ids.next(), world.app.ids.next());
    for staff in [first, second] {
        world.staff(staff, Role::CrManager, true, 1).await;
    }
    let assign = async |staff: StaffId, etag: &str, request_id: &str| {
        let request = AssignCallTaskRequest {
            name: task.name.clone(),
            assignee: staff.name(),
            etag: etag.to_owned(),
            request_id: request_id.to_owned(),
        };
        Ok::<_, Status>(world.tasks(&world.caller).assign_call_task(request).await?.into_inner())
    };
    let request_id = world.app.ids.uuid().to_string();
    let given = assign(first, "", &request_id).await.unwrap();
    let slower = assign(second, "", "").await.unwrap_err();
    assert_eq!(metadata(&slower, "assignee"), Some(first.name()));
    assert_eq!(metadata(&slower, "assigner"), Some(world.caller.id.name()));
    let told = (Code::FailedPrecondition, "CALL_TASK_ALREADY_ASSIGNED".to_owned());
    assert_eq!(refusal::<()>(Err(slower)), told);

    let read = assign(second, &given.etag, "").await.unwrap();
    assert_eq!(read.assignee, second.name());
    assert_eq!(
        refusal(assign(first, &given.etag, "").await),
        (Code::Aborted, "CALL_TASK_CHANGED".to_owned())
    );
    // The first request once more: it was carried out then, and is not now.
    assert_eq!(assign(first, "", &request_id).await.unwrap().assignee, second.name());
}

#[tokio::test]
async fn the_tasks_of_nobody_and_of_leavers_find_somebody() {
    let (world, task) = with_task().await;
    assert_eq!(task.assignee, "", "there is no staff yet");
    let (first, second): (StaffId, StaffId) = (world.app.ids.next(), world.app.ids.next());
    world.staff(first, Role::FollowUpSpecialist, true, 1).await;
    assigned_to(&world, first).await;
    world.staff(second, Role::FollowUpSpecialist, true, 1).await;
    world.staff(first, Role::FollowUpSpecialist, false, 2).await;
    // Old news that comes late changes nothing.
    world.staff(first, Role::FollowUpSpecialist, true, 1).await;
    assigned_to(&world, second).await;
}

#[tokio::test]
async fn the_tasks_of_somebody_who_may_make_calls_no_more_go_to_one_who_may() {
    let (world, _) = with_task().await;
    let [first, second]: [StaffId; 2] = [(); 2].map(|()| world.app.ids.next());
    world.staff(first, Role::FollowUpSpecialist, true, 1).await;
    assigned_to(&world, first).await;
    world.staff(first, Role::SalesAdvisor, true, 2).await;
    world.staff(second, Role::FollowUpSpecialist, true, 1).await;
    assigned_to(&world, second).await;
}

#[tokio::test]
async fn a_history_is_loaded_once_and_told() {
    let world = World::start().await;
    let call = |outcome: PastOutcome| PastCall {
        id: world.app.ids.next(),
        store: world.store,
        customer: world.app.ids.next(),
        subject: PastSubject::Delivery(world.app.ids.next()),
        advisor: None,
        caller: world.caller.id,
        create_time: world.ago(500),
        due_time: world.ago(400),
        complete_time: world.ago(450),
        outcome,
    };
    let words = "the promised floor mats never came".to_owned();
    let calls = [
        call(PastOutcome::Satisfied { score: 10 }),
        call(PastOutcome::Dissatisfied {
            score: 2,
            category: "sales.promise".to_owned(),
            note: words.clone(),
        }),
        call(PastOutcome::Unreached),
    ];
    for written in [3, 0] {
        let mut tx = world.app.db("notification").begin_as_service().await.unwrap();
        let again = calls.clone().map(|call| PastCall { id: world.app.ids.next(), ..call });
        let calls = if written == 0 { &again } else { &calls };
        assert_eq!(bulk::load(&mut tx, &world.app.ids, calls).await.unwrap(), written);
        tx.commit().await.unwrap();
    }
    let told = world.app.told::<CallTaskCompleted>().await.unwrap();
    let states: Vec<_> = told.iter().map(|event| (event.state(), event.advisor_score)).collect();
    assert_eq!(states, [(CallTaskState::Done, 10), (CallTaskState::Done, 2), (CallTaskState::Unreached, 0)]);
    let request = GetCallTaskRequest { name: told[1].call_task.clone() };
    let read = world.tasks(&world.caller).get_call_task(request).await.unwrap().into_inner();
    assert_eq!((read.attempts.len(), &read.attempts[0].note), (1, &words));
}

async fn assigned_to(world: &World, staff: StaffId) {
    let begin = Instant::now();
    while world.open_tasks().await[0].assignee != staff.name() {
        assert!(begin.elapsed() < Duration::from_secs(30), "the task was not given to {staff:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_call_that_is_told_again_is_no_second_attempt() {
    let (world, task) = with_task().await;
    let call = no_answer(&task);
    let sends = (0..6).map(|_| record(&world, call.clone()));
    for sent in futures::future::join_all(sends).await {
        assert_eq!(sent.unwrap().attempts.len(), 1);
    }
    let mut otherwise = call.clone();
    otherwise.attempt.as_mut().unwrap().result = CallResult::Busy.into();
    assert_eq!(
        foursight_testkit::refusal(record(&world, otherwise).await),
        (Code::AlreadyExists, "CALL_ALREADY_RECORDED".to_owned())
    );
    assert_eq!(record(&world, no_answer(&task)).await.unwrap().attempts.len(), 2);
}
