//! A generation's side of its control socket.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use types::InstanceId;

use super::client::encode;
use super::{
    Command, Drained, MAX_LINE, OLDEST_PROTOCOL, PROTOCOL, Reply, Request, Response, handover,
};
use crate::generation::Running;
use crate::live::Phase;
use crate::shared::Stage;
use crate::table::RouteTable;

/// Commands that are carried out at a time; further ones wait in the kernel's queue.
const CONCURRENT: usize = 64;
/// A command has arrived whole, or an answer has gone out whole, within this time.
const TRANSFER: Duration = Duration::from_secs(10);
/// What was cut is gone within this time: every connection finds its socket shut.
const CUT: Duration = Duration::from_secs(1);

/// Only as much as every protocol has.
#[derive(Debug, Deserialize)]
struct Versioned {
    protocol: u32,
}

/// Carries out commands until it is dropped.
pub(crate) async fn serve(running: Arc<Running>, listener: UnixListener, tasks: TaskTracker) {
    let places = Arc::new(Semaphore::new(CONCURRENT));
    loop {
        // The semaphore is never closed.
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let running = Arc::clone(&running);
                tasks.spawn(async move {
                    if let Err(error) = converse(&running, stream).await {
                        tracing::debug!(%error, "a conversation on the control socket broke off");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the control socket for now");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn converse(running: &Running, stream: UnixStream) -> io::Result<()> {
    let mut limited = BufReader::new(stream).take(MAX_LINE as u64);
    let mut line = Vec::new();
    timeout(TRANSFER, limited.read_until(b'\n', &mut line)).await??;
    let mut stream = limited.into_inner().into_inner();
    let reply = match parse(&line) {
        Err(reply) => reply,
        Ok(Command::HandOver) => return hand_over(running, &stream).await,
        Ok(command) => carry_out(running, command).await,
    };
    let line = encode(&Response { protocol: PROTOCOL, reply }).map_err(io::Error::other)?;
    timeout(TRANSFER, stream.write_all(&line)).await?
}

fn parse(line: &[u8]) -> Result<Command, Reply> {
    let refused = |error: serde_json::Error| Reply::Refused(format!("cannot read it: {error}"));
    let versioned: Versioned = serde_json::from_slice(line).map_err(refused)?;
    if !(OLDEST_PROTOCOL..=PROTOCOL).contains(&versioned.protocol) {
        return Err(Reply::Unsupported { protocol: PROTOCOL });
    }
    serde_json::from_slice(line).map(|request: Request| request.command).map_err(refused)
}

async fn carry_out(running: &Running, command: Command) -> Reply {
    let shared = &running.shared;
    match command {
        Command::Apply(table) => apply(running, &table),
        Command::Drain { instances, deadline_ms } => {
            drain(running, &instances, Duration::from_millis(deadline_ms)).await
        }
        Command::Status => Reply::Status(Box::new(running.status())),
        Command::Metrics => Reply::Metrics(running.metrics()),
        Command::Absorb(counted) => {
            shared.live.absorb(&counted);
            Reply::Done
        }
        Command::Retire { took_over } => {
            shared.advance(Stage::Retired);
            if !took_over {
                running.listener.lock().take();
            }
            shared.nobody_accepts().await;
            Reply::Done
        }
        Command::Stop => {
            running.stop();
            running.ended().await;
            Reply::Done
        }
        Command::HandOver => Reply::Refused("it is answered elsewhere".into()),
    }
}

fn apply(running: &Running, table: &RouteTable) -> Reply {
    if let Err(error) = table.validate() {
        return Reply::Refused(error.to_string());
    }
    match running.shared.live.swap(table) {
        Ok(()) => {
            running.shared.table_error.lock().take();
            Reply::Done
        }
        Err(stale) => Reply::Stale { current: stale.current },
    }
}

async fn drain(running: &Running, ids: &[InstanceId], within: Duration) -> Reply {
    let shared = &running.shared;
    let instances = match shared.live.begin_drain(ids) {
        Ok(instances) => instances,
        Err(routed) => return Reply::StillRouted(routed),
    };
    let deadline = Instant::now().checked_add(within);
    let all_ended = async {
        for instance in &instances {
            instance.ended().await;
        }
    };
    let in_time = match deadline {
        Some(deadline) => timeout_at(deadline, all_ended).await.is_ok(),
        None => {
            all_ended.await;
            true
        }
    };
    let mut drained = Drained::default();
    if !in_time {
        for instance in instances.iter().filter(|instance| instance.in_flight() > 0) {
            *drained.cut.entry(instance.id).or_default() += instance.in_flight() as u64;
            instance.set_phase(Phase::Cut);
        }
        shared.cut();
        for instance in &instances {
            // Whoever does not notice that its socket was shut is broken, not busy.
            let _ = timeout(CUT, instance.ended()).await;
        }
    }
    Reply::Drained(drained)
}

/// The reply to [`Command::HandOver`]: the listening sockets travel with its first byte.
async fn hand_over(running: &Running, stream: &UnixStream) -> io::Result<()> {
    // A descriptor of its own, so that the lock is not held while it is sent.
    let listener = running.listener.lock().as_ref().map(TcpListener::try_clone).transpose()?;
    let reply = Reply::Listeners(listener.iter().map(|_| running.listen).collect());
    let line = encode(&Response { protocol: PROTOCOL, reply }).map_err(io::Error::other)?;
    let sent = stream.async_io(Interest::WRITABLE, || {
        let listeners: Vec<_> = listener.iter().map(AsFd::as_fd).collect();
        let mut space = handover::space();
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !listeners.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&listeners));
        }
        let line = [io::IoSlice::new(&line)];
        Ok(rustix::net::sendmsg(stream, &line, &mut ancillary, SendFlags::NOSIGNAL)?)
    });
    let sent = timeout(TRANSFER, sent).await??;
    // The rest of a line that did not fit goes without them.
    let mut rest = &line[sent..];
    while !rest.is_empty() {
        timeout(TRANSFER, stream.writable()).await??;
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
