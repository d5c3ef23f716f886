use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The program to measure: the given one, else built now with the profile `quick`.
pub(super) fn solum(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    eprintln!("Building solum with the profile `quick`");
    build(&["--package", "solum"], "solum")
}

/// Builds a program with the profile `quick`, and says where it is.
pub(super) fn build(what: &[&str], name: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--profile", "quick", "--message-format", "json"])
        .args(what)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("cannot run cargo build")?;
    ensure!(output.status.success(), "cargo build failed");
    let messages = String::from_utf8_lossy(&output.stdout);
    executable(&messages, name).with_context(|| format!("cargo built no program `{name}`"))
}

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let mut programs =
        messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok()?.executable);
    programs.rfind(|path| path.file_name().is_some_and(|file| file == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_what_cargo_tells() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/quick/solum\"}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages, "solum"), Some("/t/quick/solum".into()));
        assert_eq!(executable("", "solum"), None);
    }
}
