//! Building by Heroku's classic buildpack contract: detect, compile, release, in one box.

use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use types::{Bundle, Manifest};

use super::room::Room;
use super::{BuildError, Job, Stage, sync};
use crate::blocking::blocking;
use crate::boxes::Bind;
use crate::buildpack::{BUILD_DIR, CACHE_DIR, ENV_DIR, Reference, Release, read_release};
use crate::languages::quoted;
use crate::manifest::Detected;
use crate::plan::{self, PlanError};
use crate::source::Source;

/// Where a box sees the buildpacks, each under its number.
const PACKS: &str = "/buildpack-";
/// What was fetched last.
const KEPT: &str = "refs/solum/kept";
/// Sources what buildpacks leave for the start of a process, as Heroku does, then runs the process.
const START: &str = "\
for file in /app/.profile.d/*.sh /app/.profile; do
  if [ -r \"$file\" ]; then . \"$file\"; fi
done
exec bash -c \"$1\"
";

impl Job<'_> {
    pub(super) async fn build_with_buildpacks(&self) -> Result<Bundle, BuildError> {
        let names = &self.plan.recipe.buildpacks;
        let mut binds = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let place = self.fetch(index, name).await?;
            binds.push(Bind::writable(place, format!("{PACKS}{index}")));
        }
        self.sync().await?;
        let (room, variables) = (self.room.clone(), self.variables());
        blocking(move || lay_out(&room, &variables)).await?;
        binds.push(Bind::writable(self.room.tree(), BUILD_DIR));
        binds.push(Bind::writable(self.room.temporary("app"), Bundle::APP_DIR));
        binds.push(Bind::writable(self.room.temporary("out"), "/out"));
        binds.push(Bind::read_only(self.room.temporary("env"), ENV_DIR));
        self.transcript.step("Building");
        self.run_in(Stage::Build, BUILD_DIR, &commands(names.len()), binds).await?;
        let (out, source) = (self.room.temporary("out"), self.workspace.source.clone());
        let (manifest, release) = blocking(move || complete(&out, &source)).await?;
        self.assemble_buildpack(manifest, release).await
    }

    async fn assemble_buildpack(
        &self,
        manifest: Manifest,
        release: Release,
    ) -> Result<Bundle, BuildError> {
        let start = self.room.temporary("start");
        std::fs::write(&start, START).map_err(BuildError::io("write", &start))?;
        let parts = vec![
            self.part(self.room.tree(), "app", vec![".git".to_owned()]),
            self.part(start, "app/.solum/start", Vec::new()),
        ];
        let mut manifest = manifest;
        for (name, value) in release.env {
            if let Ok(name) = name.parse() {
                manifest.env.entry(name).or_insert(value);
            }
        }
        self.assemble(None, parts, manifest).await
    }

    /// What the buildpack finds in ENV_DIR, a file each.
    fn variables(&self) -> Vec<(String, String)> {
        let manifest = self.plan.manifest.env.iter();
        let manifest = manifest.map(|(name, value)| (name.to_string(), value.clone()));
        let mut variables: std::collections::BTreeMap<_, _> = manifest.collect();
        variables.extend(self.workspace.build_env.clone());
        variables.into_iter().collect()
    }

    /// A buildpack's own directory, which it may write to.
    async fn fetch(&self, index: usize, name: &str) -> Result<std::path::PathBuf, BuildError> {
        let reference = Reference::parse(name).map_err(|message| refused(&message))?;
        let (address, revision) = match reference {
            Reference::Folder(folder) => {
                let place = self.room.temporary(&format!("pack-{index}"));
                let (room, from) = (self.room.clone(), self.workspace.source.join(folder));
                let to = place.clone();
                blocking(move || {
                    let parent = to.parent().unwrap_or(&to);
                    std::fs::create_dir_all(parent).map_err(BuildError::io("create", parent))?;
                    sync::directory(&room, &from, &to, false)
                })
                .await?;
                return Ok(place);
            }
            Reference::Git { address, revision } => (address, revision),
        };
        self.transcript.step("Fetching the buildpack");
        let place = self.room.buildpacks().join(file_name(&address, revision.as_deref()));
        self.room.create_owned(&place)?;
        let binds = vec![Bind::writable(&place, "/pack")];
        self.run_in(Stage::Install, "/pack", &[fetch_line(&address, revision.as_deref())], binds)
            .await?;
        Ok(place)
    }
}

/// A directory of its own for each address.
fn file_name(address: &str, revision: Option<&str>) -> String {
    use sha2::{Digest as _, Sha256};
    let text = format!("{address}#{}", revision.unwrap_or_default());
    types::Digest::from_sha256(Sha256::digest(text).into()).short().to_owned()
}

/// A shallow fetch, or a whole one where the server cannot do that; without the network, what was fetched before.
fn fetch_line(address: &str, revision: Option<&str>) -> String {
    let what = format!("-- {} {}", quoted(address), quoted(revision.unwrap_or("HEAD")));
    format!(
        "# git fetch {address}\n\
         set -e; git init -q .\n\
         if git fetch -q --depth 1 {what} || git fetch -q {what}; then\n\
         git update-ref {KEPT} FETCH_HEAD\n\
         else git rev-parse -q --verify {KEPT} >/dev/null && echo 'Using what was fetched before'; fi\n\
         git checkout -q --force --detach {KEPT}; git clean -fdxq\n\
         git submodule update -q --init --recursive"
    )
}

/// Each buildpack sees what those before it export; the last one says how the app is started.
fn commands(count: usize) -> Vec<String> {
    let mut commands = Vec::new();
    let mut exports = String::new();
    for index in 0..count {
        let pack = format!("{PACKS}{index}");
        commands.push(format!("{exports}{pack}/bin/detect {BUILD_DIR}"));
        commands.push(format!(
            "{exports}mkdir -p {CACHE_DIR} && {pack}/bin/compile {BUILD_DIR} {CACHE_DIR} {ENV_DIR}"
        ));
        exports.push_str(&format!("if [ -r {pack}/export ]; then . {pack}/export; fi; "));
    }
    if let Some(last) = count.checked_sub(1) {
        let release = format!("{PACKS}{last}/bin/release");
        commands.push(format!("test ! -x {release} || {release} {BUILD_DIR} > /out/release"));
    }
    commands
}

fn lay_out(room: &Room, variables: &[(String, String)]) -> Result<(), BuildError> {
    for name in ["app", "out", "env"] {
        room.create_owned(&room.temporary(name))?;
    }
    for (name, value) in variables {
        let path = room.temporary("env").join(name);
        let mut options = std::fs::File::options();
        let written = options.write(true).create_new(true).mode(0o600).open(&path);
        written
            .and_then(|mut file| std::io::Write::write_all(&mut file, value.as_bytes()))
            .map_err(BuildError::io("write", &path))?;
        room.own(&path)?;
    }
    Ok(())
}

/// The manifest with the buildpack's processes, every one started the way buildpacks count on.
fn complete(out: &Path, source: &Path) -> Result<(Manifest, Release), BuildError> {
    let release = read_release(&released(out)?)
        .map_err(|mistake| BuildError::Plan(PlanError::Mistakes(vec![mistake])))?;
    let declarations = plan::read_declarations(&Source::open(source)?)?;
    let detected = Detected { processes: release.processes.clone() };
    let mut manifest = declarations.resolve(&detected).map_err(PlanError::Mistakes)?;
    if manifest.processes.is_empty() {
        return Err(BuildError::Plan(PlanError::NoProcess {
            language: "buildpack".to_owned(),
            hint: "add a Procfile: neither it nor the buildpack says what to start".to_owned(),
        }));
    }
    // The processes of `bin/release` are defaults: a Procfile adds to them and wins.
    for (name, run) in detected.processes {
        let missing = !manifest.processes.contains_key(&name) && !declarations.lists_processes();
        if missing {
            manifest.processes.insert(name, types::Process::new(run));
        }
    }
    for process in manifest.processes.values_mut() {
        process.run = started(&process.run);
    }
    manifest.release = manifest.release.as_deref().map(started);
    manifest.after_first_deploy = manifest.after_first_deploy.as_deref().map(started);
    Ok((manifest, release))
}

fn started(command: &str) -> String {
    format!("exec bash /app/.solum/start '{}'", command.replace('\'', r"'\''"))
}

/// The box wrote it: it may be anything, a link too.
fn released(out: &Path) -> Result<String, BuildError> {
    let path = out.join("release");
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let file = std::fs::File::options()
        .read(true)
        .custom_flags(i32::try_from(flags).expect("open(2) flags fit an int"))
        .open(&path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(BuildError::io("read", &path)(error)),
    };
    let mut text = Vec::new();
    file.take(document::MAX_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .map_err(BuildError::io("read", &path))?;
    String::from_utf8(text).map_err(|_| refused("what bin/release prints is not text"))
}

fn refused(message: &str) -> BuildError {
    let file = "buildpack".to_owned();
    let mistake = document::Mistake { file, at: None, message: message.to_owned() };
    BuildError::Plan(PlanError::Mistakes(vec![mistake]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buildpacks_run_in_order_and_the_last_one_releases() {
        assert_eq!(
            commands(1),
            [
                "/buildpack-0/bin/detect /build",
                "mkdir -p /cache/buildpack && /buildpack-0/bin/compile /build /cache/buildpack /env",
                "test ! -x /buildpack-0/bin/release || /buildpack-0/bin/release /build > /out/release",
            ]
        );
        let two = commands(2);
        assert_eq!(
            two[2],
            "if [ -r /buildpack-0/export ]; then . /buildpack-0/export; fi; /buildpack-1/bin/detect /build"
        );
        assert!(two[4].contains("/buildpack-1/bin/release"));
    }

    #[test]
    fn a_process_keeps_its_quotes() {
        assert_eq!(started("echo 'a b'"), r"exec bash /app/.solum/start 'echo '\''a b'\'''");
    }
}
