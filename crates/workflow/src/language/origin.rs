//! Whose files an action's are.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::definition::{Action, Definition, Step, Work};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The repository of the run, at the run's commit.
    #[default]
    Run,
    /// A repository of the mirror of actions: `owner/repo`, what was asked for (`v4`), and the commit that this was
    /// when the run began.
    Mirror { repository: String, reference: String, commit: String },
}

impl Origin {
    #[must_use]
    pub fn is_run(&self) -> bool {
        *self == Self::Run
    }

    /// A file as people find it: `octo/hello@v1:action.yml` where it is another repository's.
    pub(crate) fn shown<'a>(&self, file: &'a str) -> Cow<'a, str> {
        match self {
            Self::Run => file.into(),
            Self::Mirror { repository, reference, .. } => {
                format!("{repository}@{reference}:{file}").into()
            }
        }
    }

    /// A folder with an action as `uses:` names it: `./folder`, or `octo/hello/folder@v1` where it is another repository's.
    pub(crate) fn named(&self, directory: &str) -> String {
        match self {
            // Never the name of a verb, whatever a folder is called.
            Self::Run if directory == "." => "./".to_owned(),
            Self::Run => format!("./{directory}"),
            Self::Mirror { repository, reference, .. } if matches!(directory, "" | ".") => {
                format!("{repository}@{reference}")
            }
            Self::Mirror { repository, reference, .. } => {
                format!("{repository}/{directory}@{reference}")
            }
        }
    }
}

impl Definition {
    /// All that it uses of the mirror of actions: repository and commit.
    #[must_use]
    pub fn mirrored(&self) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        of_definition(self, &mut found);
        found
    }
}

fn of_definition(definition: &Definition, found: &mut BTreeSet<(String, String)>) {
    for job in &definition.jobs {
        match &job.work {
            Work::Steps { steps, .. } => of_steps(steps, found),
            Work::Call(call) => of_definition(&call.workflow, found),
        }
    }
}

fn of_steps(steps: &[Step], found: &mut BTreeSet<(String, String)>) {
    for step in steps {
        for action in [Some(&step.action), step.undo.as_deref()].into_iter().flatten() {
            let origin = match action {
                Action::JavaScript { action, .. } => &action.origin,
                Action::Composite { action, .. } => {
                    of_steps(&action.steps, found);
                    &action.origin
                }
                Action::Run { .. } | Action::Verb { .. } | Action::BuiltIn { .. } => continue,
            };
            if let Origin::Mirror { repository, commit, .. } = origin {
                found.insert((repository.clone(), commit.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_named_as_people_name_it() {
        let mirror = Origin::Mirror {
            repository: "octo/hello".to_owned(),
            reference: "v1".to_owned(),
            commit: "0".repeat(40),
        };
        assert_eq!(Origin::Run.named("solum/deploy"), "./solum/deploy");
        assert_eq!([Origin::Run.named(""), Origin::Run.named(".")], ["./", "./"]);
        assert_eq!(mirror.named("a/b"), "octo/hello/a/b@v1");
        assert_eq!([mirror.named(""), mirror.named(".")], ["octo/hello@v1", "octo/hello@v1"]);
        assert_eq!(mirror.shown("action.yml"), "octo/hello@v1:action.yml");
        assert_eq!(Origin::Run.shown("action.yml"), "action.yml");
    }
}
