//! The workflows that Solum runs by itself, written out as anybody's would be.

use std::collections::BTreeMap;

use types::EnvironmentName;
use workflow::{Definition, Job, Retry, Step, Value};

/// The verbs of the steps, as `uses:` has them.
pub(crate) mod verb {
    pub(crate) const TEST: &str = "solum/test";
    pub(crate) const BUILD: &str = "solum/build";
    pub(crate) const DEPLOY: &str = "solum/deploy";
    pub(crate) const ROLLBACK: &str = "solum/rollback";
}

/// What a push to a deploy branch does: test, build, and deploy to the first environment.
pub(crate) fn deliver(environment: &EnvironmentName) -> Definition {
    let artifact = Value::Step { step: "build".to_owned(), output: "artifact".to_owned() };
    let built = Value::Job { job: "build".to_owned(), output: "artifact".to_owned() };
    let jobs = vec![
        job("test", &[], None, step("test", verb::TEST, [])),
        Job {
            outputs: [("artifact".to_owned(), artifact)].into(),
            ..job("build", &["test"], None, step("build", verb::BUILD, []))
        },
        job(
            "deploy",
            &["build"],
            Some(environment),
            step("deploy", verb::DEPLOY, [("artifact", built)]),
        ),
    ];
    checked("deliver", jobs)
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
        Deployable::Artifact(digest) => ("artifact", Value::literal(digest.to_string())),
        Deployable::Release(number) => ("release", Value::literal(format!("v{number}"))),
    };
    let job = job("deploy", &[], Some(environment), step("deploy", verb::DEPLOY, [with]));
    checked("deploy", vec![job])
}

/// Brings a pair of release and config revision back.
pub(crate) fn rollback(
    environment: &EnvironmentName,
    release: u64,
    config_revision: Option<types::ConfigRevisionId>,
) -> Definition {
    let mut with = vec![("release", Value::literal(format!("v{release}")))];
    with.extend(config_revision.map(|id| ("config-revision", Value::literal(id.to_string()))));
    let job = job("rollback", &[], Some(environment), step("rollback", verb::ROLLBACK, with));
    checked("rollback", vec![job])
}

fn job(key: &str, needs: &[&str], environment: Option<&EnvironmentName>, step: Step) -> Job {
    Job {
        key: key.to_owned(),
        needs: needs.iter().map(|&needs| needs.to_owned()).collect(),
        environment: environment.cloned(),
        steps: vec![step],
        outputs: BTreeMap::new(),
    }
}

fn step<'a>(key: &str, uses: &str, with: impl IntoIterator<Item = (&'a str, Value)>) -> Step {
    Step {
        key: key.to_owned(),
        uses: uses.to_owned(),
        with: with.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        retry: Retry::default(),
    }
}

fn checked(name: &str, jobs: Vec<Job>) -> Definition {
    Definition { name: name.to_owned(), jobs }
        .checked()
        .expect("our own workflows have no mistakes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_workflows_are_as_sound_as_anybodys() {
        let dev = EnvironmentName::dev();
        let keys = |definition: Definition| {
            definition.jobs.into_iter().map(|job| job.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(deliver(&dev)), ["test", "build", "deploy"]);
        assert_eq!(keys(deploy(&dev, &Deployable::Release(3))), ["deploy"]);
        assert_eq!(keys(rollback(&dev, 2, None)), ["rollback"]);
    }
}
