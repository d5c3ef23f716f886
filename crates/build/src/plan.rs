//! What will be done with a source tree, decided before anything of it runs.
//!
//! A plan is pure: it is made from the tree's files and from what is installed on the machine. It runs nothing out of the
//! repository, so that it can be made outside of a box.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use types::{Manifest, Transcript};

use crate::boxes::Bind;
use crate::manifest::{Declarations, Detected, ManifestFiles};
use crate::source::Source;
use crate::tools::Tools;
use crate::{languages, manifest};
use document::Mistake;

/// How the app is built, tested and run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub language: Language,
    /// Complete, but for an app with a buildpack: that adds its processes when it builds.
    pub manifest: Manifest,
    /// What the reader should act on, though the work can go on.
    pub warnings: Vec<String>,
    /// What was found and chosen.
    pub notes: Vec<String>,
    pub(crate) recipe: Recipe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Python,
    Node,
    Rust,
    Go,
    StaticSite,
    /// None of them: the files run as they are, or as `build.run` makes them.
    Plain,
    /// Whatever the buildpacks make of it.
    Buildpack,
}

/// The command lines and places of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// Packed into a layer of its own and shipped.
    pub(crate) dependencies: Option<Dependencies>,
    /// What tests and the compile step see instead, where they need more than is shipped.
    pub(crate) development: Option<Dependencies>,
    /// What has to be installed inside the tree, because it is made from the tree; for building and testing.
    pub(crate) in_tree: Vec<String>,
    /// The same, for testing only.
    pub(crate) in_tree_development: Vec<String>,
    /// In the app's tree, each for `sh -c`.
    pub(crate) compile: Vec<String>,
    /// After that, whatever `build.run` says.
    pub(crate) finish: Vec<String>,
    pub(crate) tests: Tests,
    /// Programs of the machine that stand outside of what a box shows anyway.
    pub(crate) binds: Vec<Bind>,
    /// Directories in front of the box's `PATH`, for building and testing.
    pub(crate) path: Vec<String>,
    /// For building and testing.
    pub(crate) build_env: BTreeMap<String, String>,
    /// For running.
    pub(crate) env: BTreeMap<String, String>,
    /// What the bundle leans on, path to version.
    pub(crate) runtimes: BTreeMap<String, String>,
    /// Paths in the app's tree that are not shipped.
    pub(crate) unshipped: Vec<String>,
    /// The bundle needs our own program, to serve files.
    pub(crate) static_server: bool,
    /// Folders in the repository or git addresses.
    pub(crate) buildpacks: Vec<String>,
}

/// A directory of installed dependencies: kept, and installed again only when something it is made from changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependencies {
    /// In the app's tree: `node_modules`.
    pub(crate) directory: &'static str,
    /// Files of the repository that decide what is installed; the install step sees these and no others.
    pub(crate) inputs: Vec<String>,
    pub(crate) install: Vec<String>,
    /// Directories below [`Dependencies::directory`] that tools write to though they should not: kept apart and
    /// never shipped.
    pub(crate) scratch: &'static [&'static str],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tests {
    Run(Vec<String>),
    Skip(String),
}

impl Default for Tests {
    fn default() -> Self {
        Self::Skip("nothing says how to test this app".to_owned())
    }
}

/// Why there is no plan. Nothing has run.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// In `solum.yaml`, `Procfile` or `app.json`.
    #[error("{}", Lines(.0))]
    Mistakes(Vec<Mistake>),
    #[error("no language was recognised: the repository has none of {}", .looked_for.join(", "))]
    NoLanguage { looked_for: Vec<&'static str> },
    /// The machine lacks a program.
    #[error("{needed_for} needs {program}, which is not on this machine")]
    MissingTool { program: String, needed_for: String, hint: String },
    /// The machine has the program, in a version that the app does not accept.
    #[error("the app asks for {program} {asked} ({asked_in}) and this machine has {}", Found(.found))]
    WrongVersion {
        program: String,
        asked: String,
        asked_in: String,
        found: Vec<String>,
        hint: String,
    },
    /// Nothing says what to start.
    #[error("nothing says how to start this {language} app")]
    NoProcess { language: String, hint: String },
    #[error("'{path}' points outside of the repository")]
    PointsOutside { path: PathBuf },
    #[error("'{path}' is not text in UTF-8")]
    NotText { path: PathBuf },
    #[error("cannot read '{path}'")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl PlanError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoLanguage { .. } => Some(
                "add one of these files, or name a buildpack in solum.yaml (build: { buildpack: … })"
                    .to_owned(),
            ),
            Self::MissingTool { hint, .. }
            | Self::WrongVersion { hint, .. }
            | Self::NoProcess { hint, .. } => Some(hint.clone()),
            Self::PointsOutside { .. } => {
                Some("replace the symbolic link by the file it stands for".to_owned())
            }
            Self::Mistakes(_) | Self::NotText { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// One under the other.
pub(crate) struct Lines<'a>(pub(crate) &'a [Mistake]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            write!(f, "{}{mistake}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

struct Found<'a>(&'a [String]);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("none") } else { f.write_str(&self.0.join(", ")) }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "Python",
            Self::Node => "Node.js",
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::StaticSite => "static site",
            Self::Plain => "plain",
            Self::Buildpack => "buildpack",
        })
    }
}

impl Plan {
    /// Shows whoever watches what was found and chosen.
    pub fn tell(&self, transcript: &dyn Transcript) {
        match self.language {
            Language::StaticSite => transcript.step("Static site detected"),
            Language::Plain => transcript.step("No language detected; the files run as they are"),
            Language::Buildpack => transcript.step("Building with a buildpack"),
            language => transcript.step(&format!("{language} app detected")),
        }
        for note in &self.notes {
            transcript.line(note);
        }
        for warning in &self.warnings {
            transcript.warning(warning);
        }
    }

    /// Reads the tree's files and decides.
    pub(crate) fn make(source: &Source, tools: &Tools) -> Result<Self, PlanError> {
        let declarations = read_declarations(source)?;
        let buildpacks = declarations.buildpacks();
        let draft = if buildpacks.is_empty() {
            languages::detect(source, tools, &declarations)?
        } else {
            crate::buildpack::draft(source, tools, buildpacks)?
        };
        draft.complete(&declarations)
    }
}

pub(crate) fn read_declarations(source: &Source) -> Result<Declarations, PlanError> {
    let files = ManifestFiles {
        solum_yaml: source.declaration(manifest::SOLUM_YAML)?,
        procfile: source.declaration(manifest::PROCFILE)?,
        app_json: source.declaration(manifest::APP_JSON)?,
    };
    files.read().map_err(PlanError::Mistakes)
}

/// What a language makes of a tree, before the manifest has had its say.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) language: Language,
    pub(crate) recipe: Recipe,
    pub(crate) detected: Detected,
    /// What to write into a Procfile, should nothing say what to start.
    pub(crate) start_hint: String,
    pub(crate) notes: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

impl Draft {
    pub(crate) fn new(language: Language) -> Self {
        Self {
            language,
            recipe: Recipe::default(),
            detected: Detected::default(),
            start_hint: String::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn complete(self, declarations: &Declarations) -> Result<Plan, PlanError> {
        let Self { language, mut recipe, detected, start_hint, notes, mut warnings } = self;
        let manifest = declarations.resolve(&detected).map_err(PlanError::Mistakes)?;
        if manifest.processes.is_empty() && language != Language::Buildpack {
            let language = language.to_string();
            return Err(PlanError::NoProcess { language, hint: start_hint });
        }
        if let Some(run) = &manifest.build.run {
            recipe.compile.clone_from(run);
        }
        match &manifest.test {
            types::Test::Detect => {}
            types::Test::Off => {
                recipe.tests = Tests::Skip("solum.yaml says 'test: off'".to_owned())
            }
            types::Test::Run(lines) => recipe.tests = Tests::Run(lines.clone()),
        }
        warnings.extend_from_slice(declarations.warnings());
        Ok(Plan { language, manifest, warnings, notes, recipe })
    }
}
