//! `prost-reflect` is the oracle: whatever a message holds, both ways must agree with its canonical JSON.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use foursight_kernel::Violations;
use proptest::{prelude::*, test_runner::TestRng};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, Value};

use super::{decode, encode};
use crate::schema::Schema;

/// A message of the type with random fields.
fn arbitrary(descriptor: &MessageDescriptor, rng: &mut TestRng, depth: usize) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    if descriptor.full_name() == "google.protobuf.Timestamp" {
        message.set_field_by_name("seconds", Value::I64(rng.random_range(-62_135_596_800..253_402_300_799)));
        message.set_field_by_name("nanos", Value::I32(rng.random_range(0..1_000_000_000)));
        return message;
    }
    if descriptor.full_name() == "google.protobuf.FieldMask" {
        // Other texts than names of fields have no JSON form.
        let paths = ["gender", "profile.car_use", "display_name"];
        let paths = paths[rng.random_range(0..3)..].iter().map(|path| Value::String((*path).to_owned()));
        message.set_field_by_name("paths", Value::List(paths.collect()));
        return message;
    }
    for field in descriptor.fields() {
        if depth > 4 || rng.random_bool(0.4) {
            continue;
        }
        let value = if field.is_map() {
            let count = rng.random_range(0..3);
            Value::Map(
                (0..count)
                    .map(|index| (MapKey::String(format!("k{index}")), Value::String("v".into())))
                    .collect(),
            )
        } else if field.is_list() {
            let count = rng.random_range(0..4);
            Value::List((0..count).map(|_| single(&field.kind(), rng, depth)).collect())
        } else {
            single(&field.kind(), rng, depth)
        };
        message.set_field(&field, value);
    }
    message
}

fn single(kind: &Kind, rng: &mut TestRng, depth: usize) -> Value {
    match kind {
        Kind::Double => Value::F64(rng.random_range(-1e9..1e9)),
        Kind::Float => Value::F32(rng.random_range(-1e9..1e9)),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(rng.random()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(rng.random()),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(rng.random()),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(rng.random()),
        Kind::Bool => Value::Bool(rng.random()),
        Kind::String => {
            Value::String(["", "小满 \"\\\n\u{1}", "stores/1", "𝄞"][rng.random_range(0..4)].to_owned())
        }
        Kind::Bytes => Value::Bytes(vec![rng.random(); rng.random_range(0..5)].into()),
        Kind::Message(message) => Value::Message(arbitrary(message, rng, depth + 1)),
        Kind::Enum(enumeration) => {
            let values: Vec<i32> = enumeration.values().map(|value| value.number()).collect();
            Value::EnumNumber(values[rng.random_range(0..values.len())])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn both_ways_agree_with_the_reference(mut rng in any::<u64>().prop_perturb(|_, rng| rng)) {
        let pool = foursight_proto::descriptors();
        let schema = Schema::compile(pool);
        let ours = pool.all_messages().filter(|message| {
            let name = message.full_name();
            (name.starts_with("foursight.") || name.starts_with("google.type.")) && !message.is_map_entry()
        });
        for descriptor in ours {
            let message = arbitrary(&descriptor, &mut rng, 0);
            let id = schema.find(descriptor.full_name()).unwrap();
            let expected = serde_json::to_value(&message).unwrap();

            let mut json = Vec::new();
            encode::encode(&schema, id, &message.encode_to_vec(), &mut json).unwrap();
            prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(&json).unwrap(), &expected);

            let (mut bytes, mut violations) = (Vec::new(), Violations::default());
            decode::message(&schema, id, &json, &mut bytes, &mut violations);
            prop_assert!(violations.is_empty(), "{:?} in {}", violations, String::from_utf8_lossy(&json));
            let back = DynamicMessage::decode(descriptor, &bytes[..]).unwrap();
            prop_assert_eq!(serde_json::to_value(&back).unwrap(), expected);
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200), json in "\\PC{0,200}") {
        let schema = Schema::compile(foursight_proto::descriptors());
        for name in ["foursight.complaint.v1.Case", "foursight.customer.v1.TimelineEntry", "foursight.identity.v1.Store"] {
            let id = schema.find(name).unwrap();
            let _ = encode::encode(&schema, id, &bytes, &mut Vec::new());
            decode::message(&schema, id, &bytes, &mut Vec::new(), &mut Violations::default());
            decode::message(&schema, id, json.as_bytes(), &mut Vec::new(), &mut Violations::default());
        }
    }
}
