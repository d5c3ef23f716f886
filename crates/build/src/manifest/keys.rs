//! The table of keys of `solum.yaml`. The reader checks a file against it and the JSON Schema is made from it, so
//! that a key is added here and in `declared`, which says what becomes of it.

use super::scalars::{self, Word};

/// One key of a mapping.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// For people: it stands in the schema.
    pub(super) about: &'static str,
    pub(super) kind: Kind,
}

/// What may stand under a key.
#[derive(Debug)]
pub(super) enum Kind {
    Word(&'static Word),
    /// These words and no others.
    Choice(&'static [&'static str]),
    List(&'static Kind),
    /// Names that the user chooses.
    Map {
        names: &'static Word,
        values: &'static Kind,
        at_least: usize,
        at_most: usize,
    },
    /// Keys that stand here.
    Keys(&'static [Key]),
    /// The first that fits the value's shape.
    Either(&'static [Kind]),
    /// MANIFEST.md has it, this version does not: said, never passed over.
    Later,
}

const COMMAND: Kind = Kind::Word(&scalars::COMMAND);
const COMMANDS: Kind = Kind::Either(&[COMMAND, Kind::List(&COMMAND)]);
const DURATION: Kind = Kind::Word(&scalars::DURATION);

const fn key(name: &'static str, about: &'static str, kind: Kind) -> Key {
    Key { name, about, kind }
}

const fn later(name: &'static str) -> Key {
    Key { name, about: "", kind: Kind::Later }
}

pub(super) static MANIFEST: Kind = Kind::Keys(&[
    key(
        "processes",
        "What runs, by process type. Without it: the Procfile, else what detection finds.",
        Kind::Map {
            names: &scalars::PROCESS_TYPE,
            values: &Kind::Either(&[COMMAND, Kind::Keys(PROCESS)]),
            at_least: 0,
            at_most: 50,
        },
    ),
    key(
        "build",
        "How the app is built, where detection shall not decide.",
        Kind::Either(&[COMMANDS, Kind::Keys(BUILD)]),
    ),
    key(
        "test",
        "What tests the app; 'off' skips what detection would run.",
        Kind::Either(&[Kind::Choice(&["off"]), COMMANDS, Kind::Keys(TEST)]),
    ),
    key("release", "Run once per deployment, before traffic moves.", COMMAND),
    key(
        "env",
        "Variables with the same value in every environment. Never secrets.",
        Kind::Map {
            names: &scalars::VARIABLE,
            values: &Kind::Word(&scalars::VALUE),
            at_least: 0,
            at_most: 500,
        },
    ),
    key("push", "Which branch deploys, and how far a push has to come.", Kind::Keys(PUSH)),
    key(
        "environments",
        "Where the app runs. Without it there is one, 'dev'.",
        Kind::Map {
            names: &scalars::ENVIRONMENT,
            values: &Kind::Keys(ENVIRONMENT),
            at_least: 1,
            at_most: 50,
        },
    ),
    key(
        "workflows",
        "The folder that the workflow files are in, instead of '.solum/workflows'.",
        Kind::Word(&scalars::DIRECTORY),
    ),
    later("migration"),
    later("preview"),
    later("services"),
]);

static PROCESS: &[Key] = &[
    key("run", "A line for 'sh -c'. Without it: the Procfile's or the detected one.", COMMAND),
    key("scale", "How many instances.", Kind::Word(&scalars::COUNT)),
    key("health", "When an instance counts as healthy.", Kind::Keys(HEALTH)),
    key("memory", "The most memory an instance may have.", Kind::Word(&scalars::SIZE)),
    key("cpu", "The most processor time an instance may have.", Kind::Word(&scalars::CPU)),
    key("drain", "How long requests in flight may take when an instance goes away.", DURATION),
];

static HEALTH: &[Key] = &[
    key("path", "Has to answer 2xx or 3xx.", Kind::Word(&scalars::HTTP_PATH)),
    key("timeout", "From the start to the first good answer.", DURATION),
];

static BUILD: &[Key] = &[
    key("run", "Instead of what detection would run to compile.", COMMANDS),
    key(
        "cache",
        "Directories kept from one build to the next.",
        Kind::List(&Kind::Word(&scalars::DIRECTORY)),
    ),
    key(
        "buildpack",
        "A folder in the repository, or a git address: a classic buildpack.",
        Kind::Word(&scalars::TEXT),
    ),
];

static TEST: &[Key] = &[key("run", "Instead of what detection would run.", COMMANDS)];

static PUSH: &[Key] = &[
    key("branch", "The branch that deploys.", Kind::Word(&scalars::TEXT)),
    key(
        "until",
        "The environment that has to serve a commit before its branch moves.",
        Kind::Word(&scalars::ENVIRONMENT),
    ),
];

static ENVIRONMENT: &[Key] = &[
    key(
        "scale",
        "How many instances of each process type, instead of what 'processes' says.",
        Kind::Map {
            names: &scalars::PROCESS_TYPE,
            values: &Kind::Word(&scalars::COUNT),
            at_least: 0,
            at_most: 50,
        },
    ),
    key("domains", "Host names of its own.", Kind::List(&Kind::Word(&scalars::HOST))),
    key(
        "strategy",
        "How a new release replaces the old one.",
        Kind::Either(&[Kind::Choice(&["rolling", "recreate"]), Kind::Keys(STRATEGY)]),
    ),
    key(
        "after",
        "The environment that a release serves in before it comes here.",
        Kind::Word(&scalars::ENVIRONMENT),
    ),
    key(
        "promote",
        "Whether a release comes here by itself, or by 'solum promote' (manual).",
        Kind::Choice(&["automatic", "manual"]),
    ),
    key(
        "approvals",
        "Who has to agree before a job for this environment begins.",
        Kind::Keys(APPROVALS),
    ),
    later("soak"),
    later("freeze"),
    later("queue"),
];

static APPROVALS: &[Key] = &[
    key("count", "How many different people.", Kind::Word(&scalars::PEOPLE)),
    key(
        "from",
        "Who may: names, and 'role:…'. Anybody without it.",
        Kind::List(&Kind::Word(&scalars::APPROVER)),
    ),
    key("allow_author", "Whether whoever started it counts.", Kind::Word(&scalars::SWITCH)),
    key("timeout", "After which it is refused.", DURATION),
];

static STRATEGY: &[Key] = &[
    key(
        "rolling",
        "The new instances answer before the old ones lose traffic.",
        Kind::Keys(ROLLING),
    ),
    key("recreate", "The new instances start after the old ones have stopped.", Kind::Keys(&[])),
    later("blueGreen"),
    later("redBlack"),
    later("canary"),
];

static ROLLING: &[Key] = &[later("maxSurge"), later("maxUnavailable")];

/// Strategies that MANIFEST.md has and this version has not, for a better message than "unknown".
pub(super) static LATER_CHOICES: &[&str] = &["blueGreen", "redBlack", "canary"];
