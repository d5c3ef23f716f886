//! The store: what is kept, what goes, what is noticed.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use build::{ArtifactStore, StoreError};
use types::{Bundle, ManualClock, Timestamp};

use crate::site::Site;

async fn two_bundles() -> (Site, Bundle, Bundle) {
    let site = Site::with_files(&[("index.html", "one")]).await;
    let one = site.build().await;
    site.write("index.html", "two");
    let two = site.build().await;
    (site, one, two)
}

#[tokio::test]
async fn a_collection_takes_what_nobody_needs_and_nothing_else() {
    let (site, one, two) = two_bundles().await;
    let before = site.store.usage().await.unwrap();
    let nothing = site
        .store
        .collect(std::slice::from_ref(&two.digest), Duration::from_secs(3600))
        .await
        .unwrap();
    assert_eq!(nothing.blobs, 0, "all of it is young");
    let collected =
        site.store.collect(std::slice::from_ref(&two.digest), Duration::ZERO).await.unwrap();
    assert_eq!(collected.blobs, 3, "one's manifest, config and app layer");
    let after = site.store.usage().await.unwrap();
    assert_eq!(after.blobs, before.blobs - 3);
    assert_eq!(after.bytes, before.bytes - collected.bytes);
    assert!(matches!(site.store.bundle(&one.digest).await, Err(StoreError::Missing(_))));
    assert_eq!(site.store.bundle(&two.digest).await.unwrap(), two);
    for layer in &two.layers {
        site.store.verify(&layer.digest).await.unwrap();
    }
}

#[tokio::test]
async fn use_makes_a_blob_young_again() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
    let store = Arc::new(ArtifactStore::open(directory.path(), clock.clone()).unwrap());
    let site = Site::with_files(&[("Procfile", "web: x")]).await;
    let builder = site.builder_with(Arc::clone(&store)).await;
    let plan = site.plan().await;
    let build = async || {
        builder.build(&site.workspace(), &plan, &site.recorder, &site.cancel).await.unwrap()
    };
    let bundle = build().await;
    clock.advance(Duration::from_secs(100));
    assert_eq!(build().await, bundle, "again, with nothing written");
    clock.advance(Duration::from_secs(10));
    assert_eq!(store.collect(&[], Duration::from_secs(60)).await.unwrap().blobs, 0);
    clock.advance(Duration::from_secs(60));
    assert_eq!(store.collect(&[], Duration::from_secs(60)).await.unwrap().blobs, 3);
}

#[tokio::test]
async fn nothing_is_collected_while_it_is_unknown_what_is_needed() {
    let (site, one, two) = two_bundles().await;
    std::fs::write(site.store.path(&one.digest), "{}").unwrap();
    let keep = [one.digest.clone(), two.digest.clone()];
    let error = site.store.collect(&keep, Duration::ZERO).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(site.store.bundle(&two.digest).await.unwrap(), two);
}

#[tokio::test]
async fn damage_is_noticed_when_it_is_read() {
    let (site, one, _) = two_bundles().await;
    let layer = &one.layers[0].digest;
    let mut file = std::fs::File::options().append(true).open(site.store.path(layer)).unwrap();
    file.write_all(b"x").unwrap();
    assert!(matches!(site.store.verify(layer).await, Err(StoreError::Damaged { .. })));
    std::fs::remove_file(site.store.path(layer)).unwrap();
    assert!(matches!(site.store.bundle(&one.digest).await, Err(StoreError::Missing(_))));
}

#[tokio::test]
async fn a_broken_off_write_is_swept_away_and_never_seen() {
    let (site, one, _) = two_bundles().await;
    let ingest = site.directory.path().join("store/ingest/.tmpBroken");
    std::fs::write(&ingest, "half").unwrap();
    let reopened = Arc::new(
        ArtifactStore::open(site.directory.path().join("store"), Arc::new(types::SystemClock))
            .unwrap(),
    );
    assert_eq!(reopened.bundle(&one.digest).await.unwrap(), one);
    reopened.collect(std::slice::from_ref(&one.digest), Duration::ZERO).await.unwrap();
    assert!(!ingest.exists());
}

#[tokio::test]
async fn the_directory_is_an_oci_image_layout() {
    let (site, one, two) = two_bundles().await;
    let read = |path: &str| -> serde_json::Value {
        let bytes = std::fs::read(site.directory.path().join("store").join(path)).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    assert_eq!(read("oci-layout")["imageLayoutVersion"], "1.0.0");
    let index = read("index.json");
    let listed: Vec<_> = index["manifests"].as_array().unwrap().iter().collect();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0]["digest"], one.digest.as_str());
    let manifest = read(&format!("blobs/sha256/{}", two.digest.hex()));
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    let config_digest = manifest["config"]["digest"].as_str().unwrap();
    let config = read(&format!("blobs/sha256/{}", config_digest.trim_start_matches("sha256:")));
    assert_eq!(config["os"], "linux");
    assert_eq!(config["config"]["WorkingDir"], "/app");
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), two.layers.len());
}
