//! One-offs: a command in a box like the app's, that lives and dies with whoever asked for it.

use std::path::Path;
use std::process::Stdio;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::instances::clear_leftovers;
use super::start::{failed, make, write_spec};
use super::{ProcessDriver, blocking};
use crate::shim::directory::{InstanceDirectory, remove_tree};
use crate::shim::protocol::Report;
use crate::shim::state::Phase;
use crate::{Error, Exit, InstanceSpec, Output, OutputStream, Restart, StartError};

const CHUNK: usize = 16 * 1024;

impl ProcessDriver {
    pub(super) async fn exec_one_off(
        &self,
        spec: &InstanceSpec,
        command: Vec<String>,
        output: mpsc::Sender<Output>,
        cancel: CancellationToken,
    ) -> Result<Exit, Error> {
        if command.is_empty() {
            return Err(StartError::Refused("there is no command".to_owned()).into());
        }
        let name = format!("exec-{:016x}", rand::random::<u64>());
        let directory = InstanceDirectory::new(self.directory.join("exec").join(&name));
        let mut told = self.shim_spec(spec, command, true)?;
        told.name = name;
        told.restart = Restart::Never;
        make(directory.path())?;
        let result = match write_spec(&directory, &told) {
            Ok(()) => self.attend(&directory, output, cancel).await,
            Err(error) => Err(error.into()),
        };
        blocking(move || remove_tree(directory.path())).await.ok();
        result
    }

    async fn attend(
        &self,
        directory: &InstanceDirectory,
        output: mpsc::Sender<Output>,
        cancel: CancellationToken,
    ) -> Result<Exit, Error> {
        let mut shim = tokio::process::Command::new(&self.solum)
            .arg("shim")
            .arg(directory.path())
            .current_dir("/")
            .env_clear()
            // Closed when we are gone, whatever the reason.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(StartError::io("run", &self.solum))?;
        let mut lifeline = shim.stdin.take();
        let (stdout, stderr) = (shim.stdout.take(), shim.stderr.take());
        let pumps = async {
            tokio::join!(
                pump(stdout, OutputStream::Stdout, &output),
                pump(stderr, OutputStream::Stderr, &output),
            );
        };
        let mut pumps = std::pin::pin!(pumps);
        let mut cancelled = false;
        loop {
            tokio::select! {
                () = &mut pumps => break,
                () = cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    lifeline = None;
                }
                () = output.closed(), if lifeline.is_some() => lifeline = None,
            }
        }
        let _ = shim.wait().await;
        drop(lifeline);
        match (directory.report(), directory.state().map(|state| state.phase)) {
            (Some(Report::Refused(reason)), _) => Err(StartError::Refused(reason).into()),
            (_, Some(Phase::Exited { exit, .. })) => Ok(exit),
            (Some(_), _) => Ok(Exit::Lost),
            (None, _) => Err(StartError::Refused(failed(directory)).into()),
        }
    }
}

/// Passes output on until there is none. When nobody takes it, it is read all the same: the command is being killed.
async fn pump(
    from: Option<impl AsyncRead + Unpin>,
    stream: OutputStream,
    output: &mpsc::Sender<Output>,
) {
    let Some(mut from) = from else { return };
    let mut buffer = BytesMut::with_capacity(CHUNK);
    while let Ok(length) = from.read_buf(&mut buffer).await {
        if length == 0 {
            return;
        }
        let bytes = buffer.split().freeze();
        buffer.reserve(CHUNK);
        let _ = output.send(Output { stream, bytes }).await;
    }
}

/// Clears away what one-offs of a server that was killed left behind, but for those that are just ending.
pub(super) fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory.join("exec")) else { return };
    for entry in entries.flatten() {
        let one_off = InstanceDirectory::new(entry.path());
        if let Ok(Some(_lock)) = one_off.lock() {
            clear_leftovers(one_off.state().as_ref());
            let _ = remove_tree(one_off.path());
        }
    }
}
