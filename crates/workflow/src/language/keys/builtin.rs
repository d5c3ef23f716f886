//! The actions that Solum brings itself, with their inputs.

use super::{Key, Section, no_effect, read, refused};

/// An action of GitHub's that is carried out without its code.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    pub inputs: Section,
    pub required: &'static [&'static str],
    pub outputs: &'static [&'static str],
}

impl BuiltIn {
    /// What stands before the `@`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.inputs.name
    }
}

const NO_CREDENTIALS: &str =
    "the repository is on this machine: no credential is used or left behind";
const ONE_REPOSITORY: &str = "the repository of the run is what can be checked out; for others use 'git clone' in a 'run' step";
const THIS_RUN: &str = "artifacts of this run are what can be downloaded";

pub const BUILT_IN: &[BuiltIn] = &[CHECKOUT, CACHE, UPLOAD, DOWNLOAD];

const CHECKOUT: BuiltIn = BuiltIn {
    inputs: Section { name: "actions/checkout", keys: CHECKOUT_INPUTS },
    required: &[],
    outputs: &["ref", "commit"],
};

const CHECKOUT_INPUTS: &[Key] = &[
    refused("repository", ONE_REPOSITORY),
    read("ref"),
    read("path"),
    read("clean"),
    read("fetch-depth"),
    read("submodules"),
    no_effect("fetch-tags", "with 'fetch-depth: 0' every tag is there"),
    no_effect("token", NO_CREDENTIALS),
    no_effect("persist-credentials", NO_CREDENTIALS),
    no_effect("ssh-key", NO_CREDENTIALS),
    no_effect("ssh-known-hosts", NO_CREDENTIALS),
    no_effect("ssh-strict", NO_CREDENTIALS),
    no_effect("ssh-user", NO_CREDENTIALS),
    no_effect("show-progress", "nothing is fetched over a network"),
    no_effect("set-safe-directory", "the workspace belongs to the user who runs the step"),
    no_effect("allow-unsafe-pr-checkout", "a change runs without secrets in any case"),
    refused("filter", "leave it out: the objects are on this machine already"),
    refused("sparse-checkout", "leave it out: the whole tree is checked out"),
    refused("sparse-checkout-cone-mode", "leave it out: the whole tree is checked out"),
    refused("lfs", "large files have to be in the repository itself"),
    refused("github-server-url", ONE_REPOSITORY),
];

const CACHE: BuiltIn = BuiltIn {
    inputs: Section {
        name: "actions/cache",
        keys: &[
            read("path"),
            read("key"),
            read("restore-keys"),
            no_effect("upload-chunk-size", "nothing is uploaded"),
            no_effect("enableCrossOsArchive", "there is one operating system"),
            refused("fail-on-cache-miss", "look at the output 'cache-hit' in a later step's 'if'"),
            refused("lookup-only", "look at the output 'cache-hit' in a later step's 'if'"),
            refused("save-always", "a cache is saved when its job succeeds"),
        ],
    },
    required: &["path", "key"],
    outputs: &["cache-hit", "cache-primary-key", "cache-matched-key"],
};

const UPLOAD: BuiltIn = BuiltIn {
    inputs: Section {
        name: "actions/upload-artifact",
        keys: &[
            read("name"),
            read("path"),
            read("if-no-files-found"),
            read("retention-days"),
            read("overwrite"),
            read("include-hidden-files"),
            no_effect("compression-level", "it is chosen here"),
            refused("archive", "an artifact is always an archive here"),
        ],
    },
    required: &["path"],
    outputs: &["artifact-id", "artifact-url", "artifact-digest"],
};

const DOWNLOAD: BuiltIn = BuiltIn {
    inputs: Section {
        name: "actions/download-artifact",
        keys: &[
            read("name"),
            read("path"),
            read("pattern"),
            read("merge-multiple"),
            refused("artifact-ids", "use 'name' or 'pattern'"),
            refused("github-token", THIS_RUN),
            refused("repository", THIS_RUN),
            refused("run-id", THIS_RUN),
            refused("skip-decompress", "an artifact is always unpacked here"),
            refused(
                "digest-mismatch",
                "an artifact that is not what was uploaded is always an error",
            ),
        ],
    },
    required: &[],
    outputs: &["download-path"],
};
