//! What a shim is told, once, by the server that starts it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use types::Limits;

use super::directory::InstanceDirectory;
use super::protocol::VERSION;
use crate::Restart;
use crate::boxes::Boxes;

/// Kept for restarts, so it stays on disk, readable for root only: it holds the instance's secrets.
#[derive(Serialize, Deserialize)]
pub(crate) struct ShimSpec {
    pub(crate) protocol: u32,
    /// Of the instance, for what outlives the directory to be named by.
    pub(crate) name: String,
    pub(crate) boxes: Boxes,
    pub(crate) uid: u32,
    /// Trees that were laid out, lowest first.
    pub(crate) layers: Vec<PathBuf>,
    /// What the box sees as `/data`.
    pub(crate) data: Option<PathBuf>,
    pub(crate) command: Vec<String>,
    /// All but what depends on the box: `HOME`, `PORT` and where `/data` is.
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) port: bool,
    /// Where ports are reserved. Specs of former versions, which are only looked at, do not say.
    #[serde(default)]
    pub(crate) ports: PathBuf,
    pub(crate) restart: Restart,
    pub(crate) limits: Limits,
    /// A one-off that ends with whoever started it, and whose output is theirs.
    pub(crate) attached: bool,
}

impl ShimSpec {
    pub(super) fn read(directory: &InstanceDirectory) -> Result<Self, String> {
        let path = directory.spec();
        let refuse = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let bytes = fs::read(&path).map_err(|error| refuse(&error))?;
        let spec: Self = serde_json::from_slice(&bytes).map_err(|error| refuse(&error))?;
        if spec.protocol == VERSION {
            Ok(spec)
        } else {
            Err(refuse(&format!("protocol {}, and this shim speaks {VERSION}", spec.protocol)))
        }
    }
}
