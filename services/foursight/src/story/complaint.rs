//! From the dissatisfied customer to the satisfied one.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{Answer, Story, cast::People, client::Person, expect, sale::Sale};

pub(super) async fn play(story: &Story, people: &People, sale: &Sale) -> Result<String> {
    call(story, people, sale).await.context("the follow-up call")?;
    let case = taken(story, people, sale).await.context("the complaint")?;

    assigned(story, people, &case).await.context("assigning")?;
    let reply = json!({ "note": "已致电客户，说明今天内给出方案" });
    step(story, &people.supervisor, &case, "reply", &reply).await.context("replying")?;
    story.tell("the customer has a first reply", &[]);
    rework(story, people, sale).await.context("the visit for the rework")?;
    handled(story, people, &case, "MEASURE_REWORK").await.context("handling")?;

    let dissatisfied = json!({ "satisfied": false, "note": "异响还在" });
    let case_now = step(story, &people.follow_up_specialist, &case, "revisit", &dissatisfied)
        .await
        .context("the re-visit")?;
    expect(&case_now.0, "state", "CASE_STATE_REOPENED")?;
    story.tell("the re-visit finds the customer not satisfied: the case is open again, loop 2", &[]);

    assigned(story, people, &case).await.context("assigning again")?;
    handled(story, people, &case, "MEASURE_COMPENSATION").await.context("handling again")?;
    let satisfied = json!({ "satisfied": true, "note": "处理得很好" });
    let closed = step(story, &people.follow_up_specialist, &case, "revisit", &satisfied)
        .await
        .context("the second re-visit")?;
    expect(&closed.0, "state", "CASE_STATE_CLOSED")?;
    story.tell(
        "the second re-visit finds the customer satisfied: the case is closed",
        &[closed.text("number")],
    );
    Ok(case)
}

async fn call(story: &Story, people: &People, sale: &Sale) -> Result<()> {
    let attempt = json!({ "attempt": {
        "result": "CALL_RESULT_REACHED",
        "satisfaction": "SATISFACTION_DISSATISFIED",
        "advisorScore": 4,
        "note": "交车时承诺的脚垫没有给，右前门有异响",
        "category": "sales.promise",
        "callRecord": "CC-0001",
    }});
    let path = format!("/v1/{}:recordAttempt", sale.call_task);
    let task = story.client.post(&people.follow_up_specialist, &path, &attempt).await?;
    expect(&task.0, "state", "CALL_TASK_STATE_DONE")?;
    story.tell(
        "the follow-up specialist calls: the customer is dissatisfied",
        std::slice::from_ref(&sale.call_task),
    );
    Ok(())
}

async fn taken(story: &Story, people: &People, sale: &Sale) -> Result<String> {
    let path = format!("/v1/cases?customer={}", sale.customer);
    let case = story
        .wait_for("the complaint exists at once", || async {
            let cases = story.client.get(&people.cr_manager, &path).await?.list("cases");
            Ok(cases.into_iter().find(|case| case.text("subject") == sale.call_task))
        })
        .await?;
    let clocks = case.list("clocks");
    ensure!(
        clocks.len() >= 3,
        "first reply, handling and result each have a clock; there are {}",
        clocks.len()
    );
    let mut names = vec![case.text("name"), case.text("number")];
    for clock in &clocks {
        expect(&clock.0, "state", "CLOCK_STATE_RUNNING")?;
        names.push(format!("{} until {}", clock.text("kind"), clock.text("dueTime")));
    }
    story.tell("a complaint exists at once, with its deadlines", &names);
    Ok(case.text("name"))
}

async fn assigned(story: &Story, people: &People, case: &str) -> Result<()> {
    let body = json!({ "assignee": people.supervisor.name });
    let answer = step(story, &people.cr_manager, case, "assign", &body).await?;
    expect(&answer.0, "state", "CASE_STATE_ASSIGNED")?;
    story.tell("the case is assigned", std::slice::from_ref(&people.supervisor.name));
    Ok(())
}

async fn handled(story: &Story, people: &People, case: &str, measure: &str) -> Result<()> {
    let body = json!({ "cause": "CAUSE_SERVICE", "measure": measure, "note": "已按方案处理" });
    let answer = step(story, &people.supervisor, case, "handle", &body).await?;
    expect(&answer.0, "state", "CASE_STATE_HANDLED")?;
    let told = json!({ "note": "已告知客户处理结果" });
    let answer = step(story, &people.supervisor, case, "tellResult", &told).await?;
    expect(&answer.0, "state", "CASE_STATE_RESULT_TOLD")?;
    story.tell("the case is handled, and the customer is told the result", &[]);
    Ok(())
}

/// The car comes in for the rework, which is a visit as any other.
async fn rework(story: &Story, people: &People, sale: &Sale) -> Result<()> {
    let visit = json!({
        "store": people.store,
        "vehicle": sale.vehicle,
        "customer": sale.customer,
        "kind": "VISIT_KIND_WARRANTY",
        "odometerKm": 320,
    });
    let visit = story.client.create(&people.service_advisor, "/v1/visits", &visit).await?.text("name");
    let done =
        story.client.step(&people.service_advisor, &format!("/v1/{visit}:complete"), &json!({})).await?;
    expect(&done.0, "state", "VISIT_STATE_HANDED_OVER")?;
    story.tell("the car comes in for the rework, and is handed back", &[visit]);
    Ok(())
}

async fn step(
    story: &Story,
    person: &Person,
    case: &str,
    verb: &str,
    body: &serde_json::Value,
) -> Result<Answer> {
    story.client.step(person, &format!("/v1/{case}:{verb}"), body).await
}
