//! What a run is going to do, fully expanded: a run stores this and never looks at the file that it
//! was made from again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use types::{Digest, EnvironmentName};

use crate::Mistake;
use crate::check;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub name: String,
    /// Each after everything that it needs, once [`Definition::checked`] has seen it.
    pub jobs: Vec<Job>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    pub key: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Whose policy applies to this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    pub steps: Vec<Step>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub key: String,
    /// The verb that carries the step out: `solum/deploy`.
    pub uses: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, Value>,
    #[serde(default)]
    pub retry: Retry,
}

/// A value that is known now, or once something else has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Literal(String),
    /// An output of an earlier step of the same job.
    Step {
        step: String,
        output: String,
    },
    /// An output of a job that this one needs.
    Job {
        job: String,
        output: String,
    },
}

impl Value {
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        Self::Literal(text.into())
    }
}

/// How often a step may be tried, and how long to wait between two tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Tries in all; at least 1.
    pub attempts: u32,
    pub backoff: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 1, backoff: Duration::ZERO }
    }
}

impl Definition {
    /// The most jobs that one definition may have.
    pub const MAX_JOBS: usize = 1_000;
    /// The most steps that one job may have.
    pub const MAX_STEPS: usize = 1_000;

    /// Finds every mistake that can be seen without running, and puts the jobs in an order in which
    /// each comes after what it needs.
    pub fn checked(self) -> Result<Self, Vec<Mistake>> {
        check::check(self)
    }

    /// Names the definition by its content.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let text = serde_json::to_vec(self).expect("a definition has only string keys");
        Digest::from_sha256(Sha256::digest(&text).into())
    }
}
