//! The API's methods as the descriptors tell them, and a sound request for each.

use std::time::Duration;

use anyhow::{Context, Result};
use foursight_access::rules::{Rule, Rules};
use foursight_kernel::{Clock, SystemClock};
use foursight_proto::access::v1::Scope;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value as Reflected};
use reqwest::Method as Verb;
use serde_json::{Value, json};

use crate::{api::Ask, names::Names};

/// A method of ours.
#[derive(Debug, Clone)]
pub struct ApiMethod {
    /// `/package.Service/Method`
    pub path: String,
    /// The method's own name, unique in the API.
    pub name: String,
    /// Who may call it; `None` is a mistake.
    pub rule: Option<Rule>,
    /// Further ways of calling it by JSON.
    pub further: Vec<HttpRule>,
    /// How it is called by JSON; `None` where it is not.
    pub http: Option<HttpRule>,
    /// The request.
    pub input: MessageDescriptor,
}

/// A `google.api.http` annotation.
#[derive(Debug, Clone)]
pub struct HttpRule {
    /// GET, POST, …
    pub verb: Verb,
    /// `/v1/{name=leads/*}:grade`
    pub template: String,
    /// The field that the body gives; `*` for all, empty for none.
    pub body: String,
}

/// Every method of our services.
///
/// # Errors
/// When the descriptors cannot be read.
pub fn methods() -> Result<Vec<ApiMethod>> {
    let rules = Rules::from_protos();
    let ours = foursight_proto::descriptors().services().filter(|s| s.full_name().starts_with("foursight."));
    ours.flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let mut rules_of_http = http_rules(&method)?.into_iter();
            let http = rules_of_http.next();
            Ok(ApiMethod {
                http,
                further: rules_of_http.collect(),
                name: method.name().to_owned(),
                rule: rules.of(&path).cloned(),
                input: method.input(),
                path,
            })
        })
        .collect()
}

fn http_rules(method: &prost_reflect::MethodDescriptor) -> Result<Vec<HttpRule>> {
    let pool = foursight_proto::descriptors();
    let http = pool.get_extension_by_name("google.api.http").context("google.api.http is not known")?;
    let options = method.options();
    if !options.has_extension(&http) {
        return Ok(Vec::new());
    }
    let annotation = options.get_extension(&http);
    let annotation = annotation.as_message().context("the annotation is no message")?;
    let further = annotation.get_field_by_name("additional_bindings");
    let further = further.as_deref().and_then(Reflected::as_list).unwrap_or_default();
    let rules = std::iter::once(annotation).chain(further.iter().filter_map(Reflected::as_message));
    rules.map(http_rule).collect()
}

fn http_rule(annotation: &DynamicMessage) -> Result<HttpRule> {
    let text = |field: &str| {
        let value = annotation.get_field_by_name(field);
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let verbs = [
        ("get", Verb::GET),
        ("post", Verb::POST),
        ("patch", Verb::PATCH),
        ("put", Verb::PUT),
        ("delete", Verb::DELETE),
    ];
    let found = verbs.into_iter().map(|(field, verb)| (verb, text(field))).find(|(_, path)| !path.is_empty());
    let (verb, template) = found.context("an annotation without a path")?;
    Ok(HttpRule { verb, template, body: text("body") })
}

impl ApiMethod {
    /// The scope that the rule names.
    pub fn scope(&self) -> Scope {
        self.rule.as_ref().map_or(Scope::Unspecified, |rule| rule.scope)
    }

    /// The right that the rule names; empty where it names none.
    pub fn right(&self) -> &str {
        self.rule.as_ref().map_or("", |rule| rule.right.as_str())
    }
}

impl HttpRule {
    /// The path with names in it, and the field that the path gives.
    ///
    /// # Errors
    /// When the template is of a form that this does not know.
    pub fn fill(&self, names: &Names) -> Result<(String, Option<String>)> {
        let Some((before, rest)) = self.template.split_once('{') else {
            return Ok((self.template.clone(), None));
        };
        let (variable, after) = rest.split_once('}').context("a variable without an end")?;
        let (field, pattern) = variable.split_once('=').context("a variable without a pattern")?;
        let collection = pattern.split('/').next().unwrap_or_default();
        Ok((format!("{before}{}{after}", names.of(collection)), Some(field.to_owned())))
    }

    /// A request with this body, as the method takes it.
    ///
    /// # Errors
    /// When the template is of a form that this does not know.
    pub fn ask(&self, names: &Names, body: &Value) -> Result<Ask> {
        let (path, _) = self.fill(names)?;
        let ask = Ask::new(self.verb.clone(), path);
        Ok(if self.body.is_empty() { ask } else { ask.json(body) })
    }
}

/// How a field behaves: the annotations of `google.api.field_behavior`.
pub fn behaves(field: &FieldDescriptor, behavior: Behavior) -> bool {
    let pool = foursight_proto::descriptors();
    let Some(extension) = pool.get_extension_by_name("google.api.field_behavior") else { return false };
    let options = field.options();
    let annotations = options.get_extension(&extension);
    let annotations = annotations.as_list().unwrap_or_default();
    annotations.iter().any(|each| {
        each.as_enum_number() == Some(behavior as i32) || *each == Reflected::I32(behavior as i32)
    })
}

/// `google.api.FieldBehavior`, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behavior {
    /// Must be there.
    Required = 2,
    /// Is ignored in a request.
    OutputOnly = 3,
}

/// A sound body for a method with one, with most of what it may carry: what of it is refused is refused for what a test has
/// changed. `None` for a method that this list does not know: add it.
pub fn sound_body(method: &str, names: &Names) -> Option<Value> {
    let (store, staff) = (names.of("stores"), names.of("staff"));
    let tomorrow = (SystemClock.now() + Duration::from_hours(24)).to_string();
    let calendar = json!({
        "timeZone": "Asia/Shanghai",
        "weekly": [{ "day": "MONDAY", "opens": { "hours": 9, "minutes": 0 }, "closes": { "hours": 18, "minutes": 30 } }],
        "exceptions": [{
            "date": { "year": 2027, "month": 10, "day": 1 },
            "open": [{ "opens": { "hours": 10 }, "closes": { "hours": 12 } }],
            "reason": "国庆节",
        }],
    });
    let customer = json!({
        "kind": "CUSTOMER_KIND_PERSON",
        "displayName": "安可晴", "gender": "GENDER_FEMALE",
        "birthday": { "year": 1990, "month": 5, "day": 17 },
        "lunarBirthday": { "year": 1990, "month": 4, "leapMonth": false, "day": 23 },
        "nationalId": "11010519900517002X",
        "contactPoints": [{ "kind": "CONTACT_KIND_PHONE", "value": "13900001234" }],
        "store": store,
        "source": "SOURCE_CHANNEL_WALK_IN",
    });
    Some(match method {
        "CreateToken" => json!({ "password": { "login": "sh01.nobody", "password": "not-the-password" } }),
        "RevokeToken" => json!({ "refreshToken": "of no session" }),
        "CreateStore" => json!({
            "code": "XX99", "displayName": "澄远试验店", "region": "华东", "city": "上海", "calendar": calendar,
        }),
        "UpdateStoreCalendar" => calendar,
        "CreateStaff" => json!({
            "staff": {
                "login": "xx99.somebody", "displayName": "季南乔", "roles": ["ROLE_SALES_ADVISOR"], "stores": [store],
            },
            "password": "long enough for anybody",
        }),
        "DeactivateStaff" | "ArchiveTag" => json!({}),
        "RecordConsent" => json!({
            "purpose": "PURPOSE_SERVICE", "contactKind": "CONTACT_KIND_PHONE", "state": "CONSENT_STATE_GIVEN",
            "method": "counter", "wordingVersion": "2026-01",
        }),
        "CreateCustomer" => customer,
        "UpdateCustomer" => json!({
            "customer": { "birthday": customer["birthday"], "lunarBirthday": customer["lunarBirthday"] },
            "store": store, "source": "SOURCE_CHANNEL_CALL",
        }),
        "RevealField" => json!({
            "field": "SENSITIVE_FIELD_CONTACT_POINT", "contactPoint": names.of("contactPoints"),
            "reason": "the customer asked for a call",
        }),
        "CreateReception" => json!({
            "store": store, "kind": "RECEPTION_KIND_WALK_IN", "visitor": customer, "intendedModel": "远山 S7",
        }),
        "CreateLead" => json!({
            "customer": names.of("customers"), "store": store, "source": "SOURCE_CHANNEL_WALK_IN",
            "intendedModel": "远山 S7", "grade": "LEAD_GRADE_H", "owner": staff,
        }),
        "AssignLead" => json!({ "owner": staff }),
        "LoseLead" => {
            json!({ "reason": "LEAD_LOSS_REASON_OTHER_BRAND", "competitor": "示例汽车", "note": "价格更低" })
        }
        "GradeLead" => json!({ "grade": "LEAD_GRADE_H" }),
        "CreateDelivery" => json!({
            "customer": names.of("customers"), "store": store, "lead": names.of("leads"), "vin": "1M8GDM9AXKP042788",
            "plate": "沪A12345", "model": "远山 S7", "trim": "四驱", "colour": "墨绿", "odometerKm": 12,
            "advisor": staff, "deliverTime": "2026-01-05T09:30:00Z",
        }),
        "CreateVisit" => json!({
            "store": store, "vehicle": names.of("vehicles"), "customer": names.of("customers"),
            "kind": "VISIT_KIND_REPAIR", "odometerKm": 1_000_000, "odometerConfirmed": true, "advisor": staff, "promiseTime": tomorrow,
        }),
        "CorrectOdometer" => json!({
            "store": store, "wrongKm": 320, "odometerKm": 32, "reason": "ODOMETER_CORRECTION_REASON_TYPING_ERROR",
            "note": "多打了一个零",
        }),
        "CorrectPlate" => json!({
            "store": store, "plate": "沪A12346", "reason": "PLATE_CORRECTION_REASON_NEW_PLATE", "note": "行驶证",
        }),
        "CompleteVisit" => {
            json!({ "amount": { "currencyCode": "CNY", "units": "100", "nanos": 500_000_000 } })
        }
        "CreateCase" => json!({
            "store": store, "customer": names.of("customers"), "kind": "CASE_KIND_COMPLAINT",
            "channel": "INTAKE_CHANNEL_COUNTER", "category": "service.waiting", "severity": "SEVERITY_NORMAL",
            "description": "等了两个小时", "subject": names.of("visits"),
        }),
        "AssignCase" | "AssignCallTask" => json!({ "assignee": staff }),
        "ReplyCase" => json!({ "note": "已致电客户" }),
        "HandleCase" => json!({ "cause": "CAUSE_SERVICE", "measure": "MEASURE_APOLOGY", "note": "已道歉" }),
        "TellCaseResult" => json!({ "note": "已告知客户" }),
        "RevisitCase" => json!({ "satisfied": true, "note": "满意" }),
        "ReopenCase" => json!({ "note": "又有异响" }),
        "RecordCallAttempt" => json!({ "attempt": {
            "result": "CALL_RESULT_REACHED", "satisfaction": "SATISFACTION_DISSATISFIED", "advisorScore": 4,
            "note": "右前门有异响", "category": "sales.promise", "callRecord": "CC-0002",
        }}),
        _ => return body_of_files(method, names),
    })
}

/// The same for what stands in the files of customers and cars.
fn body_of_files(method: &str, names: &Names) -> Option<Value> {
    let store = names.of("stores");
    Some(match method {
        "ListCustomers" => json!({
            "store": store, "q": "安可晴", "pageSize": 20, "tag": names.of("tags"), "group": "CUSTOMER_GROUP_UIO",
            "valueTier": "VALUE_TIER_A",
        }),
        "ListVehicles" => {
            json!({ "customer": names.of("customers"), "plate": "沪A12345", "vin": "1M8GDM9AXKP042788" })
        }
        "CreateTag" => json!({ "displayNameZh": "自驾游", "displayNameEn": "Road trips" }),
        "AddContactPoint" => json!({
            "kind": "CONTACT_KIND_WECHAT", "value": "an_demo_2", "store": store, "source": "SOURCE_CHANNEL_CALL",
        }),
        "EndContactPoint" => json!({ "contactPoint": names.of("contactPoints"), "store": store }),
        "TagCustomer" | "UntagCustomer" => json!({ "store": store, "tags": [names.of("tags")] }),
        "AddToGroup" => json!({
            "store": store, "group": "CUSTOMER_GROUP_CAR_CLUB", "reason": "入会申请", "startTime": "2026-01-05T09:30:00Z",
        }),
        "RemoveFromGroup" => {
            json!({ "store": store, "group": "CUSTOMER_GROUP_CAR_CLUB", "reason": "客户要求退出" })
        }
        "SetValueTier" => json!({ "store": store, "valueTier": "VALUE_TIER_A", "reason": "推荐了五位客户" }),
        "CorrectStage" => {
            json!({ "store": store, "stage": "LIFE_CYCLE_STAGE_DORMANT", "reason": "一年没有联系" })
        }
        // As it is without a rule.
        "UpdateRetentionRule" => json!({ "kind": "RETENTION_KIND_LOST_LEADS", "keepMonths": 0 }),
        "ExportCustomerData" => json!({ "reason": "the customer asked for a copy" }),
        // With an etag that no file has: a sound request that erases nobody whom another test needs.
        "RequestErasure" => json!({
            "ground": "ERASURE_GROUND_CUSTOMER_REQUEST", "reference": "2026/0001", "etag": "of no file",
        }),
        "UpdateVehicle" => {
            let insurance =
                json!({ "insurer": "示例财险", "endDate": { "year": 2027, "month": 3, "day": 1 } });
            let vehicle = json!({
                "model": "远山 S7", "trim": "四驱", "colour": "墨绿",
                "warranty": { "endDate": { "year": 2029, "month": 3, "day": 1 }, "endKm": 100_000 },
                "compulsoryInsurance": insurance, "commercialInsurance": insurance,
                "inspectionDate": { "year": 2028, "month": 3, "day": 31 },
                "registrationDate": { "year": 2026, "month": 3, "day": 1 },
            });
            json!({ "vehicle": vehicle, "store": store, "source": "SOURCE_CHANNEL_CALL" })
        }
        "AddVehiclePerson" => json!({
            "role": "VEHICLE_ROLE_DRIVER", "displayName": "安可朗", "phone": "13900001235", "store": store,
        }),
        "EndVehiclePerson" | "RevealVehiclePerson" => {
            let person = format!("{}/people/{}", names.of("vehicles"), uuid::Uuid::nil());
            match method {
                "EndVehiclePerson" => json!({ "person": person, "store": store }),
                _ => json!({ "person": person, "reason": "the driver has to be called" }),
            }
        }
        "AddRelation" => json!({
            "other": format!("customers/{}", uuid::Uuid::nil()), "kind": "RELATION_KIND_SPOUSE",
            "source": "SOURCE_CHANNEL_WALK_IN", "store": store,
        }),
        "EndRelation" => json!({
            "relation": format!("{}/relations/{}", names.of("customers"), uuid::Uuid::nil()), "store": store,
        }),
        "FindDuplicates" => json!({
            "kind": "CUSTOMER_KIND_PERSON", "displayName": "安可晴", "gender": "GENDER_FEMALE",
            "birthday": { "year": 1990, "month": 5, "day": 1 },
            "contactPoints": [{ "kind": "CONTACT_KIND_PHONE", "value": "13900001234" }],
        }),
        "DismissDuplicate" => json!({ "store": store, "reason": "父子同名" }),
        "PreviewMerge" => {
            json!({ "other": format!("customers/{}", uuid::Uuid::nil()), "take": ["birthday"] })
        }
        "MergeCustomers" => json!({
            "other": format!("customers/{}", uuid::Uuid::nil()), "store": store, "take": ["birthday"], "reason": "本人确认",
        }),
        "PreviewUndoMerge" => json!({}),
        "UndoMerge" => json!({ "store": store, "reason": "两个人" }),
        _ => return import_body(method, store).or_else(|| segment_body(method, names)),
    })
}

/// The same for the methods of `SegmentService` and `ExportService`.
fn segment_body(method: &str, names: &Names) -> Option<Value> {
    let day = |month: i32| json!({ "year": 2026, "month": month, "day": 1 });
    let condition = json!({ "all": { "conditions": [
        { "stage": "LIFE_CYCLE_STAGE_SERVICE" },
        { "any": { "conditions": [{ "tag": names.of("tags") }, { "visits": { "min": "1", "max": "9" } }] } },
        { "not": { "lastVisit": { "from": day(1), "to": day(2) } } },
        { "consent": { "purpose": "PURPOSE_MARKETING", "contactKind": "CONTACT_KIND_PHONE" } },
        { "ownedModel": "远山 S7" },
    ] } });
    let segment = json!({ "displayName": "售后常客", "description": "常来的客户", "condition": condition, "shared": true });
    Some(match method {
        "CreateSegment" => {
            let mut segment = segment;
            segment["store"] = json!(names.of("stores"));
            segment
        }
        "UpdateSegment" => json!({ "segment": segment }),
        "ExportCustomers" => json!({
            "format": "EXPORT_FORMAT_CSV", "language": "EXPORT_LANGUAGE_EN", "purpose": "年度客户盘点",
            "segment": names.of("segments"), "store": names.of("stores"), "unmasked": true, "reason": "邮寄年检通知",
        }),
        "PreviewSegment" => json!({ "condition": condition, "store": names.of("stores") }),
        _ => return None,
    })
}

/// The same for the methods of `ImportService`.
fn import_body(method: &str, store: &str) -> Option<Value> {
    Some(match method {
        "CreateImport" => json!({
            "kind": "IMPORT_KIND_CUSTOMERS", "store": store, "source": "SOURCE_CHANNEL_IMPORT", "fileName": "客户.csv",
            "language": "zh",
            "mapping": { "称呼": "name" },
        }),
        "AppendImportData" => json!({ "offset": "0", "data": "5aeT5ZCNLOaJi+acugo=" }),
        "StartImport" => json!({ "dryRun": true, "mapping": { "称呼": "name" } }),
        "UndoImport" | "CancelImport" => json!({}),
        _ => return None,
    })
}
