//! Which crate may depend on which.

use super::report::Report;
use super::workspace::{Dependency, Package, Workspace};

/// May depend on anything.
const FREE: [&str; 3] = ["solum", "solum-testkit", "xtask"];

/// The crates that each of the others may depend on. `solum-types` is open to all of them.
const ARROWS: &[(&str, &[&str])] = &[
    ("solum-types", &[]),
    ("solum-api", &[]),
    ("solum-document", &[]),
    ("solum-listeners", &[]),
    ("solum-workflow", &["solum-document"]),
    ("solum-delivery", &[]),
    ("solum-store", &["solum-workflow", "solum-delivery"]),
    ("solum-source", &[]),
    ("solum-build", &["solum-document"]),
    ("solum-deploy", &["solum-listeners"]),
    ("solum-router", &["solum-listeners"]),
    (
        "solum-control",
        &[
            "solum-document",
            "solum-workflow",
            "solum-delivery",
            "solum-store",
            "solum-source",
            "solum-build",
            "solum-deploy",
            "solum-router",
        ],
    ),
    ("solum-web", &["solum-control", "solum-api"]),
];

/// Libraries that stand for a duty which only some crates have.
const DUTIES: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["solum-store"], "only the store says SQL"),
    ("axum", &["solum-web", "solum"], "only web speaks our API's HTTP"),
    ("clap", &["solum"], "only the binary reads a command line"),
    ("anyhow", &["solum", "solum-testkit", "xtask"], "a library's errors are enums (thiserror)"),
];

pub(super) fn check(workspace: &Workspace, report: &mut Report) {
    for package in &workspace.members {
        let place = workspace.place(&package.manifest_path);
        for wrong in wrong_arrows(package).into_iter().chain(wrong_duties(package)) {
            report.error(&place, &wrong);
        }
    }
}

fn wrong_arrows(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    if FREE.contains(&name) {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
        return vec![format!("{name} has no arrows yet: add it to the table of `xtask check`")];
    };
    let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
    let wrong = ours.filter(|dependency| {
        let to = dependency.name.as_str();
        let common = to == "solum-types" && name != "solum-types";
        let for_tests = is_dev(dependency) && to == "solum-testkit";
        !(common || for_tests || allowed.contains(&to))
    });
    wrong.map(|dependency| format!("{name} may not depend on {}", dependency.name)).collect()
}

fn wrong_duties(package: &Package) -> Vec<String> {
    let used = package.dependencies.iter().filter(|dependency| !is_dev(dependency));
    let wrong = used.filter_map(|dependency| {
        let (library, owners, why) =
            DUTIES.iter().find(|(library, ..)| *library == dependency.name)?;
        let owned = owners.contains(&package.name.as_str());
        (!owned).then(|| format!("{} may not use {library}: {why}", package.name))
    });
    wrong.collect()
}

fn is_dev(dependency: &Dependency) -> bool {
    dependency.kind.as_deref() == Some("dev")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies: Vec<_> = dependencies
            .iter()
            .map(|(name, kind)| {
                let ours = name.starts_with("solum") || *name == "xtask";
                let path = ours.then(|| format!("/repository/crates/{name}"));
                serde_json::json!({ "name": name, "kind": kind, "path": path })
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "name": name, "license": null, "source": null, "manifest_path": "/x/Cargo.toml",
            "dependencies": dependencies,
        }))
        .unwrap()
    }

    #[test]
    fn arrows_that_the_design_draws_are_fine() {
        let control = package("solum-control", &[("solum-store", None), ("solum-types", None)]);
        assert_eq!(wrong_arrows(&control), [""; 0]);
        let binary = package("solum", &[("solum-control", None), ("solum-web", None)]);
        assert_eq!(wrong_arrows(&binary), [""; 0]);
    }

    #[test]
    fn a_sideways_arrow_is_refused_even_for_tests() {
        let build = package("solum-build", &[("solum-deploy", Some("dev"))]);
        assert_eq!(wrong_arrows(&build), ["solum-build may not depend on solum-deploy"]);
    }

    #[test]
    fn an_arrow_upwards_is_refused() {
        let types = package("solum-types", &[("solum-workflow", None)]);
        assert_eq!(wrong_arrows(&types), ["solum-types may not depend on solum-workflow"]);
    }

    #[test]
    fn the_harness_is_for_tests_only() {
        assert_eq!(wrong_arrows(&package("solum-web", &[("solum-testkit", Some("dev"))])), [""; 0]);
        let shipped = package("solum-web", &[("solum-testkit", None)]);
        assert_eq!(wrong_arrows(&shipped), ["solum-web may not depend on solum-testkit"]);
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_an_error() {
        assert_eq!(wrong_arrows(&package("solum-misc", &[])).len(), 1);
    }

    #[test]
    fn sql_outside_the_store_is_refused() {
        assert_eq!(wrong_duties(&package("solum-store", &[("rusqlite", None)])), [""; 0]);
        let wrong = wrong_duties(&package("solum-control", &[("rusqlite", None)]));
        assert_eq!(wrong, ["solum-control may not use rusqlite: only the store says SQL"]);
    }
}
