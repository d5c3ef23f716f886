//! The documents of an image, as the OCI image spec (v1.1) writes them: `manifest.md`, `config.md`,
//! `image-layout.md`. What Solum adds stands in two labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{Digest, Layer, MediaType};

pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
pub(super) const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const NAME_ANNOTATION: &str = "org.opencontainers.image.ref.name";
/// [`types::Manifest`] as JSON.
pub(super) const MANIFEST_LABEL: &str = "dev.solum.manifest";
/// [`types::Stack`] as JSON.
pub(super) const STACK_LABEL: &str = "dev.solum.stack";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor<T = String> {
    pub(super) media_type: T,
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageManifest {
    pub(super) schema_version: u32,
    pub(super) media_type: String,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor<MediaType>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ImageConfig {
    pub(super) architecture: String,
    pub(super) os: String,
    pub(super) config: RunConfig,
    pub(super) rootfs: RootFs,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RunConfig {
    #[serde(default)]
    pub(super) env: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cmd: Vec<String>,
    #[serde(default)]
    pub(super) working_dir: String,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RootFs {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) diff_ids: Vec<Digest>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) schema_version: u32,
    pub(super) media_type: String,
    pub(super) manifests: Vec<Descriptor>,
}

impl Default for Index {
    fn default() -> Self {
        Self { schema_version: 2, media_type: INDEX_TYPE.to_owned(), manifests: Vec::new() }
    }
}

impl Descriptor<MediaType> {
    pub(super) fn of_layer(layer: &Layer) -> Self {
        Self {
            media_type: layer.media_type,
            digest: layer.digest.clone(),
            size: layer.size,
            annotations: BTreeMap::new(),
        }
    }
}

/// The processor as Go names it, which is how OCI does.
pub(super) fn architecture(rust_name: &str) -> &str {
    match rust_name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        other => other,
    }
}
