//! Commands beside an app. The answer begins once the command has said something, has ended, or has been under way for a
//! moment, so that what is refused at once is an error like any other.

use std::convert::Infallible;
use std::time::Duration;

use api::exec::{EXEC_MEDIA_TYPE, Exec, ExecExit, ExecLine, ExecOutput};
use api::logs::Stream;
use api::paths;
use api::server_events::KEEP_ALIVE;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use control::{Control, Exit, Output, OutputStream};
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::Instrument as _;
use types::{AppName, EnvironmentName};

use super::{InEnvironment, plain};
use crate::extract::{Json, Path};
use crate::refusal::Answer;

/// Pieces of output that wait for a client that reads slowly.
const QUEUE: usize = 64;
/// How long the answer waits for the command's first sign.
const FIRST_SIGN: Duration = Duration::from_millis(500);

/// Run a command beside an app
///
/// In a box like those of the app's instances, with the same release and config. The answer is one JSON value a line while
/// the command goes on; empty lines say that it still does. Hanging up ends the command.
#[utoipa::path(post, path = paths::EXEC, operation_id = "exec", tag = "executions", request_body = Exec,
    responses((status = 200, description = "What it writes, and how it ends.", body = ExecLine,
        content_type = "application/x-ndjson")))]
pub(crate) async fn exec(
    State(control): State<Control>,
    Path((app, environment)): Path<InEnvironment>,
    Json(request): Json<Exec>,
) -> Answer<Response> {
    let (signs, mut coming) = mpsc::channel(QUEUE);
    let execution = Execution { app, environment, command: request.command, signs };
    control.tracker().spawn(execution.run(control.clone()).in_current_span());
    let first = match timeout(FIRST_SIGN, coming.recv()).await {
        Ok(Some(Sign::Ended(Err(error)))) => return Err(error.into()),
        Ok(first) => first,
        Err(_) => None,
    };
    let rest = stream::poll_fn(move |context| coming.poll_recv(context));
    let lines = stream::iter(first).chain(rest).map(|sign| Ok::<_, Infallible>(sign.into_line()));
    Ok(plain(EXEC_MEDIA_TYPE, Body::from_stream(lines)))
}

/// What becomes a line of the answer.
enum Sign {
    Output(Output),
    /// Nothing new, but it is still there.
    Alive,
    Ended(Result<Exit, control::Error>),
}

struct Execution {
    app: AppName,
    environment: EnvironmentName,
    command: Vec<String>,
    signs: mpsc::Sender<Sign>,
}

impl Execution {
    /// Ends when the command has; the command ends when nobody reads any more.
    async fn run(self, control: Control) {
        let cancel = control.stopping().child_token();
        let (sender, mut output) = mpsc::channel(QUEUE);
        let running =
            control.exec(&self.app, &self.environment, self.command, sender, cancel.clone());
        let mut running = std::pin::pin!(running);
        let ended = loop {
            tokio::select! {
                biased;
                () = self.signs.closed(), if !cancel.is_cancelled() => cancel.cancel(),
                Some(piece) = output.recv() => {
                    let _ = self.signs.send(Sign::Output(piece)).await;
                }
                ended = &mut running => break ended,
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    let _ = self.signs.send(Sign::Alive).await;
                }
            }
        };
        // What it wrote last comes before its end.
        while let Ok(piece) = output.try_recv() {
            let _ = self.signs.send(Sign::Output(piece)).await;
        }
        let _ = self.signs.send(Sign::Ended(ended)).await;
    }
}

impl Sign {
    fn into_line(self) -> String {
        let line = match self {
            Self::Alive => return "\n".to_owned(),
            Self::Output(Output { stream, bytes }) => {
                let stream = match stream {
                    OutputStream::Stdout => Stream::Stdout,
                    OutputStream::Stderr => Stream::Stderr,
                };
                ExecLine::Output(ExecOutput::new(stream, &bytes))
            }
            Self::Ended(Ok(exit)) => ExecLine::Exit { exit: wire(exit) },
            Self::Ended(Err(error)) => {
                let problem = crate::refusal::Refusal::from(error).into_problem();
                ExecLine::Problem { problem }
            }
        };
        // Our own structs have string keys: they can be written.
        let mut line = serde_json::to_string(&line).unwrap_or_default();
        line.push('\n');
        line
    }
}

fn wire(exit: Exit) -> ExecExit {
    let mut wire = ExecExit { code: None, signal: None, out_of_memory: false };
    match exit {
        Exit::Code(code) => wire.code = Some(code),
        Exit::Signal(signal) => wire.signal = Some(signal),
        Exit::OutOfMemory => wire.out_of_memory = true,
        _ => {}
    }
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_one_line() {
        let output = |bytes: &'static [u8]| {
            let bytes = bytes.into();
            Sign::Output(Output { stream: OutputStream::Stderr, bytes }).into_line()
        };
        assert_eq!(output(b"a\nb"), "{\"stream\":\"stderr\",\"data\":\"a\\nb\"}\n");
        assert_eq!(
            output(&[0xff]),
            "{\"stream\":\"stderr\",\"data\":\"/w==\",\"encoding\":\"base64\"}\n"
        );
        assert_eq!(Sign::Alive.into_line(), "\n");
        assert_eq!(Sign::Ended(Ok(Exit::Signal(9))).into_line(), "{\"exit\":{\"signal\":9}}\n");
    }
}
