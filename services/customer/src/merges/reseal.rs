//! What is sealed under the key of the file that is absorbed, sealed anew under the survivor's: a sealed value opens in its own
//! customer's file only.

use foursight_kernel::Result;
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    contacts,
    customers::{
        on_file::OnFile,
        sealing::{FieldKind, SealingError},
    },
};

/// A contact point of a file, opened.
pub(super) struct Point {
    id: Uuid,
    field: FieldKind,
    value: SecretString,
    /// Whether it has not ended.
    pub(super) holds: bool,
}

impl Point {
    /// Whether a file that has this one needs not the other: it says the same, and holds.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let same = self.field == other.field && self.value.expose_secret() == other.value.expose_secret();
        same && self.holds && other.holds
    }
}

/// A file's contact points, past ones included.
pub(super) async fn points(tx: &mut PgConnection, file: &OnFile) -> Result<Vec<Point>> {
    let rows = sqlx::query!(
        r#"SELECT id, kind, sealed, end_time IS NULL AS "holds!" FROM customer.contact_points WHERE customer_id = $1 ORDER BY id"#,
        file.id.uuid(),
    )
    .fetch_all(tx)
    .await?;
    let open = |id, kind, sealed: &[u8], holds| {
        let (_, field) = contacts::kind_of(kind)?;
        Ok(Point { id, field, value: file.key.open(field, sealed)?, holds })
    };
    rows.iter().map(|row| open(row.id, row.kind, &row.sealed, row.holds)).collect()
}

/// Rows and what is sealed in them, by column.
#[derive(Default)]
pub(super) struct Sealed {
    pub(super) ids: Vec<Uuid>,
    pub(super) values: Vec<Option<Vec<u8>>>,
}

impl Sealed {
    /// These contact points, for another file.
    pub(super) fn points(points: &[&Point], survivor: &OnFile) -> Result<Self, SealingError> {
        let mut sealed = Self::default();
        for point in points {
            let value = survivor.key.seal(point.field, point.value.expose_secret())?;
            sealed.ids.push(point.id);
            sealed.values.push(Some(value));
        }
        Ok(sealed)
    }

    /// What facts were over time.
    pub(super) async fn facts(tx: &mut PgConnection, absorbed: &OnFile, survivor: &OnFile) -> Result<Self> {
        let rows =
            sqlx::query!("SELECT id, sealed FROM customer.facts WHERE customer_id = $1", absorbed.id.uuid())
                .fetch_all(tx)
                .await?;
        Self::anew(rows.into_iter().map(|row| (row.id, row.sealed)), FieldKind::Fact, absorbed, survivor)
    }

    /// People without files around its cars.
    pub(super) async fn people(tx: &mut PgConnection, absorbed: &OnFile, survivor: &OnFile) -> Result<Self> {
        let rows = sqlx::query!(
            "SELECT id, sealed FROM customer.vehicle_people WHERE owner_id = $1 AND sealed IS NOT NULL",
            absorbed.id.uuid(),
        )
        .fetch_all(tx)
        .await?;
        Self::anew(rows.into_iter().map(|row| (row.id, row.sealed)), FieldKind::Person, absorbed, survivor)
    }

    fn anew(
        rows: impl Iterator<Item = (Uuid, Option<Vec<u8>>)>,
        kind: FieldKind,
        from: &OnFile,
        to: &OnFile,
    ) -> Result<Self> {
        let mut anew = Self::default();
        for (id, sealed) in rows {
            let value = sealed.map(|sealed| from.key.open_bytes(kind, &sealed)).transpose()?;
            anew.ids.push(id);
            anew.values.push(value.map(|value| to.key.seal_bytes(kind, &value)).transpose()?);
        }
        Ok(anew)
    }
}
