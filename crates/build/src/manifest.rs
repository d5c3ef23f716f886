//! What a repository says about itself: `solum.yaml`, `Procfile` and `app.json`, read into a [`types::Manifest`].
//!
//! `solum.yaml` is walked over a tree that knows its places, against one table of keys (`keys`). The table also
//! gives the JSON Schema, so that an editor and this reader agree. All mistakes of a file are reported together.
//!
//! It is not detection: what a language adds comes in as [`Detected`].
//!
//! The invariant: nothing in a file is passed over in silence. A key that means nothing, or nothing yet, is a mistake
//! in `solum.yaml` and a warning in `app.json`, which was written for another platform.

mod app_json;
mod check;
mod declared;
#[cfg(test)]
mod documentation;
mod keys;
mod procfile;
mod resolve;
mod scalars;
mod schema;
#[cfg(test)]
mod tests;

use types::Environment;

use document::Mistake;

pub(crate) use resolve::Detected;
pub use schema::manifest_schema;

/// The three files, as far as the repository has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct ManifestFiles {
    pub(crate) solum_yaml: Option<String>,
    pub(crate) procfile: Option<String>,
    pub(crate) app_json: Option<String>,
}

pub(crate) const SOLUM_YAML: &str = "solum.yaml";
pub(crate) const PROCFILE: &str = "Procfile";
pub(crate) const APP_JSON: &str = "app.json";

/// What the files say, before detection has added to it.
#[derive(Debug)]
pub(crate) struct Declarations {
    solum: declared::Declared,
    procfile: Option<procfile::Procfile>,
    app: app_json::AppJson,
}

/// The file that [`outline`] reads.
pub const MANIFEST_FILE: &str = SOLUM_YAML;

/// What is looked at of a `solum.yaml` before anything of its commit runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// In order of declaration; none where it names none.
    pub environments: Vec<Environment>,
    /// The branch that deploys from when this has landed, if it says so.
    pub deploy_branch: Option<String>,
    /// The folder that it says the workflow files are in; relative to the root, with no `.` or `..` in it.
    pub workflows: Option<String>,
}

/// Reads as much of a `solum.yaml` as is needed before a push is let in. All of its mistakes are found here.
pub fn outline(solum_yaml: &str) -> Result<Outline, Vec<Mistake>> {
    let declared = declared::read(solum_yaml)?;
    Ok(Outline {
        environments: declared.environments,
        deploy_branch: declared.push.branch,
        workflows: declared.workflows,
    })
}

impl ManifestFiles {
    /// Reads the files; the mistakes of all of them come together.
    pub(crate) fn read(&self) -> Result<Declarations, Vec<Mistake>> {
        let solum = self.solum_yaml.as_deref().map(declared::read).transpose();
        let procfile = self.procfile.as_deref().map(procfile::read).transpose();
        let app = self.app_json.as_deref().map(app_json::read).transpose();
        match (solum, procfile, app) {
            (Ok(solum), Ok(procfile), Ok(app)) => Ok(Declarations {
                solum: solum.unwrap_or_default(),
                procfile,
                app: app.unwrap_or_default(),
            }),
            (solum, procfile, app) => {
                let mistakes = [solum.err(), procfile.err(), app.err()];
                Err(mistakes.into_iter().flatten().flatten().collect())
            }
        }
    }
}
