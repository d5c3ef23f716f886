//! The variables that every step finds: GitHub's, and each of them under Solum's name too.

use std::collections::BTreeMap;

/// What is known of a step before it runs. Paths are those in the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub app: String,
    /// `owner/name`, as `github.repository` has it.
    pub repository: String,
    pub workflow: String,
    pub job: String,
    /// The step's id, or what stands for it: `__run_2`.
    pub action: String,
    pub event: String,
    /// `refs/heads/main`.
    pub reference: String,
    pub sha: String,
    pub actor: String,
    pub run_id: String,
    pub run_number: u64,
    pub run_attempt: u32,
    /// Of the branch that a pull request comes from, and of the one that it asks to be taken into.
    pub head_reference: Option<String>,
    pub base_reference: Option<String>,
    /// Where users reach the API.
    pub server_url: String,
    pub environment: Option<String>,
    pub places: Places,
    /// Where the event's file is.
    pub event_path: String,
    /// Whether the repository's policy guards the branch.
    pub protected: bool,
}

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
pub fn defaults(facts: &Facts) -> BTreeMap<String, String> {
    let (kind, name) = kind_and_name(&facts.reference);
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "X64",
        "aarch64" => "ARM64",
        "arm" => "ARM",
        other => other,
    };
    let number = facts.run_number.to_string();
    let attempt = facts.run_attempt.to_string();
    let owner = facts.repository.split('/').next().unwrap_or_default();
    let own = [
        ("ACTION", facts.action.as_str()),
        ("ACTOR", &facts.actor),
        ("BASE_REF", facts.base_reference.as_deref().unwrap_or_default()),
        ("EVENT_NAME", &facts.event),
        ("EVENT_PATH", &facts.event_path),
        ("HEAD_REF", facts.head_reference.as_deref().unwrap_or_default()),
        ("JOB", &facts.job),
        ("REF", &facts.reference),
        ("REF_NAME", name),
        ("REF_PROTECTED", if facts.protected { "true" } else { "false" }),
        ("REF_TYPE", kind),
        ("REPOSITORY", &facts.repository),
        ("REPOSITORY_OWNER", owner),
        ("RUN_ATTEMPT", &attempt),
        ("RUN_ID", &facts.run_id),
        ("RUN_NUMBER", &number),
        ("SERVER_URL", &facts.server_url),
        ("SHA", &facts.sha),
        ("TRIGGERING_ACTOR", &facts.actor),
        ("WORKFLOW", &facts.workflow),
        ("WORKSPACE", &facts.places.workspace),
    ];
    let runner = [
        ("RUNNER_ARCH", architecture),
        ("RUNNER_ENVIRONMENT", "self-hosted"),
        ("RUNNER_NAME", "solum"),
        ("RUNNER_OS", "Linux"),
        ("RUNNER_TEMP", &facts.places.temp),
        ("RUNNER_TOOL_CACHE", &facts.places.tools),
    ];
    let others = [
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("HOME", &facts.places.home),
        ("LANG", "C.UTF-8"),
        ("SOLUM_APP", &facts.app),
    ];
    let environment =
        facts.environment.iter().map(|it| ("SOLUM_ENVIRONMENT".to_owned(), it.clone()));
    let twins = own.iter().flat_map(|(name, value)| {
        ["GITHUB", "SOLUM"].map(|prefix| (format!("{prefix}_{name}"), (*value).to_owned()))
    });
    let plain =
        runner.iter().chain(&others).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    twins.chain(plain).chain(environment).collect()
}

/// `refs/heads/a/b` is the branch `a/b`; `refs/pull/1/merge` is called `1/merge`.
fn kind_and_name(reference: &str) -> (&'static str, &str) {
    if let Some(tag) = reference.strip_prefix("refs/tags/") {
        return ("tag", tag);
    }
    let branch = ["refs/heads/", "refs/pull/", "refs/changes/"]
        .iter()
        .find_map(|prefix| reference.strip_prefix(prefix));
    ("branch", branch.unwrap_or(reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            app: "shop".into(),
            repository: "default/shop".into(),
            workflow: "deliver".into(),
            job: "test".into(),
            action: "__run".into(),
            event: "push".into(),
            reference: "refs/heads/feature/x".into(),
            sha: "0".repeat(40),
            actor: "alice".into(),
            run_id: "run_1".into(),
            run_number: 7,
            run_attempt: 2,
            head_reference: None,
            base_reference: None,
            server_url: "http://127.0.0.1:1".into(),
            environment: Some("dev".into()),
            places: Places::default(),
            event_path: "/work/temp/event.json".into(),
            protected: true,
        }
    }

    #[test]
    fn every_variable_of_github_has_a_twin() {
        let variables = defaults(&facts());
        for (name, value) in [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REF_NAME", "feature/x"),
            ("GITHUB_REF_TYPE", "branch"),
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

    #[test]
    fn a_tag_is_told_from_a_branch() {
        assert_eq!(kind_and_name("refs/tags/v1"), ("tag", "v1"));
        assert_eq!(kind_and_name("refs/pull/1/merge"), ("branch", "1/merge"));
    }
}
