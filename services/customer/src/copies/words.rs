//! What services, tables, columns and numbers are called on the page.

use serde_json::Value;

/// A service, in Chinese and English.
pub(super) fn service(name: &str) -> (&'static str, &'static str) {
    match name {
        "customer" => ("客户档案", "Customer file"),
        "notification" => ("消息与回访", "Messages and calls"),
        "complaint" => ("投诉与反馈", "Complaints"),
        "analytics" => ("统计", "Figures"),
        _ => ("其他", "Other"),
    }
}

/// A table, in Chinese and English.
pub(super) fn table(name: &str) -> (&'static str, &str) {
    let zh = match name {
        "customers" => "基本信息",
        "contact_points" => "联系方式",
        "facts" => "信息变更记录",
        "consents" => "授权同意",
        "leads" => "购车线索",
        "receptions" => "来店登记",
        "deliveries" => "交车",
        "visits" => "进厂维修",
        "points_entries" => "积分",
        "vehicle_ownerships" => "名下车辆",
        "vehicles" => "车辆档案",
        "vehicle_plates" => "车牌",
        "plate_corrections" => "车牌更正",
        "vehicle_facts" => "车辆信息变更记录",
        "vehicle_people" => "用车人",
        "customer_relations" => "亲属与关系",
        "odometer_corrections" => "里程更正",
        "customer_tags" => "标签",
        "group_memberships" => "分组",
        "customer_values" => "价值",
        "value_decisions" => "价值等级调整",
        "stage_corrections" => "阶段变更",
        "customer_stores" => "服务门店",
        "merges" => "档案合并",
        "timeline_entries" => "往来记录",
        "import_rows" => "数据导入",
        "call_tasks" => "回访任务",
        "call_attempts" => "回访通话",
        "messages" => "消息",
        "message_decisions" => "消息处理记录",
        "cases" => "投诉工单",
        "steps" => "工单处理记录",
        _ => "其他",
    };
    (zh, name)
}

/// A column, in Chinese; none for those that say enough.
pub(super) fn column(name: &str) -> Option<&'static str> {
    Some(match name {
        "display_name" => "姓名",
        "gender" => "性别",
        "birthday" => "生日",
        "national_id" => "身份证号",
        "occupation" => "职业",
        "intended_models" | "intended_model" => "意向车型",
        "kind" => "类型",
        "value" => "内容",
        "source" => "来源",
        "stage" => "阶段",
        "state" => "状态",
        "purpose" => "用途",
        "contact_kind" | "channel" | "contact_channel" => "渠道",
        "method" => "方式",
        "plate" => "车牌",
        "vin" => "车架号",
        "model" => "车型",
        "colour" => "颜色",
        "odometer_km" => "里程（公里）",
        "amount_fen" | "value_fen" => "金额（分）",
        "note" | "loss_note" => "备注",
        "description" => "描述",
        "reason" | "end_reason" => "原因",
        "category" => "分类",
        "number" => "编号",
        "create_time" => "创建时间",
        "update_time" => "更新时间",
        "start_time" => "开始时间",
        "end_time" => "结束时间",
        "deliver_time" => "交车时间",
        "check_in_time" => "进厂时间",
        "hand_over_time" => "交还时间",
        "occur_time" => "发生时间",
        "send_time" => "发送时间",
        "due_time" => "到期时间",
        "store_id" => "门店",
        "staff_id" => "员工",
        _ => return None,
    })
}

/// Which enum of the protos a number is of.
const ENUMS: [(&str, &str, &str); 32] = [
    ("customers", "kind", "foursight.customer.v1.CustomerKind"),
    ("customers", "gender", "foursight.customer.v1.Gender"),
    ("customers", "source", "foursight.customer.v1.SourceChannel"),
    ("customers", "stage", "foursight.customer.v1.LifeCycleStage"),
    ("contact_points", "kind", "foursight.customer.v1.ContactKind"),
    ("contact_points", "source", "foursight.customer.v1.SourceChannel"),
    ("consents", "purpose", "foursight.customer.v1.Purpose"),
    ("consents", "contact_kind", "foursight.customer.v1.ContactKind"),
    ("consents", "state", "foursight.customer.v1.ConsentState"),
    ("facts", "source", "foursight.customer.v1.SourceChannel"),
    ("leads", "source", "foursight.customer.v1.SourceChannel"),
    ("leads", "grade", "foursight.customer.v1.LeadGrade"),
    ("leads", "state", "foursight.customer.v1.LeadState"),
    ("receptions", "kind", "foursight.customer.v1.ReceptionKind"),
    ("visits", "kind", "foursight.customer.v1.VisitKind"),
    ("visits", "state", "foursight.customer.v1.VisitState"),
    ("customer_relations", "kind", "foursight.customer.v1.RelationKind"),
    ("customer_relations", "source", "foursight.customer.v1.SourceChannel"),
    ("stage_corrections", "stage", "foursight.customer.v1.LifeCycleStage"),
    ("stage_corrections", "previous_stage", "foursight.customer.v1.LifeCycleStage"),
    ("stage_corrections", "cause", "foursight.customer.v1.StageChangeCause"),
    ("vehicle_people", "role", "foursight.customer.v1.VehicleRole"),
    ("group_memberships", "its_group", "foursight.customer.v1.CustomerGroup"),
    ("call_tasks", "kind", "foursight.notification.v1.CallTaskKind"),
    ("call_tasks", "state", "foursight.notification.v1.CallTaskState"),
    ("call_attempts", "result", "foursight.notification.v1.CallResult"),
    ("messages", "kind", "foursight.notification.v1.MessageKind"),
    ("messages", "state", "foursight.notification.v1.MessageState"),
    ("cases", "kind", "foursight.complaint.v1.CaseKind"),
    ("cases", "severity", "foursight.complaint.v1.Severity"),
    ("cases", "state", "foursight.complaint.v1.CaseState"),
    ("steps", "state", "foursight.complaint.v1.CaseState"),
];

/// A number as the API names it.
pub(super) fn of_enum(table: &str, column: &str, value: &Value) -> Option<String> {
    let number = i32::try_from(value.as_i64()?).ok()?;
    let (_, _, name) =
        ENUMS.iter().find(|(its_table, its_column, _)| *its_table == table && *its_column == column)?;
    let found = foursight_proto::descriptors().get_enum_by_name(name)?.get_value(number)?;
    Some(found.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_enum_is_one_of_the_protos() {
        for (table, column, name) in ENUMS {
            assert!(
                foursight_proto::descriptors().get_enum_by_name(name).is_some(),
                "{table}.{column}: {name}"
            );
            assert!(of_enum(table, column, &1.into()).is_some(), "{table}.{column}");
        }
    }
}
