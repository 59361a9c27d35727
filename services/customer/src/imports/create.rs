//! `CreateImport`.

use foursight_access::{Principal, Reach, audit};
use foursight_kernel::{Error, ImportId, RequestKey, Result, StoreId, Violations, replay, sql};
use foursight_proto::customer::v1::{CreateImportRequest, Import, ImportKind, ImportState, SourceChannel};

use crate::{
    context::Context,
    customers::sealing::FieldKind,
    imports::{
        kind::{self, AnyKind},
        reason::Language,
        run::{self, Mapped, Run},
    },
};

const MOST_MAPPED: usize = 256;

struct NewImport {
    store: StoreId,
    kind: ImportKind,
    source: SourceChannel,
    file_name: String,
    language: Language,
    mapping: Mapped,
}

/// Begins a run for a file that is to come.
///
/// # Errors
/// `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, `IDENTITY_AWAY`, and every wrong field at once.
pub(super) async fn create(
    ctx: &Context,
    caller: &Principal,
    request: CreateImportRequest,
) -> Result<Import> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let import = request.import.unwrap_or_default();
    let new = parse(&mut v, &import);
    v.check()?;
    let Some(new) = new else { return Err(Error::invalid_field("import", "is required")) };
    ctx.staff.require_store(caller, "import.store", new.store).await?;
    let key = ctx.keys.request_key(request_id, &import);
    let key = key.as_ref();
    replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, &new, key)).await
}

fn parse(v: &mut Violations, import: &Import) -> Option<NewImport> {
    let kind = v.required_enum("import.kind", import.kind);
    let of_kind = kind.and_then(kind::of);
    if kind.is_some() && of_kind.is_none() {
        v.push("import.kind", "is not taken yet");
    }
    let store = v.name("import.store", &import.store);
    let source = v.optional_enum("import.source", import.source).unwrap_or(SourceChannel::Import);
    let file_name = v.line("import.file_name", &import.file_name, 0..=200);
    let language = Language::of_tag(&import.language);
    if language.is_none() {
        v.push("import.language", "must be zh or en");
    }
    let mapping = mapping(v, "import.mapping", &import.mapping);
    if let Some(of_kind) = of_kind {
        known_fields(v, "import.mapping", &mapping, of_kind);
    }
    Some(NewImport { store: store?, kind: kind?, source, file_name, language: language?, mapping })
}

/// Checks what was said about columns. Whether there are such columns, the file's header tells.
pub(super) fn mapping(v: &mut Violations, field: &str, mapping: &Mapped) -> Mapped {
    if mapping.len() > MOST_MAPPED {
        v.push(field, format!("must have at most {MOST_MAPPED} entries"));
    }
    for (header, key) in mapping.iter().take(MOST_MAPPED) {
        if !(1..=200).contains(&header.chars().count()) || header.contains('\0') {
            v.push(field, "must have headers of 1 to 200 characters");
        }
        if key.chars().count() > 60 {
            v.push(field, "must map to a field or to nothing");
        }
    }
    mapping.clone()
}

/// Checks that there are such fields in tables of this kind.
pub(super) fn known_fields(v: &mut Violations, field: &str, mapping: &Mapped, kind: &dyn AnyKind) {
    let fields: Vec<&str> = kind.fields().iter().map(|field| field.key).collect();
    if mapping.values().any(|key| !key.is_empty() && !fields.contains(&key.as_str())) {
        v.push(field, format!("must map to a field or to nothing; there are: {}", fields.join(", ")));
    }
}

async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<Import>> {
    let mut tx = ctx.db.begin(caller).await?;
    let run = sqlx::query_as!(Run, "SELECT * FROM customer.imports WHERE request_id = $1", key.id);
    let run = run.fetch_optional(&mut *tx).await?;
    run.map(|run| key.confirm(run.request_hash.as_deref()).and_then(|()| run.to_proto(&ctx.keys))).transpose()
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    new: &NewImport,
    request: Option<&RequestKey>,
) -> Result<Option<Import>> {
    let (now, id) = (ctx.now(), ctx.ids.next::<ImportId>());
    let (key, wrapped) = ctx.keys.new_data_key(id)?;
    let (request_id, request_hash) = replay::columns(request);
    let mut tx = ctx.db.begin(caller).await?;
    let written = sqlx::query!(
        "INSERT INTO customer.imports (id, store_id, kind, source, state, master_version, wrapped, name_sealed, mapping_sealed,
             creator, creator_group, create_time, update_time, request_id, request_hash, language)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14, $15)",
        id.uuid(),
        new.store.uuid(),
        sql::number(new.kind),
        sql::number(new.source),
        sql::number(ImportState::Uploading),
        wrapped.master_version,
        wrapped.wrapped,
        key.seal(FieldKind::ImportName, &new.file_name)?,
        run::seal_mapping(&key, &new.mapping)?,
        caller.subject.name(),
        caller.reach == Reach::Group,
        sql::at(now) as _,
        request_id,
        request_hash,
        new.language as i16,
    )
    .execute(&mut *tx)
    .await;
    if replay::unless_taken(written, "imports_request")?.is_none() {
        return Ok(None);
    }
    let action = audit::Action {
        method: "CreateImport",
        resource: &id.name(),
        store: Some(new.store),
        detail: serde_json::json!({ "kind": new.kind.as_str_name() }),
    };
    audit::record(&mut tx, caller, now, action).await?;
    let import = run::read(&mut tx, id).await?.to_proto(&ctx.keys)?;
    tx.commit().await?;
    Ok(Some(import))
}
