//! Which Python the app asks for and which one this machine has.

use toml::Table;

use crate::plan::PlanError;
use crate::source::Source;
use crate::tools::Tools;
use crate::versions::{fits_python, minor, semantic};

#[derive(Debug)]
pub(super) struct Interpreter {
    pub(super) path: String,
    pub(super) version: String,
}

/// A wish, the file that has it, and what it means as a specifier.
struct Wish {
    asked: String,
    asked_in: &'static str,
    specifier: String,
}

/// The system's `python3` if it fits, else the newest that does.
pub(super) fn choose(
    source: &Source,
    tools: &Tools,
    project: &Table,
) -> Result<Interpreter, PlanError> {
    let mut pythons: Vec<_> = tools.pythons().collect();
    let is_default = |path: &std::path::Path| path == std::path::Path::new("/usr/bin/python3");
    pythons.sort_by_key(|(path, version)| (is_default(path), semantic(version)));
    pythons.reverse();
    if pythons.is_empty() {
        return Err(PlanError::MissingTool {
            program: "python3".to_owned(),
            needed_for: "a Python app".to_owned(),
            hint: "install it on the server: apt-get install python3 python3-venv".to_owned(),
        });
    }
    let wishes = wishes(source, project)?;
    for wish in &wishes {
        pythons.retain(|(_, version)| fits_python(&wish.specifier, version).unwrap_or(true));
        if pythons.is_empty() {
            return Err(wrong_version(wish, tools));
        }
    }
    let (path, version) = pythons[0];
    if !tools.ensurepip.contains(&minor(version)) {
        return Err(PlanError::MissingTool {
            program: format!("the venv module of Python {version}"),
            needed_for: "a Python app".to_owned(),
            hint: format!(
                "install it on the server: apt-get install python{}-venv",
                minor(version)
            ),
        });
    }
    Ok(Interpreter { path: path.display().to_string(), version: version.to_owned() })
}

fn wrong_version(wish: &Wish, tools: &Tools) -> PlanError {
    let mut found: Vec<_> = tools.pythons().map(|(_, version)| version.to_owned()).collect();
    found.sort();
    found.dedup();
    let plain = minor(&wish.asked);
    let is_plain = plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let package = if is_plain { format!("python{plain}") } else { "python3.X".to_owned() };
    PlanError::WrongVersion {
        program: "Python".to_owned(),
        asked: wish.asked.clone(),
        asked_in: wish.asked_in.to_owned(),
        found,
        hint: format!(
            "install it on the server (apt-get install {package} {package}-venv, where the \
             distribution has it), or change {}",
            wish.asked_in
        ),
    }
}

fn wishes(source: &Source, project: &Table) -> Result<Vec<Wish>, PlanError> {
    let mut wishes = Vec::new();
    for (file, prefix) in [(".python-version", ""), ("runtime.txt", "python-")] {
        let text = source.declaration(file)?.unwrap_or_default();
        let line =
            text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let Some(asked) = line.and_then(|line| line.strip_prefix(prefix)) else { continue };
        wishes.push(Wish {
            asked: asked.to_owned(),
            asked_in: file,
            // A patch release is not to be had on purpose: the distribution chooses it.
            specifier: format!("=={}.*", minor(asked)),
        });
    }
    let requires =
        project.get("project").and_then(|project| project.get("requires-python")?.as_str());
    wishes.extend(requires.map(|asked| Wish {
        asked: asked.to_owned(),
        asked_in: "requires-python in pyproject.toml",
        specifier: asked.to_owned(),
    }));
    Ok(wishes)
}
