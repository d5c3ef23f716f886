//! Go: `go build` of every main package into `bin/`.

use crate::manifest::Detected;
use crate::plan::{Draft, Language, PlanError, Tests};
use crate::source::Source;
use crate::tools::Tools;
use crate::versions::semantic;

pub(super) fn draft(source: &Source, tools: &Tools) -> Result<Draft, PlanError> {
    let module = Module::read(&source.declaration("go.mod")?.unwrap_or_default());
    let mut draft = Draft::new(Language::Go);
    let go = find(tools, &module)?;
    draft.notes.push(format!("Using Go {} ({})", go.version, go.directory));
    draft.recipe.path.push(go.directory);
    draft.recipe.build_env = [
        ("GOMODCACHE", "/cache/go/mod"),
        ("GOCACHE", "/cache/go/build"),
        ("GOTOOLCHAIN", "local"),
        ("GOFLAGS", "-buildvcs=false -trimpath"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    // The cache of modules is written read-only, which would keep it from being cleared.
    draft.recipe.compile = vec!["go build -modcacherw -o bin/ ./...".to_owned()];
    draft.recipe.tests = match has_tests(source, "", 0) {
        true => Tests::Run(vec!["go test -modcacherw ./...".to_owned()]),
        false => Tests::Skip("there are no Go tests".to_owned()),
    };
    let programs = programs(source, &module)?;
    match programs.as_slice() {
        [program] => draft.detected = Detected::web(format!("exec bin/{program}")),
        [] => draft.warnings.push("there is no package main at the root or in cmd/".to_owned()),
        _ => {}
    }
    let name = programs.first().map_or("server", String::as_str);
    draft.start_hint = match programs.len() {
        0 | 1 => format!("add a Procfile with a line such as 'web: bin/{name}'"),
        _ => format!(
            "it has several programs ({}); add a Procfile with a line such as 'web: bin/{name}'",
            programs.join(", ")
        ),
    };
    Ok(draft)
}

struct Go {
    directory: String,
    version: String,
}

fn find(tools: &Tools, module: &Module) -> Result<Go, PlanError> {
    let go_dev = tools.at("/usr/local/go/bin/go".as_ref());
    let found = [go_dev, tools.find("go")].into_iter().flatten();
    // The newest there is: every Go builds what older ones did.
    let newest = found.max_by_key(|(_, version)| semantic(version));
    let Some((path, version)) = newest else {
        return Err(PlanError::MissingTool {
            program: "go".to_owned(),
            needed_for: "a Go app".to_owned(),
            hint: "install it on the server: apt-get install golang-go".to_owned(),
        });
    };
    // Before 1.21 the line was no requirement: a build goes on and fails only where it needs something newer.
    if let Some(asked) = &module.go
        && let (Some(wanted), Some(have)) = (semantic(asked), semantic(version))
        && wanted > have
        && wanted >= semver::Version::new(1, 21, 0)
    {
        return Err(PlanError::WrongVersion {
            program: "Go".to_owned(),
            asked: asked.clone(),
            asked_in: "go.mod".to_owned(),
            found: vec![version.to_owned()],
            hint: "install a newer Go on the server (Debian: golang-go from backports, or \
                   https://go.dev/dl into /usr/local/go), or lower the 'go' line of go.mod"
                .to_owned(),
        });
    }
    let directory = path.parent().unwrap_or(path).display().to_string();
    Ok(Go { directory, version: version.to_owned() })
}

struct Module {
    name: String,
    go: Option<String>,
}

impl Module {
    fn read(text: &str) -> Self {
        let line = |keyword: &str| {
            text.lines().find_map(|line| {
                let rest = line.trim().strip_prefix(keyword)?.strip_prefix(' ')?;
                Some(rest.split("//").next()?.trim().trim_matches('"').to_owned())
            })
        };
        Self { name: line("module").unwrap_or_default(), go: line("go") }
    }

    /// What `go build` calls the program of the module's root: the last part of its path that is no major version.
    fn program(&self) -> Option<&str> {
        let is_major =
            |part: &str| part.strip_prefix('v').is_some_and(|rest| rest.parse::<u32>().is_ok());
        self.name.rsplit('/').find(|part| !part.is_empty() && !is_major(part))
    }
}

/// The main packages at the root and directly below `cmd/`.
fn programs(source: &Source, module: &Module) -> Result<Vec<String>, PlanError> {
    let mut programs = Vec::new();
    if is_main(source, "")? {
        programs.extend(module.program().map(ToOwned::to_owned));
    }
    for name in source.names("cmd") {
        if is_main(source, &format!("cmd/{name}/"))? {
            programs.push(name);
        }
    }
    Ok(programs)
}

fn is_main(source: &Source, directory: &str) -> Result<bool, PlanError> {
    let names = source.names(if directory.is_empty() { "." } else { directory });
    for name in names.iter().filter(|name| name.ends_with(".go") && !name.ends_with("_test.go")) {
        let text = source.text(&format!("{directory}{name}"))?.unwrap_or_default();
        let package = text.lines().map(str::trim).find(|line| line.starts_with("package "));
        if package.is_some_and(|line| line.split_whitespace().nth(1) == Some("main")) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Four levels down: a walk without an end is not worth knowing it for sure.
fn has_tests(source: &Source, directory: &str, depth: usize) -> bool {
    let names = source.names(if directory.is_empty() { "." } else { directory });
    names.iter().any(|name| name.ends_with("_test.go"))
        || depth < 4
            && names.iter().filter(|name| !name.contains('.') && *name != "vendor").any(|name| {
                let below = format!("{directory}{name}/");
                source.is_dir(&below) && has_tests(source, &below, depth + 1)
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_program_is_named_after_the_module() {
        for (text, program) in [
            ("module example.org/shop\n\ngo 1.19\n", "shop"),
            ("module example.org/shop/v2 // new\n", "shop"),
            ("module \"hello\"\n", "hello"),
        ] {
            assert_eq!(Module::read(text).program(), Some(program), "{text}");
        }
    }
}
