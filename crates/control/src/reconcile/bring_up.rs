//! Starting one instance and seeing that it works: the same for a deployment, for scaling, and for one that was lost.

use std::path::PathBuf;
use std::time::Duration;

use deploy::{Blobs, NotReady};
use store::Instance;
use types::Digest;

use super::Specification;
use crate::error::chain;
use crate::{Control, Error};

/// Lays a release's bundle out on the target, unless it is there: why that is not possible, if it is not.
pub(super) async fn lay_out(
    control: &Control,
    specification: &Specification,
) -> Result<(), String> {
    for layer in &specification.bundle.layers {
        verify(control, &layer.digest).await.map_err(|error| chain(&error))?;
    }
    let (owner, blobs) = (specification.owner(), ArtifactBlobs(control));
    let prepared = control.inner.driver.prepare(&specification.bundle, &owner, &blobs).await;
    prepared.map_err(|error| chain(&error))
}

/// Holds the bytes of a layer against its digest: before they are first used, and again after each start of the
/// server.
async fn verify(control: &Control, layer: &Digest) -> Result<(), build::StoreError> {
    if control.inner.verified.lock().contains(layer) {
        return Ok(());
    }
    control.inner.artifacts.verify(layer).await?;
    control.inner.verified.lock().insert(layer.clone());
    Ok(())
}

/// Starts one instance and waits for its first good answer: how it showed that it is up, or why it
/// is not.
pub(super) async fn bring_up(
    control: &Control,
    specification: &Specification,
    instance: &Instance,
) -> Result<Result<String, String>, Error> {
    let Some(spec) = specification.instance(instance) else {
        return Ok(Err(format!("the release has no process `{}`", instance.process)));
    };
    let driver = &control.inner.driver;
    let started = match driver.start(&spec).await {
        Ok(started) => started,
        Err(error) => return Ok(Err(chain(&error))),
    };
    if started.address != instance.address {
        control.inner.store.set_instance_address(instance.id, started.address).await?;
    }
    let health = specification.health(&instance.process);
    match driver.ready(instance.id, &health).await {
        Ok(ready) => {
            // The port may have been taken before the process came to listen: it then has another one.
            if ready.address != started.address {
                control.inner.store.set_instance_address(instance.id, ready.address).await?;
            }
            Ok(Ok(format!("{} ({})", ready.by, lapse(ready.after))))
        }
        Err(NotReady::Unseen(error)) => Err(Error::Logs(error)),
        Err(error) => Ok(Err(chain(&error))),
    }
}

fn lapse(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// Layers come out of the artifact store.
struct ArtifactBlobs<'c>(&'c Control);

impl Blobs for ArtifactBlobs<'_> {
    fn path(&self, digest: &Digest) -> PathBuf {
        self.0.inner.artifacts.path(digest)
    }
}
