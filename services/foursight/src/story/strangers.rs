//! What another store's staff see of it: nothing.

use anyhow::{Result, ensure};
use reqwest::StatusCode;

use super::{Story, cast::People, sale::Sale};

pub(super) async fn see_nothing(story: &Story, people: &People, sale: &Sale, case: &str) -> Result<()> {
    for name in [&sale.customer, &sale.lead, &sale.delivery, &sale.vehicle, &sale.call_task, case] {
        let (status, _) = story.client.status(&people.stranger, &format!("/v1/{name}")).await?;
        ensure!(status == StatusCode::NOT_FOUND, "{name} is answered with {status}");
    }
    let customer = &sale.customer;
    let lists = [
        (format!("/v1/leads?customer={customer}&state=LEAD_STATE_WON"), "leads"),
        (format!("/v1/vehicles?customer={customer}"), "vehicles"),
        (format!("/v1/callTasks?customer={customer}&state=CALL_TASK_STATE_DONE"), "callTasks"),
        (format!("/v1/messages?customer={customer}"), "messages"),
        (format!("/v1/cases?customer={customer}"), "cases"),
    ];
    for (path, field) in lists {
        let (status, answer) = story.client.status(&people.stranger, &path).await?;
        ensure!(!status.is_success() || answer.list(field).is_empty(), "{path} shows something");
    }
    story.tell("another store's staff see none of it", &[]);
    Ok(())
}
