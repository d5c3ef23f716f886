//! `cargo xtask check`: the rules of this repository that a compiler does not hold.
//!
//! Each rule is a module with a pure heart that is tested on made-up input. A rule adds what it
//! finds to a [`Report`]; an error fails the check, a warning is only shown.

mod arrows;
mod commands;
mod decisions;
mod layout;
mod licences;
mod links;
mod modules;
mod readme;
mod report;
mod workspace;

use anyhow::{Result, bail};

use report::Report;
use workspace::Workspace;

pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut report = Report::default();
    arrows::check(&workspace, &mut report);
    commands::check(&workspace.root, &mut report)?;
    modules::check(&workspace, &mut report)?;
    layout::check(&workspace, &mut report)?;
    decisions::check(&workspace.root, &mut report)?;
    links::check(&workspace.root, &mut report)?;
    readme::check(&workspace.root, &mut report)?;
    licences::check(&workspace, &mut report)?;
    for line in report.lines() {
        println!("{line}");
    }
    match report.errors() {
        0 => {
            println!("xtask check: all rules hold ({} warnings)", report.warnings());
            Ok(())
        }
        errors => bail!("{errors} rules are broken"),
    }
}
