//! `solum.yaml`, from a checked tree to what it declares. Nothing is filled in yet.

use std::collections::BTreeMap;
use std::time::Duration;

use types::{
    Approvals, Build, Environment, EnvironmentName, Limits, ProcessType, Promote, Push, Strategy,
    Test, VariableName,
};

use super::keys::MANIFEST;
use super::{SOLUM_YAML, check, scalars};
use document::{Mistake, Place};
use document::{Node, Value};

#[derive(Debug, Default)]
pub(super) struct Declared {
    /// `Some` when the key is there: it is then the whole set of processes.
    pub(super) processes: Option<BTreeMap<ProcessType, DeclaredProcess>>,
    pub(super) build: Build,
    pub(super) test: Option<Test>,
    pub(super) release: Option<String>,
    pub(super) env: BTreeMap<VariableName, String>,
    pub(super) push: Push,
    /// In order of declaration; none where the key is left out.
    pub(super) environments: Vec<Environment>,
    /// The folder of the workflow files, as git would name it.
    pub(super) workflows: Option<String>,
    /// Where an environment scales a process, which may turn out not to exist.
    pub(super) scaled_at: Vec<(ProcessType, Place)>,
}

#[derive(Debug)]
pub(super) struct DeclaredProcess {
    pub(super) at: Place,
    pub(super) run: Option<String>,
    pub(super) scale: Option<u32>,
    pub(super) health_path: Option<String>,
    pub(super) health_timeout: Option<Duration>,
    pub(super) limits: Limits,
    pub(super) drain: Option<Duration>,
}

pub(super) fn read(text: &str) -> Result<Declared, Vec<Mistake>> {
    let tree = Node::from_yaml(SOLUM_YAML, text).map_err(|mistake| vec![mistake])?;
    if tree.value == Value::Null {
        return Ok(Declared::default());
    }
    let mistakes = check::check(&tree, &MANIFEST);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let declared = declared(&tree);
    let mistakes = contradictions(&tree, &declared);
    if mistakes.is_empty() { Ok(declared) } else { Err(mistakes) }
}

fn declared(tree: &Node) -> Declared {
    let environments = tree.get("environments").map(Node::entries).unwrap_or_default();
    let scales = environments.iter().filter_map(|entry| entry.node.get("scale"));
    Declared {
        processes: tree.get("processes").map(|node| {
            let entries = node.entries().iter();
            entries
                .filter_map(|entry| Some((entry.key.parse().ok()?, process(entry.at, &entry.node))))
                .collect()
        }),
        build: build(tree.get("build")),
        test: tree.get("test").map(test),
        release: owned(tree, "release"),
        env: map(tree.get("env"), |node| node.text().map(ToOwned::to_owned)),
        push: tree.get("push").map(push).unwrap_or_default(),
        environments: environments
            .iter()
            .filter_map(|entry| Some(environment(entry.key.parse().ok()?, &entry.node)))
            .collect(),
        workflows: tree.get("workflows").and_then(|folder| scalars::directory(folder.text()?).ok()),
        scaled_at: scales
            .flat_map(Node::entries)
            .filter_map(|entry| Some((entry.key.parse().ok()?, entry.at)))
            .collect(),
    }
}

/// What each key says well and both together do not.
fn contradictions(tree: &Node, declared: &Declared) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut mistake = |node: &Node, message: String| {
        mistakes.push(Mistake::new(SOLUM_YAML, node.at, message));
    };
    if let Some(node) = tree.get("push").and_then(|push| push.get("until"))
        && let Some(message) = unreached(node.text().unwrap_or_default(), &declared.environments)
    {
        mistake(node, message);
    }
    let environments = tree.get("environments").map(Node::entries).unwrap_or_default();
    for (entry, environment) in environments.iter().zip(&declared.environments) {
        if let Some(strategy) = entry.node.get("strategy")
            && matches!(strategy.value, Value::Map(_))
            && strategy.entries().len() != 1
        {
            mistake(strategy, "name one strategy: rolling or recreate".to_owned());
        }
        if let Some(node) = entry.node.get("after")
            && let Some(message) = misplaced(environment, &declared.environments)
        {
            mistake(node, message);
        }
        if let Some(node) = entry.node.get("promote")
            && environment.after.is_none()
        {
            let message = "nothing is promoted to an environment that is after no other one; name it with 'after'";
            mistake(node, message.to_owned());
        }
    }
    for entry in tree.get("processes").map(Node::entries).unwrap_or_default() {
        if let Some(timeout) = entry.node.get("health").and_then(|health| health.get("timeout"))
            && duration(timeout) == Some(Duration::ZERO)
        {
            mistake(timeout, "an app cannot become healthy in no time".to_owned());
        }
    }
    mistakes
}

/// Why a push never comes as far as this environment.
fn unreached(until: &str, environments: &[Environment]) -> Option<String> {
    let by_itself = [Environment::new(EnvironmentName::dev())];
    let environments = if environments.is_empty() { &by_itself } else { environments };
    if environments.iter().all(|environment| environment.name.as_str() != until) {
        let names: Vec<_> = environments.iter().map(|it| it.name.as_str()).collect();
        let names = names.join(", ");
        return Some(format!("there is no environment '{until}'; there are: {names}"));
    }
    // Without a first one that is the mistake.
    let first = Environment::first(environments)?;
    let automatic = first.automatic(environments);
    let is_reached = [first].iter().chain(&automatic).any(|it| it.name.as_str() == until);
    let first = &first.name;
    (!is_reached).then(|| {
        format!(
            "a push does not come to '{until}' by itself: each environment between '{first}' and it has to have \
             'promote: automatic', and it as well"
        )
    })
}

/// What is wrong with what an environment is after.
fn misplaced(environment: &Environment, all: &[Environment]) -> Option<String> {
    let before = |name: &EnvironmentName| all.iter().find(|it| it.name == *name);
    let after = environment.after.as_ref()?;
    let Some(mut at) = before(after) else {
        let names: Vec<_> = all.iter().map(|it| it.name.as_str()).collect();
        let names = names.join(", ");
        return Some(format!("there is no environment '{after}'; there are: {names}"));
    };
    // As many steps as there are environments lead to a first one, or in a circle.
    for _ in all {
        if at.name == environment.name {
            return Some(format!(
                "'{}' would come after itself; one environment has to be the first, without 'after'",
                environment.name
            ));
        }
        at = at.after.as_ref().and_then(before)?;
    }
    None
}

fn process(at: Place, node: &Node) -> DeclaredProcess {
    let health = node.get("health");
    DeclaredProcess {
        at,
        run: node.text().map(ToOwned::to_owned).or_else(|| owned(node, "run")),
        scale: node.get("scale").and_then(count),
        health_path: health.and_then(|health| owned(health, "path")),
        health_timeout: health.and_then(|health| health.get("timeout")).and_then(duration),
        limits: Limits {
            memory_bytes: node.get("memory").and_then(|it| scalars::size(it.text()?).ok()),
            cpu_millis: node.get("cpu").and_then(|it| scalars::cpu_millis(it.text()?).ok()),
            pids: None,
        },
        drain: node.get("drain").and_then(duration),
    }
}

fn build(node: Option<&Node>) -> Build {
    let Some(node) = node else { return Build::default() };
    if !matches!(node.value, Value::Map(_)) {
        return Build { run: Some(scalars::texts(node)), ..Build::default() };
    }
    let cache = node.get("cache").map(scalars::texts).unwrap_or_default();
    Build {
        run: node.get("run").map(scalars::texts),
        cache: cache.iter().filter_map(|text| scalars::directory(text).ok()).collect(),
        buildpack: owned(node, "buildpack"),
    }
}

fn test(node: &Node) -> Test {
    match &node.value {
        Value::Scalar(scalar) if matches!(scalar.text.as_str(), "off" | "false") => Test::Off,
        Value::Map(_) => node.get("run").map_or(Test::Detect, |run| Test::Run(scalars::texts(run))),
        _ => Test::Run(scalars::texts(node)),
    }
}

fn push(node: &Node) -> Push {
    Push {
        branch: owned(node, "branch"),
        until: node.get("until").and_then(|until| until.text()?.parse().ok()),
    }
}

fn environment(name: EnvironmentName, node: &Node) -> Environment {
    let domains = node.get("domains").map(scalars::texts).unwrap_or_default();
    let strategy = node.get("strategy");
    let named = strategy.and_then(|node| {
        node.text().or_else(|| node.entries().first().map(|entry| entry.key.as_str()))
    });
    Environment {
        name,
        after: node.get("after").and_then(|after| after.text()?.parse().ok()),
        promote: match node.get("promote").and_then(Node::text) {
            Some("automatic") => Promote::Automatic,
            _ => Promote::Manual,
        },
        approvals: node.get("approvals").map(approvals),
        scale: map(node.get("scale"), count),
        domains: domains.iter().filter_map(|text| text.parse().ok()).collect(),
        strategy: match named {
            Some("recreate") => Strategy::Recreate,
            _ => Strategy::Rolling,
        },
    }
}

fn approvals(node: &Node) -> Approvals {
    let word = |key: &str| match node.get(key).map(|node| &node.value) {
        Some(Value::Scalar(scalar)) => Some(scalar),
        _ => None,
    };
    Approvals {
        count: word("count").and_then(|word| scalars::people(word).ok()).unwrap_or(1),
        from: node.get("from").map(scalars::texts).unwrap_or_default(),
        allow_author: word("allow_author").is_some_and(|word| scalars::switch(word) == Ok(true)),
        timeout: node.get("timeout").and_then(duration).unwrap_or(Approvals::DEFAULT_TIMEOUT),
    }
}

fn owned(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::text).map(ToOwned::to_owned)
}

fn count(node: &Node) -> Option<u32> {
    match &node.value {
        Value::Scalar(scalar) => scalars::count(scalar).ok(),
        _ => None,
    }
}

fn duration(node: &Node) -> Option<Duration> {
    scalars::duration(node.text()?).ok()
}

fn map<K: std::str::FromStr + Ord, V>(
    node: Option<&Node>,
    read: impl Fn(&Node) -> Option<V>,
) -> BTreeMap<K, V> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.parse().ok()?, read(&entry.node)?))).collect()
}
