//! One store in Shanghai with its customers, a mail server, and notification between them.

use std::time::{Duration, Instant};

use foursight_kernel::{Clock, CustomerId, StaffId, StoreId, time::to_proto};
use foursight_proto::{
    complaint::events::v1::CaseOpened,
    customer::{
        events::v1::{VehicleDelivered, VisitCompleted, VisitStarted},
        v1::Resolution,
    },
    identity::{
        events::v1::{StaffChanged, StoreChanged},
        v1::{Calendar, Role},
    },
    notification::v1::{
        CallTask, ListCallTasksRequest, ListMessagesRequest, Message, MessageState,
        call_task_service_client::CallTaskServiceClient, message_service_client::MessageServiceClient,
    },
};
use foursight_testkit::{Caller, CallerChannel, Stack};
use jiff::{SignedDuration, Timestamp};

use crate::{peers::Customer, smtp::Smtp};

pub(crate) const ADDRESS: &str = "wei@example.com";

pub(crate) struct World {
    pub(crate) app: Stack,
    pub(crate) store: StoreId,
    pub(crate) customer: Customer,
    pub(crate) smtp: Smtp,
    /// A follow-up specialist of the store.
    pub(crate) caller: Caller,
}

impl World {
    /// At 10:00 on a Wednesday.
    pub(crate) async fn start() -> Self {
        Self::start_with("2026-03-04T10:00:00+08:00", true).await
    }

    /// At another time, and perhaps without the mail server in the settings.
    pub(crate) async fn start_with(beginning: &str, mail: bool) -> Self {
        let (customer, smtp) = (Customer::default(), Smtp::start().await);
        let url = if mail { format!("smtp_url = '{}'\n", smtp.url()) } else { String::new() };
        let settings =
            format!("[notification]\nlanguage = 'en'\ndispatch_seconds = 1\nassign_seconds = 1\n{url}");
        let app = Stack::builder()
            .role(foursight_notification::NotificationRole)
            .role(customer.role())
            .signed_in_as("notification")
            .settings(&settings)
            .beginning(beginning.parse().unwrap())
            .start()
            .await
            .unwrap();
        let store = app.ids.next();
        let caller = app.staff(&[Role::FollowUpSpecialist], &[store]).unwrap();
        let world = Self { app, store, customer, smtp, caller };
        world.store_changed().await;
        world
    }

    async fn store_changed(&self) {
        let changed = StoreChanged {
            store: self.store.name(),
            code: "SH01".to_owned(),
            display_name: "Yuanwang Example Store".to_owned(),
            calendar: Some(Calendar { time_zone: "Asia/Shanghai".to_owned(), ..Calendar::default() }),
            ..StoreChanged::default()
        };
        self.app.tell(&changed, self.store.uuid(), 1, Some(self.store)).await.unwrap();
        self.app.settled().await.unwrap();
    }

    /// A member of the store's staff, as identity tells it.
    pub(crate) async fn staff(&self, id: StaffId, role: Role, active: bool, version: i64) {
        let changed = StaffChanged {
            staff: id.name(),
            roles: vec![role.into()],
            stores: vec![self.store.name()],
            headquarters: false,
            active,
        };
        self.app.tell(&changed, id.uuid(), version, None).await.unwrap();
        self.app.settled().await.unwrap();
    }

    /// A customer who can be reached.
    pub(crate) fn reachable(&self) -> CustomerId {
        let customer = self.app.ids.next();
        self.customer.answers(customer, Resolution::Reachable, ADDRESS);
        customer
    }

    pub(crate) fn ago(&self, hours: i64) -> Timestamp {
        self.app.clock.now() - SignedDuration::from_hours(hours)
    }

    pub(crate) fn delivered(&self, at: Timestamp) -> VehicleDelivered {
        VehicleDelivered {
            delivery: self.app.ids.next::<foursight_kernel::DeliveryId>().name(),
            customer: self.reachable().name(),
            store: self.store.name(),
            vehicle: self.app.ids.next::<foursight_kernel::VehicleId>().name(),
            deliver_time: Some(to_proto(at)),
            ..VehicleDelivered::default()
        }
    }

    pub(crate) fn visit_started(&self, vehicle: &str, at: Timestamp) -> VisitStarted {
        VisitStarted {
            visit: self.app.ids.next::<foursight_kernel::VisitId>().name(),
            customer: self.app.ids.next::<CustomerId>().name(),
            store: self.store.name(),
            vehicle: vehicle.to_owned(),
            check_in_time: Some(to_proto(at)),
            ..VisitStarted::default()
        }
    }

    pub(crate) fn visit_completed(&self, at: Timestamp) -> VisitCompleted {
        VisitCompleted {
            visit: self.app.ids.next::<foursight_kernel::VisitId>().name(),
            customer: self.reachable().name(),
            store: self.store.name(),
            hand_over_time: Some(to_proto(at)),
            ..VisitCompleted::default()
        }
    }

    pub(crate) fn case_opened(&self, customer: Option<CustomerId>) -> CaseOpened {
        CaseOpened {
            case: self.app.ids.next::<foursight_kernel::CaseId>().name(),
            store: self.store.name(),
            customer: customer.map(CustomerId::name).unwrap_or_default(),
            number: "SH01-000042".to_owned(),
            ..CaseOpened::default()
        }
    }

    /// Tells an event of the store once more than never.
    pub(crate) async fn tell<M: prost::Message + prost::Name>(&self, event: &M) {
        self.app.tell(event, self.app.ids.uuid(), 1, Some(self.store)).await.unwrap();
        self.app.settled().await.unwrap();
    }

    pub(crate) fn tasks(&self, caller: &Caller) -> CallTaskServiceClient<CallerChannel> {
        CallTaskServiceClient::new(self.app.channel("notification", caller))
    }

    pub(crate) fn messages(&self, caller: &Caller) -> MessageServiceClient<CallerChannel> {
        MessageServiceClient::new(self.app.channel("notification", caller))
    }

    /// The store's open tasks.
    pub(crate) async fn open_tasks(&self) -> Vec<CallTask> {
        let request = ListCallTasksRequest { store: self.store.name(), ..ListCallTasksRequest::default() };
        self.tasks(&self.caller).list_call_tasks(request).await.unwrap().into_inner().call_tasks
    }

    /// The store's messages.
    pub(crate) async fn all_messages(&self) -> Vec<Message> {
        let request = ListMessagesRequest { store: self.store.name(), ..ListMessagesRequest::default() };
        self.messages(&self.caller).list_messages(request).await.unwrap().into_inner().messages
    }

    /// Waits until the store's only message stands so.
    pub(crate) async fn stands(&self, state: MessageState, reason: &str) -> Message {
        let begin = Instant::now();
        loop {
            let messages = self.all_messages().await;
            assert_eq!(messages.len(), 1, "one message");
            if messages[0].state() == state && messages[0].reason == reason {
                return messages[0].clone();
            }
            assert!(
                begin.elapsed() < Duration::from_secs(30),
                "{:?} instead of {state:?} {reason}",
                messages[0]
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn advance(&self, minutes: i64) {
        self.app.clock.advance(SignedDuration::from_mins(minutes));
    }
}

/// The history of a message, in short.
pub(crate) fn history(message: &Message) -> Vec<(MessageState, &str)> {
    message.decisions.iter().map(|decision| (decision.state(), decision.reason.as_str())).collect()
}
