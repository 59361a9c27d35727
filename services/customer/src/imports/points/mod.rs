//! Tables of points: what customers had before, an opening balance for each at the store.

mod take;
mod told;
mod undo;

use async_trait::async_trait;
use foursight_proto::customer::v1::ImportKind;
use foursight_sheets::Row;
use sqlx::PgConnection;

use crate::imports::{
    kind::{self, Batch, Described, FieldSpec, Hash, Kind, Need, SetBack, Taken},
    outcome::{Undone, Written},
    owner,
    reading::Reading,
    reason::Reason,
    run::Run,
    worker::Stop,
};

/// Tables of points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Points;

const FIELDS: [FieldSpec; 2] = [
    FieldSpec {
        key: told::POINTS,
        names: &[
            "积分",
            "积分余额",
            "会员积分",
            "当前积分",
            "可用积分",
            "剩余积分",
            "期初积分",
            "points balance",
            "balance",
            "opening balance",
            "loyalty points",
        ],
        rule: "请填写 1 至 1,000,000,000 之间的整数；没有积分的客户不必导入",
    },
    FieldSpec {
        key: told::OCCUR_DATE,
        names: &["截止日期", "积分日期", "统计日期", "余额日期", "日期", "date", "as of"],
        rule: "须为 1980 年以后、不晚于今天的日期，写成 2026-03-05",
    },
];

impl Described for Points {
    fn kind(&self) -> ImportKind {
        ImportKind::Points
    }

    fn fields(&self) -> Vec<FieldSpec> {
        FIELDS.into_iter().chain(owner::FIELDS).collect()
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need { any_of: &[told::POINTS], what: "points (积分)" },
            Need { any_of: &owner::KEYS, what: "customer (客户姓名 with 手机号, or 身份证号)" },
        ]
    }
}

impl kind::Told for told::Told {
    fn keys(&self) -> Vec<(i16, Hash)> {
        self.owner.keys()
    }

    fn content(&self) -> i64 {
        self.content
    }
}

#[async_trait]
impl Kind for Points {
    type Told = told::Told;

    fn read(&self, reading: &Reading<'_>, row: &Row) -> Result<told::Told, Vec<Reason>> {
        told::read(reading, row)
    }

    async fn lead_on(&self, tx: &mut PgConnection, run: &Run) -> Result<(), Stop> {
        owner::lead_on(tx, run).await
    }

    async fn take(&self, batch: &mut Batch<'_, told::Told>) -> Result<Taken, Stop> {
        take::take(batch).await
    }

    async fn set_back(&self, back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
        undo::set_back(back, rows).await
    }
}
