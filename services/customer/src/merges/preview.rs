//! `PreviewMerge`.

use foursight_access::Principal;
use foursight_kernel::{Result, Violations};
use foursight_proto::customer::v1::{Customer, MergedFact, PreviewMergeRequest, PreviewMergeResponse};

use crate::{
    context::Context,
    customers::{
        CustomerError,
        facts::{Facts, Field},
        file, masking,
        sealing::FieldKind,
    },
    duplicates::SURE,
    merges::{
        contents::{self, Which},
        two::{self, Two},
    },
};

/// What a merge would do. Nothing is written.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller does not see both files; wrong fields.
pub(super) async fn preview(
    ctx: &Context,
    caller: &Principal,
    request: &PreviewMergeRequest,
) -> Result<PreviewMergeResponse> {
    let mut v = Violations::default();
    let asked = two::parse(&mut v, (&request.name, &request.other, &request.take));
    v.check()?;
    let Some((survivor, absorbed, take)) = asked else { return Err(CustomerError::NotFound.into()) };

    let mut tx = ctx.db.begin(caller).await?;
    let two = Two::read(&mut tx, ctx, (survivor, absorbed), false).await?;
    let taken = two.taken(&take);
    let fact = |field: Field| {
        let (own, other) = (&two.survivor.file.facts, &two.absorbed.file.facts);
        let known = own.has(field) || other.has(field);
        known.then(|| MergedFact {
            field: field.path().to_owned(),
            survivor: masked(own, field),
            other: masked(other, field),
            taken: taken.contains(&field),
        })
    };
    let facts = Field::ALL.into_iter().filter_map(fact).collect();
    let follows = contents::count(&mut tx, absorbed, Which::All).await?;
    Ok(PreviewMergeResponse {
        facts,
        follows,
        stage: two.stage().into(),
        probability: two.probability(),
        signs: two.signs.map(|signs| signs.told().into_iter().map(Into::into).collect()).unwrap_or_default(),
        obstacles: two.obstacles().into_iter().map(Into::into).collect(),
        etag: file::etag(two.survivor.file.version),
        other_etag: file::etag(two.absorbed.file.version),
        reason_required: two.probability() < SURE,
    })
}

fn masked(facts: &Facts, field: Field) -> Option<Customer> {
    facts.has(field).then(|| {
        let mut only = facts.only(field);
        if field == Field::NationalId {
            only.national_id = masking::mask(FieldKind::NationalId, &only.national_id);
        }
        only
    })
}
