//! How messages are written and read: as tonic's own codec does it, but that a request which cannot be read is its
//! sender's mistake and not ours.

use std::marker::PhantomData;

use prost::{Message, Name};
use tonic::{
    Code, Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::ProstEncoder;
use tonic_types::{ErrorDetails, StatusExt as _};

/// Writes `T` and reads `U`. The generated code names it.
#[derive(Debug, Clone)]
pub struct MessageCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for MessageCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for MessageCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = MessageDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        MessageDecoder(PhantomData)
    }
}

/// Reads `U`.
#[derive(Debug, Clone)]
pub struct MessageDecoder<U>(PhantomData<U>);

impl<U: Message + Name + Default> Decoder for MessageDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buffer).map(Some).map_err(|error| unreadable::<U>(&error))
    }
}

/// Requests, and nothing else, have names that end so; a test of this crate holds the protos to it.
const REQUEST: &str = "Request";

/// Prost's error names fields and what is wrong with them, never a value.
fn unreadable<U: Name>(error: &prost::DecodeError) -> Status {
    if !U::NAME.ends_with(REQUEST) {
        // A peer answered with something that is not what its contract says.
        return Status::internal(error.to_string());
    }
    let mut details = ErrorDetails::new();
    details.set_error_info("INVALID_FIELDS", "foursight", []);
    let description = format!("is not a {} in protobuf's binary form: {error}", U::full_name());
    details.add_bad_request_violation("message", description);
    Status::with_error_details(Code::InvalidArgument, "wrong fields: message", details)
}

#[cfg(test)]
mod tests {
    #[test]
    fn requests_and_nothing_else_are_called_so() {
        for method in
            crate::descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>())
        {
            assert!(method.input().name().ends_with(super::REQUEST), "{}", method.full_name());
            assert!(!method.output().name().ends_with(super::REQUEST), "{}", method.full_name());
        }
    }
}
