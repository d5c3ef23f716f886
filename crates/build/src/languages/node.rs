//! Node.js: `node_modules` from npm's, yarn's or pnpm's lock file, then the `build` script.

mod manager;

use serde_json::Value as Json;

use crate::manifest::Detected;
use crate::plan::{Dependencies, Draft, Language, PlanError, Tests};
use crate::source::Source;
use crate::tools::Tools;
use crate::versions::fits_npm;
use document::Mistake;
use manager::Manager;

const NODE_MODULES: &str = "node_modules";
/// Where tools that run in a build keep their caches, though it is not theirs.
const SCRATCH: &[&str] = &[".cache", ".vite", ".vite-temp"];
/// Scripts of the app itself that an install runs; they see the whole tree.
const LIFECYCLE: &[&str] = &["preinstall", "install", "postinstall", "prepare"];

pub(super) fn draft(source: &Source, tools: &Tools) -> Result<Draft, PlanError> {
    let package = Package::read(source)?;
    let mut draft = Draft::new(Language::Node);
    let (node, version) = node(tools, &package, &mut draft)?;
    draft.notes.push(format!("Using Node.js {version} ({node})"));
    draft.recipe.runtimes.insert(node, version);
    let manager = Manager::choose(source, tools, &package, &mut draft)?;
    environment(&mut draft);
    draft.recipe.build_env.extend(manager.settings());
    draft.recipe.env.extend(manager.run_settings());
    install(&mut draft, source, &package, &manager);
    if package.script("build").is_some() {
        draft.recipe.compile.push(manager.run("build"));
    }
    draft.recipe.tests = match package.script("test") {
        Some(script) if !script.contains("no test specified") => {
            Tests::Run(vec![manager.run("test")])
        }
        _ => Tests::Skip("package.json has no 'test' script".to_owned()),
    };
    draft.start_hint =
        "add a \"start\" script to package.json, or a Procfile with a line such as 'web: node index.js'"
            .to_owned();
    if let Some(command) = start(source, &package) {
        draft.detected = Detected::web(command);
    }
    Ok(draft)
}

fn node(
    tools: &Tools,
    package: &Package,
    draft: &mut Draft,
) -> Result<(String, String), PlanError> {
    let missing = |program: &str| PlanError::MissingTool {
        program: program.to_owned(),
        needed_for: "a Node.js app".to_owned(),
        hint: "install it on the server: apt-get install nodejs npm".to_owned(),
    };
    let (path, version) = tools.find("node").ok_or_else(|| missing("node"))?;
    if !tools.has("npm") {
        return Err(missing("npm"));
    }
    let asked = package.json.get("engines").and_then(|engines| engines.get("node")?.as_str());
    match asked.map(|asked| (asked, fits_npm(asked, version))) {
        Some((asked, Some(false))) => Err(PlanError::WrongVersion {
            program: "Node.js".to_owned(),
            asked: asked.to_owned(),
            asked_in: "engines.node in package.json".to_owned(),
            found: vec![version.to_owned()],
            hint: "install it on the server (Debian: nodejs, from the distribution or from \
                   https://deb.nodesource.com), or change engines.node"
                .to_owned(),
        }),
        Some((asked, None)) => {
            draft.warnings.push(format!("package.json: engines.node '{asked}' is not understood"));
            Ok((path.display().to_string(), version.to_owned()))
        }
        _ => Ok((path.display().to_string(), version.to_owned())),
    }
}

fn environment(draft: &mut Draft) {
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    draft.recipe.path.push(format!("/app/{NODE_MODULES}/.bin"));
    draft.recipe.env.extend(pairs(&[("NODE_ENV", "production")]));
    draft.recipe.build_env.extend(pairs(&[
        ("CI", "true"),
        ("npm_config_cache", "/cache/npm"),
        ("npm_config_audit", "false"),
        ("npm_config_fund", "false"),
        ("npm_config_update_notifier", "false"),
        ("NEXT_TELEMETRY_DISABLED", "1"),
    ]));
}

fn install(draft: &mut Draft, source: &Source, package: &Package, manager: &Manager) {
    if !package.has_dependencies() {
        draft.notes.push("Nothing to install: package.json has no dependencies".to_owned());
        return;
    }
    if let Some(reason) = package.needs_tree().or_else(|| manager.needs_tree()) {
        draft.notes.push(format!("{reason}, so that each change installs again"));
        draft.recipe.in_tree.push(manager.install(true));
        if package.has_development() {
            draft.recipe.finish.extend(manager.prune());
        }
        return;
    }
    let inputs = manager.inputs(source);
    let dependencies = |install: String| Dependencies {
        directory: NODE_MODULES,
        inputs: inputs.clone(),
        install: vec![install],
        scratch: SCRATCH,
    };
    draft.recipe.dependencies = Some(dependencies(manager.install(false)));
    if package.has_development() {
        draft.recipe.development = Some(dependencies(manager.install(true)));
    }
}

/// `npm start` is two processes more, which would stand between the app and its signals: a plain script is
/// started by itself.
fn start(source: &Source, package: &Package) -> Option<String> {
    let Some(script) = package.script("start") else {
        return source.is_file("server.js").then(|| "exec node server.js".to_owned());
    };
    let around = package.script("prestart").or_else(|| package.script("poststart"));
    let is_plain = !script.contains(['&', '|', ';', '(', '\n', '=']) && !script.contains("npm_");
    match around {
        None if is_plain => Some(format!("exec {script}")),
        // npm runs scripts whoever installed, and is there without a network.
        _ => Some("exec npm start".to_owned()),
    }
}

struct Package {
    json: Json,
}

impl Package {
    fn read(source: &Source) -> Result<Self, PlanError> {
        let text = source.declaration("package.json")?.unwrap_or_default();
        let json = serde_json::from_str(&text).map_err(|error| {
            let at = document::Place { line: error.line(), column: error.column() };
            let message = format!("not valid JSON: {error}");
            PlanError::Mistakes(vec![Mistake::new("package.json", at, message)])
        })?;
        Ok(Self { json })
    }

    fn script(&self, name: &str) -> Option<&str> {
        self.json.get("scripts")?.get(name)?.as_str().filter(|script| !script.trim().is_empty())
    }

    fn table(&self, key: &str) -> impl Iterator<Item = (&String, &Json)> {
        self.json.get(key).and_then(Json::as_object).into_iter().flatten()
    }

    fn has_dependencies(&self) -> bool {
        let keys = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
        keys.iter().any(|key| self.table(key).next().is_some())
            || self.json.get("workspaces").is_some()
    }

    fn has_development(&self) -> bool {
        self.table("devDependencies").next().is_some()
    }

    /// Why an install has to see the whole tree, if it has to.
    fn needs_tree(&self) -> Option<String> {
        if let Some(script) = LIFECYCLE.iter().find(|name| self.script(name).is_some()) {
            return Some(format!("package.json has a '{script}' script"));
        }
        if self.json.get("workspaces").is_some() {
            return Some("package.json has workspaces".to_owned());
        }
        let tables = ["dependencies", "devDependencies", "optionalDependencies"];
        let local = tables.iter().flat_map(|key| self.table(key)).find(|(_, version)| {
            let version = version.as_str().unwrap_or_default();
            ["file:", "link:", "./", "../", "portal:"].iter().any(|it| version.starts_with(it))
        });
        local.map(|(name, _)| format!("'{name}' comes out of the repository"))
    }
}
