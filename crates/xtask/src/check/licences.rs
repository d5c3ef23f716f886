//! Every dependency comes from crates.io under a licence that `deny.toml` allows.
//!
//! `cargo deny check` asks more (advisories, duplicate versions) and reads the same file; this part
//! of it needs no other program, so that it always runs.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::report::Report;
use super::workspace::{Package, Workspace};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[derive(Deserialize)]
struct Deny {
    licenses: Licences,
}

#[derive(Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
}

pub(super) fn check(workspace: &Workspace, report: &mut Report) -> Result<()> {
    let text =
        fs::read_to_string(workspace.root.join("deny.toml")).context("cannot read deny.toml")?;
    let deny: Deny = toml::from_str(&text).context("cannot read deny.toml")?;
    for package in &workspace.foreign {
        if let Some(what) = wrong(package, &deny.licenses.allow) {
            report.error(&format!("{} {}", package.name, package.version), &what);
        }
    }
    Ok(())
}

fn wrong(package: &Package, allowed: &BTreeSet<String>) -> Option<String> {
    if package.source.as_deref() != Some(CRATES_IO) {
        return Some("does not come from crates.io".to_owned());
    }
    let Some(licence) = &package.license else {
        return Some("names no licence".to_owned());
    };
    // Some old crates still write `MIT/Apache-2.0`.
    let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX);
    let is_allowed = expression.is_ok_and(|expression| {
        expression.evaluate(|requirement| allowed.contains(&requirement.to_string()))
    });
    (!is_allowed).then(|| format!("its licence {licence:?} is not allowed by deny.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(licence: Option<&str>, source: &str) -> Option<String> {
        let package = serde_json::from_value(serde_json::json!({
            "name": "x", "version": "1.0.0", "license": licence, "source": source,
            "manifest_path": "/x/Cargo.toml", "dependencies": [],
        }));
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];
        wrong(&package.unwrap(), &allowed.map(str::to_owned).into())
    }

    #[test]
    fn one_allowed_choice_is_enough_and_all_parts_are_needed() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "MIT/Apache-2.0",
            "MIT AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(found(Some(good), CRATES_IO), None, "{good}");
        }
        for bad in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "no such licence"] {
            assert!(found(Some(bad), CRATES_IO).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_dependency_without_a_licence_or_from_elsewhere_is_refused() {
        assert!(found(None, CRATES_IO).is_some());
        assert!(found(Some("MIT"), "git+https://example.org/x").is_some());
    }
}
