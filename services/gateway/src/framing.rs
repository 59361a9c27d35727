//! Whether what a client sends is framed as gRPC frames a message. What is not would be an internal error of the service that reads
//! it; it is the sender's mistake. (gRPC's own text wants INTERNAL for one of these cases; here that code says that we are at fault.)

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use foursight_kernel::Error;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tonic::{Code, Status};
use tower::BoxError;

/// Bytes on their way to a service: passed on as they are, as long as they make sense as frames.
pub(crate) struct Framed<B> {
    body: B,
    frames: Frames,
}

/// Where in the frames we are.
#[derive(Debug, Default)]
struct Frames {
    /// Whether the headers name a compression, so that a message may be compressed.
    compressed: bool,
    /// What has come of a frame's head.
    head: Vec<u8>,
    /// What is to come of the message.
    rest: usize,
    /// Messages that were begun.
    messages: usize,
}

impl<B> Framed<B> {
    pub(crate) fn new(body: B, headers: &HeaderMap) -> Self {
        let compressed = headers.get("grpc-encoding").is_some_and(|encoding| encoding != "identity");
        Self { body, frames: Frames { compressed, ..Frames::default() } }
    }
}

impl Frames {
    fn take(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        while bytes.has_remaining() {
            if self.rest > 0 {
                let taken = self.rest.min(bytes.len());
                bytes.advance(taken);
                self.rest -= taken;
                continue;
            }
            self.head.push(bytes.get_u8());
            if let [flag, a, b, c, d] = self.head[..] {
                match flag {
                    0 => {}
                    1 if self.compressed => {}
                    1 => return Err("says that it is compressed, and no header grpc-encoding says how"),
                    _ => return Err("begins with a byte that is neither 0 nor 1"),
                }
                self.rest = u32::from_be_bytes([a, b, c, d]) as usize;
                self.messages += 1;
                self.head.clear();
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), &'static str> {
        if self.rest > 0 || !self.head.is_empty() {
            return Err("ends before it is complete");
        }
        if self.messages == 0 { Err("is missing") } else { Ok(()) }
    }
}

impl<B> Body for Framed<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            Some(Ok(frame)) => Some(frame),
            None => None,
        };
        let sound = match &frame {
            Some(frame) => frame.data_ref().map_or(Ok(()), |bytes| this.frames.take(bytes)),
            None => this.frames.end(),
        };
        Poll::Ready(match sound {
            Ok(()) => frame.map(Ok),
            Err(wrong) => Some(Err(Status::from(Error::invalid_field("message", wrong)).into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.frames.end().is_ok()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Whether an error is that of a message that is not framed as it must be.
pub(crate) fn is_behind(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<Status>().is_some_and(|status| status.code() == Code::InvalidArgument)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(compressed: bool, pieces: &[&[u8]]) -> Result<(), &'static str> {
        let mut frames = Frames { compressed, ..Frames::default() };
        for piece in pieces {
            frames.take(piece)?;
        }
        frames.end()
    }

    #[test]
    fn what_is_no_frame_is_named() {
        assert_eq!(read(false, &[&[0, 0, 0, 0, 0]]), Ok(()));
        assert_eq!(read(true, &[&[1, 0, 0, 0, 1, 9]]), Ok(()));
        for (bytes, wrong) in [
            (&[][..], "is missing"),
            (&[0, 0], "ends before"),
            (&[0, 0, 0, 0, 3, 1, 2], "ends before"),
            (&[0, 0, 0, 0, 1, 7, 0], "ends before"),
            (&[7, 0, 0, 0, 0], "neither 0 nor 1"),
            (&[1, 0, 0, 0, 0], "compressed"),
        ] {
            assert!(read(false, &[bytes]).is_err_and(|told| told.contains(wrong)), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_are_cut(
            message in prop::collection::vec(any::<u8>(), 0..40),
            cuts in prop::collection::vec(1_usize..9, 1..60),
            missing in 0_usize..3,
        ) {
            let mut bytes = vec![0];
            bytes.extend_from_slice(&u32::try_from(message.len())?.to_be_bytes());
            bytes.extend_from_slice(&message);
            bytes.truncate(bytes.len() - missing);
            let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(read(false, &pieces).is_ok(), missing == 0);
        }
    }
}
