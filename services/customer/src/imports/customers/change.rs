//! What a row changes of a file that is there, and what it takes to change it back.

use std::sync::Arc;

use foursight_kernel::{ContactPointId, Error, Result};
use foursight_proto::customer::v1::CustomerKind;
use prost::Message;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    contacts::ContactValue,
    customers::{
        facts::{Facts, Field as Fact},
        new_file::MOST_CONTACT_POINTS,
        on_file::OnFile,
        sealed_file::SealedPoint,
        sealing::FieldKind,
    },
    imports::reason::{Code, Reason},
    receptions::same_person::comparable,
};

use super::{
    lookup::{Point, State},
    plan::{Fate, Planning},
    told::{Told, facts_told},
};

/// A file that changes.
pub(super) struct Change {
    pub(super) file: OnFile,
    pub(super) told: Arc<Told>,
    /// The facts that differ, and all facts as they are then.
    pub(super) fields: Vec<Fact>,
    pub(super) facts: Facts,
    pub(super) national_id: Option<(Vec<u8>, Vec<u8>)>,
    /// Of each field what it was and what it is, as they are kept over time.
    pub(super) kept: Vec<Kept>,
    pub(super) points: Vec<SealedPoint>,
    /// Whether the store serves the customer from now on.
    pub(super) link: bool,
}

impl Change {
    /// Whether the file itself is another one then.
    pub(super) fn counts(&self) -> bool {
        !self.fields.is_empty() || !self.points.is_empty()
    }
}

/// A fact that changes, as it is kept over time.
pub(super) struct Kept {
    pub(super) field: Fact,
    pub(super) was: Option<Vec<u8>>,
    pub(super) is: Option<Vec<u8>>,
    /// Of the two rows, in their order.
    pub(super) ids: [Uuid; 2],
}

/// What undoing a change needs, sealed under the customer's key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Before {
    /// Numbers of the facts that changed …
    pub(super) fields: Vec<i16>,
    /// … and what they were: a `Customer` with these alone.
    pub(super) was: Vec<u8>,
    /// Contact points that were added.
    pub(super) points: Vec<Uuid>,
    /// Whether the store came to serve the customer.
    pub(super) linked: bool,
}

/// What the row says and the file does not.
pub(super) fn change(it: &Planning, told: &Arc<Told>, state: State) -> Result<Fate> {
    let (points, served) = (state.points, state.served);
    let file = state.columns.open(&it.ctx.keys)?;
    let id = file.id.uuid();
    let facts = told.file.facts();
    // A name that is written in another way is the same name.
    let same_name = comparable(&file.facts.display_name) == comparable(&facts.display_name);
    let told_facts: Vec<Fact> =
        facts_told(told).into_iter().filter(|fact| *fact != Fact::DisplayName || !same_name).collect();
    let fields = file.changed(&told_facts, &facts);
    let new = lacked(it, told, &file, &points)?;
    if points.len() + new.len() > MOST_CONTACT_POINTS {
        return Ok(Fate::Conflict(vec![Reason::of(Code::FileFull)], Some(id), Vec::new()));
    }
    if fields.is_empty() && new.is_empty() && served {
        return Ok(Fate::Unchanged(id));
    }
    if it.run.dry_run {
        return Ok(Fate::Change(None, id, None));
    }
    let mut all = file.facts.clone();
    for field in &fields {
        all.take(*field, &facts);
    }
    let kept = fields
        .iter()
        .map(|field| {
            // Ids of one instant come in no order: what was comes before what is.
            let mut ids = [it.ctx.ids.uuid(), it.ctx.ids.uuid()];
            ids.sort_unstable();
            let (was, is) = (file.seal_fact(&file.facts, *field)?, file.seal_fact(&all, *field)?);
            Ok(Kept { field: *field, was, is, ids })
        })
        .collect::<Result<Vec<_>>>()?;
    let national_id = match &all.national_id {
        None => None,
        Some(number) => {
            let number = number.expose_secret();
            Some((file.key.seal(FieldKind::NationalId, number)?, it.ctx.keys.national_id_hash(number)))
        }
    };
    let before = Before {
        fields: fields.iter().map(|field| *field as i16).collect(),
        was: file.facts.all().encode_to_vec(),
        points: new.iter().map(|point| point.id.uuid()).collect(),
        linked: !served,
    };
    let before = serde_json::to_vec(&before).map_err(Error::internal)?;
    let before = file.key.seal_bytes(FieldKind::BeforeImport, &before)?;
    let change = Change {
        file,
        told: told.clone(),
        fields,
        facts: all,
        national_id,
        kept,
        points: new,
        link: !served,
    };
    Ok(Fate::Change(Some(Box::new(change)), id, Some(before)))
}

/// The contact points that the file lacks.
fn lacked(it: &Planning, told: &Told, file: &OnFile, held: &[Point]) -> Result<Vec<SealedPoint>> {
    let mut ids: Vec<ContactPointId> = told.file.contacts.iter().map(|_| it.ctx.ids.next()).collect();
    ids.sort_unstable();
    let mut new = Vec::new();
    for (value, id) in told.file.contacts.iter().zip(ids) {
        let hash = it.ctx.keys.contact_hash(value);
        if holds(held, file, value, hash.as_deref())? {
            continue;
        }
        new.push(SealedPoint {
            id,
            kind: value.kind() as i16,
            sealed: file.key.seal(value.field_kind(), value.exposed())?,
            hash,
            tail_hash: it.ctx.keys.contact_tail_hash(value),
            exclusive: told.file.kind == CustomerKind::Person && value.field_kind() == FieldKind::Phone,
        });
    }
    Ok(new)
}

fn holds(held: &[Point], file: &OnFile, value: &ContactValue, hash: Option<&[u8]>) -> Result<bool> {
    for point in held.iter().filter(|point| point.kind == value.kind() as i16) {
        let same = match hash {
            Some(_) => point.hash.as_deref() == hash,
            // An address has no hash, and a file few of them.
            None => file.key.open(value.field_kind(), &point.sealed)?.expose_secret() == value.exposed(),
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}
