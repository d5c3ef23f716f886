//! The variables that every step finds: GitHub's, and each of them under Solum's name too.

use std::collections::BTreeMap;

use workflow::expression::Object;

/// What is known of a step before it runs. Paths are those in the box.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The run's contexts of these names: what they say is said once.
    pub github: &'a Object,
    pub runner: &'a Object,
    pub app: &'a str,
    pub job: &'a str,
    /// The step's id, or what stands for it: `__run_2`.
    pub action: &'a str,
    pub environment: Option<&'a str>,
    pub places: &'a Places,
    /// Where the event's file is.
    pub event_path: &'a str,
}

/// Variables that say what the context `github` does, under its names in capitals.
const OF_GITHUB: [&str; 22] = [
    "actor",
    "api_url",
    "base_ref",
    "event_name",
    "graphql_url",
    "head_ref",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
];

/// The same of `runner`.
const OF_RUNNER: [&str; 4] = ["arch", "environment", "name", "os"];

/// Where a job's directories are, in its box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub workspace: String,
    pub home: String,
    pub temp: String,
    pub tools: String,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            workspace: "/work/source".to_owned(),
            home: "/work/home".to_owned(),
            temp: "/work/temp".to_owned(),
            tools: "/work/tools".to_owned(),
        }
    }
}

/// The variables of a step that depend on nothing but these facts. Those of its files (`GITHUB_OUTPUT`, …) come with the files.
#[must_use]
pub fn defaults(facts: &Facts<'_>) -> BTreeMap<String, String> {
    let text = |context: &Object, name: &str| {
        context.get(name).map(|value| value.to_text().into_owned()).unwrap_or_default()
    };
    let own = [
        ("ACTION", facts.action),
        ("EVENT_PATH", facts.event_path),
        ("JOB", facts.job),
        ("WORKSPACE", &facts.places.workspace),
    ];
    let of_run = OF_GITHUB.iter().map(|name| (name.to_uppercase(), text(facts.github, name)));
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let twins = of_run.chain(own).flat_map(|(name, value)| {
        ["GITHUB", "SOLUM"].map(|prefix| (format!("{prefix}_{name}"), value.clone()))
    });
    let of_runner = OF_RUNNER
        .iter()
        .map(|name| (format!("RUNNER_{}", name.to_uppercase()), text(facts.runner, name)));
    let others = [
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("HOME", &facts.places.home),
        ("LANG", "C.UTF-8"),
        ("RUNNER_TEMP", &facts.places.temp),
        ("RUNNER_TOOL_CACHE", &facts.places.tools),
        ("SOLUM_APP", facts.app),
    ];
    let environment = facts.environment.map(|name| ("SOLUM_ENVIRONMENT", name));
    let others = others.into_iter().chain(environment);
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    twins.chain(of_runner).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use workflow::expression::Value;

    use super::*;

    fn context(pairs: &[(&str, Value)]) -> Object {
        pairs.iter().map(|(name, value)| (*name, value.clone())).collect()
    }

    #[test]
    fn every_variable_of_github_has_a_twin() {
        let github = context(&[
            ("ref_name", "feature/x".into()),
            ("ref_protected", true.into()),
            ("repository_owner", "default".into()),
            ("run_attempt", 2.0.into()),
        ]);
        let facts = Facts {
            github: &github,
            runner: &context(&[("os", "Linux".into())]),
            app: "shop",
            job: "test",
            action: "__run",
            environment: Some("dev"),
            places: &Places::default(),
            event_path: "/work/temp/event.json",
        };
        let variables = defaults(&facts);
        for (name, value) in [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_BASE_REF", ""),
            ("GITHUB_REF_NAME", "feature/x"),
            ("GITHUB_REF_PROTECTED", "true"),
            ("GITHUB_REPOSITORY_OWNER", "default"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_WORKSPACE", "/work/source"),
            ("RUNNER_OS", "Linux"),
            ("SOLUM_ENVIRONMENT", "dev"),
        ] {
            assert_eq!(variables[name], value, "{name}");
        }
        let of_github = variables.keys().filter_map(|name| name.strip_prefix("GITHUB_"));
        for name in of_github.filter(|name| *name != "ACTIONS") {
            assert_eq!(variables[&format!("SOLUM_{name}")], variables[&format!("GITHUB_{name}")]);
        }
    }
}
