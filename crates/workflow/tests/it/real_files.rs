//! Workflow files of well-known projects, out of their source packages, which are fetched by name when the test runs.
//!
//! Each file is accepted, or refused for reasons that `docs/workflows.md` names. Anything else is a mistake of ours, or a
//! file that GitHub refuses as well.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use workflow::language::{Found, Refused, Wanted, Workflow, read_with};

const PYPI: &[&str] = &[
    "anyio",
    "apscheduler",
    "attrs",
    "cherrypy",
    "coverage",
    "dask",
    "importlib_metadata",
    "jupyter_client",
    "jupyter_server",
    "keyring",
    "nbconvert",
    "pip-tools",
    "pluggy",
    "pydantic-settings",
    "pytest",
    "pytest-cov",
    "pytest-mock",
    "pytest-xdist",
    "structlog",
    "traitlets",
    "twine",
    "typeguard",
    "xarray",
    "zipp",
];
const NPM: &[&str] =
    &["avvio", "fastify-plugin", "find-my-way", "light-my-request", "reusify", "thread-stream"];
const AT_ONCE: usize = 4;

#[test]
#[ignore = "downloads packages: make test-peers"]
fn real_files_are_accepted_or_refused_for_documented_reasons() {
    let directory = tempfile::tempdir().unwrap();
    let projects = fetch(directory.path());
    assert!(projects.len() >= 25, "only {} packages could be fetched", projects.len());
    let documentation = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflows.md");
    let documentation = fs::read_to_string(documentation).unwrap();

    let mut tally = Tally::default();
    let mut unexplained = Vec::new();
    for project in &projects {
        for file in workflow_files(project) {
            let name = project.file_name().unwrap().to_string_lossy();
            let name = format!("{name}/{}", file.display());
            tally.files += 1;
            match read_file(project, &file, false) {
                Ok(_) => tally.accepted += 1,
                Err(refused) => unexplained.extend(tally.explain(&name, &refused, &documentation)),
            }
            tally.accepted_with_mirror += usize::from(read_file(project, &file, true).is_ok());
        }
    }
    println!("{tally}");
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    assert!(tally.files >= 60, "only {} files", tally.files);
}

#[derive(Default)]
struct Tally {
    files: usize,
    accepted: usize,
    accepted_with_mirror: usize,
    reasons: BTreeMap<String, usize>,
}

impl Tally {
    /// Counts why a file was refused; gives the mistakes that are not among the documented reasons.
    fn explain(&mut self, name: &str, refused: &Refused, documentation: &str) -> Vec<String> {
        let mut reasons = refused.not_done.clone();
        reasons.sort();
        reasons.dedup();
        let (known, unknown): (Vec<_>, Vec<_>) =
            reasons.into_iter().partition(|reason| is_documented(reason, documentation));
        for reason in known {
            *self.reasons.entry(reason).or_default() += 1;
        }
        let mut unexplained: Vec<_> =
            unknown.into_iter().map(|reason| format!("{name}: not documented: {reason}")).collect();
        if refused.not_done.len() != refused.mistakes.len() + refused.more_mistakes {
            unexplained.extend(refused.mistakes.iter().map(|mistake| format!("{name}: {mistake}")));
        }
        unexplained
    }
}

/// The name of a refusal as it is, or the key at the end of its path: `jobs.<job_id>.container`, `on.issues`.
fn is_documented(reason: &str, documentation: &str) -> bool {
    let key = reason.rsplit('.').next().unwrap_or(reason);
    documentation.contains(&format!("| `{reason}` |"))
        || documentation.contains(&format!("| `{key}` | **refused** |"))
        || (reason.starts_with("on.") && documentation.contains(&format!("| `{key}` |")))
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { files, accepted, accepted_with_mirror, reasons } = self;
        writeln!(f, "{files} files: {accepted} are accepted with no mirror of actions, and")?;
        writeln!(f, "{accepted_with_mirror} with one that has every action. Refused for:")?;
        for (reason, files) in reasons {
            writeln!(f, "{files:>5}  {reason}")?;
        }
        Ok(())
    }
}

/// A mirror that has everything has an action that takes anything, under every name.
fn read_file(project: &Path, file: &Path, with_mirror: bool) -> Result<Workflow, Refused> {
    let text = fs::read_to_string(project.join(file)).expect("the file was listed");
    let any_action = || Found::File {
        text: "runs: { using: node20, main: index.js }".to_owned(),
        commit: Some("0".repeat(40)),
    };
    read_with(&file.display().to_string(), &text, |wanted| match wanted {
        Wanted::Own { path } => match fs::read_to_string(project.join(path)) {
            Ok(text) => Found::File { text, commit: None },
            Err(_) => Found::Missing,
        },
        Wanted::Mirrored { .. } if with_mirror => any_action(),
        Wanted::Mirrored { .. } => Found::Unavailable("there is no mirror".to_owned()),
    })
}

fn workflow_files(project: &Path) -> Vec<PathBuf> {
    let folder = Path::new(".github/workflows");
    let Ok(entries) = fs::read_dir(project.join(folder)) else { return Vec::new() };
    let names =
        entries.map(|entry| PathBuf::from(entry.expect("the folder can be read").file_name()));
    let is_yaml = |name: &PathBuf| {
        matches!(name.extension().and_then(|end| end.to_str()), Some("yml" | "yaml"))
    };
    let mut files: Vec<_> = names.filter(is_yaml).map(|name| folder.join(name)).collect();
    files.sort();
    files
}

/// Fetches and unpacks the packages; gives a folder each, without those that could not be fetched.
fn fetch(root: &Path) -> Vec<PathBuf> {
    let names = PYPI.iter().map(|name| (true, *name)).chain(NPM.iter().map(|name| (false, *name)));
    let queue = Mutex::new(names.collect::<Vec<_>>());
    let fetched = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((is_python, name)) =
                        queue.lock().expect("nobody panics with it").pop()
                    else {
                        return;
                    };
                    let folder = root.join(name);
                    if package(&folder, is_python, name) {
                        fetched.lock().expect("nobody panics with it").push(folder);
                    }
                }
            });
        }
    });
    let mut fetched = fetched.into_inner().expect("nobody panics with it");
    fetched.sort();
    fetched
}

fn package(folder: &Path, is_python: bool, name: &str) -> bool {
    let download = folder.join("download");
    fs::create_dir_all(&download).expect("the folder is ours");
    let mut client = Command::new("timeout");
    client.arg("180").current_dir(&download);
    if is_python {
        let no_wheels = ["--quiet", "--no-deps", "--no-binary", ":all:"];
        client.args(["python3", "-m", "pip", "download"]).args(no_wheels).arg(name);
    } else {
        client.args(["npm", "pack", "--silent", name]);
    }
    if !client.output().is_ok_and(|output| output.status.success()) {
        return false;
    }
    let Some(archive) = fs::read_dir(&download).expect("the folder is ours").next() else {
        return false;
    };
    let mut tar = Command::new("tar");
    tar.arg("-xzf")
        .arg(archive.expect("the folder is ours").path())
        .args(["--strip-components", "1"]);
    tar.current_dir(folder).output().is_ok_and(|output| output.status.success())
}
