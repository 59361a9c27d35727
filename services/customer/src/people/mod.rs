//! The people around a car besides its owner: who drives it, who pays, who is called, who belongs to the family.

mod add;
mod end;
mod list;
mod reveal;
mod row;

use foursight_kernel::Error;
use foursight_proto::customer::v1::{
    AddVehiclePersonRequest, EndVehiclePersonRequest, ListVehiclePeopleRequest, ListVehiclePeopleResponse,
    ListVehicleRolesRequest, ListVehicleRolesResponse, RevealVehiclePersonRequest,
    RevealVehiclePersonResponse, VehiclePerson, vehicle_people_service_server::VehiclePeopleService,
};
use tonic::{Request, Response, Status};

use crate::context::Context;

/// What an operation on a part is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PersonError {
    #[error("the vehicle has no such person, or not in the caller's stores")]
    NotFound,
    #[error("the customer has this part at the vehicle already")]
    Exists,
    #[error("the part has ended; perhaps somebody was faster, or the vehicle has another owner")]
    Ended,
    #[error("nothing of the person is sealed here: the customer's own file has the phone, or none is known")]
    NothingSealed,
}

impl From<PersonError> for Error {
    fn from(error: PersonError) -> Self {
        let message = error.to_string();
        match error {
            PersonError::NotFound => Self::not_found("VEHICLE_PERSON_NOT_FOUND", message),
            PersonError::Exists => Self::already_exists("VEHICLE_PERSON_EXISTS", message),
            PersonError::Ended => Self::failed_precondition("VEHICLE_PERSON_ENDED", message),
            PersonError::NothingSealed => Self::not_found("FACT_NOT_FOUND", message),
        }
    }
}

/// `VehiclePeopleService`, on this room.
#[derive(Clone)]
pub(crate) struct People(pub(crate) Context);

#[tonic::async_trait]
impl VehiclePeopleService for People {
    async fn add_vehicle_person(
        &self,
        request: Request<AddVehiclePersonRequest>,
    ) -> Result<Response<VehiclePerson>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(add::add(&self.0, &caller, request.into_inner()).await?))
    }

    async fn end_vehicle_person(
        &self,
        request: Request<EndVehiclePersonRequest>,
    ) -> Result<Response<VehiclePerson>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(end::end(&self.0, &caller, request.into_inner()).await?))
    }

    async fn reveal_vehicle_person(
        &self,
        request: Request<RevealVehiclePersonRequest>,
    ) -> Result<Response<RevealVehiclePersonResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(reveal::reveal(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_vehicle_people(
        &self,
        request: Request<ListVehiclePeopleRequest>,
    ) -> Result<Response<ListVehiclePeopleResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::people(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_vehicle_roles(
        &self,
        request: Request<ListVehicleRolesRequest>,
    ) -> Result<Response<ListVehicleRolesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::roles(&self.0, &caller, &request.into_inner()).await?))
    }
}
