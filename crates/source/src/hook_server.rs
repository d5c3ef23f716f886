//! Answers git's hooks: the server's end of the socket between them.
//!
//! The invariant: a hook is told the outcome of a push only after the handler has said it, and once the
//! handler has been given a push it is not stopped, whether the hook or the client is still there or not; only
//! the end of the server stops it, after a grace.

mod admit;
mod connection;
mod receive;

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::hook::protocol::{Call, REF_BOUND, VERSION};
use crate::hook::socket::Address;
use crate::pushes::Pushes;
use crate::{Error, PushHandler, Repositories};
use connection::Connection;

/// For all that happens before a push is admitted or rejected.
pub const ADMIT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long handlers may take to say an outcome once the server is to end.
const GRACE: Duration = Duration::from_secs(5);

/// Listens for git's hooks.
pub struct HookServer {
    listener: UnixListener,
    context: Arc<Context>,
}

struct Context {
    repositories: Repositories,
    pushes: Pushes,
    handler: Arc<dyn PushHandler>,
    tracker: TaskTracker,
    cancel: CancellationToken,
}

impl HookServer {
    /// Binds the socket that the repositories' configuration names, readable for this user only. One that a
    /// dead server left is replaced.
    pub fn bind(
        repositories: Repositories,
        pushes: Pushes,
        handler: Arc<dyn PushHandler>,
        tracker: TaskTracker,
        cancel: CancellationToken,
    ) -> Result<Self, Error> {
        let path = repositories.config().hook_socket.clone();
        let listener = listen(&path).map_err(Error::io("listening on a socket", &path))?;
        let context = Context { repositories, pushes, handler, tracker, cancel };
        Ok(Self { listener, context: Arc::new(context) })
    }

    /// Answers hooks until cancelled.
    pub async fn serve(self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = self.context.cancel.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let context = Arc::clone(&self.context);
                    self.context.tracker.spawn(async move { context.answer(stream).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "a git hook could not be answered");
                    // Out of file descriptors, most likely: to try at once would only spin.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

impl Context {
    async fn answer(&self, stream: UnixStream) {
        let us = rustix::process::geteuid().as_raw();
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == us => {}
            _ => return tracing::warn!("somebody else's process called the hook socket"),
        }
        if let Err(error) = self.converse(Connection::new(stream)).await {
            tracing::info!(%error, "a git hook went away");
        }
    }

    async fn converse(&self, mut connection: Connection) -> io::Result<()> {
        let request = connection.request().await?;
        if request.version != VERSION {
            let words = "error: the running Solum server and the installed program differ in version\n\
                         hint: restart the server, then push again";
            return connection.reject(words).await;
        }
        let Some(push) = self.pushes.find(&request.push) else {
            return connection.reject("error: the Solum server does not know of this push").await;
        };
        match request.call {
            Call::PreReceive { updates, quarantine } if updates.len() <= REF_BOUND => {
                self.admit(connection, &push, updates, quarantine).await
            }
            Call::ProcReceive { updates, options, atomic } if updates.len() <= REF_BOUND => {
                self.receive(connection, push, updates, options, atomic).await
            }
            _ => connection.reject("error: this push moves too many refs").await,
        }
    }
}

/// Binds beside the path and renames, so that the socket never stands there with too wide a mode, and never not.
fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file in its place",
            ));
        }
        _ => {}
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(Address::of(new)?.path())?;
    fs::set_permissions(new, fs::Permissions::from_mode(0o600))?;
    fs::rename(new, path)?;
    Ok(listener)
}
