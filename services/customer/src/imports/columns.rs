//! Which column of a table is which.

use foursight_sheets::{Cell, Mapping, Row, headers::Recognised};
use serde::{Deserialize, Serialize};

use crate::imports::kind::{Described, vocabulary};

/// A column as a run keeps it, sealed: of a table without a header it may be somebody's name.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) header: String,
    pub(super) field: String,
    pub(super) suggestion: String,
}

/// The columns of a table, and why it cannot be read by them.
pub(super) struct Columns {
    pub(super) list: Vec<Column>,
    recognised: Recognised,
    pub(super) trouble: Option<Trouble>,
}

/// What keeps a table from being read. Names columns by their letter: a header may be anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("no column is the {0}: give the column a name that says so, or map it when the run is started")]
    Missing(&'static str),
    #[error(
        "the columns {0} are both taken for the field {1}: map one of them to another field, or to nothing"
    )]
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
    pub(super) fn of(kind: &impl Described, header: &[String], said: &Mapping, before: &Mapping) -> Self {
        let vocabulary = vocabulary(&kind.fields());
        let mut mapping: Mapping = before
            .iter()
            .filter(|(name, _)| header.contains(name))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        mapping.extend(said.clone());
        let recognised = vocabulary.recognise(header, &mapping);
        let suggestion = |column: usize| {
            let unknown = recognised.unknown.iter().find(|unknown| unknown.column == column);
            unknown.and_then(|unknown| unknown.suggestion.clone()).unwrap_or_default()
        };
        let columns =
            header.iter().zip(&recognised.columns).enumerate().map(|(at, (header, field))| Column {
                header: header.chars().take(200).collect(),
                field: field.clone().unwrap_or_default(),
                suggestion: suggestion(at),
            });
        let list = columns.collect();
        let has = |field: &str| recognised.columns.iter().any(|column| column.as_deref() == Some(field));
        let missing = kind.needs().iter().find(|need| !need.any_of.iter().any(|field| has(field)));
        let trouble = if !recognised.stray.is_empty() {
            Some(Trouble::Stray)
        } else if let Some((field, at)) = recognised.doubled.first() {
            Some(Trouble::Doubled(
                at.iter().map(|at| letters(*at)).collect::<Vec<_>>().join(" and "),
                field.clone(),
            ))
        } else {
            missing.map(|need| Trouble::Missing(need.what))
        };
        Self { list, recognised, trouble }
    }

    pub(super) fn cell<'a>(&self, row: &'a Row, field: &str) -> &'a Cell {
        self.recognised.cell(row, field)
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
    use crate::imports::customers::Customers;

    fn fields(header: &[&str], said: &[(&str, Option<&str>)]) -> (Vec<String>, Option<Trouble>) {
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        let said = said.iter().map(|(name, key)| ((*name).to_owned(), key.map(str::to_owned))).collect();
        let columns = Columns::of(&Customers, &header, &said, &Mapping::new());
        (columns.list.into_iter().map(|column| column.field).collect(), columns.trouble)
    }

    #[test]
    fn headers_are_recognised_in_both_languages() {
        let header = [
            "客户姓名",
            "手机号码（必填）",
            "联系电话",
            "身份证号",
            "性别",
            "出生日期",
            "地址",
            "微信号",
            "邮箱",
            "备注",
        ];
        let (found, trouble) = fields(&header, &[]);
        let wanted = [
            "name",
            "phone",
            "phone_2",
            "national_id",
            "gender",
            "birthday",
            "address",
            "wechat",
            "email",
            "",
        ];
        assert_eq!((found.as_slice(), trouble), (wanted.map(str::to_owned).as_slice(), None));
        let (found, trouble) = fields(&["Name", "Mobile", "Sex", "Date of birth", "Source"], &[]);
        assert_eq!((found.join(","), trouble), ("name,phone,gender,birthday,source".to_owned(), None));
    }

    #[test]
    fn what_keeps_a_table_from_being_read_says_where() {
        assert_eq!(fields(&["手机"], &[]).1, Some(Trouble::Missing("name (姓名)")));
        assert_eq!(
            fields(&["姓名", "地址"], &[]).1,
            Some(Trouble::Missing("phone or national id (手机号, 身份证号)"))
        );
        let doubled = Some(Trouble::Doubled("A and C".to_owned(), "name".to_owned()));
        assert_eq!(fields(&["姓名", "手机", "客户名称"], &[]).1, doubled);
        assert_eq!(fields(&["姓名", "手机", "客户名称"], &[("客户名称", None)]).1, None);
        assert_eq!(fields(&["姓名", "手机"], &[("没有", Some("phone"))]).1, Some(Trouble::Stray));
        assert_eq!(fields(&["姓名", "叫机"], &[("叫机", Some("phone"))]).1, None);
    }

    #[test]
    fn what_was_said_before_counts_where_the_column_is_there() {
        let before =
            Mapping::from([("叫机".to_owned(), Some("phone".to_owned())), ("别的".to_owned(), None)]);
        let columns =
            Columns::of(&Customers, &["姓名".to_owned(), "叫机".to_owned()], &Mapping::new(), &before);
        assert_eq!(columns.trouble, None);
        assert_eq!(columns.list[1].field, "phone");
    }
}
