//! Entries from this service's own events.

use foursight_messaging::{HandleError, Received};
use foursight_proto::customer::{
    events::v1::{
        ConsentRecorded, ContactPointAdded, ContactPointEnded, CustomerCreated, CustomerUpdated,
        LeadAssigned, LeadCreated, LeadGraded, LeadLost, LeadReleased, OdometerCorrected, PlateCorrected,
        ReceptionCreated, VehicleDelivered, VehicleUpdated, VisitCompleted, VisitStarted,
    },
    v1::{
        ConsentState, ContactKind, CustomerKind, LeadGrade, LeadLossReason, OdometerCorrectionReason,
        PlateCorrectionReason, Purpose, ReceptionKind, SourceChannel, VisitKind,
    },
};

use crate::timeline::{
    entry::{Entry, Rank, code},
    from_people, from_relations, from_standing,
};

pub(super) fn entry(event: &Received) -> Result<Option<Entry>, HandleError> {
    if let Some(it) = event.decode::<CustomerCreated>()? {
        let details = [
            ("kind", code(it.kind, CustomerKind::as_str_name, "CUSTOMER_KIND_")),
            ("source", source(it.source)),
        ];
        return Ok(Entry::of(&it.customer, "CUSTOMER_CREATED", Rank::File, it.customer.clone(), details));
    }
    if let Some(it) = event.decode::<CustomerUpdated>()? {
        let details = [("fields", it.fields.join(",")), ("source", source(it.source))];
        return Ok(Entry::of(&it.customer, "CUSTOMER_UPDATED", Rank::File, it.customer.clone(), details));
    }
    if let Some(it) = event.decode::<ContactPointAdded>()? {
        let details = [
            ("kind", contact_kind(it.kind)),
            ("source", source(it.source)),
            ("taken_over", flag(it.taken_over)),
        ];
        return Ok(Entry::of(&it.customer, "CONTACT_POINT_ADDED", Rank::File, it.contact_point, details));
    }
    if let Some(it) = event.decode::<ContactPointEnded>()? {
        let details = [("kind", contact_kind(it.kind)), ("taken_over", flag(it.taken_over))];
        return Ok(Entry::of(&it.customer, "CONTACT_POINT_ENDED", Rank::File, it.contact_point, details));
    }
    for entry in [from_standing::entry(event)?, from_people::entry(event)?, from_relations::entry(event)?] {
        if entry.is_some() {
            return Ok(entry);
        }
    }
    if let Some(it) = event.decode::<ConsentRecorded>()? {
        let details = [
            ("purpose", code(it.purpose, Purpose::as_str_name, "PURPOSE_")),
            ("contact_kind", contact_kind(it.contact_kind)),
            ("state", code(it.state, ConsentState::as_str_name, "CONSENT_STATE_")),
        ];
        return Ok(Entry::of(&it.customer, "CONSENT_RECORDED", Rank::Consent, it.customer.clone(), details));
    }
    if let Some(it) = event.decode::<ReceptionCreated>()? {
        let details = [("kind", code(it.kind, ReceptionKind::as_str_name, "RECEPTION_KIND_"))];
        return Ok(Entry::of(&it.customer, "RECEPTION_CREATED", Rank::Reception, it.reception, details));
    }
    if let Some(it) = event.decode::<LeadCreated>()? {
        let details = [("source", source(it.source)), ("grade", grade(it.grade)), ("owner", it.owner)];
        return Ok(Entry::of(&it.customer, "LEAD_CREATED", Rank::Lead, it.lead, details));
    }
    if let Some(it) = event.decode::<LeadGraded>()? {
        let details = [("grade", grade(it.grade)), ("owner", it.owner)];
        return Ok(Entry::of(&it.customer, "LEAD_GRADED", Rank::Lead, it.lead, details));
    }
    if let Some(it) = event.decode::<LeadAssigned>()? {
        let details = [("owner", it.owner), ("previous_owner", it.previous_owner)];
        return Ok(Entry::of(&it.customer, "LEAD_ASSIGNED", Rank::Lead, it.lead, details));
    }
    if let Some(it) = event.decode::<LeadReleased>()? {
        let details = [("previous_owner", it.previous_owner)];
        return Ok(Entry::of(&it.customer, "LEAD_RELEASED", Rank::Lead, it.lead, details));
    }
    if let Some(it) = event.decode::<LeadLost>()? {
        let reason = code(it.reason, LeadLossReason::as_str_name, "LEAD_LOSS_REASON_");
        let details = [("reason", reason), ("owner", it.owner), ("staff", it.staff)];
        return Ok(Entry::of(&it.customer, "LEAD_LOST", Rank::Lead, it.lead, details));
    }
    if let Some(it) = event.decode::<VehicleDelivered>()? {
        let details = [
            ("vehicle", it.vehicle),
            ("lead", it.lead),
            ("advisor", it.advisor),
            ("odometer_km", it.odometer_km.to_string()),
        ];
        return Ok(Entry::of(&it.customer, "VEHICLE_DELIVERED", Rank::Delivery, it.delivery, details));
    }
    if let Some(it) = event.decode::<VisitStarted>()? {
        let details = [
            ("vehicle", it.vehicle),
            ("kind", visit_kind(it.kind)),
            ("odometer_km", it.odometer_km.to_string()),
        ];
        return Ok(Entry::of(&it.customer, "VISIT_STARTED", Rank::Visit, it.visit, details));
    }
    if let Some(it) = event.decode::<VisitCompleted>()? {
        let details = [("vehicle", it.vehicle), ("kind", visit_kind(it.kind)), ("advisor", it.advisor)];
        return Ok(Entry::of(&it.customer, "VISIT_COMPLETED", Rank::Visit, it.visit, details));
    }
    if let Some(it) = event.decode::<OdometerCorrected>()? {
        let reason = code(it.reason, OdometerCorrectionReason::as_str_name, "ODOMETER_CORRECTION_REASON_");
        let details = [
            ("reason", reason),
            ("wrong_km", it.wrong_km.to_string()),
            ("odometer_km", it.odometer_km.to_string()),
        ];
        return Ok(Entry::of(&it.customer, "ODOMETER_CORRECTED", Rank::Visit, it.vehicle, details));
    }
    if let Some(it) = event.decode::<PlateCorrected>()? {
        let reason = code(it.reason, PlateCorrectionReason::as_str_name, "PLATE_CORRECTION_REASON_");
        return Ok(Entry::of(&it.customer, "PLATE_CORRECTED", Rank::Visit, it.vehicle, [("reason", reason)]));
    }
    if let Some(it) = event.decode::<VehicleUpdated>()? {
        let details = [("fields", it.fields.join(",")), ("source", source(it.source))];
        return Ok(Entry::of(&it.customer, "VEHICLE_UPDATED", Rank::Visit, it.vehicle, details));
    }
    Ok(None)
}

fn contact_kind(value: i32) -> String {
    code(value, ContactKind::as_str_name, "CONTACT_KIND_")
}

/// Nothing where it is not so.
fn flag(is: bool) -> String {
    if is { is.to_string() } else { String::new() }
}

fn source(value: i32) -> String {
    code(value, SourceChannel::as_str_name, "SOURCE_CHANNEL_")
}

fn grade(value: i32) -> String {
    code(value, LeadGrade::as_str_name, "LEAD_GRADE_")
}

fn visit_kind(value: i32) -> String {
    code(value, VisitKind::as_str_name, "VISIT_KIND_")
}
