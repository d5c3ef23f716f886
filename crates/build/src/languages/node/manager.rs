//! npm, yarn and pnpm: which one the repository means, and how each is called.

use super::Package;
use crate::plan::{Draft, PlanError};
use crate::source::Source;
use crate::tools::Tools;

pub(super) struct Manager {
    kind: Kind,
    /// How it is called: `npm`, or `corepack pnpm` where it is not installed by itself.
    command: String,
    locked: bool,
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
        let wanted = package.json.get("packageManager").and_then(|text| text.as_str());
        let wants_berry = wanted.is_some_and(|text| {
            text.strip_prefix("yarn@").is_some_and(|version| !version.starts_with("1."))
        });
        let (kind, locked) = if source.is_file("pnpm-lock.yaml") {
            (Kind::Pnpm, true)
        } else if source.is_file("yarn.lock") {
            let berry = wants_berry || source.is_file(".yarnrc.yml");
            (if berry { Kind::YarnBerry } else { Kind::Yarn }, true)
        } else if source.is_file("package-lock.json") || source.is_file("npm-shrinkwrap.json") {
            (Kind::Npm, true)
        } else {
            (Kind::Npm, false)
        };
        if !locked && package.has_dependencies() {
            draft.warnings.push(
                "there is no lock file, so that 'npm install' chooses the versions; commit \
                 package-lock.json"
                    .to_owned(),
            );
        }
        let name = match kind {
            Kind::Npm => return Ok(Self { kind, command: "npm".to_owned(), locked }),
            Kind::Yarn | Kind::YarnBerry => "yarn",
            Kind::Pnpm => "pnpm",
        };
        let command = match (tools.has(name), tools.has("corepack")) {
            (true, _) => name.to_owned(),
            (false, true) => format!("corepack {name}"),
            (false, false) => {
                return Err(PlanError::MissingTool {
                    program: name.to_owned(),
                    needed_for: format!("a Node.js app with a lock file of {name}"),
                    hint: format!("install it on the server: npm install --global {name}"),
                });
            }
        };
        Ok(Self { kind, command, locked })
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
            Kind::YarnBerry => &[
                ("YARN_ENABLE_GLOBAL_CACHE", "true"),
                ("YARN_GLOBAL_FOLDER", "/cache/yarn-berry"),
                ("YARN_ENABLE_TELEMETRY", "0"),
            ],
            Kind::Npm => &[],
        };
        let pairs = settings.iter();
        pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
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
