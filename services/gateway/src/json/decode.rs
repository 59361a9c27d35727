//! A JSON body to protobuf bytes: one pass, no tree in between, and every mistake is found, not the first only.

use foursight_kernel::Violations;
use serde::de::DeserializeSeed as _;

use super::{
    path::Path,
    value::{Slot, Value},
};
use crate::schema::{FieldPlan, MessageId, Schema};

/// What some editors put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What decoding needs and gathers.
#[derive(Debug)]
pub(crate) struct Context<'s> {
    pub(crate) schema: &'s Schema,
    pub(crate) violations: &'s mut Violations,
    /// Where the text stopped being JSON.
    broken_at: Option<String>,
}

impl Context<'_> {
    pub(crate) fn refuse(&mut self, path: &Path<'_>, description: impl Into<String>) {
        self.violations.push(name(path), description);
    }

    /// The innermost place is told first, and kept.
    pub(crate) fn broken(&mut self, path: &Path<'_>) {
        if self.broken_at.is_none() {
            self.broken_at = Some(name(path));
        }
    }
}

/// The body as a whole has no name of its own in a request.
fn name(path: &Path<'_>) -> String {
    match path {
        Path::Root => "body".to_owned(),
        _ => path.to_string(),
    }
}

/// Appends the fields of a body that is the whole request.
pub(crate) fn message(
    schema: &Schema,
    id: MessageId,
    body: &[u8],
    out: &mut Vec<u8>,
    violations: &mut Violations,
) {
    run(schema, Slot::Request(id), &Path::Root, body, out, violations);
}

/// Appends the one field that the body gives.
pub(crate) fn field(
    schema: &Schema,
    field: &FieldPlan,
    body: &[u8],
    out: &mut Vec<u8>,
    violations: &mut Violations,
) {
    run(schema, Slot::Field(field), &Path::Field(&Path::Root, &field.json_name), body, out, violations);
}

fn run(
    schema: &Schema,
    slot: Slot<'_>,
    path: &Path<'_>,
    body: &[u8],
    out: &mut Vec<u8>,
    violations: &mut Violations,
) {
    if body.starts_with(BYTE_ORDER_MARK) {
        let remedy = "begins with a byte order mark (EF BB BF), which JSON has not: send UTF-8 without it";
        return violations.push("body", remedy);
    }
    let mut context = Context { schema, violations, broken_at: None };
    let mut json = serde_json::Deserializer::from_slice(body);
    let read =
        Value { context: &mut context, slot, path, out }.deserialize(&mut json).and_then(|()| json.end());
    if let Err(error) = read {
        let place = context.broken_at.take().unwrap_or_else(|| name(path));
        let hint = bare_text(body, &error).unwrap_or_default();
        context.violations.push(place, format!("is not readable as JSON: {error}{hint}"));
    }
}

/// What is to be done about a text without quotes: an id that begins with a digit is read as a number at first, and JSON's
/// numbers never begin with a 0.
fn bare_text(body: &[u8], error: &serde_json::Error) -> Option<&'static str> {
    let line = body.split(|byte| *byte == b'\n').nth(error.line().checked_sub(1)?)?;
    // Columns count from 1, and tell the byte that could not be read.
    let (before, after) = line.split_at_checked(error.column().saturating_sub(1))?;
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_');
    let begin = before.iter().rposition(|byte| !is_of_word(byte)).map_or(0, |place| place + 1);
    let end = after.iter().position(|byte| !is_of_word(byte)).unwrap_or(after.len());
    let word = [&before[begin..], &after[..end]].concat();
    match word.trim_ascii() {
        [b'0', b'0'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
            Some("; a number must not begin with 0, and an id or another text stands in double quotes")
        }
        [first, ..] if first.is_ascii_alphanumeric() => {
            Some("; an id, a date or another text stands in double quotes")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_proto::{complaint::v1::CreateCaseRequest, customer::v1::CreateCustomerRequest};
    use prost::Message as _;

    use super::*;

    fn violations(json: &[u8]) -> Vec<(String, String)> {
        let schema = Schema::compile(foursight_proto::descriptors());
        let id = schema.find("foursight.customer.v1.CreateCustomerRequest").unwrap();
        let mut violations = Violations::default();
        message(&schema, id, json, &mut Vec::new(), &mut violations);
        violations.into_vec().into_iter().map(|violation| (violation.field, violation.description)).collect()
    }

    fn places(json: &str) -> Vec<String> {
        violations(json.as_bytes()).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_sound_body_becomes_the_message_that_it_says() {
        let schema = Schema::compile(foursight_proto::descriptors());
        let id = schema.find("foursight.customer.v1.CreateCustomerRequest").unwrap();
        let json = r#"{"customer": {"kind": "CUSTOMER_KIND_PERSON", "displayName": "林小满", "gender": 1,
            "birthday": {"year": 1990, "month": "5"}, "contact_points": [{"kind": "CONTACT_KIND_PHONE", "value": "x"}],
            "etag": null, "createTime": "2026-11-22T09:30:00.25Z", "stores": []}, "requestId": "r"}"#;
        let (mut out, mut wrong) = (Vec::new(), Violations::default());
        message(&schema, id, json.as_bytes(), &mut out, &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
        let request = CreateCustomerRequest::decode(&out[..]).unwrap();
        let customer = request.customer.unwrap();
        assert_eq!(request.request_id, "r");
        assert_eq!(customer.display_name, "林小满");
        assert_eq!((customer.kind, customer.gender), (1, 1));
        assert_eq!(customer.birthday.map(|date| (date.year, date.month, date.day)), Some((1990, 5, 0)));
        assert_eq!(customer.contact_points[0].kind, 1);
        assert_eq!(customer.create_time.map(|time| time.nanos), Some(250_000_000));
    }

    #[test]
    fn every_mistake_is_named_at_once_with_its_path() {
        let json = r#"{"customer": {"kind": "PERSON", "displayName": 7, "colour": "red",
            "birthday": {"year": 99999999999, "month": 1.5}, "contactPoints": [{"kind": 1}, null, {"valu": "x"}],
            "createTime": "yesterday", "stores": "S"}, "requestId": {}, "nonsense": [1]}"#;
        assert_eq!(
            places(json),
            [
                "customer.kind",
                "customer.displayName",
                "customer.colour",
                "customer.birthday.year",
                "customer.birthday.month",
                "customer.contactPoints[1]",
                "customer.contactPoints[2].valu",
                "customer.createTime",
                "customer.stores",
                "requestId",
                "nonsense",
            ]
        );
    }

    #[test]
    fn the_remedy_is_in_the_description() {
        let found = violations(br#"{"customer": {"kind": "PERSON", "colour": 1}}"#);
        assert_eq!(found[0].1, "must be one of CUSTOMER_KIND_PERSON, CUSTOMER_KIND_ORGANIZATION");
        assert!(found[1].1.contains("displayName"), "{}", found[1].1);
    }

    #[test]
    fn twice_is_refused_under_either_name() {
        assert_eq!(places(r#"{"requestId": "a", "request_id": "b"}"#), ["requestId"]);
        assert_eq!(places(r#"{"customer": {"etag": "a", "etag": "a"}}"#), ["customer.etag"]);
    }

    #[test]
    fn what_is_not_json_is_named_where_it_breaks() {
        assert_eq!(places(r#"{"customer": {"birthday": {"year": 1e999}}}"#), ["customer.birthday.year"]);
        assert_eq!(places(r#"{"customer": {"displayName": "\ud800"}}"#), ["customer.displayName"]);
        assert_eq!(violations(b"{\"customer\": {\"etag\": \"\xff\"}}")[0].0, "customer.etag");
        assert_eq!(places("{"), ["body"]);
        assert_eq!(places("[]"), ["body"]);
        assert_eq!(places("{} {}"), ["body"]);
        assert!(places(&"[".repeat(100_000)).iter().all(|place| place == "body"));
        assert_eq!(places(&format!("{{\"customer\": {}", "{\"customer\":".repeat(1_000))).len(), 2);
    }

    #[test]
    fn a_text_without_quotes_is_named_with_its_remedy() {
        for (json, place) in [
            (
                r#"{"customer": {"displayName": "a", "etag": 0192f2aa-0000-7000-8000-000000000001}}"#,
                "customer.etag",
            ),
            (
                r#"{"customer": {"etag": 7192f2aa-0000-7000-8000-000000000001, "displayName": "a"}}"#,
                "customer.etag",
            ),
            (r#"{"customer": {"birthday": {"month": 05}}}"#, "customer.birthday.month"),
            (r#"{"requestId": 0192}"#, "requestId"),
            (r#"{"requestId": abc}"#, "requestId"),
            ("{\n  \"requestId\": 2026-11-22\n}", "requestId"),
        ] {
            let found = violations(json.as_bytes());
            assert!(found.iter().all(|(field, _)| field == place), "{json}: {found:?}");
            let (_, remedy) = found.last().unwrap();
            assert!(remedy.ends_with("stands in double quotes"), "{json}: {remedy}");
        }
        assert!(violations(br#"{"requestId": 0192}"#)[0].1.contains("must not begin with 0"));
    }

    #[test]
    fn decimals_are_named_where_there_are_none() {
        for number in ["1990.123456789012", "\"1990.123456789012\""] {
            let found =
                violations(format!(r#"{{"customer": {{"birthday": {{"year": {number}}}}}}}"#).as_bytes());
            assert_eq!(found[0].0, "customer.birthday.year");
            assert!(found[0].1.ends_with("without decimals"), "{}", found[0].1);
        }
    }

    #[test]
    fn a_byte_order_mark_is_the_bodys_own_trouble() {
        let found = violations(b"\xef\xbb\xbf{}");
        assert_eq!(found[0].0, "body");
        assert!(found[0].1.contains("byte order mark"), "{}", found[0].1);
    }

    #[test]
    fn only_one_of_a_oneof_is_taken() {
        let schema = Schema::compile(foursight_proto::descriptors());
        let id = schema.find("foursight.identity.v1.CreateTokenRequest").unwrap();
        let mut wrong = Violations::default();
        let json = br#"{"password": {"login": "a"}, "refresh": {}, "service": null}"#;
        message(&schema, id, json, &mut Vec::new(), &mut wrong);
        let fields: Vec<String> = wrong.into_vec().into_iter().map(|violation| violation.field).collect();
        assert_eq!(fields, ["refresh"]);
    }

    #[test]
    fn a_body_that_is_one_field_has_that_fields_path() {
        let schema = Schema::compile(foursight_proto::descriptors());
        let id = schema.find("foursight.complaint.v1.CreateCaseRequest").unwrap();
        let case = schema.message(id).field("case").unwrap();
        let (mut out, mut wrong) = (Vec::new(), Violations::default());
        field(&schema, case, br#"{"severity": "SEVERITY_MAJOR"}"#, &mut out, &mut wrong);
        assert!(wrong.is_empty());
        assert_eq!(CreateCaseRequest::decode(&out[..]).unwrap().case.unwrap().severity, 3);
        field(&schema, case, br#"{"severity": "BAD"}"#, &mut out, &mut wrong);
        assert_eq!(wrong.into_vec()[0].field, "case.severity");
    }
}
