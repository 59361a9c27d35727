//! The two files of a merge.

use foursight_kernel::{CustomerId, Result, Violations};
use foursight_proto::customer::v1::{LifeCycleStage, MergeObstacle};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{
        CustomerError,
        facts::{Facts, Field},
        new_file::MOST_CONTACT_POINTS,
        on_file::{self, OnFile},
    },
    duplicates::{self, Signs},
    merges::reseal::{self, Point},
    tags,
};

/// Both, as they stand.
pub(super) struct Two {
    pub(super) survivor: Side,
    pub(super) absorbed: Side,
    pub(super) signs: Option<Signs>,
}

/// One of them.
pub(super) struct Side {
    pub(super) file: OnFile,
    pub(super) stage: LifeCycleStage,
    pub(super) tags: Vec<Uuid>,
    pub(super) groups: Vec<i16>,
    pub(super) points: Vec<Point>,
}

/// Reads which two files are meant, and which facts the survivor is to take.
pub(super) fn parse(
    v: &mut Violations,
    (name, other, take): (&str, &str, &[String]),
) -> Option<(CustomerId, CustomerId, Vec<Field>)> {
    let survivor: Option<CustomerId> = v.name("name", name);
    let absorbed: Option<CustomerId> = v.name("other", other);
    if survivor.is_some() && survivor == absorbed {
        v.push("other", "must be another file than the one that survives");
    }
    v.at_most("take", take, Field::ALL.len() * 2);
    let mut fields = Vec::new();
    for (place, path) in take.iter().enumerate().take(Field::ALL.len() * 2) {
        let named = Field::at(path);
        if named.is_empty() {
            let all = Field::ALL.map(Field::path).join(", ");
            v.push(format!("take[{place}]"), format!("is no fact of a file; there are: {all}"));
        }
        fields.extend(named);
    }
    Some((survivor?, absorbed?, fields))
}

impl Two {
    /// Those of this caller. Locked, unless nothing is to be written.
    ///
    /// # Errors
    /// `CUSTOMER_NOT_FOUND` when the caller does not see both.
    pub(super) async fn read(
        tx: &mut PgConnection,
        ctx: &Context,
        (survivor, absorbed): (CustomerId, CustomerId),
        locked: bool,
    ) -> Result<Self> {
        let both = [survivor.uuid(), absorbed.uuid()];
        if locked {
            let found = sqlx::query!(
                "SELECT FROM customer.customers WHERE id = ANY ($1) AND merged_into IS NULL ORDER BY id FOR UPDATE",
                &both,
            )
            .fetch_all(&mut *tx)
            .await?;
            if found.len() != 2 {
                return Err(CustomerError::NotFound.into());
            }
        }
        let signs = duplicates::load(tx, &both).await?;
        let signs = signs.get(&both[0]).zip(signs.get(&both[1])).and_then(|(one, two)| one.compare(two));
        let survivor = Side::read(tx, ctx, survivor).await?;
        let absorbed = Side::read(tx, ctx, absorbed).await?;
        Ok(Self { survivor, absorbed, signs })
    }

    /// How likely they are one customer's.
    pub(super) fn probability(&self) -> f64 {
        self.signs.map_or(0.0, Signs::probability)
    }

    /// The facts that the survivor would take: those that it lacks, and those that were asked for, as far as they differ.
    pub(super) fn taken(&self, asked: &[Field]) -> Vec<Field> {
        taken(&self.survivor.file.facts, &self.absorbed.file.facts, asked)
    }

    /// The absorbed file's contact points that the survivor does not have.
    pub(super) fn new_points(&self) -> Vec<&Point> {
        let known = |point: &&Point| !self.survivor.points.iter().any(|own| own.covers(point));
        self.absorbed.points.iter().filter(known).collect()
    }

    /// The survivor's tags and the other's, each once.
    pub(super) fn tags(&self) -> Vec<Uuid> {
        let own = &self.survivor.tags;
        own.iter().chain(self.absorbed.tags.iter().filter(|tag| !own.contains(tag))).copied().collect()
    }

    /// The groups of both, in their order.
    pub(super) fn groups(&self) -> Vec<i16> {
        let mut groups: Vec<i16> =
            self.survivor.groups.iter().chain(&self.absorbed.groups).copied().collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The stage that is further along.
    pub(super) fn stage(&self) -> LifeCycleStage {
        further(self.survivor.stage, self.absorbed.stage)
    }

    /// What stands against making them one.
    pub(super) fn obstacles(&self) -> Vec<MergeObstacle> {
        let (survivor, absorbed) = (&self.survivor, &self.absorbed);
        let differ = Field::NationalId;
        let both_known = survivor.file.facts.has(differ) && absorbed.file.facts.has(differ);
        let two_ids = both_known && !survivor.file.changed(&[differ], &absorbed.file.facts).is_empty();
        let held = |points: usize| points > MOST_CONTACT_POINTS;
        let points = survivor.points.iter().chain(self.new_points()).filter(|point| point.holds).count();
        let obstacles = [
            (survivor.file.kind != absorbed.file.kind, MergeObstacle::KindsDiffer),
            (two_ids, MergeObstacle::NationalIdsDiffer),
            (held(points), MergeObstacle::ContactPointsFull),
            (self.tags().len() > tags::MOST_OF_FILE, MergeObstacle::TagsFull),
        ];
        obstacles.into_iter().filter_map(|(stands, obstacle)| stands.then_some(obstacle)).collect()
    }
}

impl Side {
    async fn read(tx: &mut PgConnection, ctx: &Context, id: CustomerId) -> Result<Self> {
        let file = on_file::read(tx, ctx, id).await?;
        let standing = sqlx::query!(
            "SELECT stage, tags, groups FROM customer.customers WHERE id = $1 AND merged_into IS NULL",
            id.uuid()
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(CustomerError::NotFound)?;
        let stage =
            LifeCycleStage::try_from(i32::from(standing.stage)).map_err(foursight_kernel::Error::internal)?;
        let points = reseal::points(tx, &file).await?;
        Ok(Self { file, stage, tags: standing.tags, groups: standing.groups, points })
    }
}

fn taken(survivor: &Facts, absorbed: &Facts, asked: &[Field]) -> Vec<Field> {
    let takes = |field: &Field| {
        absorbed.has(*field)
            && absorbed.only(*field) != survivor.only(*field)
            && (asked.contains(field) || !survivor.has(*field))
    };
    Field::ALL.into_iter().filter(takes).collect()
}

/// Who owns a car is an owner, whatever the other file says; who asked lately is no longer lost.
fn further(one: LifeCycleStage, other: LifeCycleStage) -> LifeCycleStage {
    let place = |stage: LifeCycleStage| match stage {
        LifeCycleStage::Unspecified => 0,
        LifeCycleStage::Lost => 1,
        LifeCycleStage::Dormant => 2,
        LifeCycleStage::Prospect => 3,
        LifeCycleStage::Intention => 4,
        LifeCycleStage::Buyer => 5,
        LifeCycleStage::Service => 6,
    };
    if place(other) > place(one) { other } else { one }
}

/// Nobody else merges, and no projection writes of customers, until the transaction ends. Who has to wait for long tries again.
pub(super) async fn lock(tx: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("SET LOCAL lock_timeout = '5s'").execute(&mut *tx).await?;
    sqlx::query!(r#"SELECT customer.lock_merges(true) AS "locked?""#).fetch_one(tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use foursight_proto::customer::v1::Gender;
    use jiff::civil::date;

    use super::*;
    use crate::customers::Profile;

    fn facts(name: &str, birthday: Option<jiff::civil::Date>) -> Facts {
        Facts {
            display_name: name.to_owned(),
            gender: Gender::Unspecified,
            birthday,
            lunar_birthday: None,
            national_id: None,
            profile: Profile::default(),
        }
    }

    #[test]
    fn the_survivor_takes_what_it_lacks_and_what_it_is_told_to() {
        let born = Some(date(1985, 5, 1));
        let (old, new) = (facts("王小明", None), facts("王晓明", born));
        assert_eq!(taken(&old, &new, &[]), [Field::Birthday]);
        assert_eq!(taken(&old, &new, &[Field::DisplayName]), [Field::DisplayName, Field::Birthday]);
        assert_eq!(taken(&new, &old, &[Field::Birthday]), [], "what nobody knows is not taken");
    }

    #[test]
    fn an_owner_stays_an_owner() {
        use LifeCycleStage::{Dormant, Intention, Lost, Prospect, Service};
        for (one, other, is) in [
            (Prospect, Service, Service),
            (Service, Lost, Service),
            (Lost, Intention, Intention),
            (Dormant, Lost, Dormant),
        ] {
            assert_eq!(further(one, other), is);
        }
    }
}
