//! The languages that are recognised by their files. Each plans and runs nothing: command lines, tested as text.

mod go;
mod node;
mod plain;
mod python;
mod rust;
mod static_site;
#[cfg(test)]
mod tests;

pub(crate) use static_site::SERVER as STATIC_SERVER;

use crate::manifest::Declarations;
use crate::plan::{Draft, PlanError};
use crate::source::Source;
use crate::tools::Tools;
use document::{Mistake, Place};

/// What is looked for, in this order. The first that is found decides.
const LOOKED_FOR: &[&str] = &[
    "Cargo.toml",
    "go.mod",
    "requirements.txt",
    "pyproject.toml",
    "manage.py",
    "app.py",
    "package.json",
    "index.html",
    "public/index.html",
    "Procfile",
];

pub(crate) fn detect(
    source: &Source,
    tools: &Tools,
    declarations: &Declarations,
) -> Result<Draft, PlanError> {
    let Some(found) = LOOKED_FOR.iter().copied().find(|path| source.is_file(path)) else {
        return match declarations.has_processes() {
            true => plain::draft(source),
            false => Err(PlanError::NoLanguage { looked_for: LOOKED_FOR.to_vec() }),
        };
    };
    let mut draft = match found {
        "Cargo.toml" => rust::draft(source, tools),
        "go.mod" => go::draft(source, tools),
        "package.json" => node::draft(source, tools),
        "index.html" | "public/index.html" => Ok(static_site::draft(source)),
        "Procfile" => plain::draft(source),
        _ => python::draft(source, tools),
    }?;
    draft.warnings.extend(others(source, found));
    Ok(draft)
}

/// A repository of two languages is built as one of them: said, because the other one may have been meant.
fn others(source: &Source, found: &str) -> Option<String> {
    let families = ["Cargo.toml", "go.mod", "requirements.txt", "package.json"];
    let other = families.iter().find(|path| **path != found && source.is_file(path))?;
    let python = ["requirements.txt", "pyproject.toml", "manage.py", "app.py"];
    if python.contains(&found) && python.contains(other) {
        return None;
    }
    Some(format!(
        "{found} decides how this is built; {other}, which is there too, is not looked at"
    ))
}

/// A syntax error in a TOML file, where it is.
fn toml_mistake(file: &str, text: &str, error: &toml::de::Error) -> PlanError {
    let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
    let at = Place {
        line: before.matches('\n').count() + 1,
        column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
    };
    PlanError::Mistakes(vec![Mistake::new(file, at, error.message())])
}

/// The command line as `sh` has to have it.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
