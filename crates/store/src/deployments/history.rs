//! What served in an environment, and the way back.
//!
//! Going back is undoing: every deployment puts its pair of release and config revision on a stack, and a rollback takes
//! off what it went past. So a second rollback goes further back, and never to what the first one left.

use rusqlite::{OptionalExtension as _, params};
use types::{ConfigRevisionId, DeploymentId, EnvironmentId, ReleaseId};

use super::{Deployment, get, read};
use crate::{Error, Store, row};

/// How many deployments are looked through for the way back.
const LENGTH: u32 = 1_000;

/// A deployment that serves or served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Served {
    id: DeploymentId,
    pair: (ReleaseId, Option<ConfigRevisionId>),
    rolls_back: bool,
}

impl Store {
    /// The deployment whose pair served before that of `current` did, once what was rolled back is taken off.
    pub async fn deployment_before(
        &self,
        current: DeploymentId,
    ) -> Result<Option<Deployment>, Error> {
        self.read(move |connection| {
            let environment = get(connection, current)?.environment.to_string();
            let mut statement = connection.prepare_cached(
                "SELECT id, release_id, config_revision, rolls_back FROM deployments
                 WHERE environment_id = ?1 AND id <= ?2 AND (state = 'succeeded' OR id = ?2)
                 ORDER BY id DESC LIMIT ?3",
            )?;
            let mut served = statement
                .query_map(params![environment, current.to_string(), LENGTH], |row| {
                    Ok(Served {
                        id: row::text(row, "id")?,
                        pair: (
                            row::text(row, "release_id")?,
                            row::optional_text(row, "config_revision")?,
                        ),
                        rolls_back: row.get("rolls_back")?,
                    })
                })?
                .collect::<Result<Vec<_>, _>>()?;
            served.reverse();
            before_the_last(&served).map(|id| get(connection, id)).transpose()
        })
        .await
    }

    /// The last deployment of this release that served in the environment.
    pub async fn last_deployment_of(
        &self,
        environment: EnvironmentId,
        release: ReleaseId,
    ) -> Result<Option<Deployment>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM deployments
                 WHERE environment_id = ?1 AND release_id = ?2 AND state = 'succeeded'
                 ORDER BY id DESC LIMIT 1",
            )?;
            let found = statement
                .query_row([environment.to_string(), release.to_string()], read)
                .optional()?;
            Ok(found)
        })
        .await
    }
}

/// What is below the last of them, which are given oldest first.
fn before_the_last(served: &[Served]) -> Option<DeploymentId> {
    let mut stack: Vec<Served> = Vec::new();
    for served in served {
        let known = stack.iter().rposition(|below| below.pair == served.pair);
        match known {
            Some(place) if served.rolls_back || place + 1 == stack.len() => {
                stack.truncate(place + 1);
            }
            _ => stack.push(*served),
        }
    }
    stack.len().checked_sub(2).map(|place| stack[place].id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use types::{ManualClock, Timestamp};

    use super::*;

    /// `a1` is release `a` with config 1; `<` before it says that it was gone back to. Gives the name of the pair before.
    fn way_back(history: &str) -> Option<String> {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let (mut releases, mut configs) = (BTreeMap::new(), BTreeMap::new());
        let mut names = BTreeMap::new();
        let served: Vec<Served> = history
            .split_whitespace()
            .map(|word| {
                let pair = word.trim_start_matches('<');
                let (release, config) = pair.split_at(1);
                let release =
                    *releases.entry(release).or_insert_with(|| ReleaseId::generate(&clock));
                let config = (!config.is_empty()).then(|| {
                    *configs.entry(config).or_insert_with(|| ConfigRevisionId::generate(&clock))
                });
                let id = DeploymentId::generate(&clock);
                names.insert(id, pair.to_owned());
                Served { id, pair: (release, config), rolls_back: word != pair }
            })
            .collect();
        before_the_last(&served).map(|id| names[&id].clone())
    }

    #[test]
    fn config_and_release_both_count() {
        assert_eq!(way_back("a b1 b2").as_deref(), Some("b1"));
        assert_eq!(way_back("a b1").as_deref(), Some("a"));
        assert_eq!(way_back("a a1").as_deref(), Some("a"));
    }

    #[test]
    fn going_back_again_goes_further_back() {
        assert_eq!(way_back("a b c").as_deref(), Some("b"));
        assert_eq!(way_back("a b c <b").as_deref(), Some("a"));
        assert_eq!(way_back("a b c <b <a"), None);
    }

    #[test]
    fn after_something_new_the_way_back_leads_to_what_was_gone_back_to() {
        assert_eq!(way_back("a b c <b d").as_deref(), Some("b"));
        assert_eq!(way_back("a b c <b d <b").as_deref(), Some("a"));
    }

    #[test]
    fn the_same_pair_deployed_again_is_no_step() {
        assert_eq!(way_back("a b b b").as_deref(), Some("a"));
        assert_eq!(way_back("a a"), None);
    }

    #[test]
    fn an_older_release_that_was_deployed_is_a_step_on() {
        assert_eq!(way_back("a b a").as_deref(), Some("b"));
        assert_eq!(way_back("a b a <b").as_deref(), Some("a"));
    }

    #[test]
    fn a_pair_that_was_taken_off_and_is_named_is_a_step_on() {
        assert_eq!(way_back("a b <a <b").as_deref(), Some("a"));
        assert_eq!(way_back("a1 b1 <a2").as_deref(), Some("b1"));
    }

    #[test]
    fn there_is_nothing_before_the_first() {
        assert_eq!(way_back(""), None);
        assert_eq!(way_back("a"), None);
    }
}
