//! The vehicle file: the car, its plates and its owners over time.

mod correct_odometer;
mod correct_plate;
pub(crate) mod facts;
mod get;
pub(crate) mod hand_over;
mod list;
mod list_facts;
mod list_readings;
pub mod plate;
mod plates;
pub(crate) mod presented;
mod readings;
pub(crate) mod row;
mod update;
pub mod vin;
pub(crate) mod write;

use foursight_kernel::Error;
use foursight_proto::customer::v1::{
    CorrectOdometerRequest, CorrectPlateRequest, GetVehicleRequest, ListOdometerReadingsRequest,
    ListOdometerReadingsResponse, ListVehicleFactsRequest, ListVehicleFactsResponse, ListVehiclesRequest,
    ListVehiclesResponse, UpdateVehicleRequest, Vehicle, vehicle_service_server::VehicleService,
};
use tonic::{Request, Response, Status};

use crate::context::Context;

/// What an operation on a vehicle is refused for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VehicleError {
    #[error("there is no such vehicle, or not in the caller's stores")]
    NotFound,
    #[error(
        "no vehicle on file has this VIN together with this plate or a phone of its owner; read them again"
    )]
    NotRecognised,
    #[error("the vehicle has no owner on file; name the customer who brought it")]
    NoOwner,
    #[error("the customer owns this vehicle already")]
    AlreadyOwned,
    #[error(
        "the vehicle was handed over to another customer less than an hour before that; if both are true, tell the true \
         deliver_time"
    )]
    JustDelivered,
    /// With the newest one that there is.
    #[error(
        "the vehicle has no reading of wrong_km that counts; its readings stand in its file, and perhaps somebody has \
         corrected it already"
    )]
    NoSuchReading(Option<i32>),
    #[error("the vehicle was changed since it was read; read it again and decide again")]
    Changed,
    #[error(
        "the plate on file is not wrong_plate, which is empty where there is none; read the vehicle again, perhaps somebody has \
         corrected it already"
    )]
    OtherPlate,
    #[error("the vehicle is on file with a customer of another store; receive its owner here first")]
    Elsewhere,
    #[error("the vehicle was handed over to its present owner later than that; correct deliver_time")]
    OwnedLater,
}

impl From<VehicleError> for Error {
    fn from(error: VehicleError) -> Self {
        let message = error.to_string();
        match error {
            VehicleError::NotFound | VehicleError::NotRecognised => {
                Self::not_found("VEHICLE_NOT_FOUND", message)
            }
            VehicleError::NoOwner => Self::failed_precondition("VEHICLE_WITHOUT_OWNER", message),
            VehicleError::AlreadyOwned => Self::failed_precondition("VEHICLE_ALREADY_OWNED", message),
            VehicleError::Elsewhere => Self::failed_precondition("VEHICLE_ELSEWHERE", message),
            VehicleError::JustDelivered => Self::failed_precondition("VEHICLE_JUST_DELIVERED", message),
            VehicleError::NoSuchReading(newest) => {
                let error = Self::failed_precondition("ODOMETER_READING_NOT_FOUND", message);
                match newest {
                    Some(km) => error.with_metadata("odometer_km", km.to_string()),
                    None => error,
                }
            }
            VehicleError::Changed => Self::aborted("VEHICLE_CHANGED", message),
            VehicleError::OtherPlate => Self::failed_precondition("PLATE_NOT_ON_FILE", message),
            VehicleError::OwnedLater => Self::failed_precondition("VEHICLE_OWNED_LATER", message),
        }
    }
}

/// `VehicleService`, on this room.
#[derive(Clone)]
pub(crate) struct Vehicles(pub(crate) Context);

#[tonic::async_trait]
impl VehicleService for Vehicles {
    async fn get_vehicle(&self, request: Request<GetVehicleRequest>) -> Result<Response<Vehicle>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(get::get(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn correct_odometer(
        &self,
        request: Request<CorrectOdometerRequest>,
    ) -> Result<Response<Vehicle>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(correct_odometer::correct(&self.0, &caller, request.into_inner()).await?))
    }

    async fn correct_plate(
        &self,
        request: Request<CorrectPlateRequest>,
    ) -> Result<Response<Vehicle>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(correct_plate::correct(&self.0, &caller, request.into_inner()).await?))
    }

    async fn update_vehicle(
        &self,
        request: Request<UpdateVehicleRequest>,
    ) -> Result<Response<Vehicle>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(update::update(&self.0, &caller, request.into_inner()).await?))
    }

    async fn list_vehicle_facts(
        &self,
        request: Request<ListVehicleFactsRequest>,
    ) -> Result<Response<ListVehicleFactsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list_facts::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_odometer_readings(
        &self,
        request: Request<ListOdometerReadingsRequest>,
    ) -> Result<Response<ListOdometerReadingsResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list_readings::list(&self.0, &caller, &request.into_inner()).await?))
    }

    async fn list_vehicles(
        &self,
        request: Request<ListVehiclesRequest>,
    ) -> Result<Response<ListVehiclesResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        Ok(Response::new(list::list(&self.0, &caller, &request.into_inner()).await?))
    }
}
