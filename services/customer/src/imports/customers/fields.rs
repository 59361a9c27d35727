//! The fields that a table of customers may have, and how people and other systems call them.

use crate::imports::kind::FieldSpec;

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
    #[expect(clippy::too_many_lines, reason = "a list of names")]
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Name => &[
                "姓名",
                "客户姓名",
                "客户名称",
                "名称",
                "车主姓名",
                "车主",
                "联系人",
                "联系人姓名",
                "客户",
                "公司名称",
                "单位名称",
                "full name",
                "customer name",
                "customer",
                "display name",
                "owner",
                "company",
            ],
            Self::Phone => &[
                "手机",
                "手机号",
                "手机号码",
                "移动电话",
                "客户手机",
                "车主手机",
                "联系手机",
                "mobile",
                "phone number",
                "mobile phone",
                "mobile number",
                "cell",
                "cell phone",
                "tel",
                "telephone",
            ],
            Self::Phone2 => &[
                "电话",
                "联系电话",
                "联系方式",
                "电话号码",
                "固定电话",
                "座机",
                "备用电话",
                "第二电话",
                "电话2",
                "手机2",
                "手机号2",
                "家庭电话",
                "办公电话",
                "其他电话",
                "phone 2",
                "second phone",
                "other phone",
                "home phone",
                "work phone",
                "landline",
            ],
            Self::NationalId => &[
                "身份证",
                "身份证号",
                "身份证号码",
                "证件号",
                "证件号码",
                "居民身份证",
                "公民身份号码",
                "id number",
                "id card",
                "id no",
                "national id number",
                "identity card",
            ],
            Self::Kind => &[
                "客户类型",
                "客户类别",
                "客户性质",
                "类型",
                "性质",
                "customer type",
                "type",
                "customer kind",
            ],
            Self::Gender => &["性别", "客户性别", "sex"],
            Self::Birthday => &[
                "生日",
                "出生日期",
                "出生年月日",
                "公历生日",
                "阳历生日",
                "date of birth",
                "birth date",
                "dob",
            ],
            Self::LunarBirthday => &["农历生日", "阴历生日", "lunar date of birth"],
            Self::Address => &[
                "地址",
                "联系地址",
                "家庭地址",
                "住址",
                "通讯地址",
                "详细地址",
                "客户地址",
                "home address",
                "postal address",
            ],
            Self::Wechat => &["微信", "微信号", "微信号码", "wechat id", "weixin"],
            Self::Email => {
                &["邮箱", "电子邮箱", "电子邮件", "邮件", "邮箱地址", "e-mail", "mail", "email address"]
            }
            Self::Occupation => &["职业", "工作", "从事职业", "行业职业", "job", "profession"],
            Self::Source => &[
                "来源",
                "客户来源",
                "信息来源",
                "来源渠道",
                "渠道",
                "线索来源",
                "source channel",
                "channel",
                "lead source",
            ],
            Self::IntendedModels => &[
                "意向车型",
                "意向车系",
                "意向车",
                "购车意向",
                "关注车型",
                "intended model",
                "model of interest",
                "interested model",
                "interested in",
            ],
        }
    }

    /// What is right in it, in Chinese.
    fn rule(self) -> &'static str {
        match self {
            Self::Name => "须填写姓名或单位名称，不超过 100 个字",
            Self::Phone | Self::Phone2 => "请填写 11 位手机号或带区号的电话",
            Self::NationalId => "身份证号须为 18 位且校验码正确",
            Self::Kind => "请填写 个人 或 单位",
            Self::Gender => "请填写 男、女 或 未知",
            Self::Birthday => "须为过去的日期，写成 1990-03-05，且与身份证号一致",
            Self::LunarBirthday => "请写成 四月廿三、闰四月初一 或 1990-4-23",
            Self::Address => "不超过 200 个字",
            Self::Wechat => "请填写微信号：6–20 位字母、数字、下划线或减号",
            Self::Email => "请填写完整的邮箱地址",
            Self::Occupation => "不超过 100 个字",
            Self::Source => "请填写 来店、来电、网站、转介绍、车展、短视频 等",
            Self::IntendedModels => "最多 10 个车型，用顿号分开，每个不超过 100 个字",
        }
    }

    pub(super) fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }

    pub(super) fn spec(self) -> FieldSpec {
        FieldSpec { key: self.key(), names: self.names(), rule: self.rule() }
    }
}
