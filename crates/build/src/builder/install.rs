//! Dependencies: installed once for what they are made from, kept unpacked for the builds to come and packed into a layer
//! for the bundles.
//!
//! A directory under `dependencies/` is named after its key and complete: it appears by a rename, after everything
//! in it was synced.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use types::{Bundle, Digest, Layer};

use super::room::{Room, remove};
use super::{BuildError, Job, Stage, sync};
use crate::blocking::blocking;
use crate::boxes::Bind;
use crate::layer::{self, Links, NO_TIME, Part};
use crate::plan::Dependencies;
use crate::source::Source;

/// Sets of dependencies kept per app: the current ones, what tests need, and those of the versions before.
const KEPT: usize = 4;

/// A set of dependencies that is there.
#[derive(Debug)]
pub(super) struct Installed {
    /// Unpacked.
    pub(super) tree: PathBuf,
    /// In the app's tree.
    pub(super) directory: &'static str,
    pub(super) scratch: &'static [&'static str],
    pub(super) layer: Layer,
}

impl Job<'_> {
    /// What goes into the bundle, in the store.
    pub(super) async fn install_shipped(&self) -> Result<Option<Installed>, BuildError> {
        match &self.plan.recipe.dependencies {
            Some(dependencies) => self.install(dependencies).await.map(Some),
            None => Ok(None),
        }
    }

    /// What tests and the compile step see.
    pub(super) async fn install_for_work(&self) -> Result<Option<Installed>, BuildError> {
        let recipe = &self.plan.recipe;
        match recipe.development.as_ref().or(recipe.dependencies.as_ref()) {
            Some(dependencies) => self.install(dependencies).await.map(Some),
            None => Ok(None),
        }
    }

    async fn install(&self, dependencies: &Dependencies) -> Result<Installed, BuildError> {
        let inputs = self.inputs(dependencies).await?;
        let key = self.key(dependencies, &inputs);
        let place = self.room.dependencies().join(key.short());
        let installed = |layer| Installed {
            tree: place.join("tree"),
            directory: dependencies.directory,
            scratch: dependencies.scratch,
            layer,
        };
        if let Some(layer) = self.reuse(&place, dependencies).await? {
            self.transcript.step("Dependencies are unchanged: nothing to install");
            return Ok(installed(layer));
        }
        self.transcript.step("Installing dependencies");
        let fresh = self.room.temporary("install");
        let (room, app) = (self.room.clone(), fresh.join("app"));
        blocking(move || lay_out(&room, &app, &inputs)).await?;
        let binds = vec![Bind::writable(fresh.join("app"), Bundle::APP_DIR)];
        self.run(Stage::Install, &dependencies.install, binds).await?;
        let (room, store) = (self.room.clone(), self.config.store.clone());
        let (dependencies, place) = (dependencies.clone(), place.clone());
        let layer = blocking(move || {
            keep(&store, &fresh, &place, &dependencies)?;
            forget_old(&room, &place)?;
            read_layer(&place).ok_or_else(|| {
                BuildError::io("read", &place)(std::io::Error::other("the layer's record is gone"))
            })
        })
        .await?;
        Ok(installed(layer))
    }

    async fn inputs(
        &self,
        dependencies: &Dependencies,
    ) -> Result<Vec<(String, Vec<u8>)>, BuildError> {
        let (root, names) = (self.workspace.source.clone(), dependencies.inputs.clone());
        blocking(move || {
            let source = Source::open(&root)?;
            let files = names.into_iter().map(|name| Ok((source.bytes(&name)?, name)));
            let files: Result<Vec<_>, BuildError> = files.collect();
            Ok(files?.into_iter().filter_map(|(bytes, name)| Some((name, bytes?))).collect())
        })
        .await
    }

    /// Everything that decides what an install leaves behind.
    fn key(&self, dependencies: &Dependencies, inputs: &[(String, Vec<u8>)]) -> Digest {
        let machine = &self.config.machine;
        let mut hasher = Sha256::new();
        let mut add = |part: &[u8]| {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        add(b"dependencies 1");
        for part in [&machine.os, &machine.libc, &machine.architecture] {
            add(part.as_bytes());
        }
        add(dependencies.directory.as_bytes());
        for (path, version) in &self.plan.recipe.runtimes {
            add(path.as_bytes());
            add(version.as_bytes());
        }
        for (name, value) in self.install_settings() {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        for command in &dependencies.install {
            add(command.as_bytes());
        }
        for (name, bytes) in inputs {
            add(name.as_bytes());
            add(bytes);
        }
        Digest::from_sha256(hasher.finalize().into())
    }

    /// The layer of what is there already. Packed again if the store has lost it.
    async fn reuse(
        &self,
        place: &Path,
        dependencies: &Dependencies,
    ) -> Result<Option<Layer>, BuildError> {
        let (store, place) = (self.config.store.clone(), place.to_owned());
        let (room, dependencies) = (self.room.clone(), dependencies.clone());
        blocking(move || {
            let _alone = room;
            let Some(layer) = read_layer(&place) else { return Ok(None) };
            if !store.renew(&layer) {
                pack(&store, &place, &dependencies)?;
            }
            // The order in which sets were last used decides which are forgotten.
            let record = place.join(LAYER);
            std::fs::write(&record, json(&layer)).map_err(BuildError::io("write", &record))?;
            Ok(Some(layer))
        })
        .await
    }
}

const LAYER: &str = "layer.json";

fn json(layer: &Layer) -> Vec<u8> {
    serde_json::to_vec(layer).expect("a layer always serialises")
}

fn read_layer(place: &Path) -> Option<Layer> {
    serde_json::from_slice(&std::fs::read(place.join(LAYER)).ok()?).ok()
}

/// The files that the install is made from, and nothing else.
fn lay_out(room: &Room, app: &Path, inputs: &[(String, Vec<u8>)]) -> Result<(), BuildError> {
    room.create_owned(app)?;
    for (name, bytes) in inputs {
        let path = app.join(name);
        let mut below = app.to_owned();
        for part in Path::new(name).parent().into_iter().flat_map(Path::components) {
            below.push(part);
            room.create_owned(&below)?;
        }
        std::fs::write(&path, bytes).map_err(BuildError::io("write", &path))?;
        room.own(&path)?;
    }
    Ok(())
}

/// From a finished install to a set under its key.
fn keep(
    store: &crate::store::ArtifactStore,
    fresh: &Path,
    place: &Path,
    dependencies: &Dependencies,
) -> Result<(), BuildError> {
    let (made, tree) = (fresh.join("app").join(dependencies.directory), fresh.join("tree"));
    let is_dir = std::fs::symlink_metadata(&made).is_ok_and(|found| found.is_dir());
    let moved = if is_dir { std::fs::rename(&made, &tree) } else { std::fs::create_dir(&tree) };
    moved.map_err(BuildError::io("create", &tree))?;
    remove(&fresh.join("app"))?;
    let layer = pack(store, fresh, dependencies)?;
    for name in dependencies.scratch {
        let path = tree.join(name);
        std::fs::create_dir_all(&path).map_err(BuildError::io("create", &path))?;
        // Whatever the server's umask says: the app's user looks into a copy of it.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, open).map_err(BuildError::io("open", &path))?;
    }
    let record = fresh.join(LAYER);
    std::fs::write(&record, json(&layer)).map_err(BuildError::io("write", &record))?;
    let opened = std::fs::File::open(fresh).map_err(BuildError::io("open", fresh))?;
    rustix::fs::syncfs(opened).map_err(|error| BuildError::io("sync", fresh)(error.into()))?;
    remove(place)?;
    std::fs::rename(fresh, place).map_err(BuildError::io("create", place))
}

fn pack(
    store: &crate::store::ArtifactStore,
    place: &Path,
    dependencies: &Dependencies,
) -> Result<Layer, BuildError> {
    let packed = layer::pack(
        store,
        &[Part {
            root: place.join("tree"),
            prefix: format!("app/{}", dependencies.directory),
            without: dependencies.scratch.iter().map(|name| (*name).to_owned()).collect(),
            changed_from: None,
            time: NO_TIME,
            links: Links::Trusted,
        }],
    )?;
    store.commit(vec![packed.staged])?;
    Ok(packed.layer)
}

fn forget_old(room: &Room, current: &Path) -> Result<(), BuildError> {
    let directory = room.dependencies();
    let entries = std::fs::read_dir(&directory).map_err(BuildError::io("list", &directory))?;
    let mut sets: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path != current)
        .map(|path| {
            let used = std::fs::metadata(path.join(LAYER)).and_then(|found| found.modified()).ok();
            (used, path)
        })
        .collect();
    sets.sort();
    let surplus = (sets.len() + 1).saturating_sub(KEPT);
    sets.iter().take(surplus).try_for_each(|(_, path)| remove(path))
}

impl Job<'_> {
    /// For tests: the tree to write in, the dependencies to read.
    pub(super) async fn app_binds(
        &self,
        dependencies: Option<&Installed>,
    ) -> Result<Vec<Bind>, BuildError> {
        let mut binds = self.tree_binds(dependencies).await?;
        if let Some(installed) = dependencies {
            let target = format!("{}/{}", Bundle::APP_DIR, installed.directory);
            binds.push(Bind::read_only(&installed.tree, &target));
            for name in installed.scratch {
                let path = self.room.scratch(name);
                self.room.create_owned(&path)?;
                binds.push(Bind::writable(path, format!("{target}/{name}")));
            }
        }
        Ok(binds)
    }

    /// For building: a copy of the dependencies too, because compile steps generate code into them.
    pub(super) async fn writable_binds(
        &self,
        dependencies: Option<&Installed>,
    ) -> Result<Vec<Bind>, BuildError> {
        let mut binds = self.tree_binds(dependencies).await?;
        if let Some(installed) = dependencies {
            let copy = self.dependencies_copy();
            copy_tree(&installed.tree, &copy).await?;
            let target = format!("{}/{}", Bundle::APP_DIR, installed.directory);
            binds.push(Bind::writable(copy, target));
        }
        Ok(binds)
    }

    /// Where [`Job::writable_binds`] puts its copy.
    pub(super) fn dependencies_copy(&self) -> PathBuf {
        self.room.temporary("dependencies")
    }

    async fn tree_binds(&self, dependencies: Option<&Installed>) -> Result<Vec<Bind>, BuildError> {
        let room = self.room.clone();
        let cache = self.plan.manifest.build.cache.clone();
        let inside: Vec<String> =
            dependencies.map(|it| it.directory.to_owned()).into_iter().collect();
        blocking(move || {
            let mut binds = vec![Bind::writable(room.tree(), Bundle::APP_DIR)];
            for directory in cache.iter().chain(&inside) {
                sync::mount_point(&room, &room.tree(), directory)?;
            }
            for directory in cache {
                let kept = room.kept(&directory);
                room.create_owned(&kept)?;
                binds.push(Bind::writable(kept, format!("{}/{directory}", Bundle::APP_DIR)));
            }
            Ok(binds)
        })
        .await
    }
}

/// With owners and times, and without doubling the bytes where the file system can share them.
async fn copy_tree(from: &Path, to: &Path) -> Result<(), BuildError> {
    let failed = |reason: String| BuildError::io("copy", from)(std::io::Error::other(reason));
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(BuildError::io("create", parent))?;
    }
    let mut command = tokio::process::Command::new("cp");
    command.args(["-a", "--reflink=auto", "--"]).arg(from).arg(to).kill_on_drop(true);
    command.stdin(std::process::Stdio::null());
    let limit = std::time::Duration::from_secs(600);
    let output = tokio::time::timeout(limit, command.output()).await;
    let output = output.map_err(|_| failed("it took longer than 10 minutes".to_owned()))?;
    let output = output.map_err(BuildError::io("run cp for", from))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}
