//! Two stores, people who work there, and what they say to the service.

use foursight_customer::CustomerRole;
use foursight_kernel::StoreId;
use foursight_proto::{
    customer::v1::{
        CompleteVisitRequest, ContactKind, ContactPoint, CreateCustomerRequest, CreateDeliveryRequest,
        CreateLeadRequest, CreateReceptionRequest, CreateVisitRequest, Customer, CustomerKind, Delivery,
        Lead, Reception, ReceptionKind, SourceChannel, Vehicle, Visit, VisitKind,
        consent_service_client::ConsentServiceClient, contact_service_client::ContactServiceClient,
        customer_service_client::CustomerServiceClient, delivery_service_client::DeliveryServiceClient,
        import_service_client::ImportServiceClient, lead_service_client::LeadServiceClient,
        reception_service_client::ReceptionServiceClient, vehicle_service_client::VehicleServiceClient,
        visit_service_client::VisitServiceClient,
    },
    identity::v1::Role,
};
use foursight_testkit::{Builder, Caller, CallerChannel, Directory, Stack};
use tonic::{Request, Status};

pub(crate) struct World {
    pub(crate) stack: Stack,
    /// Whom identity knows besides the callers.
    pub(crate) directory: Directory,
    pub(crate) hangzhou: StoreId,
    pub(crate) suzhou: StoreId,
    /// Who may do everything at the store in Hangzhou.
    pub(crate) here: Caller,
    /// Who corrects what was read at the counter in Hangzhou.
    pub(crate) supervisor: Caller,
    /// Who may do everything at the store in Suzhou.
    pub(crate) there: Caller,
    pub(crate) headquarters: Caller,
}

const EVERYTHING: [Role; 4] =
    [Role::CrManager, Role::SalesAdvisor, Role::ServiceAdvisor, Role::IntentionSpecialist];

impl World {
    pub(crate) async fn start() -> Self {
        Self::on(Stack::builder().role(CustomerRole)).await
    }

    /// On a stack with this role and settings of its own.
    pub(crate) async fn on(stack: Builder) -> Self {
        let directory = Directory::default();
        let stack = stack.signed_in_as("customer").directory(&directory);
        let stack = stack.start().await.unwrap();
        let (hangzhou, suzhou) = (stack.ids.next(), stack.ids.next());
        let here = stack.staff(&EVERYTHING, &[hangzhou]).unwrap();
        let supervisor = stack.staff(&[Role::Supervisor], &[hangzhou]).unwrap();
        let there = stack.staff(&EVERYTHING, &[suzhou]).unwrap();
        let headquarters = stack.headquarters(&EVERYTHING).unwrap();
        Self { stack, directory, hangzhou, suzhou, here, supervisor, there, headquarters }
    }

    fn channel(&self, caller: &Caller) -> CallerChannel {
        self.stack.channel("customer", caller)
    }

    pub(crate) fn customers(&self, caller: &Caller) -> CustomerServiceClient<CallerChannel> {
        CustomerServiceClient::new(self.channel(caller))
    }

    pub(crate) fn imports(&self, caller: &Caller) -> ImportServiceClient<CallerChannel> {
        ImportServiceClient::new(self.channel(caller))
    }

    pub(crate) fn consents(&self, caller: &Caller) -> ConsentServiceClient<CallerChannel> {
        ConsentServiceClient::new(self.channel(caller))
    }

    pub(crate) fn contacts(&self, caller: &Caller) -> ContactServiceClient<CallerChannel> {
        ContactServiceClient::new(self.channel(caller))
    }

    pub(crate) fn receptions(&self, caller: &Caller) -> ReceptionServiceClient<CallerChannel> {
        ReceptionServiceClient::new(self.channel(caller))
    }

    pub(crate) fn leads(&self, caller: &Caller) -> LeadServiceClient<CallerChannel> {
        LeadServiceClient::new(self.channel(caller))
    }

    pub(crate) fn deliveries(&self, caller: &Caller) -> DeliveryServiceClient<CallerChannel> {
        DeliveryServiceClient::new(self.channel(caller))
    }

    pub(crate) fn vehicles(&self, caller: &Caller) -> VehicleServiceClient<CallerChannel> {
        VehicleServiceClient::new(self.channel(caller))
    }

    pub(crate) fn visits(&self, caller: &Caller) -> VisitServiceClient<CallerChannel> {
        VisitServiceClient::new(self.channel(caller))
    }

    /// Opens the file of a person with a phone.
    pub(crate) async fn open(&self, caller: &Caller, store: StoreId, name: &str, phone: &str) -> Customer {
        let request = creation(person(store, name, phone));
        self.customers(caller).create_customer(request).await.unwrap().into_inner()
    }

    pub(crate) async fn receive(&self, caller: &Caller, store: StoreId, visitor: Customer) -> Reception {
        self.try_receive(caller, store, visitor).await.unwrap()
    }

    pub(crate) async fn try_receive(
        &self,
        caller: &Caller,
        store: StoreId,
        visitor: Customer,
    ) -> Result<Reception, Status> {
        let reception = Reception {
            store: store.name(),
            kind: ReceptionKind::WalkIn.into(),
            visitor: Some(visitor),
            intended_model: "Demo X".to_owned(),
            ..Reception::default()
        };
        let request = CreateReceptionRequest { reception: Some(reception), request_id: String::new() };
        Ok(self.receptions(caller).create_reception(request).await?.into_inner())
    }

    pub(crate) async fn lead(&self, caller: &Caller, store: StoreId, customer: &str) -> Lead {
        self.try_lead(caller, lead(store, customer)).await.unwrap()
    }

    pub(crate) async fn try_lead(&self, caller: &Caller, lead: Lead) -> Result<Lead, Status> {
        let request = CreateLeadRequest { lead: Some(lead), request_id: String::new() };
        Ok(self.leads(caller).create_lead(request).await?.into_inner())
    }

    pub(crate) async fn deliver(&self, caller: &Caller, delivery: Delivery) -> Result<Delivery, Status> {
        let request = CreateDeliveryRequest { delivery: Some(delivery), request_id: String::new() };
        Ok(self.deliveries(caller).create_delivery(request).await?.into_inner())
    }

    pub(crate) async fn check_in(
        &self,
        caller: &Caller,
        store: StoreId,
        vehicle: &str,
        odometer_km: i32,
    ) -> Result<Visit, Status> {
        self.try_check_in(caller, Visit { vehicle: vehicle.to_owned(), ..visit(store, odometer_km) }).await
    }

    pub(crate) async fn try_check_in(&self, caller: &Caller, visit: Visit) -> Result<Visit, Status> {
        let request = CreateVisitRequest { visit: Some(visit), request_id: String::new() };
        Ok(self.visits(caller).create_visit(request).await?.into_inner())
    }

    pub(crate) async fn hand_back(&self, caller: &Caller, visit: &str) -> Visit {
        let request = CompleteVisitRequest { name: visit.to_owned(), ..Default::default() };
        self.visits(caller).complete_visit(request).await.unwrap().into_inner()
    }

    pub(crate) async fn vehicle(&self, caller: &Caller, name: &str) -> Result<Vehicle, Status> {
        let request = foursight_proto::customer::v1::GetVehicleRequest { name: name.to_owned() };
        Ok(self.vehicles(caller).get_vehicle(request).await?.into_inner())
    }

    pub(crate) async fn file(&self, caller: &Caller, name: &str) -> Result<Customer, Status> {
        let request = foursight_proto::customer::v1::GetCustomerRequest { name: name.to_owned() };
        Ok(self.customers(caller).get_customer(request).await?.into_inner())
    }
}

pub(crate) fn person(store: StoreId, name: &str, phone: &str) -> Customer {
    Customer {
        kind: CustomerKind::Person.into(),
        display_name: name.to_owned(),
        contact_points: vec![contact(ContactKind::Phone, phone)],
        store: store.name(),
        source: SourceChannel::WalkIn.into(),
        ..Customer::default()
    }
}

pub(crate) fn lead(store: StoreId, customer: &str) -> Lead {
    Lead {
        customer: customer.to_owned(),
        store: store.name(),
        source: SourceChannel::WalkIn.into(),
        intended_model: "Demo X".to_owned(),
        ..Lead::default()
    }
}

pub(crate) fn visit(store: StoreId, odometer_km: i32) -> Visit {
    Visit { store: store.name(), kind: VisitKind::Maintenance.into(), odometer_km, ..Visit::default() }
}

pub(crate) fn contact(kind: ContactKind, value: &str) -> ContactPoint {
    ContactPoint { kind: kind.into(), value: value.to_owned(), ..ContactPoint::default() }
}

pub(crate) fn creation(customer: Customer) -> Request<CreateCustomerRequest> {
    Request::new(CreateCustomerRequest { customer: Some(customer), request_id: String::new() })
}

pub(crate) fn delivery(customer: &str, store: StoreId, vin: &str) -> Delivery {
    Delivery {
        customer: customer.to_owned(),
        store: store.name(),
        vin: foursight_customer::vehicles::vin::with_check_digit(vin).unwrap(),
        model: "Demo X".to_owned(),
        odometer_km: 12,
        ..Delivery::default()
    }
}
