use std::io::{self, BufRead as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use super::channel::{Channel, Unreachable};
use super::protocol::{Call, REF_BOUND, Reply};
use super::say;
use crate::push::RefUpdate;

/// More than the longest line that git writes for one ref.
const LINE_BYTES: u64 = 8 << 10;

/// Git's `pre-receive`: asks the server whether the push is let in.
#[must_use]
pub fn pre_receive() -> ExitCode {
    let updates = match read_updates() {
        Ok(updates) => updates,
        Err(error) => {
            say(&format!("error: this push cannot be taken: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let quarantine = std::env::var_os("GIT_QUARANTINE_PATH").map(PathBuf::from);
    match ask(Call::PreReceive { updates, quarantine }) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(message)) => {
            message.lines().for_each(say);
            ExitCode::FAILURE
        }
        Err(Unreachable::NotOurs) => {
            say(
                "error: this repository is Solum's: push to the address that `solum app show` names",
            );
            ExitCode::FAILURE
        }
        Err(Unreachable::TooLarge) => {
            say("error: this push names too many refs; push them in several goes");
            ExitCode::FAILURE
        }
        Err(Unreachable::Gone(error)) => {
            say(&format!("error: the Solum server went away: {error}"));
            say("hint: nothing was recorded and nothing has moved; push again when it is back");
            ExitCode::FAILURE
        }
    }
}

/// The reason against, if there is one.
fn ask(call: Call) -> Result<Option<String>, Unreachable> {
    let mut channel = Channel::open(call)?;
    loop {
        match channel.reply()? {
            Reply::Line(line) => say(&line),
            Reply::Alive => {}
            Reply::Admitted => return Ok(None),
            Reply::Rejected(message) => return Ok(Some(message)),
            Reply::Decided(_) => return Err(io::Error::from(io::ErrorKind::InvalidData).into()),
        }
    }
}

/// Lines of `OLD NEW REF`, from githooks(5).
fn read_updates() -> io::Result<Vec<RefUpdate>> {
    let mut input = io::stdin().lock();
    let mut updates = Vec::new();
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(updates);
        }
        if updates.len() == REF_BOUND {
            return Err(io::Error::other(format!(
                "it moves more than {REF_BOUND} refs; push them in several goes"
            )));
        }
        updates.push(parse_update(line.strip_suffix(b"\n").unwrap_or(&line))?);
    }
}

/// One `OLD NEW REF`, in which all zeros stand for "nothing".
pub(super) fn parse_update(line: &[u8]) -> io::Result<RefUpdate> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "a ref's name is not UTF-8 text");
    let line = std::str::from_utf8(line).map_err(|_| invalid())?;
    let mut words = line.splitn(3, ' ');
    let mut commit = || {
        let id: types::CommitId = words.next()?.parse().ok()?;
        Some((!id.is_zero()).then_some(id))
    };
    let (Some(old), Some(new)) = (commit(), commit()) else { return Err(invalid()) };
    let name = words.next().ok_or_else(invalid)?.to_owned();
    Ok(RefUpdate { name, old, new, fast_forward: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_stand_for_nothing() {
        let zeros = "0".repeat(40);
        let ones = "1".repeat(40);
        let update = parse_update(format!("{zeros} {ones} refs/heads/a b").as_bytes()).unwrap();
        assert_eq!(update.old, None);
        assert_eq!(update.new, Some(ones.parse().unwrap()));
        assert_eq!(update.name, "refs/heads/a b");
        assert!(parse_update(format!("{ones} refs/heads/x").as_bytes()).is_err());
    }
}
