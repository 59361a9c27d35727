//! Leads change hands: a manager gives them to another advisor, and an advisor takes what is nobody's.

use foursight_kernel::StaffId;
use foursight_proto::{
    customer::{
        events::v1::LeadAssigned,
        v1::{AssignLeadRequest, Delivery, Lead},
    },
    identity::v1::Role,
};
use foursight_testkit::{metadata, refusal, wrong_fields};
use tonic::Code;

use crate::{leaving::Store, world::delivery};

#[tokio::test]
async fn a_lead_is_given_to_somebody_who_can_work_it_and_once() {
    let store = Store::start().await;
    let world = &store.world;
    let open = store.lead_of(store.first, 1).await;
    let [foreign, gone, service, nobody]: [StaffId; 4] = [(); 4].map(|()| world.stack.ids.next());
    world.directory.tell(foreign, &[Role::SalesAdvisor], &[world.suzhou], true);
    world.directory.tell(gone, &[Role::SalesAdvisor], &[world.hangzhou], false);
    world.directory.tell(service, &[Role::ServiceAdvisor], &[world.hangzhou], true);
    // Nor to the general manager, who assigns leads and works none.
    world.directory.tell(store.manager.id, &[Role::GeneralManager], &[world.hangzhou], true);
    for owner in [foreign, gone, service, nobody, store.manager.id] {
        assert_eq!(wrong_fields(store.assign(&store.manager, &open.name, owner).await), ["owner"]);
    }
    let advisor = world.stack.staff(&[Role::SalesAdvisor], &[world.hangzhou]).unwrap();
    let refused = refusal(store.assign(&advisor, &open.name, store.second).await);
    assert_eq!(refused, (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
    let stranger = refusal(store.assign(&world.there, &open.name, foreign).await);
    assert_eq!(stranger, (Code::NotFound, "LEAD_NOT_FOUND".to_owned()));
    assert_eq!(store.read(&open.name).await, open, "nothing of all that changed it");

    let given = store.assign(&store.manager, &open.name, store.second).await.unwrap();
    assert_eq!(given.owner, store.second.name());
    let again = store.assign(&store.manager, &open.name, store.second).await.unwrap();
    assert_eq!(again, given);
    let told = world.stack.told::<LeadAssigned>().await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0].owner, &told[0].previous_owner), (&store.second.name(), &store.first.name()));

    let sold = delivery(&open.customer, world.hangzhou, "LDEMA00000X000001");
    let sold = Delivery { lead: open.name.clone(), ..sold };
    world.deliver(&world.here, sold).await.unwrap();
    let over = refusal(store.assign(&store.manager, &open.name, store.first).await);
    assert_eq!(over, (Code::FailedPrecondition, "LEAD_NOT_OPEN".to_owned()));
}

/// A client that heard no answer asks again, and meanwhile another manager has decided otherwise.
#[tokio::test]
async fn a_lead_is_given_once_for_its_request_and_only_as_it_was_read() {
    let store = Store::start().await;
    let lead = store.lead_of(store.first, 1).await;
    let request = AssignLeadRequest {
        name: lead.name.clone(),
        owner: store.second.name(),
        etag: lead.etag.clone(),
        request_id: uuid::Uuid::from_u128(7).to_string(),
    };
    let given = store.world.leads(&store.manager).assign_lead(request.clone()).await.unwrap().into_inner();
    assert_eq!(given.owner, store.second.name());
    let back = store.reassign(&store.manager, &given, store.first).await.unwrap();

    let again = store.world.leads(&store.manager).assign_lead(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, back, "the step was taken already");
    let late = AssignLeadRequest { request_id: String::new(), ..request };
    let refused = store.world.leads(&store.manager).assign_lead(late).await.unwrap_err();
    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!(store.read(&lead.name).await, back);
}

#[tokio::test]
async fn a_lead_that_nobody_has_is_taken_by_an_advisor_and_no_other_one_is() {
    let store = Store::start().await;
    let world = &store.world;
    let [one, other, third] =
        [(); 3].map(|()| world.stack.staff(&[Role::SalesAdvisor], &[world.hangzhou]).unwrap());
    let (free, kept) = (store.lead_of(store.first, 1).await, store.lead_of(store.second, 2).await);
    store.works(store.first, Role::SalesAdvisor, &[world.hangzhou], false, 2).await;
    store.look().await;

    let missing = (Code::PermissionDenied, "RIGHT_MISSING".to_owned());
    assert_eq!(refusal(store.assign(&one, &free.name, other.id).await), missing, "not for somebody else");
    let refused = store.assign(&one, &kept.name, one.id).await.unwrap_err();
    assert_eq!(metadata(&refused, "right").as_deref(), Some("lead.assign"));
    assert_eq!(refusal::<()>(Err(refused)), missing, "nor away from somebody");
    let reader = world.stack.staff(&[Role::ServiceAdvisor], &[world.hangzhou]).unwrap();
    assert_eq!(refusal(store.assign(&reader, &free.name, reader.id).await), missing);

    let at_once = [&one, &other, &third].map(|advisor| store.assign(advisor, &free.name, advisor.id));
    let answers = futures::future::join_all(at_once).await;
    let taken: Vec<&Lead> = answers.iter().flatten().collect();
    let [taken] = taken[..] else { panic!("one of them takes it: {answers:?}") };
    assert_eq!(&store.read(&free.name).await, taken);
    // The others were slower, which is no lack of rights.
    for slower in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(metadata(slower, "owner").as_ref(), Some(&taken.owner));
        assert_eq!(metadata(slower, "assigner").as_ref(), Some(&taken.owner));
        assert!(slower.message().contains("somebody was faster"), "{}", slower.message());
        let told = (Code::FailedPrecondition, "LEAD_ALREADY_ASSIGNED".to_owned());
        assert_eq!(refusal::<()>(Err(slower.clone())), told);
    }
    // Nor is it taken from them knowingly.
    let slower = [&one, &other, &third].into_iter().find(|advisor| advisor.id.name() != taken.owner).unwrap();
    assert_eq!(refusal(store.reassign(slower, taken, slower.id).await), missing);
    assert_eq!(taken.next_follow_up_time, free.next_follow_up_time);
    assert_eq!(store.read(&kept.name).await.owner, store.second.name());
    assert_eq!(store.audited("AssignLead").await, [(taken.owner.clone(), free.name)]);
}

/// Two managers decide about one lead, and neither knows of the other.
#[tokio::test]
async fn what_a_person_has_assigned_goes_to_somebody_else_only_knowingly() {
    let store = Store::start().await;
    let lead = store.lead_of(store.first, 1).await;
    let given = store.assign(&store.manager, &lead.name, store.second).await.unwrap();
    let refused = store.assign(&store.world.supervisor, &lead.name, store.first).await.unwrap_err();
    assert_eq!(metadata(&refused, "owner"), Some(store.second.name()));
    assert_eq!(metadata(&refused, "assigner"), Some(store.manager.id.name()));
    assert!(refused.message().contains("send the etag"), "{}", refused.message());
    let expected = (Code::FailedPrecondition, "LEAD_ALREADY_ASSIGNED".to_owned());
    assert_eq!(refusal::<()>(Err(refused)), expected);
    assert_eq!(store.read(&lead.name).await, given);
    let back = store.reassign(&store.world.supervisor, &given, store.first).await.unwrap();
    assert_eq!(back.owner, store.first.name());
    // What nobody has any more, nobody has to be asked about.
    store.works(store.first, Role::SalesAdvisor, &[store.world.hangzhou], false, 2).await;
    store.look().await;
    store.assign(&store.manager, &lead.name, store.second).await.unwrap();
}
