//! Follows an instance that serves: one whose process has ended leaves the routing table, and comes back when the next one
//! has answered its health check, wherever that listens then.
//!
//! The shim restarts the process and this sees it a moment later. What the router would send meanwhile, it sends to no
//! other app: it asks the kernel whose program listens (`router`).

use deploy::{Exit, NotReady, Observation};
use store::{Instance, Wake};
use types::{InstanceState, Timestamp};

use crate::error::chain;
use crate::reconcile::Specification;
use crate::{Control, Error};

/// An instance that was lost before it had served this long has failed; one that served longer is replaced at once.
const PROVED: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// Returns when the instance is to serve no more, or has been given up.
pub(super) async fn serve(
    control: &Control,
    instance: &Instance,
    wake: &mut Wake,
) -> Result<(), Error> {
    let mut following = std::pin::pin!(Follower::new(control, instance).follow());
    loop {
        // Not begun again at each wake-up: others may write more often than a health check takes.
        tokio::select! {
            end = &mut following => return end,
            () = wake.changed() => {
                let now = control.inner.store.find_instance(instance.id).await?;
                if now.is_none_or(|now| now.state != InstanceState::Serving) {
                    return Ok(());
                }
            }
        }
    }
}

struct Follower<'c> {
    control: &'c Control,
    instance: &'c Instance,
    /// As its row has it.
    down: Option<String>,
    address: Option<std::net::SocketAddr>,
    /// The process that is known to be fit, by the number of those before it.
    fit: Option<u32>,
}

impl<'c> Follower<'c> {
    fn new(control: &'c Control, instance: &'c Instance) -> Self {
        let (down, address) = (instance.down.clone(), instance.address);
        Self { control, instance, down, address, fit: None }
    }

    async fn follow(mut self) -> Result<(), Error> {
        let (driver, id) = (&self.control.inner.driver, self.instance.id);
        let mut seen = driver.observe(id).await.map_err(Error::Logs)?;
        loop {
            match seen {
                Observation::Absent | Observation::Exited { .. } => return self.lost(&seen).await,
                Observation::Starting => {
                    self.down("its process is being started".to_owned()).await?
                }
                Observation::BackingOff { last, .. } => self.down(format!("it {last}")).await?,
                Observation::Running { restarts, address, .. } => {
                    // What it was when this server came to look at it is what its row says.
                    let first = self.fit.is_none() && self.down.is_none();
                    let known = self.fit == Some(restarts) || first;
                    if known && address == self.address {
                        self.fit = Some(restarts);
                    } else {
                        seen = self.bring_back(restarts).await?;
                        continue;
                    }
                }
            }
            seen = driver.changed(id, &seen).await.map_err(Error::Logs)?;
        }
    }

    /// Waits for the first good answer of a process that was started again. Returns what the instance does then.
    async fn bring_back(&mut self, restarts: u32) -> Result<Observation, Error> {
        let (control, id) = (self.control, self.instance.id);
        if self.down.is_none() {
            self.down("its process was started again and has not answered yet".to_owned()).await?;
        }
        let deployment = control.inner.store.deployment(self.instance.deployment).await?;
        let specification = Specification::load(control, deployment).await?;
        let health = specification.health(&self.instance.process);
        let ready = control.inner.driver.ready(id, &health).await;
        let seen = control.inner.driver.observe(id).await.map_err(Error::Logs)?;
        match ready {
            Ok(ready) => {
                let same =
                    matches!(seen, Observation::Running { restarts: now, .. } if now == restarts);
                // Otherwise it has ended meanwhile: who knows which process answered.
                if same {
                    control.inner.store.set_instance_up(id, ready.address).await?;
                    self.fit = Some(restarts);
                    self.address = ready.address;
                    self.down = None;
                }
            }
            Err(NotReady::Unseen(error)) => return Err(Error::Logs(error)),
            Err(NotReady::Absent) => {}
            Err(error) => self.down(chain(&error)).await?,
        }
        Ok(seen)
    }

    async fn down(&mut self, why: String) -> Result<(), Error> {
        if self.down.as_ref() != Some(&why) {
            self.control.inner.store.set_instance_down(self.instance.id, why.clone()).await?;
            self.down = Some(why);
        }
        Ok(())
    }

    /// Nothing of it runs any more: another one takes its place.
    async fn lost(&self, seen: &Observation) -> Result<(), Error> {
        let (control, id) = (self.control, self.instance.id);
        let why = match seen {
            // `solum server stop --all`, before this server was started.
            Observation::Exited { exit, .. } if *exit != Exit::Lost => {
                tracing::info!(%id, "an instance was stopped and is replaced");
                control.inner.store.set_instance_state(id, InstanceState::Stopping).await?;
                return Ok(());
            }
            // The machine was started again, or somebody killed its shim.
            Observation::Exited { exit, .. } => format!("it {exit}"),
            _ => "nothing of it is left on the machine".to_owned(),
        };
        let now: Timestamp = control.inner.clock.now();
        if now.duration_since(self.instance.created_at) < PROVED {
            tracing::warn!(%id, why, "an instance was lost soon after its start");
            control.inner.store.instance_failed(id, why).await?;
        } else {
            tracing::warn!(%id, why, "an instance was lost and is replaced");
            control.inner.store.set_instance_state(id, InstanceState::Stopping).await?;
        }
        Ok(())
    }
}
