use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Manifest, Stack};

/// An artifact opened: all that a target needs to run it, but for the bytes of its layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Of the OCI image manifest; it covers everything below.
    pub digest: Digest,
    pub stack: Stack,
    /// Lowest first; paths inside are relative to the root of the file system (`app/server.js`).
    pub layers: Vec<Layer>,
    /// Set for every process before the app's own environment: `PATH`, `HOME`, …
    pub env: BTreeMap<String, String>,
    /// What the source said and what detection added. Every process that can be started is in it.
    pub manifest: Manifest,
}

impl Bundle {
    /// Where an app's tree stands inside a bundle, and the working directory of its processes.
    pub const APP_DIR: &str = "/app";
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    pub digest: Digest,
    pub media_type: MediaType,
    /// In bytes, as stored.
    pub size: u64,
}

/// The layer formats of the OCI image spec that are read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaType {
    #[serde(rename = "application/vnd.oci.image.layer.v1.tar")]
    Tar,
    #[serde(rename = "application/vnd.oci.image.layer.v1.tar+gzip")]
    TarGzip,
}

impl MediaType {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tar => "application/vnd.oci.image.layer.v1.tar",
            Self::TarGzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        }
    }
}
