//! The timeline: everything that happened with a customer, in any service, in one list. A projection of events.
//!
//! | kind | resource | details |
//! |---|---|---|
//! | `CUSTOMER_CREATED` | the customer | `kind`, `source` |
//! | `CUSTOMER_UPDATED` | the customer | `fields` (by their paths, with commas between), `source` |
//! | `CUSTOMERS_MERGED`, `CUSTOMERS_UNMERGED` (of both then) | the merge | `customer` (the survivor), `other` |
//! | `CONTACT_POINT_ADDED`, `CONTACT_POINT_ENDED` | the contact point | `kind`, `source`, `taken_over` (from another, by another) |
//! | `CUSTOMER_TAGGED` | the customer | `added`, `removed` (tags, with commas between) |
//! | `GROUP_JOINED`, `GROUP_LEFT` | the customer | `group` |
//! | `VALUE_TIER_CHANGED` (not the first one that the amounts say) | the customer | `value_tier`, `previous_tier`, `decided` |
//! | `STAGE_CORRECTED`, `STAGE_MOVED` (nothing has happened for so long) | the customer | `stage`, `previous_stage` |
//! | `CONSENT_RECORDED` | the customer | `purpose`, `contact_kind`, `state` |
//! | `RECEPTION_CREATED` | the reception | `kind` |
//! | `LEAD_CREATED`, `LEAD_GRADED` | the lead | `source`, `grade`, `owner` |
//! | `LEAD_ASSIGNED`, `LEAD_RELEASED` (nobody has it) | the lead | `owner`, `previous_owner` |
//! | `LEAD_LOST` | the lead | `reason`, `owner`, `staff` (who said so) |
//! | `VEHICLE_DELIVERED` | the delivery | `vehicle`, `lead`, `advisor`, `odometer_km` |
//! | `VISIT_STARTED`, `VISIT_COMPLETED` | the visit | `vehicle`, `kind`, `odometer_km`, `advisor` |
//! | `ODOMETER_CORRECTED` | the vehicle | `reason`, `wrong_km`, `odometer_km` |
//! | `PLATE_CORRECTED` | the vehicle | `reason` |
//! | `VEHICLE_UPDATED` | the vehicle | `fields` (by their paths, with commas between), `source` |
//! | `VEHICLE_PERSON_ADDED`, `VEHICLE_PERSON_ENDED` (of the owner, and of who it is) | the vehicle | `role`, `customer` (who it is) |
//! | `RELATION_ADDED`, `RELATION_ENDED` (of both) | the relation | `kind` (what the other one is), `customer` (the other one) |
//! | `CALL_TASK_PLANNED`, `CALL_ATTEMPTED`, `CALL_TASK_COMPLETED` | the call task | `kind`, `result`, `state`, `satisfaction`, `score`, … |
//! | `MESSAGE_PLANNED`, `MESSAGE_SENT`, `MESSAGE_SUPPRESSED`, `MESSAGE_FAILED` | the message | `kind`, `state`, `reason` |
//! | `CASE_OPENED` | the case | `number`, `kind`, `category`, `severity`, `owner` |
//! | `CASE_ASSIGNED`, `CASE_REPLIED`, `CASE_HANDLED`, `CASE_RESULT_TOLD`, `CASE_REOPENED`, `CASE_CLOSED`, `CASE_RELEASED` (nobody owns it) | the case | `number`, `state`, `loop`, `owner`, `step` |
//! | `CLOCK_BREACHED` | the case | `clock`, `loop` |

mod entry;
mod from_complaint;
mod from_customer;
mod from_merges;
mod from_notification;
mod from_people;
mod from_relations;
mod from_standing;
mod list;
mod project;
#[cfg(test)]
mod project_tests;

pub(crate) use list::list;
pub(crate) use project::consumer;
