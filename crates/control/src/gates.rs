//! Approvals that an environment asks for: the first step of every job that is for it.
//!
//! The steps are put into the definition when a run is recorded, so that the run asks for what was asked for then. A retry
//! asks again, for what is asked for by then. No file can leave them out, and no condition of a later step gets around one
//! that was refused.

use std::collections::BTreeMap;

use store::Environment;
use types::{AppId, Approvals, EnvironmentName};
use workflow::language::{Action, Definition, Job, Place, Retry, Step, Template, Variables, Work};

use crate::{Control, Error, workflows};

/// What each environment asks for.
pub(crate) type Asked = BTreeMap<EnvironmentName, Approvals>;

/// The verb that the engine itself carries out.
const APPROVE: &str = "solum/approve";

impl Control {
    /// What the app's environments ask for by what has landed.
    pub(crate) async fn asked(&self, app: AppId) -> Result<Asked, Error> {
        Ok(of(&self.inner.store.environments(app).await?))
    }
}

pub(crate) fn of(environments: &[Environment]) -> Asked {
    let asked = environments.iter().filter_map(|environment| {
        let asked = environment.declared.as_ref()?.approvals.clone()?;
        Some((environment.name.clone(), asked))
    });
    asked.collect()
}

/// Whether the event's runs ask nobody: the way back is open at once, and who goes it is in the history.
pub(crate) fn are_open_to(event: &str) -> bool {
    event == workflows::ROLLBACK.event
}

/// Puts the steps into every job that may be for one of the environments, called workflows included, in place of those that
/// it has for them.
pub(crate) fn place(definition: &mut Definition, asked: &Asked) {
    for Job { environment, work, at, .. } in &mut definition.jobs {
        match work {
            Work::Call(call) => place(&mut call.workflow, asked),
            Work::Steps { steps, .. } => {
                let Some(used) = environment else { continue };
                let name = &used.name.text;
                let may_be =
                    |asking: &EnvironmentName| name.contains("${{") || name == asking.as_str();
                steps.retain(|step| {
                    let gate = step.gate.as_ref();
                    gate.is_none_or(|gate| asked.keys().all(|asking| asking.as_str() != gate))
                });
                let gates = asked.iter().filter(|(asking, _)| may_be(asking));
                let gates: Vec<_> = gates.map(|(asking, what)| gate(asking, what, *at)).collect();
                steps.splice(0..0, gates);
            }
        }
    }
}

fn gate(environment: &EnvironmentName, asked: &Approvals, at: Place) -> Step {
    let template = |text: String| Template { text, at };
    let with: Variables = [
        ("from", asked.from.join(",")),
        ("count", asked.count.to_string()),
        ("allow_author", asked.allow_author.to_string()),
        ("timeout", format!("{}s", asked.timeout.as_secs().max(1))),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), template(text)))
    .collect();
    Step {
        // No step of a file can have this key.
        key: format!("@approval-for-{environment}"),
        id: None,
        at,
        name: Some(template(format!("Approval for {environment}"))),
        condition: None,
        env: Variables::new(),
        continue_on_error: None,
        timeout_minutes: None,
        retry: Retry::default(),
        undo: None,
        gate: Some(environment.to_string()),
        action: Action::Verb { verb: APPROVE.to_owned(), with },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use workflow::language::{Found, read_with};

    use super::*;

    fn definition() -> Definition {
        let callee = "on: workflow_call\njobs:\n  inner: { environment: prod, runs-on: solum, steps: [{ uses: solum/promote }] }\n";
        let text = "on: push\njobs:\n  dev: { environment: dev, runs-on: solum, steps: [{ uses: solum/promote }] }\n  \
                    none: { runs-on: linux, steps: [{ run: x }] }\n  \
                    any: { environment: '${{ github.ref_name }}', runs-on: solum, steps: [{ uses: solum/promote }] }\n  \
                    call: { uses: ./callee.yml }\n";
        let read = read_with("w.yml", text, |_| Found::File { text: callee.into(), commit: None });
        read.unwrap().definition
    }

    /// `job/step`, in order.
    fn steps(definition: &Definition) -> Vec<String> {
        let of = |job: &Job| match &job.work {
            Work::Call(call) => steps(&call.workflow),
            Work::Steps { steps, .. } => {
                steps.iter().map(|step| format!("{}/{}", job.key, step.key)).collect()
            }
        };
        definition.jobs.iter().flat_map(of).collect()
    }

    #[test]
    fn every_job_that_may_be_for_the_environment_begins_with_its_approval() {
        let mut definition = definition();
        let before = steps(&definition).len();
        let approvals = Approvals {
            count: 2,
            from: vec!["role:operator".to_owned(), "alice".to_owned()],
            allow_author: true,
            timeout: Duration::from_secs(3_600),
        };
        let one = Approvals { count: 1, ..approvals.clone() };
        for approvals in [one, approvals] {
            place(&mut definition, &[("prod".parse().unwrap(), approvals)].into());
        }
        // What a manifest asks for that has not landed stays.
        place(&mut definition, &Asked::new());
        let after = steps(&definition);
        let gates: Vec<_> = after.iter().filter(|step| step.contains('@')).collect();
        assert_eq!(gates, ["any/@approval-for-prod", "inner/@approval-for-prod"]);
        assert_eq!(after.len(), before + 2);
        let any = after.iter().position(|step| step.starts_with("any/")).unwrap();
        assert!(after[any].contains('@'), "it is the first: {after:?}");
        let Work::Steps { steps, .. } = &definition.jobs[2].work else { panic!("it has steps") };
        assert_eq!(steps[0].gate.as_deref(), Some("prod"));
        let Action::Verb { verb, with } = &steps[0].action else { panic!("it is a verb") };
        let with: Vec<_> = with.iter().map(|(name, it)| format!("{name}={}", it.text)).collect();
        assert_eq!(verb, APPROVE);
        assert_eq!(
            with,
            ["from=role:operator,alice", "count=2", "allow_author=true", "timeout=3600s"]
        );
    }
}
