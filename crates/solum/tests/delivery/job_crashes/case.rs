//! A workflow, and what its first lines say of how it has to end.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

/// What starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Push,
    /// A push over an app that serves already.
    PushOver,
    /// By hand, twice.
    Dispatches,
}

#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) start: Start,
    /// What its repository has besides.
    pub(super) files: &'static [(&'static str, &'static str)],
}

impl Case {
    /// What its runs are called.
    pub(super) fn marks(&self, mark: &str) -> Vec<String> {
        match self.start {
            Start::Push | Start::PushOver => vec![mark.to_owned()],
            Start::Dispatches => vec![format!("{mark}-a"), format!("{mark}-b")],
        }
    }

    /// How each run ends.
    pub(super) fn ends(&self) -> Result<&'static str> {
        self.says("# ends: ").context("the workflow does not say how it ends")
    }

    /// How often each thing is in the ledger in the end.
    pub(super) fn ledger(&self) -> Result<BTreeMap<String, usize>> {
        let mut counts = BTreeMap::new();
        let said = self.says("# ledger: ").context("the workflow does not say what it writes")?;
        for what in said.split_whitespace() {
            *counts.entry(what.to_owned()).or_default() += 1;
        }
        Ok(counts)
    }

    /// What is never tried again where it may have happened: there once in an undisturbed run, and never twice.
    pub(super) fn at_most_once(&self) -> Vec<String> {
        let said = self.says("# at most once: ").unwrap_or_default();
        said.split_whitespace().map(str::to_owned).collect()
    }

    fn says(&self, what: &str) -> Option<&'static str> {
        self.text.lines().find_map(|line| line.strip_prefix(what))
    }
}
