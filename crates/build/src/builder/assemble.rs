//! The parts of a bundle, put together.

use types::{Bundle, Layer, Manifest, Stack, Transcript};

use super::install::Installed;
use super::{BuildError, Job};
use crate::blocking::blocking;
use crate::layer::{self, Links, Packed, Part};
use crate::store::Contents;

impl Job<'_> {
    /// Nothing ran: the source is the app.
    pub(super) async fn assemble_untouched(
        &self,
        shipped: Option<Installed>,
    ) -> Result<Bundle, BuildError> {
        let mut without = vec![".git".to_owned()];
        without.extend(self.unshipped(shipped.as_ref()));
        let part = self.part(self.workspace.source.clone(), "app", without);
        self.assemble(shipped, vec![part], self.plan.manifest.clone()).await
    }

    /// The tree after the build, with what the build has changed in the dependencies.
    pub(super) async fn assemble_built(
        &self,
        shipped: Option<Installed>,
        worked_with: Option<Installed>,
    ) -> Result<Bundle, BuildError> {
        let cache = &self.plan.manifest.build.cache;
        let mut without = self.unshipped(worked_with.as_ref());
        without.extend(cache.iter().cloned());
        let mut parts = vec![self.part(self.room.tree(), "app", without)];
        for directory in cache {
            parts.push(self.part(
                self.room.kept(directory),
                &format!("app/{directory}"),
                Vec::new(),
            ));
        }
        if let Some(installed) = &worked_with {
            let prefix = format!("app/{}", installed.directory);
            let scratch = installed.scratch.iter().map(|name| (*name).to_owned()).collect();
            let changed = self.part(self.dependencies_copy(), &prefix, scratch);
            parts.push(Part {
                changed_from: Some(installed.tree.clone()),
                links: Links::Trusted,
                ..changed
            });
        }
        self.assemble(shipped, parts, self.plan.manifest.clone()).await
    }

    fn unshipped(&self, dependencies: Option<&Installed>) -> Vec<String> {
        let mut without = self.plan.recipe.unshipped.clone();
        without.extend(dependencies.map(|installed| installed.directory.to_owned()));
        without
    }

    pub(super) fn part(
        &self,
        root: std::path::PathBuf,
        prefix: &str,
        without: Vec<String>,
    ) -> Part {
        Part {
            root,
            prefix: prefix.to_owned(),
            without,
            changed_from: None,
            time: self.workspace.committed_at,
            links: Links::Inside,
        }
    }

    /// The layers: our program, dependencies, app; what changes most often last.
    pub(super) async fn assemble(
        &self,
        shipped: Option<Installed>,
        app: Vec<Part>,
        manifest: Manifest,
    ) -> Result<Bundle, BuildError> {
        let store = self.config.store.clone();
        let stack =
            Stack { runtimes: self.plan.recipe.runtimes.clone(), ..self.config.machine.clone() };
        let program = self.plan.recipe.static_server.then(|| self.config.solum.clone());
        let packed_program = self.program.clone();
        let (env, room) = (self.run_env(), self.room.clone());
        let reused = shipped.map(|installed| installed.layer);
        let (bundle, summary) = blocking(move || {
            let _alone = room;
            let mut layers = Vec::new();
            if let Some(path) = program {
                layers.push(packed_program.layer(&store, &path)?);
            }
            layers.extend(reused.clone());
            let packed = layer::pack(&store, &app)?;
            let summary = Summary::of(&packed, reused.as_ref());
            layers.push(packed.layer);
            let contents = Contents { layers, env, manifest, stack };
            let bundle = store.seal(contents, vec![packed.staged])?;
            Ok::<_, BuildError>((bundle, summary))
        })
        .await?;
        summary.tell(&bundle, self.transcript);
        Ok(bundle)
    }
}

/// What a person wants to know of a bundle.
struct Summary {
    files: usize,
    app_bytes: u64,
    dependency_bytes: Option<u64>,
    skipped: Vec<String>,
}

impl Summary {
    fn of(packed: &Packed, dependencies: Option<&Layer>) -> Self {
        Self {
            files: packed.files,
            app_bytes: packed.layer.size,
            dependency_bytes: dependencies.map(|layer| layer.size),
            skipped: packed.skipped.clone(),
        }
    }

    fn tell(&self, bundle: &Bundle, transcript: &dyn Transcript) {
        transcript.step("Bundling");
        let dependencies = match self.dependency_bytes {
            Some(bytes) => format!(", dependencies {}", size(bytes)),
            None => String::new(),
        };
        let files = if self.files == 1 { "file" } else { "files" };
        transcript.line(&format!(
            "App {} in {} {files}{dependencies}: {}",
            size(self.app_bytes),
            self.files,
            bundle.digest.short()
        ));
        for path in self.skipped.iter().take(5) {
            transcript.warning(&format!("'{path}' is neither a file nor a link and was left out"));
        }
    }
}

/// In the largest unit that leaves a number of at least one.
fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => format!("{} {unit}", bytes >> shift),
        None => format!("{bytes} B"),
    }
}
