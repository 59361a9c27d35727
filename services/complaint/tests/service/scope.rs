//! Who sees what, and in which order.

use anyhow::Result;
use foursight_kernel::StoreId;
use foursight_proto::{
    complaint::v1::{CaseState, CreateCaseRequest, GetCaseRequest, ListCasesRequest},
    identity::v1::Role,
};
use foursight_testkit::refusal;
use jiff::SignedDuration;
use tonic::Code;

use crate::world::World;

#[tokio::test]
async fn another_stores_cases_do_not_exist() -> Result<()> {
    let world = World::new().await?;
    let case = world.complain().await?;
    let elsewhere: StoreId = world.stack.ids.next();
    let stranger = world.stack.staff(&[Role::CrManager], &[elsewhere])?;
    let mut cases = world.cases(&stranger);
    let seen = refusal(cases.get_case(GetCaseRequest { name: case.name.clone() }).await);
    assert_eq!(seen, (Code::NotFound, "CASE_NOT_FOUND".to_owned()));
    assert!(cases.list_cases(ListCasesRequest::default()).await?.into_inner().cases.is_empty());
    let taken = refusal(
        cases.create_case(CreateCaseRequest { case: Some(world.complaint()), ..Default::default() }).await,
    );
    assert_eq!(taken, (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
    let headquarters = world.stack.headquarters(&[Role::GroupDirector])?;
    assert_eq!(
        world.cases(&headquarters).get_case(GetCaseRequest { name: case.name.clone() }).await?.into_inner(),
        case
    );
    Ok(())
}

#[tokio::test]
async fn the_most_urgent_comes_first() -> Result<()> {
    let world = World::new().await?;
    let mut names = Vec::new();
    for _ in 0..5 {
        names.push(world.complain().await?.name);
        world.stack.clock.advance(SignedDuration::from_mins(1));
    }
    // Handled and told: its next deadline is the re-visit's, days away.
    let last = names.remove(0);
    world.assign(&last).await?;
    world.handle(&last).await?;
    world.tell_result(&last).await?;
    // Closed: nothing is due.
    let closed = names.remove(0);
    world.assign(&closed).await?;
    world.handle(&closed).await?;
    world.tell_result(&closed).await?;
    world.revisit(&world.visitor, &closed, true).await?;
    names.extend([last, closed.clone()]);

    let mut cases = world.cases(&world.visitor);
    let mut listed = Vec::new();
    let mut request = ListCasesRequest { store: world.store.name(), page_size: 2, ..Default::default() };
    loop {
        let page = cases.list_cases(request.clone()).await?.into_inner();
        listed.extend(page.cases.into_iter().map(|case| case.name));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(listed, names);

    let open = ListCasesRequest { open: true, ..Default::default() };
    assert_eq!(cases.list_cases(open).await?.into_inner().cases.len(), 4);
    let state = ListCasesRequest { state: CaseState::Closed.into(), ..Default::default() };
    let found = cases.list_cases(state).await?.into_inner().cases;
    assert_eq!(found.into_iter().map(|case| case.name).collect::<Vec<_>>(), [closed]);
    Ok(())
}
