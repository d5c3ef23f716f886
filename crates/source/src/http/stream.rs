//! A git at work on a request: its input, its output, its end.

use std::fmt::Display;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::answer::Printed;
use super::intake::{Fed, Intake};
use crate::git::{Running, read_stderr};

/// Pieces of output that wait for the client to take them.
const QUEUE: usize = 4;
const PIECE_BYTES: usize = 64 << 10;
/// How long what a client still sends is thrown away after git has ended, so that it comes to read why.
const LINGER: Duration = Duration::from_secs(5);

/// What the client's going away means to the work.
pub(super) enum Orphaned {
    /// It is stopped.
    Stop,
    /// It is told so, and goes on once it has all its input.
    GoOn(CancellationToken),
}

/// Work that can be done.
pub(super) struct Work {
    pub(super) running: Running,
    pub(super) orphaned: Orphaned,
    pub(super) idle: Duration,
    pub(super) cancel: CancellationToken,
}

/// How work ended that printed nothing.
#[derive(Debug)]
pub(super) struct Silent {
    pub(super) success: bool,
    pub(super) fed: Option<Fed>,
    pub(super) stderr: String,
}

/// Where the output goes.
pub(super) struct Outlet {
    printed: mpsc::Sender<Bytes>,
    silent: oneshot::Sender<Silent>,
}

/// Where it comes from.
pub(super) struct Inlet {
    printed: mpsc::Receiver<Bytes>,
    silent: oneshot::Receiver<Silent>,
}

pub(super) fn pipe() -> (Outlet, Inlet) {
    let (printed, receiver) = mpsc::channel(QUEUE);
    let (silent, ended) = oneshot::channel();
    (Outlet { printed, silent }, Inlet { printed: receiver, silent: ended })
}

impl Inlet {
    /// Waits until there is output, so that work which fails at once can still be answered as such.
    pub(super) async fn begin(mut self, preamble: &'static [u8]) -> Result<Printed, Silent> {
        match self.printed.recv().await {
            Some(first) => Ok(Printed::new(preamble, first, self.printed)),
            None => Err(self.silent.await.unwrap_or_else(|_| Silent {
                success: false,
                fed: None,
                stderr: "it was stopped".to_owned(),
            })),
        }
    }
}

impl Work {
    /// Does it, with a request's body as input if there is one. The output ends only when the body has been read, or has
    /// had its time: a client that is cut off while it sends never reads its answer.
    pub(super) async fn run<B>(mut self, intake: Option<Intake<B>>, outlet: Outlet)
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Display,
    {
        let (stdin, stdout, stderr) = self.running.streams();
        let mut outcome = Outcome::default();
        let stops = matches!(self.orphaned, Orphaned::Stop);
        {
            let feed = feed(intake, stdin, self.cancel.clone());
            let print = print(stdout, &outlet.printed, &self.orphaned, self.idle);
            let listen = read_stderr(stderr);
            tokio::pin!(feed, print, listen);
            let ended = loop {
                tokio::select! {
                    fed = &mut feed, if outcome.fed.is_none() => outcome.fed = Some(fed),
                    stderr = &mut listen, if outcome.stderr.is_none() => outcome.stderr = Some(stderr),
                    ended = &mut print => break ended,
                    () = self.cancel.cancelled(), if stops => break Ended::Abandoned,
                }
            };
            if ended == Ended::Finished {
                if outcome.fed.is_none() {
                    outcome.fed = tokio::time::timeout(LINGER, &mut feed).await.ok();
                }
                if outcome.stderr.is_none() {
                    outcome.stderr = tokio::time::timeout(LINGER, &mut listen).await.ok();
                }
            }
            outcome.ended = ended;
        }
        self.finish(outcome, outlet).await;
    }

    async fn finish(mut self, outcome: Outcome, outlet: Outlet) {
        if outcome.ended == Ended::Abandoned {
            return self.running.stop().await;
        }
        let success = match tokio::time::timeout(LINGER, self.running.wait()).await {
            Ok(Ok(status)) => status.success(),
            Ok(Err(error)) => {
                tracing::error!(%error, "git could not be waited for");
                false
            }
            Err(_) => {
                self.running.stop().await;
                false
            }
        };
        let stderr = outcome.stderr.unwrap_or_default();
        if !success || !stderr.is_empty() {
            tracing::info!(success, stderr = stderr.trim_end(), "git had something to say");
        }
        // Taken only if nothing was printed.
        let _ = outlet.silent.send(Silent { success, fed: outcome.fed, stderr });
    }
}

#[derive(Default)]
struct Outcome {
    fed: Option<Fed>,
    stderr: Option<String>,
    ended: Ended,
}

#[derive(Default, PartialEq, Eq)]
enum Ended {
    /// Git closed its output.
    #[default]
    Finished,
    /// Nobody waits for it any more.
    Abandoned,
}

async fn feed<B>(intake: Option<Intake<B>>, stdin: ChildStdin, cancel: CancellationToken) -> Fed
where
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: Display,
{
    let Some(intake) = intake else { return Fed::Whole };
    tokio::select! {
        fed = intake.feed(stdin) => fed,
        // A push that still arrives when the server ends is cut off.
        () = cancel.cancelled() => Fed::Cut,
    }
}

/// Passes output on as it comes. Once nobody takes it, it is thrown away, or the work is over.
async fn print(
    mut stdout: ChildStdout,
    printed: &mpsc::Sender<Bytes>,
    orphaned: &Orphaned,
    idle: Duration,
) -> Ended {
    let mut gone = false;
    let mut buffer = BytesMut::new();
    loop {
        if buffer.capacity() < PIECE_BYTES / 16 {
            buffer.reserve(PIECE_BYTES);
        }
        let piece = tokio::select! {
            read = stdout.read_buf(&mut buffer) => match read {
                Ok(1..) => buffer.split().freeze(),
                Ok(0) | Err(_) => return Ended::Finished,
            },
            () = printed.closed(), if !gone => Bytes::new(),
        };
        if gone {
            continue;
        }
        let taken = !piece.is_empty()
            && matches!(tokio::time::timeout(idle, printed.send(piece)).await, Ok(Ok(())));
        if !taken {
            gone = true;
            match orphaned {
                Orphaned::Stop => return Ended::Abandoned,
                Orphaned::GoOn(told) => told.cancel(),
            }
        }
    }
}
