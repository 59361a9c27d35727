//! One store with its calendar and its people.

use anyhow::Result;
use foursight_complaint::ComplaintRole;
use foursight_kernel::{StaffId, StoreId};
use foursight_proto::{
    complaint::v1::{
        AssignCaseRequest, Case, CaseKind, Cause, CreateCaseRequest, GetCaseRequest, HandleCaseRequest,
        IntakeChannel, Measure, RevisitCaseRequest, Severity, TellCaseResultRequest,
        case_service_client::CaseServiceClient,
    },
    google::r#type::TimeOfDay,
    identity::{
        events::v1::{StaffChanged, StoreChanged},
        v1::{Calendar, Role, WeeklyInterval},
    },
};
use foursight_testkit::{Caller, CallerChannel, Stack};
use tonic::Status;

use crate::stand_ins::{Notification, customers};

/// Where the tests play.
pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) notification: Notification,
    pub(crate) store: StoreId,
    /// Handles cases.
    pub(crate) handler: Caller,
    /// Makes re-visits.
    pub(crate) visitor: Caller,
}

impl World {
    /// The store SH01, which is open Monday to Friday 09:00–18:00 in Shanghai; it is Wednesday, 10:00.
    pub(crate) async fn new() -> Result<Self> {
        let notification = Notification::default();
        let stack = Stack::builder()
            .role(ComplaintRole)
            .role(notification.role())
            .role(customers(&notification))
            .signed_in_as("complaint")
            .start()
            .await?;
        let store = stack.ids.next();
        let handler = stack.staff(&[Role::CrManager], &[store])?;
        let visitor = stack.staff(&[Role::CrManager], &[store])?;
        let world = Self { stack, notification, store, handler, visitor };
        world.tell_store("SH01", store).await?;
        for staff in [world.handler.id, world.visitor.id] {
            world.tell_staff(staff, Role::CrManager, &[store], true, 1).await?;
        }
        world.stack.settled().await?;
        Ok(world)
    }

    pub(crate) async fn tell_store(&self, code: &str, store: StoreId) -> Result<()> {
        let calendar = Some(office_hours());
        let event =
            StoreChanged { store: store.name(), code: code.to_owned(), calendar, ..Default::default() };
        self.stack.tell(&event, store.uuid(), 1, Some(store)).await?;
        Ok(())
    }

    pub(crate) async fn tell_staff(
        &self,
        staff: StaffId,
        role: Role,
        stores: &[StoreId],
        active: bool,
        version: i64,
    ) -> Result<()> {
        let stores = stores.iter().map(|store| store.name()).collect();
        let event = StaffChanged {
            staff: staff.name(),
            roles: vec![role.into()],
            stores,
            active,
            ..Default::default()
        };
        self.stack.tell(&event, staff.uuid(), version, None).await?;
        Ok(())
    }

    pub(crate) fn cases(&self, caller: &Caller) -> CaseServiceClient<CallerChannel> {
        CaseServiceClient::new(self.stack.channel("complaint", caller))
    }

    /// An anonymous complaint, taken by the handler.
    pub(crate) async fn complain(&self) -> Result<Case> {
        let request = CreateCaseRequest { case: Some(self.complaint()), ..Default::default() };
        Ok(self.cases(&self.handler).create_case(request).await?.into_inner())
    }

    pub(crate) fn complaint(&self) -> Case {
        Case {
            store: self.store.name(),
            kind: CaseKind::Complaint.into(),
            channel: IntakeChannel::Phone.into(),
            category: "repair.quality".to_owned(),
            severity: Severity::Normal.into(),
            description: "刹车维修后仍有异响".to_owned(),
            ..Default::default()
        }
    }

    pub(crate) async fn read(&self, name: &str) -> Result<Case, Status> {
        let request = GetCaseRequest { name: name.to_owned() };
        Ok(self.cases(&self.handler).get_case(request).await?.into_inner())
    }

    /// Assigns a case to the handler.
    pub(crate) async fn assign(&self, name: &str) -> Result<Case, Status> {
        self.assign_to(self.handler.id, name).await
    }

    pub(crate) async fn assign_to(&self, assignee: StaffId, name: &str) -> Result<Case, Status> {
        let request =
            AssignCaseRequest { name: name.to_owned(), assignee: assignee.name(), ..Default::default() };
        Ok(self.cases(&self.handler).assign_case(request).await?.into_inner())
    }

    pub(crate) async fn handle(&self, name: &str) -> Result<Case, Status> {
        self.handle_by(&self.handler, name).await
    }

    pub(crate) async fn handle_by(&self, by: &Caller, name: &str) -> Result<Case, Status> {
        let request = HandleCaseRequest {
            name: name.to_owned(),
            cause: Cause::Service.into(),
            measure: Measure::Rework.into(),
            note: "更换刹车片并路试".to_owned(),
            ..Default::default()
        };
        Ok(self.cases(by).handle_case(request).await?.into_inner())
    }

    pub(crate) async fn tell_result(&self, name: &str) -> Result<Case, Status> {
        let (name, note) = (name.to_owned(), "已告知客户结果".to_owned());
        let request = TellCaseResultRequest { name, note, ..Default::default() };
        Ok(self.cases(&self.handler).tell_case_result(request).await?.into_inner())
    }

    pub(crate) async fn revisit(&self, by: &Caller, name: &str, satisfied: bool) -> Result<Case, Status> {
        let (name, note) = (name.to_owned(), "回访".to_owned());
        let request = RevisitCaseRequest { name, note, satisfied: Some(satisfied), ..Default::default() };
        Ok(self.cases(by).revisit_case(request).await?.into_inner())
    }
}

/// Monday to Friday 09:00–18:00 in Shanghai.
pub(crate) fn office_hours() -> Calendar {
    let at = |hours| Some(TimeOfDay { hours, ..Default::default() });
    let weekly = (1..=5).map(|day| WeeklyInterval { day, opens: at(9), closes: at(18) }).collect();
    Calendar { time_zone: "Asia/Shanghai".to_owned(), weekly, exceptions: Vec::new() }
}
