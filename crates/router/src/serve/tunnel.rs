//! Bytes both ways after a switch of protocols, and the orderly end of a WebSocket whose instance is leaving.
//!
//! A WebSocket is closed by a close frame to either side, at the end of a message if that comes soon, else at the end of
//! a frame, never within one. Then each side has a while to answer with its own close frame (RFC 6455,
//! section 7.1). Other protocols go on until the drain's deadline cuts them.

mod pump;

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use rustix::net::Shutdown;
use tokio::sync::watch;
use tokio::time::timeout;

use self::pump::{Moved, Pump};
use super::connection::{Active, Client};
use super::socket::{ClientIo, UpstreamIo, UpstreamSocket};
use super::worker::Listed;
use crate::live::{Claim, Phase};
use crate::shared::Stage;
use crate::websocket;

/// What a connection goes on with after the switch.
#[derive(Debug)]
pub(super) struct Switch {
    upstream: Rc<UpstreamSocket>,
    /// What the instance has sent already.
    ahead: Bytes,
    is_websocket: bool,
    claim: Claim,
    _listed: Listed,
    _active: Active,
}

impl Switch {
    pub(super) fn new(
        (upstream, ahead, listed): (Rc<UpstreamSocket>, Bytes, Listed),
        claim: Claim,
        is_websocket: bool,
        active: Active,
    ) -> Self {
        Self { upstream, ahead, is_websocket, claim, _listed: listed, _active: active }
    }
}

/// Carries bytes until both sides have ended, or it is time to leave. `ahead` is what the client has
/// sent already.
pub(super) async fn run(client: &Client, ahead: Bytes, switch: Switch) {
    let mut tunnel = Tunnel {
        client: ClientIo(Rc::clone(&client.socket)),
        upstream: UpstreamIo(Rc::clone(&switch.upstream)),
        inward: Pump::new(ahead, switch.is_websocket),
        outward: Pump::new(switch.ahead.clone(), switch.is_websocket),
    };
    let timeouts = &client.worker.shared.config.timeouts;
    let mut phases = switch.claim.in_flight.instance.phases();
    let mut stage = client.worker.shared.stage();
    let cut = switch.claim.in_flight.instance.phases();
    let flow = async {
        let ended = tokio::select! {
            end = tunnel.flow() => Some(end),
            () = leave(&mut phases, &mut stage), if switch.is_websocket => None,
        };
        match ended {
            Some(End::Both) => return,
            Some(End::OneSide) => {
                // The other side has nobody to talk to; it gets time to notice.
                let _ = timeout(timeouts.stall, tunnel.both_ended()).await;
                return;
            }
            None => {}
        }
        for patient in [true, false] {
            tunnel.close(patient);
            if timeout(timeouts.websocket_close, tunnel.both_ended()).await.is_ok() {
                return;
            }
        }
    };
    tokio::select! {
        () = flow => {}
        () = cut_off(cut) => tracing::debug!("an upgraded connection was cut at its drain's deadline"),
    }
}

/// Returns when WebSockets are to be closed.
async fn leave(phases: &mut watch::Receiver<Phase>, stage: &mut watch::Receiver<Stage>) {
    tokio::select! {
        _ = phases.wait_for(|phase| *phase >= Phase::Draining) => {}
        _ = stage.wait_for(|stage| *stage == Stage::Stopping) => {}
    }
}

async fn cut_off(mut phases: watch::Receiver<Phase>) {
    // The instance lives as long as the claim on it.
    let _ = phases.wait_for(|phase| *phase == Phase::Cut).await;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OneSide,
    Both,
}

struct Tunnel {
    client: ClientIo,
    upstream: UpstreamIo,
    /// From the client to the instance.
    inward: Pump,
    /// From the instance to the client.
    outward: Pump,
}

impl Tunnel {
    /// Moves bytes until a side ends that had not ended before.
    async fn flow(&mut self) -> End {
        let before = self.ended();
        poll_fn(|cx| self.poll(cx, before)).await
    }

    async fn both_ended(&mut self) {
        while self.flow().await != End::Both {}
    }

    fn ended(&self) -> usize {
        usize::from(self.inward.is_ended()) + usize::from(self.outward.is_ended())
    }

    fn poll(&mut self, cx: &mut Context<'_>, before: usize) -> Poll<End> {
        let inward = self.inward.poll(cx, &mut self.client, &mut self.upstream);
        if inward == Moved::Ended {
            self.upstream.0.end_writing();
        }
        let outward = self.outward.poll(cx, &mut self.upstream, &mut self.client);
        if outward == Moved::Ended {
            self.client.0.shut_down(Shutdown::Write);
        }
        if inward == Moved::Broken || outward == Moved::Broken {
            return Poll::Ready(End::Both);
        }
        match self.ended() {
            2 => Poll::Ready(End::Both),
            ended if ended > before => Poll::Ready(End::OneSide),
            _ => Poll::Pending,
        }
    }

    /// Puts a close frame into both directions as soon as there is a place for it.
    fn close(&mut self, patient: bool) {
        self.inward.close(websocket::close_to_instance(rand::random()), patient);
        self.outward.close(websocket::close_to_client(), patient);
    }
}
