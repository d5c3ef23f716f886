//! The workflows that Solum runs by itself, written out as anybody's would be.

use types::EnvironmentName;
use workflow::language::{
    Action, Defaults, Definition, EnvironmentUse, Job, Place, Retry, RunsOn, Step, Template,
    Variables, Work,
};

/// The verbs of the steps, as `uses:` has them.
pub(crate) mod verb {
    pub(crate) const TEST: &str = "solum/test";
    pub(crate) const BUILD: &str = "solum/build";
    pub(crate) const DEPLOY: &str = "solum/deploy";
    pub(crate) const ROLLBACK: &str = "solum/rollback";
}

/// What a push to a deploy branch does: test, build, and deploy to the first environment.
pub(crate) fn deliver(environment: &EnvironmentName) -> Definition {
    let build = step("build", verb::BUILD, []);
    let artifact = ("artifact", "${{ needs.build.outputs.artifact }}".to_owned());
    let jobs = vec![
        job("test", &[], None, step("test", verb::TEST, [])),
        Job {
            outputs: variables([("artifact", "${{ steps.build.outputs.artifact }}".to_owned())]),
            ..job("build", &["test"], None, build)
        },
        job("deploy", &["build"], Some(environment), step("deploy", verb::DEPLOY, [artifact])),
    ];
    definition("deliver", jobs)
}

/// What a deployment without a push is made of.
pub(crate) enum Deployable {
    /// A bundle that somebody else built.
    Artifact(types::Digest),
    /// A release that is there.
    Release(u64),
}

/// Brings an artifact or a release that is there into an environment, with the config that it has then.
pub(crate) fn deploy(environment: &EnvironmentName, what: &Deployable) -> Definition {
    let with = match what {
        Deployable::Artifact(digest) => ("artifact", digest.to_string()),
        Deployable::Release(number) => ("release", format!("v{number}")),
    };
    let job = job("deploy", &[], Some(environment), step("deploy", verb::DEPLOY, [with]));
    definition("deploy", vec![job])
}

/// Brings a pair of release and config revision back.
pub(crate) fn rollback(
    environment: &EnvironmentName,
    release: u64,
    config_revision: Option<types::ConfigRevisionId>,
) -> Definition {
    let mut with = vec![("release", format!("v{release}"))];
    with.extend(config_revision.map(|id| ("config-revision", id.to_string())));
    let job = job("rollback", &[], Some(environment), step("rollback", verb::ROLLBACK, with));
    definition("rollback", vec![job])
}

/// They stand in no file.
const NOWHERE: Place = Place { line: 1, column: 1 };

fn template(text: impl Into<String>) -> Template {
    Template { text: text.into(), at: NOWHERE }
}

fn variables<'a>(texts: impl IntoIterator<Item = (&'a str, String)>) -> Variables {
    texts.into_iter().map(|(name, text)| (name.to_owned(), template(text))).collect()
}

fn job(key: &str, needs: &[&str], environment: Option<&EnvironmentName>, step: Step) -> Job {
    let environment = environment
        .map(|environment| EnvironmentUse { name: template(environment.as_str()), url: None });
    let runs_on = RunsOn { labels: vec![template("solum")] };
    Job {
        key: key.to_owned(),
        at: NOWHERE,
        name: None,
        needs: needs.iter().map(|&needs| needs.to_owned()).collect(),
        condition: None,
        environment,
        strategy: None,
        env: Variables::new(),
        defaults: Defaults::default(),
        concurrency: None,
        outputs: Variables::new(),
        timeout_minutes: None,
        continue_on_error: None,
        work: Work::Steps { runs_on, steps: vec![step] },
    }
}

fn step<'a>(key: &str, uses: &str, with: impl IntoIterator<Item = (&'a str, String)>) -> Step {
    Step {
        key: key.to_owned(),
        id: Some(key.to_owned()),
        at: NOWHERE,
        name: None,
        condition: None,
        env: Variables::new(),
        continue_on_error: None,
        timeout_minutes: None,
        retry: Retry::default(),
        undo: None,
        action: Action::Verb { verb: uses.to_owned(), with: variables(with) },
    }
}

fn definition(name: &str, jobs: Vec<Job>) -> Definition {
    Definition {
        file: format!("(built in) {name}"),
        name: name.to_owned(),
        run_name: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        env: Variables::new(),
        defaults: Defaults::default(),
        concurrency: None,
        jobs,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use types::RunStatus;
    use workflow::{Effect, Input, RunContext, State, StepResult, decide};

    use super::*;

    /// Carries every step out, and says which there were.
    fn rehearse(definition: Definition) -> (Vec<String>, RunStatus) {
        let mut state = State::new(Arc::new(definition), Arc::new(RunContext::default()));
        let mut inputs = vec![Input::Start];
        let mut steps = Vec::new();
        while let Some(input) = inputs.pop() {
            for record in decide(&state, &input, Timestamp::UNIX_EPOCH).unwrap() {
                state.apply(&record);
                for effect in Effect::of(&record, &state) {
                    let Effect::Perform(task) = effect else { continue };
                    steps.push(task.uses.clone());
                    let outputs = [("artifact".to_owned(), "sha256:1".to_owned())].into();
                    inputs.push(Input::Report {
                        job: task.job,
                        step: task.step,
                        attempt: task.attempt,
                        result: StepResult::succeeded(outputs),
                    });
                }
            }
        }
        (steps, state.status)
    }

    #[test]
    fn our_own_workflows_run_to_their_end() {
        let dev = EnvironmentName::dev();
        let delivered = (
            vec!["solum/test".into(), "solum/build".into(), "solum/deploy".into()],
            RunStatus::Succeeded,
        );
        assert_eq!(rehearse(deliver(&dev)), delivered);
        let deployed = rehearse(deploy(&dev, &Deployable::Release(3)));
        assert_eq!(deployed, (vec!["solum/deploy".into()], RunStatus::Succeeded));
        let rolled_back = rehearse(rollback(&dev, 2, None));
        assert_eq!(rolled_back, (vec!["solum/rollback".into()], RunStatus::Succeeded));
    }
}
