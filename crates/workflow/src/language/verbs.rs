//! The verbs of delivery: what a step named `solum/…` takes and gives.

use document::{Node, Place, Value};

use super::definition::{Template, Variables};
use super::duration;
use super::page::Page;
use super::scalars;

/// A verb, carried out by the control plane without a box.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    /// With its `solum/`.
    pub name: &'static str,
    pub what: &'static str,
    pub inputs: &'static [VerbInput],
    pub outputs: &'static [&'static str],
}

#[derive(Debug, Clone, Copy)]
pub struct VerbInput {
    pub name: &'static str,
    pub kind: InputKind,
    pub required: bool,
    pub what: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    Text,
    Truth,
    /// A whole number, and the least that it may be.
    Count(u32),
    Duration,
    /// Text, or a mapping or list, which becomes JSON.
    Document,
}

impl InputKind {
    /// For the documentation.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Truth => "`true` or `false`",
            Self::Count(0) => "a whole number",
            Self::Count(_) => "a whole number from 1",
            Self::Duration => "a duration",
            Self::Document => "a mapping",
        }
    }
}

const fn input(name: &'static str, kind: InputKind, what: &'static str) -> VerbInput {
    VerbInput { name, kind, required: false, what }
}

const fn required(name: &'static str, kind: InputKind, what: &'static str) -> VerbInput {
    VerbInput { name, kind, required: true, what }
}

pub const VERBS: &[Verb] = &[
    Verb {
        name: "solum/test",
        what: "runs the app's tests, as `test` of `solum.yaml` or detection has them",
        inputs: &[],
        outputs: &[],
    },
    Verb {
        name: "solum/build",
        what: "makes the artifact of the run's commit",
        inputs: &[],
        outputs: &["artifact"],
    },
    Verb {
        name: "solum/deploy",
        what: "brings an artifact or a release into the job's environment, and waits until it serves",
        inputs: &[
            input("artifact", InputKind::Text, "digest of what was built"),
            input(
                "release",
                InputKind::Text,
                "a release that is there, `v7`; either this or `artifact`",
            ),
            input(
                "config-revision",
                InputKind::Text,
                "the environment's config, if not its present one",
            ),
            input("strategy", InputKind::Document, "overrides the environment's strategy"),
        ],
        outputs: &["release", "deployment", "environment", "url"],
    },
    Verb {
        name: "solum/approve",
        what: "waits until people have agreed",
        inputs: &[
            input("from", InputKind::Text, "who may: names and `role:…`, with commas between"),
            input("count", InputKind::Count(1), "how many have to agree (1)"),
            input("allow_author", InputKind::Truth, "whether who made the change counts (`false`)"),
            input("timeout", InputKind::Duration, "after which the step fails (`72h`)"),
            input("note", InputKind::Text, "what they should know"),
        ],
        outputs: &["approved_by"],
    },
    Verb {
        name: "solum/promote",
        what: "brings what another environment serves into the job's, and waits until it serves there",
        inputs: &[input(
            "from",
            InputKind::Text,
            "an environment; the one that the job's is after if not given",
        )],
        outputs: &["release", "deployment", "environment", "url"],
    },
    Verb {
        name: "solum/rollback",
        what: "brings the job's environment back to an earlier release",
        inputs: &[
            input("release", InputKind::Text, "`v7`; the one before the present if not given"),
            input("config-revision", InputKind::Text, "the config that it had"),
        ],
        outputs: &["release", "deployment", "environment", "url"],
    },
    Verb {
        name: "solum/hold",
        what: "keeps the job's environment as it is until a person lifts the hold",
        inputs: &[input("reason", InputKind::Text, "for people")],
        outputs: &[],
    },
    Verb {
        name: "solum/smoke",
        what: "asks a URL, and fails unless the answer is as expected",
        inputs: &[
            input("url", InputKind::Text, "the job's environment if not given"),
            input("path", InputKind::Text, "below the URL; several, one a line (`/`)"),
            input("status", InputKind::Text, "what is expected: `200`, `2xx`, or several (`2xx`)"),
            input("contains", InputKind::Text, "text that the answer has to have"),
            input("attempts", InputKind::Count(1), "tries before it fails (3)"),
            input("interval", InputKind::Duration, "between two tries (`2s`)"),
            input("timeout", InputKind::Duration, "of one try (`10s`)"),
        ],
        outputs: &["status"],
    },
    Verb {
        name: "solum/http",
        what: "calls an API; retries carry the same idempotency key",
        inputs: &[
            required("url", InputKind::Text, "what to call"),
            input("method", InputKind::Text, "`GET`, `POST`, … (`GET`)"),
            input(
                "headers",
                InputKind::Document,
                "header fields by name; in JSON, to have expressions in them",
            ),
            input("body", InputKind::Text, "what to send"),
            input("status", InputKind::Text, "what is expected: `200`, `2xx`, or several (`2xx`)"),
            input(
                "attempts",
                InputKind::Count(1),
                "tries before it fails (3; of `POST` and `PATCH` 1)",
            ),
            input("timeout", InputKind::Duration, "of one try (`30s`)"),
        ],
        outputs: &["status", "body"],
    },
    Verb {
        name: "solum/notify",
        what: "posts a message to a webhook",
        inputs: &[
            required("url", InputKind::Text, "the webhook"),
            required("text", InputKind::Text, "the message"),
            input("timeout", InputKind::Duration, "of one try (`10s`)"),
            input(
                "required",
                InputKind::Truth,
                "whether the step fails when it is not delivered (`false`)",
            ),
        ],
        outputs: &["status"],
    },
];

pub(super) fn verb(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// Reads the `with` of a verb: every name has to be known, and what is known already has to fit.
pub(super) fn with(page: Page<'_>, verb: &Verb, node: Option<&Node>, at: Place) -> Variables {
    let entries = node.and_then(|node| page.entries(node)).unwrap_or_default();
    let mut with = Variables::new();
    for entry in entries {
        let Some(input) = verb.inputs.iter().find(|input| input.name == entry.key) else {
            let names = verb.inputs.iter().map(|input| input.name);
            let hint = document::suggestion(&entry.key, names);
            page.mistake(entry.at, format!("'{}' has no input '{}'{hint}", verb.name, entry.key));
            continue;
        };
        let Some(template) = value(page, input, &entry.node) else { continue };
        with.push((entry.key.clone(), template));
    }
    let given = |name: &str| with.iter().any(|(key, _)| key == name);
    for input in verb.inputs.iter().filter(|input| input.required && !given(input.name)) {
        page.mistake(at, format!("'{}' needs the input '{}'", verb.name, input.name));
    }
    if verb.name == "solum/deploy" {
        check_deploy(page, at, &with);
    }
    with
}

/// Which of the two it is may be left to expressions, of which one is empty.
fn check_deploy(page: Page<'_>, at: Place, with: &Variables) {
    let sources: Vec<_> =
        with.iter().filter(|(key, _)| matches!(key.as_str(), "artifact" | "release")).collect();
    let is_open = sources.iter().any(|(_, template)| template.text.contains("${{"));
    if sources.is_empty() || (sources.len() > 1 && !is_open) {
        page.mistake(at, "'solum/deploy' needs one of the inputs 'artifact' and 'release'");
    }
}

fn value(page: Page<'_>, input: &VerbInput, node: &Node) -> Option<Template> {
    if input.kind == InputKind::Document && matches!(node.value, Value::Map(_) | Value::List(_)) {
        let text = scalars::json(node).to_string();
        if text.contains("${{") {
            let mend = "write it as text in JSON, or without expressions";
            page.mistake(node.at, format!("a mapping here cannot hold expressions: {mend}"));
        }
        return Some(Template { text, at: node.at });
    }
    let template = page.template(node)?;
    if !template.text.contains("${{")
        && let Err(words) = check(input.kind, &template.text)
    {
        page.mistake(node.at, format!("'{}': {words}", input.name));
    }
    Some(template)
}

fn check(kind: InputKind, text: &str) -> Result<(), String> {
    match kind {
        InputKind::Text | InputKind::Document => Ok(()),
        InputKind::Truth if matches!(text, "true" | "false") => Ok(()),
        InputKind::Truth => Err(format!("'true' or 'false' is wanted, not '{text}'")),
        InputKind::Count(least) => match text.parse::<u32>() {
            Ok(count) if count >= least => Ok(()),
            _ => Err(format!("a whole number from {least} is wanted, not '{text}'")),
        },
        InputKind::Duration => duration::parse(text).map(|_| ()),
    }
}
