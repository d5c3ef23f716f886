//! The control plane's side of the control sockets. It speaks to every generation that still
//! serves, and believes something done only when all of them have said so.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use types::InstanceId;

use super::socket::{Directory, nobody_there, socket_name};
use super::{
    Command, Drained, Generation, MAX_LINE, OLDEST_PROTOCOL, PROTOCOL, Reply, Request, Response,
    Status,
};
use crate::metrics::{self, ReleaseMetrics};
use crate::table::RouteTable;
use crate::{Error, table_file};

/// How long a generation may take to answer what needs no waiting.
const ANSWER: Duration = Duration::from_secs(5);
/// What an answer may take beyond the time that the command itself asks for.
const MARGIN: Duration = Duration::from_secs(3);
/// The longest time that a stopping generation may be configured to take.
const STOP: Duration = Duration::from_secs(60);

/// Speaks to the routers of one directory. Cheap; holds no connection.
#[derive(Debug)]
pub struct Client {
    directory: PathBuf,
    /// Tables reach every generation in the order in which they were published.
    publishing: tokio::sync::Mutex<()>,
}

impl Client {
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, publishing: tokio::sync::Mutex::new(()) }
    }

    /// Publishes `table`: it is on disk first, then in force in every generation that serves.
    ///
    /// # Errors
    ///
    /// [`Error::NotRunning`] when there is no generation: the table is on disk, and the next one starts with it.
    /// [`Error::Stale`] when a later table has been published. [`Error::Unresponsive`] when a generation that is
    /// alive did not confirm; publishing the same table again is safe.
    pub async fn apply(&self, table: &RouteTable) -> Result<(), Error> {
        let _turn = self.publishing.lock().await;
        let (directory, saved) = (self.directory.clone(), table.clone());
        tokio::task::spawn_blocking(move || table_file::save(&directory, &saved))
            .await
            .map_err(|error| Error::system("write the routing table")(io::Error::other(error)))??;
        for reply in self.ask_all(Command::Apply(table.clone()), ANSWER).await? {
            match reply {
                (_, Reply::Done) => {}
                (_, Reply::Stale { current }) => {
                    return Err(Error::Stale { offered: table.revision, current });
                }
                (number, other) => return Err(unexpected(number, &other)),
            }
        }
        Ok(())
    }

    /// Waits until nothing is in flight on `instances` in any generation, and cuts what is left at
    /// the deadline. The instances must be out of the table; their WebSockets get a close frame at once.
    pub async fn drain(
        &self,
        instances: &[InstanceId],
        deadline: Duration,
    ) -> Result<Drained, Error> {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        let command = Command::Drain { instances: instances.to_vec(), deadline_ms };
        let mut all = Drained::default();
        for reply in self.ask_all(command, deadline.saturating_add(MARGIN)).await? {
            match reply {
                (_, Reply::Drained(drained)) => {
                    for (instance, cut) in drained.cut {
                        *all.cut.entry(instance).or_default() += cut;
                    }
                }
                (_, Reply::StillRouted(routed)) => {
                    return Err(Error::StillRouted(
                        routed.iter().map(ToString::to_string).collect(),
                    ));
                }
                (number, other) => return Err(unexpected(number, &other)),
            }
        }
        Ok(all)
    }

    /// What serves now. Empty, not an error, when nothing does.
    pub async fn status(&self) -> Result<Status, Error> {
        let mut generations: Vec<Generation> = Vec::new();
        let replies = match self.ask_all(Command::Status, ANSWER).await {
            Err(Error::NotRunning(_)) => return Ok(Status::default()),
            replies => replies?,
        };
        for reply in replies {
            match reply {
                (_, Reply::Status(generation)) => generations.push(*generation),
                (number, other) => return Err(unexpected(number, &other)),
            }
        }
        generations.sort_by_key(|generation| (!generation.accepting, u64::MAX - generation.number));
        Ok(Status { generations })
    }

    /// What was counted per app, environment and release, summed over the generations.
    pub async fn metrics(&self) -> Result<Vec<ReleaseMetrics>, Error> {
        let mut all = Vec::new();
        for reply in self.ask_all(Command::Metrics, ANSWER).await? {
            match reply {
                (_, Reply::Metrics(counted)) => metrics::merge(&mut all, counted),
                (number, other) => return Err(unexpected(number, &other)),
            }
        }
        Ok(all)
    }

    /// Ends every generation: what is in flight may end within the routers' stop time. Returns when all
    /// have ended; fine when none runs.
    pub async fn stop(&self) -> Result<(), Error> {
        let replies = match self.ask_all(Command::Stop, STOP).await {
            Err(Error::NotRunning(_)) => return Ok(()),
            replies => replies?,
        };
        match replies.into_iter().find(|(_, reply)| !matches!(reply, Reply::Done)) {
            Some((number, other)) => Err(unexpected(number, &other)),
            None => Ok(()),
        }
    }

    /// The replies of every generation that is alive and stays so until it has answered.
    async fn ask_all(
        &self,
        command: Command,
        within: Duration,
    ) -> Result<Vec<(u64, Reply)>, Error> {
        let not_running = || Error::NotRunning(self.directory.clone());
        let directory = match Directory::open(&self.directory) {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_running()),
            Err(error) => return Err(Error::file("open", &self.directory)(error)),
        };
        let numbers = directory.generations().map_err(Error::file("list", &self.directory))?;
        let line = encode(&Request { protocol: PROTOCOL, command })?;
        let mut asked = JoinSet::new();
        for number in numbers {
            match directory.connect(number) {
                Ok(stream) => {
                    asked.spawn(ask(stream, number, line.clone(), within));
                }
                Err(error) if nobody_there(&error) => {}
                Err(error) => {
                    return Err(Error::file("reach", socket_path(&self.directory, number))(error));
                }
            }
        }
        let mut replies = Vec::new();
        while let Some(asked) = asked.join_next().await {
            let (number, reply) = asked
                .map_err(|error| Error::system("ask the router")(io::Error::other(error)))??;
            replies.extend(reply.map(|reply| (number, reply)));
        }
        if replies.is_empty() { Err(not_running()) } else { Ok(replies) }
    }
}

/// One command to one generation; no reply when it died before it answered.
async fn ask(
    stream: std::os::unix::net::UnixStream,
    number: u64,
    line: Vec<u8>,
    within: Duration,
) -> Result<(u64, Option<Reply>), Error> {
    let exchange = async {
        stream.set_nonblocking(true)?;
        let mut stream = UnixStream::from_std(stream)?;
        stream.write_all(&line).await?;
        let mut answer = Vec::new();
        stream.take(MAX_LINE as u64).read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = match timeout(within, exchange).await {
        Err(_) => {
            let seconds = within.as_secs();
            return Err(Error::Unresponsive { socket: socket_name(number), seconds });
        }
        Ok(Err(error)) if is_gone(&error) => return Ok((number, None)),
        Ok(Err(source)) => {
            return Err(Error::System { action: "speak with the router", source });
        }
        Ok(Ok(answer)) => answer,
    };
    if answer.last() != Some(&b'\n') {
        return Ok((number, None));
    }
    decode(number, &answer).map(|reply| (number, Some(reply)))
}

pub(crate) fn encode(message: &impl serde::Serialize) -> Result<Vec<u8>, Error> {
    let mut line = serde_json::to_vec(message)
        .map_err(|error| Error::system("encode a message to the router")(error.into()))?;
    line.push(b'\n');
    Ok(line)
}

pub(crate) fn decode(number: u64, line: &[u8]) -> Result<Reply, Error> {
    let socket = socket_name(number);
    let response: Response = serde_json::from_slice(line)
        .map_err(|error| Error::Garbled { socket: socket.clone(), message: error.to_string() })?;
    match response.reply {
        Reply::Unsupported { protocol } => {
            Err(Error::Protocol { socket, theirs: protocol, ours: PROTOCOL })
        }
        _ if !(OLDEST_PROTOCOL..=PROTOCOL).contains(&response.protocol) => {
            Err(Error::Protocol { socket, theirs: response.protocol, ours: PROTOCOL })
        }
        reply => Ok(reply),
    }
}

fn unexpected(number: u64, reply: &Reply) -> Error {
    match reply {
        Reply::Refused(message) => Error::Refused(message.clone()),
        other => Error::Garbled { socket: socket_name(number), message: format!("{other:?}") },
    }
}

fn socket_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(socket_name(number))
}

pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
    )
}
