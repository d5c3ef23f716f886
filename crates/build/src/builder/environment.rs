//! What commands in a box find in their environment, and which files of the machine they see.

use std::collections::BTreeMap;
use std::path::Path;

use types::Bundle;

use super::Job;
use crate::boxes::Bind;
use crate::tools::BOX_PATH;

/// Where a box sees the caches of tools.
pub(super) const CACHE: &str = "/cache";
/// Variables of the manifest that change what package managers install.
const INSTALL_PREFIXES: &[&str] =
    &["PIP_", "UV_", "POETRY_", "NPM_CONFIG_", "npm_config_", "YARN_", "PNPM_"];

impl Job<'_> {
    /// For building and testing.
    pub(super) fn env(&self) -> BTreeMap<String, String> {
        let manifest = self.plan.manifest.env.iter();
        let manifest = manifest.map(|(name, value)| (name.to_string(), value.clone()));
        self.with_ours(manifest.collect())
    }

    /// For installing dependencies: nothing that changes from one commit to the next without changing them.
    pub(super) fn install_env(&self) -> BTreeMap<String, String> {
        self.with_ours(self.install_settings())
    }

    pub(super) fn install_settings(&self) -> BTreeMap<String, String> {
        let manifest = self.plan.manifest.env.iter();
        manifest
            .filter(|(name, _)| INSTALL_PREFIXES.iter().any(|it| name.as_str().starts_with(it)))
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect()
    }

    fn with_ours(&self, manifest: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let recipe = &self.plan.recipe;
        let mut env: BTreeMap<_, _> = self.config.pass_env.iter().cloned().collect();
        env.extend(self.passed_files().map(|(name, _, place)| (name.to_owned(), place)));
        env.extend(manifest);
        env.extend(self.workspace.build_env.clone());
        env.extend(recipe.build_env.clone());
        let path = recipe.path.iter().map(String::as_str).chain([BOX_PATH]);
        env.insert("PATH".to_owned(), path.collect::<Vec<_>>().join(":"));
        env.insert("HOME".to_owned(), format!("{CACHE}/home"));
        env.entry("LANG".to_owned()).or_insert_with(|| "C.UTF-8".to_owned());
        env.insert("SOURCE_DATE_EPOCH".to_owned(), self.workspace.committed_at.to_string());
        env
    }

    /// What every box of the app sees: its caches, the toolchain, the server's certificates.
    pub(super) fn base_binds(&self) -> Vec<Bind> {
        let mut binds = vec![Bind::writable(self.room.cache(), CACHE)];
        binds.extend(self.plan.recipe.binds.iter().cloned());
        let files = self.passed_files();
        binds.extend(files.map(|(_, path, place)| Bind::read_only(path, place)));
        binds
    }

    /// Variables that name a file which a box does not show anyway, with the file and its place in the box.
    fn passed_files(&self) -> impl Iterator<Item = (&str, &Path, String)> {
        let shown = |path: &Path| path.starts_with("/usr") || path.starts_with("/etc/ssl");
        let passed = self.config.pass_env.iter().enumerate();
        passed.filter_map(move |(index, (name, value))| {
            let path = Path::new(value);
            let is_file = path.is_absolute() && !shown(path) && path.is_file();
            is_file.then(|| (name.as_str(), path, format!("/passed-{index}")))
        })
    }

    /// What the bundle's processes find, before the app's own variables.
    pub(super) fn run_env(&self) -> BTreeMap<String, String> {
        let recipe = &self.plan.recipe;
        let mut env = run_env();
        env.extend(recipe.env.clone());
        let inside = recipe.path.iter().filter(|path| path.starts_with(Bundle::APP_DIR));
        let path = inside.map(String::as_str).chain([BOX_PATH]);
        env.insert("PATH".to_owned(), path.collect::<Vec<_>>().join(":"));
        env
    }
}

/// The same in every bundle.
pub(crate) fn run_env() -> BTreeMap<String, String> {
    [("HOME", Bundle::APP_DIR), ("PATH", BOX_PATH), ("LANG", "C.UTF-8")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}
