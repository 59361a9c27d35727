//! The fields that a table of cars may have, and how people and other systems call them.

use crate::imports::kind::FieldSpec;

pub(in crate::imports) const VIN: &str = "vin";
pub(in crate::imports) const PLATE: &str = "plate";
pub(in crate::imports) const MODEL: &str = "model";
pub(in crate::imports) const TRIM: &str = "trim";
pub(in crate::imports) const COLOUR: &str = "colour";
pub(in crate::imports) const DELIVER_DATE: &str = "deliver_date";
pub(in crate::imports) const REGISTRATION_DATE: &str = "registration_date";
pub(in crate::imports) const WARRANTY_END: &str = "warranty_end";
pub(in crate::imports) const WARRANTY_KM: &str = "warranty_km";
pub(in crate::imports) const COMPULSORY_INSURER: &str = "compulsory_insurer";
pub(in crate::imports) const COMPULSORY_END: &str = "compulsory_end";
pub(in crate::imports) const COMMERCIAL_INSURER: &str = "commercial_insurer";
pub(in crate::imports) const COMMERCIAL_END: &str = "commercial_end";
pub(in crate::imports) const INSPECTION_DATE: &str = "inspection_date";
pub(in crate::imports) const ODOMETER_KM: &str = "odometer_km";
pub(in crate::imports) const ODOMETER_DATE: &str = "odometer_date";

const DATE: &str = "请写成 2026-03-05，年份在 1980 至 2100 之间";
const PAST: &str = "须为 1980 年以后、不晚于今天的日期，写成 2026-03-05";
const KM: &str = "请填写 0 至 1,000,000 之间的整数公里数";

pub(in crate::imports) const FIELDS: [FieldSpec; 16] = [
    FieldSpec {
        key: VIN,
        names: &[
            "车架号",
            "车架号码",
            "vin码",
            "vin号",
            "车辆识别代号",
            "车辆识别码",
            "底盘号",
            "chassis",
            "chassis number",
        ],
        rule: "VIN 须为 17 位（没有 I、O、Q），第 9 位校验码正确",
    },
    FieldSpec {
        key: PLATE,
        names: &[
            "车牌",
            "车牌号",
            "车牌号码",
            "号牌",
            "号牌号码",
            "牌照号",
            "plate number",
            "license plate",
            "number plate",
        ],
        rule: "请填写完整车牌，如 浙A12345、浙AD12345",
    },
    FieldSpec {
        key: MODEL,
        names: &[
            "车型",
            "车型名称",
            "车系",
            "车辆型号",
            "品牌型号",
            "model name",
            "car",
            "car model",
            "vehicle model",
        ],
        rule: "请填写车型，不超过 100 个字；新车必须填写",
    },
    FieldSpec {
        key: TRIM,
        names: &["配置", "版本", "车款", "款式", "version", "grade"],
        rule: "不超过 100 个字",
    },
    FieldSpec {
        key: COLOUR,
        names: &["颜色", "车身颜色", "外观颜色", "车色", "color", "body colour"],
        rule: "不超过 100 个字",
    },
    FieldSpec {
        key: DELIVER_DATE,
        names: &[
            "交车日期",
            "购车日期",
            "购买日期",
            "提车日期",
            "销售日期",
            "交付日期",
            "购车时间",
            "交车时间",
            "delivered on",
            "delivery date",
            "purchase date",
            "bought on",
            "sold on",
        ],
        rule: PAST,
    },
    FieldSpec {
        key: REGISTRATION_DATE,
        names: &[
            "上牌日期",
            "注册日期",
            "登记日期",
            "初登日期",
            "上牌时间",
            "registered on",
            "first registration",
        ],
        rule: PAST,
    },
    FieldSpec {
        key: WARRANTY_END,
        names: &[
            "质保到期",
            "质保到期日",
            "保修到期",
            "保修到期日",
            "质保截止",
            "质保期至",
            "warranty until",
            "warranty end date",
        ],
        rule: DATE,
    },
    FieldSpec {
        key: WARRANTY_KM,
        names: &["质保里程", "保修里程", "质保公里数", "warranty mileage"],
        rule: "请填写 1 至 3,000,000 之间的整数公里数",
    },
    FieldSpec {
        key: COMPULSORY_INSURER,
        names: &["交强险公司", "交强险保险公司", "交强险承保公司", "compulsory insurance company"],
        rule: "不超过 100 个字，并请填写交强险到期日",
    },
    FieldSpec {
        key: COMPULSORY_END,
        names: &[
            "交强险到期",
            "交强险到期日",
            "交强险截止",
            "交强险终保日期",
            "compulsory insurance until",
            "compulsory insurance end",
        ],
        rule: DATE,
    },
    FieldSpec {
        key: COMMERCIAL_INSURER,
        names: &["商业险公司", "商业险保险公司", "保险公司", "承保公司", "insurer", "insurance company"],
        rule: "不超过 100 个字，并请填写商业险到期日",
    },
    FieldSpec {
        key: COMMERCIAL_END,
        names: &[
            "商业险到期",
            "商业险到期日",
            "商业险截止",
            "商业险终保日期",
            "保险到期",
            "保险到期日",
            "commercial insurance until",
            "commercial insurance end",
            "insurance until",
            "insurance end",
        ],
        rule: DATE,
    },
    FieldSpec {
        key: INSPECTION_DATE,
        names: &[
            "年检日期",
            "年检到期",
            "年检到期日",
            "年审日期",
            "年审到期",
            "验车日期",
            "检验有效期",
            "inspection due",
            "next inspection",
        ],
        rule: DATE,
    },
    FieldSpec {
        key: ODOMETER_KM,
        names: &[
            "里程",
            "公里数",
            "行驶里程",
            "当前里程",
            "里程数",
            "里程表读数",
            "odometer",
            "mileage",
            "kilometres",
            "km",
        ],
        rule: KM,
    },
    FieldSpec {
        key: ODOMETER_DATE,
        names: &["里程日期", "里程读取日期", "里程更新日期", "抄表日期", "odometer read on", "mileage date"],
        rule: PAST,
    },
];
