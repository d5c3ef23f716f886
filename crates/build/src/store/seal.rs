//! Bundles as images: from their parts to an image manifest, and back.

use std::collections::BTreeMap;
use std::io::Write as _;

use types::{Bundle, Digest, Layer, Manifest, MediaType, ProcessType, Stack};

use super::oci::{self, Descriptor, ImageConfig, ImageManifest, RootFs, RunConfig};
use super::{ArtifactStore, Staged, StoreError};

/// A bundle before it has a digest.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) layers: Vec<Layer>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) manifest: Manifest,
    pub(crate) stack: Stack,
}

impl ArtifactStore {
    /// Writes config and image manifest and puts them into the store together with `staged`, the layers among
    /// [`Contents::layers`] that are not there yet. The same contents always give the same digest.
    pub(crate) fn seal(
        &self,
        contents: Contents,
        mut staged: Vec<Staged>,
    ) -> Result<Bundle, StoreError> {
        let config = self.stage_json(&image_config(&contents)?)?;
        let image = ImageManifest {
            schema_version: 2,
            media_type: oci::MANIFEST_TYPE.to_owned(),
            config: descriptor(oci::CONFIG_TYPE, &config),
            layers: contents.layers.iter().map(Descriptor::of_layer).collect(),
        };
        let image = self.stage_json(&image)?;
        let digest = image.digest.clone();
        let mut entry = descriptor(oci::MANIFEST_TYPE, &image);
        // By it tools find one image among many: `oci:DIRECTORY:NAME`. A name may not hold a colon.
        entry.annotations.insert(oci::NAME_ANNOTATION.to_owned(), digest.hex().to_owned());
        staged.extend([config, image]);
        self.commit(staged)?;
        self.list(entry)?;
        let Contents { layers, env, manifest, stack } = contents;
        Ok(Bundle { digest, stack, layers, env, manifest })
    }

    /// Reads back what [`ArtifactStore::seal`] wrote.
    pub(super) fn read_bundle(&self, digest: &Digest) -> Result<Bundle, StoreError> {
        let image = self.read_image(digest)?;
        let refuse = |reason: String| StoreError::NotABundle { digest: digest.clone(), reason };
        let config = self.read_document(&image.config.digest)?;
        let config: ImageConfig = serde_json::from_slice(&config)
            .map_err(|error| refuse(format!("its image config does not parse: {error}")))?;
        let label = |name: &str| {
            let text = config.config.labels.get(name);
            text.ok_or_else(|| refuse(format!("its image config has no label `{name}`")))
        };
        let manifest = serde_json::from_str(label(oci::MANIFEST_LABEL)?)
            .map_err(|error| refuse(format!("its manifest does not parse: {error}")))?;
        let stack = serde_json::from_str(label(oci::STACK_LABEL)?)
            .map_err(|error| refuse(format!("its stack does not parse: {error}")))?;
        let env = config.config.env.iter().filter_map(|pair| pair.split_once('='));
        Ok(Bundle {
            digest: digest.clone(),
            stack,
            layers: image.layers.into_iter().map(layer).collect(),
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            manifest,
        })
    }

    pub(super) fn read_image(&self, digest: &Digest) -> Result<ImageManifest, StoreError> {
        let bytes = self.read_document(digest)?;
        serde_json::from_slice(&bytes).map_err(|error| StoreError::NotABundle {
            digest: digest.clone(),
            reason: format!("it is no OCI image manifest: {error}"),
        })
    }

    fn stage_json(&self, document: &impl serde::Serialize) -> Result<Staged, StoreError> {
        let mut writer = self.writer()?;
        let io = StoreError::io("write to", &self.directory);
        let written = serde_json::to_writer(&mut writer, document).map_err(std::io::Error::from);
        written.and_then(|()| writer.flush()).and_then(|()| writer.finish()).map_err(io)
    }
}

fn layer(descriptor: Descriptor<MediaType>) -> Layer {
    Layer { digest: descriptor.digest, media_type: descriptor.media_type, size: descriptor.size }
}

fn descriptor(media_type: &str, blob: &Staged) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: blob.digest.clone(),
        size: blob.size,
        annotations: BTreeMap::new(),
    }
}

fn image_config(contents: &Contents) -> Result<ImageConfig, StoreError> {
    let web = contents.manifest.processes.get(&ProcessType::web());
    let json =
        |value: serde_json::Result<String>| value.expect("maps with string keys always serialise");
    let labels = [
        (oci::MANIFEST_LABEL.to_owned(), json(serde_json::to_string(&contents.manifest))),
        (oci::STACK_LABEL.to_owned(), json(serde_json::to_string(&contents.stack))),
    ];
    Ok(ImageConfig {
        architecture: oci::architecture(&contents.stack.architecture).to_owned(),
        os: "linux".to_owned(),
        config: RunConfig {
            env: contents.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            cmd: web.map_or_else(Vec::new, |web| {
                vec!["/bin/sh".to_owned(), "-c".to_owned(), web.run.clone()]
            }),
            working_dir: Bundle::APP_DIR.to_owned(),
            labels: labels.into(),
        },
        // Layers are written uncompressed, so that the digest of one is its diff id too.
        rootfs: RootFs {
            kind: "layers".to_owned(),
            diff_ids: contents.layers.iter().map(|layer| layer.digest.clone()).collect(),
        },
    })
}
