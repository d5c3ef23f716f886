//! A request's body on its way into git.

use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::inflate::Inflate;

/// How the delivery of a body ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fed {
    Whole,
    /// The client went away, or sent what cannot be read.
    Cut,
    TooLarge,
    /// Git had read enough; the rest was thrown away.
    Refused,
}

/// What is done with a body.
pub(super) struct Intake<B> {
    pub(super) body: Pin<Box<B>>,
    pub(super) gzip: bool,
    /// How long to wait for the client to send some more.
    pub(super) idle: Duration,
    /// The most bytes, inflated.
    pub(super) bound: u64,
}

impl<B> Intake<B>
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Display,
{
    /// Delivers the body and closes git's standard input, whole or not; git tells a whole one by itself.
    pub(super) async fn feed(mut self, stdin: impl AsyncWrite + Unpin) -> Fed {
        let mut stdin = Some(stdin);
        let mut inflate = self.gzip.then(Inflate::new);
        let mut room = self.bound;
        loop {
            let data = match self.next().await {
                Ok(Some(data)) => data,
                Ok(None) if inflate.as_mut().is_some_and(|inflate| !inflate.ended()) => {
                    return Fed::Cut;
                }
                Ok(None) if stdin.is_none() => return Fed::Refused,
                Ok(None) => return Fed::Whole,
                Err(()) => return Fed::Cut,
            };
            let Some(open) = &mut stdin else { continue };
            let delivered = match &mut inflate {
                None => deliver(open, &data, &mut room).await,
                Some(inflate) => inflated(open, inflate, &data, &mut room).await,
            };
            match delivered {
                Ok(()) => {}
                Err(Undelivered::TooLarge) => return Fed::TooLarge,
                Err(Undelivered::Unreadable) => return Fed::Cut,
                // Read on, so that the client comes to read why.
                Err(Undelivered::Refused) => stdin = None,
            }
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ()> {
        loop {
            let frame = match tokio::time::timeout(self.idle, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "a git client's request broke off");
                    return Err(());
                }
                Err(_) => {
                    tracing::info!(after = ?self.idle, "a git client stopped sending");
                    return Err(());
                }
            };
            // Trailers mean nothing here.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }
}

enum Undelivered {
    TooLarge,
    Unreadable,
    Refused,
}

async fn inflated(
    stdin: &mut (impl AsyncWrite + Unpin),
    inflate: &mut Inflate,
    data: &[u8],
    room: &mut u64,
) -> Result<(), Undelivered> {
    for piece in data.chunks(Inflate::PIECE) {
        let plain = inflate.push(piece).map_err(|_: io::Error| Undelivered::Unreadable)?;
        deliver(stdin, &plain, room).await?;
    }
    Ok(())
}

async fn deliver(
    stdin: &mut (impl AsyncWrite + Unpin),
    data: &[u8],
    room: &mut u64,
) -> Result<(), Undelivered> {
    *room = room.checked_sub(data.len() as u64).ok_or(Undelivered::TooLarge)?;
    stdin.write_all(data).await.map_err(|_| Undelivered::Refused)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http_body_util::Full;

    use super::*;

    fn intake(body: Vec<u8>, gzip: bool, bound: u64) -> Intake<Full<Bytes>> {
        Intake { body: Box::pin(Full::from(body)), gzip, idle: Duration::from_secs(9), bound }
    }

    fn gzipped(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn a_gzipped_body_arrives_inflated() {
        let plain: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut arrived = Vec::new();
        assert_eq!(intake(gzipped(&plain), true, u64::MAX).feed(&mut arrived).await, Fed::Whole);
        assert_eq!(arrived, plain);
    }

    #[tokio::test]
    async fn a_cut_gzip_stream_is_not_taken_for_a_whole_one() {
        let mut body = gzipped(b"0000");
        body.truncate(body.len() - 3);
        assert_eq!(intake(body, true, u64::MAX).feed(Vec::new()).await, Fed::Cut);
        assert_eq!(intake(b"0000".to_vec(), true, u64::MAX).feed(Vec::new()).await, Fed::Cut);
    }

    #[tokio::test]
    async fn a_small_body_that_inflates_without_end_is_stopped() {
        let body = gzipped(&vec![0; 8 << 20]);
        assert!(body.len() < 16 << 10);
        let mut arrived = Vec::new();
        assert_eq!(intake(body, true, 1 << 20).feed(&mut arrived).await, Fed::TooLarge);
        assert!(arrived.len() <= 1 << 20);
    }
}
