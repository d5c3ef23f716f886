//! The programs of this machine: where they are and which version they have.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::process::Command;

/// What is installed, at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tools {
    /// Programs that can be asked for their version, path to version.
    pub(crate) versions: BTreeMap<PathBuf, String>,
    /// Rust toolchains of rustup, name to directory; their `rustc` stands in `versions`.
    pub(crate) toolchains: BTreeMap<String, PathBuf>,
    pub(crate) default_toolchain: Option<String>,
    /// `ID` and `VERSION_ID` of os-release(5).
    pub(crate) os: String,
    /// Paths that exist and whose version does not matter.
    pub(crate) present: Vec<PathBuf>,
    /// Versions of Python (`3.11`) that can make virtual environments with pip in them.
    pub(crate) ensurepip: Vec<String>,
}

/// Where a box looks for programs, in this order.
pub(crate) const BOX_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const DIRECTORIES: &[&str] = &["/usr/local/bin", "/usr/bin"];
const VERSIONED: &[&str] = &["node", "go", "rustc", "ruby", "php", "perl", "java"];
const UNVERSIONED: &[&str] = &["npm", "yarn", "pnpm", "uv", "poetry", "cargo", "git", "bash", "cc"];
/// Go from go.dev, which unpacks to a place of its own.
const GO_DEV: &str = "/usr/local/go/bin/go";
/// No program takes this long to say its version.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);

impl Tools {
    /// The program of that name that a box would find first.
    pub(crate) fn find(&self, name: &str) -> Option<(&Path, &str)> {
        DIRECTORIES.iter().find_map(|directory| self.at(&Path::new(directory).join(name)))
    }

    pub(crate) fn at(&self, path: &Path) -> Option<(&Path, &str)> {
        let (path, version) = self.versions.get_key_value(path)?;
        Some((path, version))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.present.iter().any(|path| path.file_name().is_some_and(|found| found == name))
    }

    /// All versions of Python, nearest first: `/usr/bin/python3.12` and so on.
    pub(crate) fn pythons(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.versions
            .iter()
            .filter(|(path, _)| path.file_name().is_some_and(is_python))
            .map(|(path, version)| (path.as_path(), version.as_str()))
    }
}

fn is_python(name: &std::ffi::OsStr) -> bool {
    let rest = name.to_str().and_then(|name| name.strip_prefix("python3"));
    rest.is_some_and(|rest| {
        rest.is_empty()
            || rest.strip_prefix('.').is_some_and(|minor| {
                !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
            })
    })
}

/// Looks at the machine. A program is asked for its version once, and again when its file has changed.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    rustup: Option<PathBuf>,
    known: Mutex<HashMap<PathBuf, (Identity, Option<String>)>>,
}

/// Device, inode, change time.
type Identity = (u64, u64, i64);

impl Probe {
    /// `rustup` is rustup's home directory, if it has one.
    pub(crate) fn new(rustup: Option<PathBuf>) -> Self {
        Self { rustup, known: Mutex::default() }
    }

    pub(crate) async fn look(&self) -> Tools {
        let mut tools = Tools { os: crate::stack::operating_system(), ..Tools::default() };
        let mut candidates: Vec<PathBuf> = Vec::new();
        for directory in DIRECTORIES.iter().map(Path::new) {
            candidates.extend(VERSIONED.iter().map(|name| directory.join(name)));
            candidates.extend(pythons_in(directory));
            let unversioned = UNVERSIONED.iter().map(|name| directory.join(name));
            tools.present.extend(unversioned.filter(|path| path.exists()));
        }
        candidates.push(GO_DEV.into());
        if let Some(rustup) = &self.rustup {
            tools.toolchains = toolchains(rustup);
            tools.default_toolchain = default_toolchain(rustup);
            candidates.extend(tools.toolchains.values().map(|path| path.join("bin/rustc")));
        }
        let asked = candidates.into_iter().map(async |path| {
            let version = self.version(&path).await?;
            Some((path, version))
        });
        tools.versions = join_all(asked).await.into_iter().flatten().collect();
        tools.ensurepip =
            tools.pythons().filter_map(|(_, version)| with_ensurepip(version)).collect();
        tools
    }

    async fn version(&self, path: &Path) -> Option<String> {
        let found = std::fs::metadata(path).ok()?;
        let identity = (found.dev(), found.ino(), found.ctime());
        if let Some((known, version)) = self.known.lock().get(path)
            && *known == identity
        {
            return version.clone();
        }
        let version = ask(path).await;
        self.known.lock().insert(path.to_owned(), (identity, version.clone()));
        version
    }
}

fn pythons_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| is_python(&entry.file_name())).map(|entry| entry.path()).collect()
}

/// Debian keeps `ensurepip` in a package of its own.
fn with_ensurepip(version: &str) -> Option<String> {
    let minor = crate::versions::minor(version);
    ["/usr/lib", "/usr/local/lib"]
        .iter()
        .any(|library| Path::new(&format!("{library}/python{minor}/ensurepip")).is_dir())
        .then_some(minor)
}

fn toolchains(rustup: &Path) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(rustup.join("toolchains")).into_iter().flatten();
    let entries = entries.filter_map(Result::ok);
    let named = entries.filter_map(|entry| {
        // A toolchain may be a link to one that stands elsewhere.
        Some((entry.file_name().into_string().ok()?, entry.path().canonicalize().ok()?))
    });
    named.filter(|(_, path)| path.join("bin/cargo").exists()).collect()
}

/// Where the toolchain is that rustup takes where nobody says which.
#[must_use]
pub fn default_rust_toolchain(rustup: &Path) -> Option<PathBuf> {
    toolchains(rustup).remove(&default_toolchain(rustup)?)
}

fn default_toolchain(rustup: &Path) -> Option<String> {
    let settings = std::fs::read_to_string(rustup.join("settings.toml")).ok()?;
    let settings: toml::Table = settings.parse().ok()?;
    Some(settings.get("default_toolchain")?.as_str()?.to_owned())
}

/// The first thing in what a program says about itself that looks like a version.
async fn ask(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let argument = match name {
        "go" => "version",
        "java" => "-version",
        "perl" => "-v",
        _ => "--version",
    };
    let mut command = Command::new(path);
    command.arg(argument).env_clear().env("PATH", BOX_PATH).env("GOTOOLCHAIN", "local");
    command.env("HOME", "/nonexistent").current_dir("/").kill_on_drop(true);
    command.stdin(std::process::Stdio::null());
    let output = tokio::time::timeout(ASK_TIMEOUT, command.output()).await.ok()?.ok()?;
    let text = [output.stdout, output.stderr].concat();
    first_version(&String::from_utf8_lossy(&text))
}

fn first_version(text: &str) -> Option<String> {
    text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '.'))
        .map(|word| word.trim_start_matches(|character: char| character.is_ascii_alphabetic()))
        .map(|word| word.trim_end_matches('.'))
        .find(|word| word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit()))
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_programs_say() {
        for (said, version) in [
            ("Python 3.11.2\n", "3.11.2"),
            ("v20.19.2\n", "20.19.2"),
            ("go version go1.19.8 linux/amd64\n", "1.19.8"),
            ("rustc 1.95.0 (59807616e 2026-04-14)\n", "1.95.0"),
            ("ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]", "3.1.2p20"),
            ("PHP 8.2.28 (cli) (built: Mar 13 2025)", "8.2.28"),
        ] {
            assert_eq!(first_version(said).as_deref(), Some(version), "{said}");
        }
        assert_eq!(first_version("command not found"), None);
    }

    #[test]
    fn only_interpreters_count_as_pythons() {
        for (name, expected) in [
            ("python3", true),
            ("python3.11", true),
            ("python3-config", false),
            ("python3.", false),
        ] {
            assert_eq!(is_python(name.as_ref()), expected, "{name}");
        }
    }
}
