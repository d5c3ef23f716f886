//! Rust: `cargo build --release`. What Cargo compiles is kept from one build of the app to the next; what is shipped
//! is the tree and the programs, at `target/release`.

use std::path::Path;

use toml::Table;

use crate::boxes::Bind;
use crate::manifest::Detected;
use crate::plan::{Draft, Language, PlanError, Tests};
use crate::source::Source;
use crate::tools::Tools;
use crate::versions::semantic;

/// Where a box sees the toolchain of rustup that was chosen.
const TOOLCHAIN: &str = "/rust";
/// A place outside of the tree, so that the tree holds nothing but what is shipped.
const TARGET: &str = "/cache/target";

pub(super) fn draft(source: &Source, tools: &Tools) -> Result<Draft, PlanError> {
    let manifest = parse(source, "Cargo.toml")?;
    let mut draft = Draft::new(Language::Rust);
    let toolchain = choose(source, tools, &manifest)?;
    if !tools.has("cc") {
        return Err(PlanError::MissingTool {
            program: "cc".to_owned(),
            needed_for: "linking a Rust app".to_owned(),
            hint: "install it on the server: apt-get install gcc libc6-dev".to_owned(),
        });
    }
    draft.notes.push(format!("Using Rust {} ({})", toolchain.version, toolchain.name));
    if let Some(directory) = &toolchain.directory {
        draft.recipe.binds.push(Bind::read_only(directory, TOOLCHAIN));
        draft.recipe.path.push(format!("{TOOLCHAIN}/bin"));
    }
    draft.recipe.build_env = [
        ("CARGO_HOME", "/cache/cargo"),
        ("CARGO_TARGET_DIR", TARGET),
        ("CARGO_TERM_COLOR", "never"),
        ("CARGO_TERM_PROGRESS_WHEN", "never"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let locked = if source.is_file("Cargo.lock") {
        " --locked"
    } else {
        draft.warnings.push(
            "there is no Cargo.lock, so that each build may find newer crates; commit it"
                .to_owned(),
        );
        ""
    };
    draft.recipe.compile = compile(locked);
    draft.recipe.tests = Tests::Run(vec![format!("cargo test{locked}")]);
    let programs = programs(source, &manifest)?;
    if let [program] = programs.as_slice() {
        draft.detected = Detected::web(format!("exec target/release/{program}"));
    }
    draft.start_hint = match programs.as_slice() {
        [] => "it has no program at its root; add a Procfile with a line such as \
               'web: target/release/NAME'"
            .to_owned(),
        [first, ..] => format!(
            "its programs are {}; add a Procfile with a line such as 'web: target/release/{first}'",
            programs.join(", ")
        ),
    };
    Ok(draft)
}

/// Cargo's messages name each program that it made, also when it was made earlier.
fn compile(locked: &str) -> Vec<String> {
    vec![
        format!(
            "cargo build --release{locked} --message-format json-render-diagnostics > /tmp/cargo.json"
        ),
        "# cp PROGRAMS target/release\n\
         mkdir -p target/release && sed -n 's/.*\"executable\":\"\\([^\"]*\\)\".*/\\1/p' /tmp/cargo.json \
         | while read -r program; do cp \"$program\" target/release/; done"
            .to_owned(),
    ]
}

struct Toolchain {
    name: String,
    version: String,
    /// Unless a box sees it anyway.
    directory: Option<std::path::PathBuf>,
}

fn choose(source: &Source, tools: &Tools, manifest: &Table) -> Result<Toolchain, PlanError> {
    let channel = channel(source)?;
    let toolchain = match &channel {
        Some((channel, asked_in)) => named(tools, channel).ok_or_else(|| {
            let found = tools.toolchains.keys().cloned();
            PlanError::WrongVersion {
                program: "the Rust toolchain".to_owned(),
                asked: channel.clone(),
                asked_in: (*asked_in).to_owned(),
                found: found.chain(system(tools).map(|it| it.version)).collect(),
                hint: format!("install it on the server: rustup toolchain install {channel}"),
            }
        })?,
        None => default(tools).ok_or_else(|| PlanError::MissingTool {
            program: "cargo".to_owned(),
            needed_for: "a Rust app".to_owned(),
            hint: "install it on the server, system-wide: apt-get install cargo. Boxes see /usr with /usr/local, and \
                   the toolchains of rustup only where the server's user has them"
                .to_owned(),
        })?,
    };
    let package = manifest.get("package").and_then(|package| package.get("rust-version"));
    if let Some(asked) = package.and_then(toml::Value::as_str)
        && semantic(asked) > semantic(&toolchain.version)
    {
        return Err(PlanError::WrongVersion {
            program: "Rust".to_owned(),
            asked: asked.to_owned(),
            asked_in: "rust-version in Cargo.toml".to_owned(),
            found: vec![toolchain.version],
            hint: format!("install it on the server: rustup toolchain install {asked}"),
        });
    }
    Ok(toolchain)
}

/// What `rust-toolchain.toml` asks for, and the name of the file.
fn channel(source: &Source) -> Result<Option<(String, &'static str)>, PlanError> {
    for file in ["rust-toolchain.toml", "rust-toolchain"] {
        let Some(text) = source.declaration(file)? else { continue };
        let table: Option<Table> = text.parse().ok();
        let channel = table.as_ref().and_then(|table| table.get("toolchain")?.get("channel"));
        let channel = channel.and_then(toml::Value::as_str).map(ToOwned::to_owned);
        // The older form of the file is the channel alone.
        let bare = text.trim();
        let bare =
            (table.is_none() && !bare.contains(char::is_whitespace)).then(|| bare.to_owned());
        if let Some(channel) = channel.or(bare) {
            return Ok(Some((channel, file)));
        }
    }
    Ok(None)
}

/// A toolchain of that channel: `1.95.0` is `1.95.0-x86_64-unknown-linux-gnu`; else the system's, if it fits.
fn named(tools: &Tools, channel: &str) -> Option<Toolchain> {
    let of_channel = |name: &&String| {
        *name == channel || name.strip_prefix(channel).is_some_and(|rest| rest.starts_with('-'))
    };
    let by_name = tools.toolchains.keys().find(of_channel);
    let by_name = by_name.and_then(|name| rustup(tools, name));
    by_name.or_else(|| system(tools).filter(|it| channel == "stable" || it.version == channel))
}

fn default(tools: &Tools) -> Option<Toolchain> {
    let chosen = tools.default_toolchain.as_ref().and_then(|name| rustup(tools, name));
    chosen
        .or_else(|| system(tools))
        .or_else(|| tools.toolchains.keys().find_map(|name| rustup(tools, name)))
}

fn rustup(tools: &Tools, name: &str) -> Option<Toolchain> {
    let directory = tools.toolchains.get(name)?;
    let (_, version) = tools.at(&directory.join("bin/rustc"))?;
    Some(Toolchain {
        name: name.to_owned(),
        version: version.to_owned(),
        directory: Some(directory.clone()),
    })
}

fn system(tools: &Tools) -> Option<Toolchain> {
    let (path, version) = tools.find("rustc")?;
    tools.has("cargo").then(|| Toolchain {
        name: path.parent().unwrap_or(Path::new("/usr/bin")).display().to_string(),
        version: version.to_owned(),
        directory: None,
    })
}

fn parse(source: &Source, path: &str) -> Result<Table, PlanError> {
    let text = source.declaration(path)?.unwrap_or_default();
    text.parse().map_err(|error| super::toml_mistake(path, &text, &error))
}

/// The programs that the package at the root makes.
fn programs(source: &Source, manifest: &Table) -> Result<Vec<String>, PlanError> {
    let Some(package) = manifest.get("package") else { return Ok(Vec::new()) };
    let text = |value: Option<&toml::Value>| Some(value?.as_str()?.to_owned());
    if let Some(program) = text(package.get("default-run")) {
        return Ok(vec![program]);
    }
    let mut programs: Vec<String> = Vec::new();
    let declared = manifest.get("bin").and_then(toml::Value::as_array);
    programs.extend(declared.into_iter().flatten().filter_map(|bin| text(bin.get("name"))));
    if source.is_file("src/main.rs") && !declared.is_some_and(|bins| takes_main(bins)) {
        programs.extend(text(package.get("name")));
    }
    for name in source.names("src/bin") {
        let program = match name.strip_suffix(".rs") {
            Some(program) => Some(program),
            None => source.is_file(&format!("src/bin/{name}/main.rs")).then_some(name.as_str()),
        };
        programs.extend(program.map(ToOwned::to_owned));
    }
    programs.sort();
    programs.dedup();
    Ok(programs)
}

/// Whether one of the `[[bin]]`s gives `src/main.rs` a name of its own.
fn takes_main(bins: &[toml::Value]) -> bool {
    let paths = bins.iter().filter_map(|bin| bin.get("path")?.as_str());
    paths.into_iter().any(|path| path.trim_start_matches("./") == "src/main.rs")
}
