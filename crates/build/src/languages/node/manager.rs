//! npm, yarn and pnpm: which one the repository means, and how each is called.

use super::Package;
use crate::languages::quoted;
use crate::plan::{Draft, PlanError};
use crate::source::Source;
use crate::tools::Tools;

pub(super) struct Manager {
    kind: Kind,
    /// How it is called: `npm`, or through npm where it is not installed by itself.
    command: String,
    locked: bool,
    /// Yarn 2 and later: packages stay in archives, and a loader finds them there.
    plug_and_play: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Npm,
    /// 1.x.
    Yarn,
    /// 2 and later.
    YarnBerry,
    Pnpm,
}

impl Manager {
    pub(super) fn choose(
        source: &Source,
        tools: &Tools,
        package: &Package,
        draft: &mut Draft,
    ) -> Result<Self, PlanError> {
        let yarn = source.text("yarn.lock")?;
        let pnpm = source.text("pnpm-lock.yaml")?;
        let (kind, locked) = match (&pnpm, &yarn) {
            (Some(_), _) => (Kind::Pnpm, true),
            (None, Some(lock)) if lock.contains("__metadata:") => (Kind::YarnBerry, true),
            (None, Some(_)) => (Kind::Yarn, true),
            (None, None) => {
                let locks = ["package-lock.json", "npm-shrinkwrap.json"];
                (Kind::Npm, locks.iter().any(|lock| source.is_file(lock)))
            }
        };
        if !locked && package.has_dependencies() {
            draft.warnings.push(
                "there is no lock file, so that 'npm install' chooses the versions; commit \
                 package-lock.json"
                    .to_owned(),
            );
        }
        let settings = source.declaration(".yarnrc.yml")?.unwrap_or_default();
        let plug_and_play =
            kind == Kind::YarnBerry && !settings.contains("nodeLinker: node-modules");
        let command = match kind {
            Kind::Npm => "npm".to_owned(),
            Kind::Yarn if tools.has("yarn") => "yarn".to_owned(),
            Kind::Pnpm if tools.has("pnpm") => "pnpm".to_owned(),
            Kind::Yarn => through_npm("yarn", "yarn", asked(package, "yarn").unwrap_or("1")),
            Kind::YarnBerry => match committed(&settings) {
                Some(path) => format!("node {path}"),
                None => {
                    let version = asked(package, "yarn").unwrap_or("4");
                    through_npm("@yarnpkg/cli-dist", "yarn", version)
                }
            },
            Kind::Pnpm => {
                let lock = pnpm.as_deref().unwrap_or_default();
                let version = asked(package, "pnpm").unwrap_or_else(|| pnpm_version(lock));
                through_npm("pnpm", "pnpm", version)
            }
        };
        Ok(Self { kind, command, locked, plug_and_play })
    }

    /// The files that decide what an install does.
    pub(super) fn inputs(&self, source: &Source) -> Vec<String> {
        let files: &[&str] = match self.kind {
            Kind::Npm => &["package-lock.json", "npm-shrinkwrap.json"],
            Kind::Yarn | Kind::YarnBerry => &["yarn.lock", ".yarnrc"],
            Kind::Pnpm => &["pnpm-lock.yaml", "pnpm-workspace.yaml", ".pnpmfile.cjs"],
        };
        let files = ["package.json", ".npmrc"].iter().chain(files);
        files.filter(|file| source.is_file(file)).map(|file| (*file).to_owned()).collect()
    }

    pub(super) fn install(&self, with_development: bool) -> String {
        let command = &self.command;
        match (self.kind, with_development) {
            (Kind::Npm, true) if self.locked => "npm ci --include=dev".to_owned(),
            (Kind::Npm, false) if self.locked => "npm ci --omit=dev".to_owned(),
            (Kind::Npm, true) => "npm install --no-save --include=dev".to_owned(),
            (Kind::Npm, false) => "npm install --no-save --omit=dev".to_owned(),
            (Kind::Yarn, true) => {
                format!("{command} install --frozen-lockfile --non-interactive --production=false")
            }
            (Kind::Yarn, false) => {
                format!("{command} install --frozen-lockfile --non-interactive --production")
            }
            (Kind::YarnBerry, _) => format!("{command} install --immutable"),
            (Kind::Pnpm, true) => format!("{command} install --frozen-lockfile"),
            (Kind::Pnpm, false) => format!("{command} install --frozen-lockfile --prod"),
        }
    }

    /// Takes what only the build needed out of the tree again.
    pub(super) fn prune(&self) -> Option<String> {
        match self.kind {
            Kind::Npm => Some("npm prune --omit=dev".to_owned()),
            Kind::Pnpm => Some(format!("{} prune --prod", self.command)),
            Kind::Yarn => Some(self.install(false)),
            Kind::YarnBerry => None,
        }
    }

    /// Variables that are this one's alone: the others warn about what they do not know.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        let settings: &[(&str, &str)] = match self.kind {
            // Linked out of the store, a package could be changed for every later build.
            Kind::Pnpm => &[
                ("npm_config_store_dir", "/cache/pnpm"),
                ("npm_config_package_import_method", "copy"),
            ],
            Kind::Yarn => &[("YARN_CACHE_FOLDER", "/cache/yarn")],
            // What is installed stands in the tree; a copy of what was fetched stays.
            Kind::YarnBerry => &[
                ("YARN_ENABLE_GLOBAL_CACHE", "false"),
                ("YARN_GLOBAL_FOLDER", "/cache/yarn-berry"),
                ("YARN_ENABLE_TELEMETRY", "0"),
            ],
            Kind::Npm => &[],
        };
        let pairs = settings.iter();
        pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// For running: Node.js has to find packages that are in no directory.
    pub(super) fn run_settings(&self) -> Option<(String, String)> {
        let option = || "--require=/app/.pnp.cjs".to_owned();
        self.plug_and_play.then(|| ("NODE_OPTIONS".to_owned(), option()))
    }

    pub(super) fn run(&self, script: &str) -> String {
        match script {
            "test" | "start" => format!("{} {script}", self.command),
            _ => format!("{} run {script}", self.command),
        }
    }

    /// Yarn 2 and later may put nothing into `node_modules` and everything elsewhere.
    pub(super) fn needs_tree(&self) -> Option<String> {
        (self.kind == Kind::YarnBerry).then(|| "yarn 2 and later install into the tree".to_owned())
    }
}

/// A program out of the registry, kept in npm's cache.
fn through_npm(package: &str, program: &str, version: &str) -> String {
    let package = quoted(&format!("{package}@{version}"));
    format!("npm exec --yes --package={package} -- {program}")
}

/// The version in `packageManager`: `pnpm@9.1.0+sha512.…`.
fn asked<'p>(package: &'p Package, name: &str) -> Option<&'p str> {
    let text = package.json.get("packageManager")?.as_str()?;
    text.strip_prefix(name)?.strip_prefix('@')?.split('+').next()
}

/// The one that Yarn 2 and later puts into the repository itself.
fn committed(settings: &str) -> Option<String> {
    let path = settings.lines().find_map(|line| line.strip_prefix("yarnPath:"))?;
    Some(quoted(path.trim().trim_matches(['"', '\''])))
}

/// The pnpm that wrote this version of the lock file.
fn pnpm_version(lock: &str) -> &'static str {
    let version = lock.lines().find_map(|line| line.strip_prefix("lockfileVersion:"));
    match version.map(|version| version.trim().trim_matches(['"', '\''])) {
        Some(version) if version.starts_with('5') => "7",
        Some(version) if version.starts_with('6') => "8",
        _ => "9",
    }
}
