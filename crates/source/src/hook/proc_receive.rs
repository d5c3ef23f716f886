use std::io::{self, Write};
use std::process::ExitCode;

use super::channel::{Channel, Unreachable};
use super::pre_receive::parse_update;
use super::protocol::{Call, OPTION_BOUND, REF_BOUND, Reply};
use super::{pkt_line, say};
use crate::push::{RefOutcome, RefUpdate};

/// What git shows behind the name of a ref whose outcome is not known.
const UNKNOWN: &str = "the server went away; `solum run list` tells what became of it";
const NOT_RECORDED: &str = "the server went away; nothing was recorded";

/// Git's `proc-receive`: has the server carry out the push, shows what it says, and reports to git.
#[must_use]
pub fn proc_receive() -> ExitCode {
    match converse(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: git and Solum did not understand each other: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The protocol of githooks(5), "proc-receive", version 1.
fn converse(input: &mut impl io::Read, output: &mut impl Write) -> io::Result<()> {
    let greeting = pkt_line::read_until_flush(input, 16)?;
    let first = greeting.first().map(Vec::as_slice).unwrap_or_default();
    let mut parts = first.splitn(2, |byte| *byte == 0);
    if parts.next() != Some(b"version=1") {
        return Err(io::Error::other("git speaks another version of the proc-receive protocol"));
    }
    let features = parts.next().unwrap_or_default();
    let has = |name: &[u8]| features.split(|byte| *byte == b' ').any(|feature| feature == name);
    let (with_options, atomic) = (has(b"push-options"), has(b"atomic"));
    let answer: &[u8] = if with_options { b"version=1\0push-options" } else { b"version=1" };
    pkt_line::write(output, answer)?;
    pkt_line::flush(output)?;

    let updates = pkt_line::read_until_flush(input, REF_BOUND)?
        .iter()
        .map(|packet| parse_update(packet))
        .collect::<io::Result<Vec<_>>>()?;
    let options = if with_options {
        let packets = pkt_line::read_until_flush(input, OPTION_BOUND)?;
        packets.iter().map(|packet| String::from_utf8_lossy(packet).into_owned()).collect()
    } else {
        Vec::new()
    };
    let names: Vec<_> = updates.iter().map(|update| update.name.clone()).collect();
    let outcomes = carry_out(updates, options, atomic);
    let missing = RefOutcome::Refused("the server did not say what became of it".to_owned());
    for (index, name) in names.iter().enumerate() {
        report(output, name, outcomes.get(index).unwrap_or(&missing))?;
    }
    pkt_line::flush(output)
}

fn carry_out(updates: Vec<RefUpdate>, options: Vec<String>, atomic: bool) -> Vec<RefOutcome> {
    let all = |reason: &str| vec![RefOutcome::Refused(reason.to_owned()); updates.len()];
    let call = Call::ProcReceive { updates: updates.clone(), options, atomic };
    let mut channel = match Channel::open(call) {
        Ok(channel) => channel,
        Err(Unreachable::NotOurs) => return all("this repository takes pushes through Solum only"),
        Err(Unreachable::TooLarge) => {
            return all("this push names too much; push fewer refs or options at once");
        }
        Err(Unreachable::Gone(error)) => {
            say(&format!("error: the Solum server went away: {error}"));
            say("hint: nothing was recorded and nothing has moved; push again when it is back");
            return all(NOT_RECORDED);
        }
    };
    loop {
        match channel.reply() {
            Ok(Reply::Line(line)) => say(&line),
            Ok(Reply::Alive) => {}
            Ok(Reply::Decided(outcomes)) => return outcomes,
            Ok(Reply::Rejected(message)) => {
                message.lines().for_each(say);
                return all("not taken");
            }
            Ok(Reply::Admitted) => return all("the server's answer makes no sense"),
            Err(_) => {
                say("error: the Solum server went away before it said what became of this push");
                say("hint: `solum run list` tells whether it was recorded; if so, it goes on");
                return all(UNKNOWN);
            }
        }
    }
}

fn report(output: &mut impl Write, name: &str, outcome: &RefOutcome) -> io::Result<()> {
    let mut packet = |text: String| pkt_line::write(output, text.as_bytes());
    match outcome {
        RefOutcome::Accept => {
            packet(format!("ok {name}"))?;
            packet("option fall-through".to_owned())
        }
        RefOutcome::Moved => packet(format!("ok {name}")),
        RefOutcome::Refused(reason) => packet(format!("ng {name} {}", one_line(reason))),
        RefOutcome::Renamed { to, old, new } => {
            packet(format!("ok {name}"))?;
            packet(format!("option refname {to}"))?;
            let nothing = "0".repeat(new.as_str().len());
            let old = old.as_ref().map_or(nothing.as_str(), types::CommitId::as_str);
            packet(format!("option old-oid {old}"))?;
            packet(format!("option new-oid {new}"))
        }
    }
}

/// Git shows one line, and not a long one.
fn one_line(reason: &str) -> String {
    let line: String =
        reason.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    if line.is_empty() { "refused".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(outcome: &RefOutcome) -> Vec<String> {
        let mut wire = Vec::new();
        report(&mut wire, "refs/heads/main", outcome).unwrap();
        pkt_line::flush(&mut wire).unwrap();
        pkt_line::read_until_flush(&mut wire.as_slice(), 9)
            .unwrap()
            .into_iter()
            .map(|packet| String::from_utf8(packet).unwrap())
            .collect()
    }

    #[test]
    fn a_ref_that_another_one_stands_in_for_is_reported_with_it() {
        let new: types::CommitId = "1".repeat(40).parse().unwrap();
        let outcome = RefOutcome::Renamed { to: "refs/changes/7/head".to_owned(), old: None, new };
        assert_eq!(
            reported(&outcome),
            [
                "ok refs/heads/main".to_owned(),
                "option refname refs/changes/7/head".to_owned(),
                format!("option old-oid {}", "0".repeat(40)),
                format!("option new-oid {}", "1".repeat(40)),
            ]
        );
    }

    #[test]
    fn a_reason_stays_on_its_line() {
        let outcome = RefOutcome::Refused("no\nok refs/heads/other".to_owned());
        assert_eq!(reported(&outcome), ["ng refs/heads/main no ok refs/heads/other"]);
        assert_eq!(reported(&RefOutcome::Refused("\n".to_owned())), ["ng refs/heads/main refused"]);
    }
}
