use std::io;
use std::path::{Path, PathBuf};

use super::connection::Connection;
use super::{ADMIT_TIMEOUT, Context};
use crate::Error;
use crate::hook::protocol::Reply;
use crate::push::{Incoming, RefUpdate, Rejection};
use crate::pushes::Push;
use crate::repositories::blocking;

impl Context {
    pub(super) async fn admit(
        &self,
        mut connection: Connection,
        push: &Push,
        updates: Vec<RefUpdate>,
        quarantine: Option<PathBuf>,
    ) -> io::Result<()> {
        let verdict = tokio::select! {
            verdict = self.decide(push, updates, quarantine) => verdict,
            () = tokio::time::sleep(ADMIT_TIMEOUT) => {
                Err(rejection("error: checking this push took too long\nhint: push again"))
            }
            () = self.cancel.cancelled() => {
                Err(rejection("error: the Solum server is stopping\nhint: push again when it is back"))
            }
            // Whoever asked is gone, and git has thrown the objects away.
            () = connection.gone() => return Ok(()),
        };
        let reply = match verdict {
            Ok(()) => Reply::Admitted,
            Err(Rejection { message }) => Reply::Rejected(message),
        };
        connection.send(&reply).await
    }

    async fn decide(
        &self,
        push: &Push,
        updates: Vec<RefUpdate>,
        quarantine: Option<PathBuf>,
    ) -> Result<(), Rejection> {
        let incoming = self.examine(push, updates, quarantine).await.map_err(|error| {
            tracing::error!(app = %push.app, %error, "a push could not be examined");
            rejection("error: Solum could not examine this push\nhint: the server's log tells why")
        })?;
        self.handler.admit(&incoming).await?;
        push.remember(incoming.updates);
        Ok(())
    }

    /// Finds out what the handler wants to know.
    async fn examine(
        &self,
        push: &Push,
        mut updates: Vec<RefUpdate>,
        quarantine: Option<PathBuf>,
    ) -> Result<Incoming, Error> {
        for update in &mut updates {
            update.fast_forward = match (&update.old, &update.new) {
                (None, Some(_)) => true,
                (_, None) => false,
                (Some(old), Some(new)) => {
                    let quarantine = quarantine.as_deref();
                    self.repositories.is_fast_forward(&push.app, old, new, quarantine).await?
                }
            };
        }
        let quarantine_bytes = match quarantine {
            Some(directory) => {
                blocking(move || {
                    let measured = unlock(&directory).and_then(|()| size(&directory));
                    measured.map_err(Error::io("measuring a push", &directory))
                })
                .await?
            }
            None => 0,
        };
        let (app, actor) = (push.app.clone(), push.actor.clone());
        Ok(Incoming { app, actor, updates, quarantine_bytes })
    }
}

fn rejection(message: &str) -> Rejection {
    Rejection { message: message.to_owned() }
}

/// Removes the lock on a quarantined pack. It would stay beside the pack until the push ends, which may take as long as a
/// run does; and when the same commits are pushed again meanwhile, git takes the two locks, which differ, for a
/// collision and refuses the push. What it guards against does no harm here: garbage collection spares what is new.
fn unlock(quarantine: &Path) -> io::Result<()> {
    let packs = match std::fs::read_dir(quarantine.join("pack")) {
        Ok(packs) => packs,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in packs {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "keep") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What the files below a directory hold.
fn size(directory: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let found = entry.metadata()?;
        sum += if found.is_dir() { size(&entry.path())? } else { found.len() };
    }
    Ok(sum)
}
