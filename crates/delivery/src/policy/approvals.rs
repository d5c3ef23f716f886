use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::{Actor, Digest, Timestamp};

/// Who has to agree (`approvals:` in the manifest).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    /// How many different people.
    pub count: u32,
    /// Whose word counts; anybody's, without.
    #[serde(default)]
    pub from: BTreeSet<Approver>,
    /// Whether one of those who made the change may be among them.
    #[serde(default)]
    pub allow_author: bool,
    /// How long may pass from the asking to the last approval; for ever, without.
    #[serde(default)]
    pub timeout: Option<Duration>,
}

/// Written as `role:operator` or as a person's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Approver {
    Role(String),
    Person(String),
}

/// What somebody said of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub actor: Actor,
    /// Those that the actor had when saying it.
    pub roles: Vec<String>,
    pub approves: bool,
    /// The artifact that was looked at.
    pub digest: Digest,
    pub at: Timestamp,
}

/// How approvals stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub standing: Standing,
    /// Whose word counted as an approval.
    pub approved: Vec<Actor>,
    /// Words that do not count, and why: they are shown, never swallowed.
    pub ignored: Vec<(Vote, Ignored)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Given,
    Missing { count: u32, until: Option<Timestamp> },
    Rejected { by: Actor },
    TimedOut { at: Timestamp },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    OtherArtifact,
    NotAsked,
    Author,
    NoPerson,
    Twice,
    /// After enough had approved, one had rejected, or the time had run out.
    TooLate,
}

impl Approvals {
    /// Goes through the votes in the order of time; the first thing that decides, decides. Votes of the future are not
    /// looked at.
    #[must_use]
    pub fn tally(
        &self,
        digest: &Digest,
        authors: &[Actor],
        asked_at: Timestamp,
        votes: &[Vote],
        now: Timestamp,
    ) -> Tally {
        let until = self.timeout.map(|timeout| end(asked_at, timeout));
        let mut votes: Vec<_> = votes.iter().filter(|vote| vote.at <= now).collect();
        votes.sort_by_key(|vote| vote.at);
        let standing = Standing::Missing { count: self.count, until };
        let mut tally = Tally { standing, approved: Vec::new(), ignored: Vec::new() };
        tally.settle(self.count, until);
        for vote in votes {
            match self.why_ignored(vote, digest, authors, until, &tally) {
                Some(why) => tally.ignored.push((vote.clone(), why)),
                None if vote.approves => {
                    tally.approved.push(vote.actor.clone());
                    tally.settle(self.count, until);
                }
                None => tally.standing = Standing::Rejected { by: vote.actor.clone() },
            }
        }
        match (&tally.standing, until) {
            (Standing::Missing { .. }, Some(at)) if now >= at => {
                tally.standing = Standing::TimedOut { at };
            }
            _ => {}
        }
        tally
    }

    fn why_ignored(
        &self,
        vote: &Vote,
        digest: &Digest,
        authors: &[Actor],
        until: Option<Timestamp>,
        so_far: &Tally,
    ) -> Option<Ignored> {
        let late = until.is_some_and(|until| vote.at >= until);
        let decided = !matches!(so_far.standing, Standing::Missing { .. });
        if vote.digest != *digest {
            Some(Ignored::OtherArtifact)
        } else if vote.actor == Actor::System {
            Some(Ignored::NoPerson)
        } else if !self.asks(vote) {
            Some(Ignored::NotAsked)
        } else if vote.approves && !self.allow_author && authors.contains(&vote.actor) {
            Some(Ignored::Author)
        } else if late || decided {
            Some(Ignored::TooLate)
        } else if vote.approves && so_far.approved.contains(&vote.actor) {
            Some(Ignored::Twice)
        } else {
            None
        }
    }

    fn asks(&self, vote: &Vote) -> bool {
        self.from.is_empty()
            || self.from.iter().any(|approver| match approver {
                Approver::Role(role) => vote.roles.contains(role),
                Approver::Person(name) => {
                    matches!(&vote.actor, Actor::Token(actor) if actor == name)
                }
            })
    }
}

impl Tally {
    fn settle(&mut self, count: u32, until: Option<Timestamp>) {
        let given = u32::try_from(self.approved.len()).unwrap_or(u32::MAX);
        self.standing = match count.saturating_sub(given) {
            0 => Standing::Given,
            missing => Standing::Missing { count: missing, until },
        };
    }
}

/// The time so much later, or the last one that there is.
pub(super) fn end(from: Timestamp, lasts: Duration) -> Timestamp {
    from.checked_add(lasts).unwrap_or(Timestamp::MAX)
}

impl From<String> for Approver {
    fn from(text: String) -> Self {
        match text.strip_prefix("role:") {
            Some(role) => Self::Role(role.to_owned()),
            None => Self::Person(text),
        }
    }
}

impl From<Approver> for String {
    fn from(approver: Approver) -> Self {
        approver.to_string()
    }
}

impl fmt::Display for Approver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => write!(f, "role:{role}"),
            Self::Person(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherArtifact => "it was said of another artifact",
            Self::NotAsked => "it is not asked for",
            Self::Author => "the author may not approve",
            Self::NoPerson => "only people approve",
            Self::Twice => "it was said already",
            Self::TooLate => "it came too late",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: i64 = 100;

    fn digest(byte: u8) -> Digest {
        Digest::from_sha256([byte; 32])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn person(name: &str) -> Actor {
        Actor::Token(name.to_owned())
    }

    fn vote(name: &str, second: i64) -> Vote {
        let roles = if name == "carol" { vec![] } else { vec!["operator".to_owned()] };
        Vote { actor: person(name), roles, approves: true, digest: digest(1), at: at(second) }
    }

    fn rejection(name: &str, second: i64) -> Vote {
        Vote { approves: false, ..vote(name, second) }
    }

    fn two() -> Approvals {
        let from = ["role:operator", "carol"].map(|text| Approver::from(text.to_owned()));
        let timeout = Some(Duration::from_secs(DEADLINE.unsigned_abs()));
        Approvals { count: 2, from: from.into(), allow_author: false, timeout }
    }

    fn tally(votes: &[Vote], now: i64) -> Tally {
        two().tally(&digest(1), &[person("author")], at(0), votes, at(now))
    }

    fn missing(count: u32) -> Standing {
        Standing::Missing { count, until: Some(at(DEADLINE)) }
    }

    #[test]
    fn different_people_who_are_asked_make_up_the_count() {
        assert_eq!(tally(&[], 50).standing, missing(2));
        assert_eq!(tally(&[vote("alice", 10)], 50).standing, missing(1));
        let both = tally(&[vote("carol", 20), vote("alice", 10)], 50);
        assert_eq!(both.standing, Standing::Given);
        assert_eq!(both.approved, [person("alice"), person("carol")]);
    }

    #[test]
    fn words_that_do_not_count_are_named_with_why() {
        let stranger = Vote { roles: vec!["viewer".to_owned()], ..vote("mallory", 13) };
        let older = Vote { digest: digest(2), ..vote("bob", 14) };
        let system = Vote { actor: Actor::System, ..vote("x", 15) };
        let votes =
            [vote("alice", 10), vote("alice", 11), vote("author", 12), stranger, older, system];
        let tally = tally(&votes, 50);
        assert_eq!(tally.standing, missing(1));
        let why: Vec<_> = tally.ignored.iter().map(|(_, why)| *why).collect();
        use Ignored::{Author, NoPerson, NotAsked, OtherArtifact, Twice};
        assert_eq!(why, [Twice, Author, NotAsked, OtherArtifact, NoPerson]);
    }

    #[test]
    fn the_author_counts_where_that_is_allowed() {
        let allowed = Approvals { allow_author: true, count: 1, ..two() };
        let votes = [vote("author", 10)];
        let tally = allowed.tally(&digest(1), &[person("author")], at(0), &votes, at(50));
        assert_eq!(tally.standing, Standing::Given);
    }

    #[test]
    fn the_first_thing_that_decides_decides() {
        let rejected = tally(&[vote("alice", 10), rejection("bob", 20), vote("carol", 30)], 50);
        assert_eq!(rejected.standing, Standing::Rejected { by: person("bob") });
        assert_eq!(rejected.ignored, [(vote("carol", 30), Ignored::TooLate)]);
        let given = tally(&[vote("alice", 10), vote("carol", 20), rejection("bob", 30)], 50);
        assert_eq!(given.standing, Standing::Given);
        // Given in time stays given.
        assert_eq!(tally(&[vote("alice", 10), vote("carol", 20)], 500).standing, Standing::Given);
    }

    #[test]
    fn the_deadline_ends_it_and_a_late_word_is_visible() {
        let late = tally(&[vote("alice", 10), vote("carol", DEADLINE)], DEADLINE);
        assert_eq!(late.standing, Standing::TimedOut { at: at(DEADLINE) });
        assert_eq!(late.ignored, [(vote("carol", DEADLINE), Ignored::TooLate)]);
        assert_eq!(tally(&[vote("alice", 10)], DEADLINE - 1).standing, missing(1));
    }

    #[test]
    fn a_rejection_of_somebody_who_is_not_asked_rejects_nothing() {
        let stranger = Vote { roles: vec![], ..rejection("mallory", 10) };
        assert_eq!(tally(&[stranger], 50).standing, missing(2));
    }

    #[test]
    fn an_author_may_reject() {
        let rejected = tally(&[rejection("author", 10)], 50);
        assert_eq!(rejected.standing, Standing::Rejected { by: person("author") });
    }
}
