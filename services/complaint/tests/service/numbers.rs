//! Case numbers, and stores of which nothing is known yet.

use std::collections::BTreeSet;

use anyhow::Result;
use foursight_kernel::StoreId;
use foursight_proto::{complaint::v1::CreateCaseRequest, identity::v1::Role};
use futures::future::try_join_all;

use crate::world::World;

#[tokio::test]
async fn however_many_complain_at_once_each_number_is_given_once() -> Result<()> {
    let world = World::new().await?;
    let cases = try_join_all((0..20).map(|_| world.complain())).await?;
    let numbers: BTreeSet<_> = cases.into_iter().map(|case| case.number).collect();
    let expected: BTreeSet<_> = (1..=20).map(|counter| format!("SH01-202603-{counter:04}")).collect();
    assert_eq!(numbers, expected);
    Ok(())
}

#[tokio::test]
async fn a_case_is_taken_before_the_stores_calendar_is_known() -> Result<()> {
    let world = World::new().await?;
    let young: StoreId = world.stack.ids.next();
    let caller = world.stack.staff(&[Role::CrManager], &[young])?;
    let mut case = world.complaint();
    case.store = young.name();
    let request = CreateCaseRequest { case: Some(case), ..Default::default() };
    let taken = world.cases(&caller).create_case(request).await?.into_inner();
    assert!(taken.number.ends_with("-202603-0001"), "{}", taken.number);
    let why = &taken.clocks[0].explanation;
    assert!(why.contains("the store's opening hours are not known"), "{why}");
    Ok(())
}
