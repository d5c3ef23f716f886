//! Pushes.

use std::fmt::Display;

use ::http::Response;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use rustix::process::Resource;
use types::{Actor, AppName};

use super::Inner;
use super::answer::{Body, result};
use super::intake::Intake;
use super::refused::Refused;
use super::request::Service;
use super::stream::{Orphaned, Silent, Work, pipe};
use crate::hook::{PUSH_VARIABLE, SOCKET_VARIABLE};

impl Inner {
    /// `room` is what the disk can take.
    pub(super) async fn push<B>(
        &self,
        body: B,
        app: &AppName,
        actor: &Actor,
        protocol: Option<&str>,
        gzip: bool,
        room: u64,
    ) -> Result<Response<Body>, Refused>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let permit = self.receiving.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Refused::TooManyPushes)?;
        let service = Service::ReceivePack;
        let registration = self.pushes.register(app.clone(), actor.clone());
        let config = self.repositories.config();
        let bound = config.max_pack_bytes.min(room);
        let invocation = self
            .repositories
            .invoke(service.subcommand())
            .env(SOCKET_VARIABLE, &config.hook_socket)
            .env(PUSH_VARIABLE, &registration.id);
        let invocation = match protocol {
            Some(protocol) => invocation.env("GIT_PROTOCOL", protocol),
            None => invocation,
        };
        let running = invocation
            .arg("-c")
            .arg(format!("receive.maxInputSize={bound}"))
            .args([service.subcommand(), "--stateless-rpc"])
            .arg(self.repositories.path(app))
            .limit(Resource::Cpu, self.config.unpack_cpu.as_secs().max(1))
            .start();
        let work = Work {
            running: running.map_err(|error| Refused::internal(&error))?,
            orphaned: Orphaned::GoOn(registration.push.client_gone.clone()),
            idle: self.config.idle_timeout,
            cancel: self.cancel.clone(),
        };
        let idle = self.config.idle_timeout;
        let intake = Intake { body: Box::pin(body), gzip, idle, bound: u64::MAX };
        let (outlet, inlet) = pipe();
        self.tracker.spawn(async move {
            work.run(Some(intake), outlet).await;
            drop((registration, permit));
        });
        match inlet.begin(b"").await {
            Ok(printed) => Ok(result(service, printed.boxed_unsync())),
            // Git sends an empty request first to see whether it may push.
            Err(Silent { success: true, .. }) => Ok(result(service, Empty::new().boxed_unsync())),
            Err(silent) => {
                tracing::info!(%app, stderr = silent.stderr.trim_end(), "not a push");
                Err(Refused::Unreadable(service))
            }
        }
    }
}
