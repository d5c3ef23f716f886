//! TCP streams that the worker keeps a hand on while hyper reads and writes them: to see whether they make
//! progress, and to shut them down.

mod client;
mod lazy;
mod upstream;

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::task::Poll;

use tokio::io::ReadBuf;

pub(super) use client::{ClientIo, ClientSocket};
pub(super) use upstream::{Hearing, UpstreamIo, UpstreamSocket};

/// Up to this many bytes are sent from one place rather than from several: copying them costs less than what
/// writev(2) does beyond send(2).
const GATHERED: usize = 4096;

/// Writes `slices` in one system call: by `one` when they can be brought together, else by `many`.
fn write_together<S>(
    stream: S,
    slices: &[IoSlice<'_>],
    one: impl FnOnce(S, &[u8]) -> Poll<io::Result<usize>>,
    many: impl FnOnce(S, &[IoSlice<'_>]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<usize>> {
    if let [only] = slices {
        return one(stream, only);
    }
    let total: usize = slices.iter().map(|slice| slice.len()).sum();
    if total > GATHERED {
        return many(stream, slices);
    }
    let mut gathered = [MaybeUninit::uninit(); GATHERED];
    let mut gathered = ReadBuf::uninit(&mut gathered);
    for slice in slices {
        gathered.put_slice(slice);
    }
    one(stream, gathered.filled())
}
