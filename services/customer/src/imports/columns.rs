//! Which column of customers is which.

use foursight_sheets::{Cell, Mapping, Row, Vocabulary, headers::Recognised};
use serde::{Deserialize, Serialize};

/// A field of a row, by the key that the API names it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Phone,
    Phone2,
    NationalId,
    Kind,
    Gender,
    Birthday,
    LunarBirthday,
    Address,
    Wechat,
    Email,
    Occupation,
    Source,
    IntendedModels,
}

impl Field {
    pub(super) const ALL: [Self; 14] = [
        Self::Name,
        Self::Phone,
        Self::Phone2,
        Self::NationalId,
        Self::Kind,
        Self::Gender,
        Self::Birthday,
        Self::LunarBirthday,
        Self::Address,
        Self::Wechat,
        Self::Email,
        Self::Occupation,
        Self::Source,
        Self::IntendedModels,
    ];

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Phone2 => "phone_2",
            Self::NationalId => "national_id",
            Self::Kind => "kind",
            Self::Gender => "gender",
            Self::Birthday => "birthday",
            Self::LunarBirthday => "lunar_birthday",
            Self::Address => "address",
            Self::Wechat => "wechat",
            Self::Email => "email",
            Self::Occupation => "occupation",
            Self::Source => "source",
            Self::IntendedModels => "intended_models",
        }
    }

    /// How people and other systems call it.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Name => &[
                "姓名", "客户姓名", "客户名称", "名称", "车主姓名", "车主", "联系人", "联系人姓名", "客户", "公司名称",
                "单位名称", "full name", "customer name", "customer", "display name", "owner", "company",
            ],
            Self::Phone => &[
                "手机", "手机号", "手机号码", "移动电话", "客户手机", "车主手机", "联系手机", "mobile", "phone number",
                "mobile phone", "mobile number", "cell", "cell phone", "tel", "telephone",
            ],
            Self::Phone2 => &[
                "电话", "联系电话", "联系方式", "电话号码", "固定电话", "座机", "备用电话", "第二电话", "电话2", "手机2", "手机号2", "家庭电话",
                "办公电话", "其他电话", "phone 2", "second phone", "other phone", "home phone", "work phone", "landline",
            ],
            Self::NationalId => &[
                "身份证", "身份证号", "身份证号码", "证件号", "证件号码", "居民身份证", "公民身份号码", "id number", "id card",
                "id no", "national id number", "identity card",
            ],
            Self::Kind => &["客户类型", "客户类别", "客户性质", "类型", "性质", "customer type", "type", "customer kind"],
            Self::Gender => &["性别", "客户性别", "sex"],
            Self::Birthday => &["生日", "出生日期", "出生年月日", "公历生日", "阳历生日", "date of birth", "birth date", "dob"],
            Self::LunarBirthday => &["农历生日", "阴历生日", "lunar date of birth"],
            Self::Address => &[
                "地址", "联系地址", "家庭地址", "住址", "通讯地址", "详细地址", "客户地址", "home address", "postal address",
            ],
            Self::Wechat => &["微信", "微信号", "微信号码", "wechat id", "weixin"],
            Self::Email => &["邮箱", "电子邮箱", "电子邮件", "邮件", "邮箱地址", "e-mail", "mail", "email address"],
            Self::Occupation => &["职业", "工作", "从事职业", "行业职业", "job", "profession"],
            Self::Source => &["来源", "客户来源", "信息来源", "来源渠道", "渠道", "线索来源", "source channel", "channel", "lead source"],
            Self::IntendedModels => &[
                "意向车型", "意向车系", "意向车", "购车意向", "关注车型", "intended model", "model of interest",
                "interested model", "interested in",
            ],
        }
    }

    pub(super) fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }
}

/// The fields that a table of customers may have.
pub(super) fn vocabulary() -> Vocabulary {
    Field::ALL.into_iter().fold(Vocabulary::new(), |vocabulary, field| match field {
        Field::Name => vocabulary.required(field.key(), field.names()),
        _ => vocabulary.field(field.key(), field.names()),
    })
}

/// A column as a run keeps it, sealed: of a table without a header it may be somebody's name.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) header: String,
    pub(super) field: String,
    pub(super) suggestion: String,
}

/// The columns of a table, and why it cannot be read by them.
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    recognised: Recognised,
    pub(super) trouble: Option<Trouble>,
}

/// What keeps a table from being read. Names columns by their letter: a header may be anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error(
        "no column is the customers' {0}: give the column a name that says so (姓名, 手机号, 身份证号), or map it when the run is started"
    )]
    Missing(&'static str),
    #[error("the columns {0} are both taken for the field {1}: map one of them to another field, or to nothing")]
    Doubled(String, String),
    #[error("the mapping names a field that there is not, or a column that the file does not have")]
    Stray,
}

impl Trouble {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Missing(_) => "COLUMNS_MISSING",
            Self::Doubled(..) | Self::Stray => "COLUMNS_NOT_CLEAR",
        }
    }
}

impl Columns {
    /// Reads a header by what is known, what the store's people said before, and what was said for this run.
    pub(super) fn of(header: &[String], said: &Mapping, before: &Mapping) -> Self {
        let vocabulary = vocabulary();
        let mut mapping: Mapping =
            before.iter().filter(|(name, _)| header.contains(name)).map(|(k, v)| (k.clone(), v.clone())).collect();
        mapping.extend(said.clone());
        let recognised = vocabulary.recognise(header, &mapping);
        let suggestion = |column: usize| {
            let unknown = recognised.unknown.iter().find(|unknown| unknown.column == column);
            unknown.and_then(|unknown| unknown.suggestion.clone()).unwrap_or_default()
        };
        let columns = header.iter().zip(&recognised.columns).enumerate().map(|(at, (header, field))| Column {
            header: header.chars().take(200).collect(),
            field: field.clone().unwrap_or_default(),
            suggestion: suggestion(at),
        });
        let columns = columns.collect();
        let has = |field: Field| recognised.columns.iter().any(|column| column.as_deref() == Some(field.key()));
        let trouble = if !recognised.stray.is_empty() {
            Some(Trouble::Stray)
        } else if let Some((field, at)) = recognised.doubled.first() {
            Some(Trouble::Doubled(at.iter().map(|at| letters(*at)).collect::<Vec<_>>().join(" and "), field.clone()))
        } else if !has(Field::Name) {
            Some(Trouble::Missing("name"))
        } else if ![Field::Phone, Field::Phone2, Field::NationalId].into_iter().any(has) {
            Some(Trouble::Missing("phone or national id"))
        } else {
            None
        };
        Self { columns, recognised, trouble }
    }

    pub(super) fn cell<'a>(&self, row: &'a Row, field: Field) -> &'a Cell {
        self.recognised.cell(row, field.key())
    }
}

/// A column as spreadsheets call it, from 0: `AB`.
fn letters(column: usize) -> String {
    let (mut letters, mut rest) = (Vec::new(), column + 1);
    while rest > 0 {
        letters.push(char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or_default()));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(header: &[&str], said: &[(&str, Option<&str>)]) -> (Vec<String>, Option<Trouble>) {
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        let said = said.iter().map(|(name, key)| ((*name).to_owned(), key.map(str::to_owned))).collect();
        let columns = Columns::of(&header, &said, &Mapping::new());
        (columns.columns.into_iter().map(|column| column.field).collect(), columns.trouble)
    }

    #[test]
    fn headers_are_recognised_in_both_languages() {
        let header = ["客户姓名", "手机号码（必填）", "联系电话", "身份证号", "性别", "出生日期", "地址", "微信号", "邮箱", "备注"];
        let (found, trouble) = fields(&header, &[]);
        let wanted =
            ["name", "phone", "phone_2", "national_id", "gender", "birthday", "address", "wechat", "email", ""];
        assert_eq!((found.as_slice(), trouble), (wanted.map(str::to_owned).as_slice(), None));
        let (found, trouble) = fields(&["Name", "Mobile", "Sex", "Date of birth", "Source"], &[]);
        assert_eq!((found.join(","), trouble), ("name,phone,gender,birthday,source".to_owned(), None));
    }

    #[test]
    fn what_keeps_a_table_from_being_read_says_where() {
        assert_eq!(fields(&["手机"], &[]).1, Some(Trouble::Missing("name")));
        assert_eq!(fields(&["姓名", "地址"], &[]).1, Some(Trouble::Missing("phone or national id")));
        let doubled = Some(Trouble::Doubled("A and C".to_owned(), "name".to_owned()));
        assert_eq!(fields(&["姓名", "手机", "客户名称"], &[]).1, doubled);
        assert_eq!(fields(&["姓名", "手机", "客户名称"], &[("客户名称", None)]).1, None);
        assert_eq!(fields(&["姓名", "手机"], &[("没有", Some("phone"))]).1, Some(Trouble::Stray));
        assert_eq!(fields(&["姓名", "叫机"], &[("叫机", Some("phone"))]).1, None);
    }

    #[test]
    fn what_was_said_before_counts_where_the_column_is_there() {
        let before = Mapping::from([("叫机".to_owned(), Some("phone".to_owned())), ("别的".to_owned(), None)]);
        let columns = Columns::of(&["姓名".to_owned(), "叫机".to_owned()], &Mapping::new(), &before);
        assert_eq!(columns.trouble, None);
        assert_eq!(columns.columns[1].field, "phone");
    }
}
