//! Why a row is not taken, or not undone: a stable code, and what a person reads, in the run's language.

use foursight_sheets::values::ValueError;
use serde::{Deserialize, Serialize};

use crate::{imports::kind::FieldSpec, visits::odometer::Misfit};

/// What people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Chinese = 1,
    English = 2,
}

impl Language {
    /// As the API names it.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        match tag {
            "" | "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    pub(super) fn of_number(number: i16) -> Self {
        if number == Self::English as i16 { Self::English } else { Self::Chinese }
    }

    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::English => "en",
        }
    }
}

/// Each code with its words. `{}` is what the reason has besides, or what is right in the field.
macro_rules! codes {
    ($($code:ident $name:literal $zh:literal $en:literal)*) => {
        /// Why, as programs read it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Code {
            $($code),*
        }

        impl Code {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$code),*];

            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name),*
                }
            }

            fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$code),)*
                    _ => None,
                }
            }

            fn words(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$code, Language::Chinese) => $zh, (Self::$code, Language::English) => $en),*
                }
            }
        }
    };
}

codes! {
    // What cannot be read.
    RowUneven "ROW_UNEVEN" "这一行的单元格与表头对不上：请逐格核对" "{}"
    ValueWrong "VALUE_WRONG" "内容不符合要求：{}" "{}"
    WordUnknown "WORD_UNKNOWN" "不认识这种写法：{}" "{}"
    DigitsLost "DIGITS_LOST" "表格软件把它当成了数字，后几位已丢失：请把该列设为文本格式后重新填写" "{}"
    NoDate "NO_DATE" "不是能认出的日期：请写成 2026-03-05" "{}"
    NoPhone "NO_PHONE" "不是电话号码" "{}"
    TooLong "TOO_LONG" "内容太长" "{}"
    NoValue "CELL_HAS_NO_VALUE" "单元格里没有值（公式出错或被合并）：请填入值" "{}"
    Nobody "NOBODY" "看不出是谁：请填写身份证号或电话；单位请填写名称和电话"
        "the row does not say who it is: fill in a phone or the id number; for an organization its name and a phone"
    Missing "MISSING" "必须填写：{}" "is required"
    Internal "INTERNAL" "这一行无法读取：请检查其中有没有不寻常的内容" "the row could not be read: look for what is unusual in it"
    // Whose file a row is.
    OtherName "OTHER_NAME" "该电话已登记在另一个姓名下：请更正姓名或电话，或在这一行去掉该电话"
        "the phone is on file under another name: correct the name or the phone, or leave the phone out of the row"
    OtherIdNumber "OTHER_ID_NUMBER" "该电话的机主同名但身份证号不同：请更正其一，或去掉该电话"
        "the phone is on the file of somebody of this name with another id number: correct one of them, or leave the phone out"
    TwoFiles "TWO_FILES" "身份证号与电话（或两个电话）分属两份客户档案：请去掉不属于该客户的"
        "the id number and a phone, or two phones, are on two different files: leave out what is not this customer's"
    NotConfirmed "NOT_CONFIRMED" "电话或身份证号与姓名对不上，无法采用：请对照客户本人证件核对，或请客户到店接待登记"
        "a phone or the id number cannot be taken together with this name: check them against the customer's own papers, or receive the customer at the counter"
    RowsContradict "ROWS_CONTRADICT" "第 {} 行说的是同一个，内容却不同：请合并为一行"
        "row {} is the same one and says something else: make one row of them"
    FileFull "FILE_FULL" "该客户档案的联系方式已满：请去掉不需要的"
        "the file has no room for more contact points: leave out what is not needed"
    Busy "BUSY" "写入时一直有别人在改同一份档案：请稍后重新导入"
        "somebody else was changing the same file again and again: bring the row in once more, later"
    // Cars.
    OwnerUnknown "OWNER_UNKNOWN" "本店没有这位客户的档案：请先导入客户"
        "the store has no file of this customer: import customers first"
    OtherOwner "OTHER_OWNER" "该车登记在另一位车主名下：请核对 VIN 与车主；若车已过户，请作为交车登记"
        "the car is on file with another owner: check VIN and owner, and if it was sold, record its delivery"
    Elsewhere "VEHICLE_ELSEWHERE" "该车登记在其他门店的客户名下：请先在本店接待车主"
        "the car is on file with a customer of another store: receive its owner here first"
    PlateElsewhere "PLATE_ELSEWHERE" "该车牌现挂在另一辆车上：请核对车牌；若已换车，请先更正那辆车的车牌"
        "the plate hangs on another car: check it, and if it moved, correct the other car's plate first"
    OdometerBack "ODOMETER_BACK" "里程与档案中已有的读数矛盾（里程表只会增加）：请核对里程与日期"
        "the odometer would run backwards against a reading on file: check the figure and its date"
    OdometerTooFar "ODOMETER_TOO_FAR" "与档案中相邻的读数相比，这段时间里不可能开这么远：请核对里程与日期"
        "no car drives that far in the time since, or until, the nearest reading on file: check the figure and its date"
    VehicleUnknown "VEHICLE_UNKNOWN" "本店客户名下没有这辆车：请先导入车辆"
        "no customer of the store has such a car on file: import vehicles first"
    RecordDiffers "RECORD_DIFFERS" "这次交车或进厂已有记录，内容不同：已有的记录不会被导入改写，请核对"
        "this delivery or visit is on record and says something else: an import does not change it; check which is right"
    OpeningDiffers "OPENING_DIFFERS" "该客户在本店已有期初积分，数额不同：期初积分只导入一次，请核对"
        "the customer has an opening balance at this store, and another one: it is brought in once; check which is right"
    // Undoing.
    FileGone "FILE_GONE" "档案已不存在" "the file is not there any more"
    ChangedSince "CHANGED_SINCE" "导入之后又有人改过：请人工判断哪个正确"
        "the file was changed since: decide by hand what of it is right"
    NeededSince "NEEDED_SINCE" "之后的记录依赖它：线索、进厂、授权、其他门店或时间线上的其他内容"
        "something newer depends on the file: a lead, a visit, a consent, another store or anything else on its timeline"
}

impl Code {
    /// Why a reading does not fit those on file.
    pub(super) fn of_misfit(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Back => Self::OdometerBack,
            Misfit::TooFar => Self::OdometerTooFar,
        }
    }
}

/// Why a row is not taken, or not undone. Kept in clear: no value, no name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reason {
    /// The field's key; empty for the row as a whole.
    #[serde(rename = "f")]
    pub(super) field: String,
    #[serde(rename = "c")]
    pub(super) code: String,
    /// What the words have a place for: another row's number, or what a rule said in English.
    #[serde(rename = "m", default, skip_serializing_if = "String::is_empty")]
    more: String,
}

impl Reason {
    /// About the row as a whole.
    pub(super) fn of(code: Code) -> Self {
        Self { field: String::new(), code: code.name().to_owned(), more: String::new() }
    }

    /// About a field.
    pub(super) fn at(field: &'static str, code: Code) -> Self {
        Self { field: field.to_owned(), ..Self::of(code) }
    }

    /// What is to stand where the words have a place for it.
    pub(super) fn with(self, more: impl Into<String>) -> Self {
        Self { more: more.into(), ..self }
    }

    /// What a cell's value is refused for.
    pub(super) fn of_cell(field: &'static str, error: ValueError) -> Self {
        let code = match error {
            ValueError::LostDigits => Code::DigitsLost,
            ValueError::NotADate | ValueError::AmbiguousDate | ValueError::NoSuchDay => Code::NoDate,
            ValueError::NotAPhone => Code::NoPhone,
            ValueError::TooLong(_) => Code::TooLong,
            ValueError::Fault(_) => Code::NoValue,
            _ => Code::ValueWrong,
        };
        Self::at(field, code).with(error.to_string())
    }

    /// What is wrong and what to do. Never the value.
    pub(super) fn words(&self, language: Language, fields: &[FieldSpec]) -> String {
        let Some(code) = Code::of_name(&self.code) else { return self.more.clone() };
        let words = code.words(language);
        // What a rule says is English; in Chinese the field's own rule stands for it.
        let rule =
            fields.iter().find(|field| field.key == self.field).map_or("请核对", |field| field.rule);
        let more = match (language, code) {
            (Language::Chinese, Code::ValueWrong | Code::WordUnknown | Code::Missing) => rule,
            _ => self.more.as_str(),
        };
        words.replace("{}", more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_in_both_languages_and_no_two_are_one() {
        for code in Code::ALL {
            assert_eq!(Code::of_name(code.name()), Some(*code));
            let chinese = code.words(Language::Chinese);
            assert!(chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{}", code.name());
            assert!(code.words(Language::English).is_ascii(), "{}", code.name());
        }
    }

    #[test]
    fn words_are_the_fields_in_chinese_and_the_rules_in_english() {
        let fields = [FieldSpec { key: "vin", names: &[], rule: "17 位" }];
        let reason = Reason::at("vin", Code::ValueWrong).with("must have 17 characters");
        assert_eq!(reason.words(Language::Chinese, &fields), "内容不符合要求：17 位");
        assert_eq!(reason.words(Language::English, &fields), "must have 17 characters");
        let other = Reason::of(Code::RowsContradict).with("7");
        assert!(other.words(Language::Chinese, &fields).starts_with("第 7 行"));
        let text = serde_json::to_string(&other).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Reason>(&text).ok(), Some(other));
    }
}
