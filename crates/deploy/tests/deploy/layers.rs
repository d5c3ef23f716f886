//! Layers: laid out once, whole, and without being led astray.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

use deploy::{Driver, InstanceSpec, PrepareError, ProcessDriver, StartError};
use tar::EntryType;
use types::{Bundle, Layer, ManualClock, MediaType, StackMismatch};

use crate::world::{NO_GRACE, World, append, config, tar_of};

fn one(kind: EntryType, name: &str, link: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, EntryType::Directory, "app/", 0o755, "", b"");
    append(&mut tar, kind, name, 0o644, link, b"");
    tar.into_inner().unwrap()
}

async fn refusal(world: &World, tar: &[u8]) -> String {
    let bundle = world.bundle(vec![world.layer(tar)]);
    let result = world.driver.prepare(&bundle, &world.owner, world.blobs()).await;
    let error = result.unwrap_err();
    assert!(matches!(error, PrepareError::Layer { .. }), "{error}");
    let start = world.driver.start(&world.spec(&bundle, "true")).await.unwrap_err();
    assert!(matches!(start, StartError::NotPrepared(_)), "{start}");
    error.to_string()
}

#[tokio::test]
async fn what_no_layer_may_hold_is_refused_by_name() {
    let world = World::new();
    for (kind, name, link, why) in [
        (EntryType::Regular, "../evil", "", "has `..` in its path"),
        (EntryType::Regular, "app/../../evil", "", "has `..` in its path"),
        (EntryType::Regular, "/etc/evil", "", "is an absolute path"),
        (EntryType::Symlink, "app/evil", "../../etc/passwd", "is a link out of the tree"),
        (EntryType::Symlink, "evil", "/etc", "is a link at the top of the tree"),
        (EntryType::Link, "app/evil", "../etc/passwd", "is a link out of the tree"),
        (EntryType::Link, "app/evil", "/etc/passwd", "is a link out of the tree"),
        (EntryType::Link, "app/evil", "app/none", "which is no file of the layer"),
        (EntryType::Char, "app/evil", "", "is a device or a pipe"),
        (EntryType::Block, "app/evil", "", "is a device or a pipe"),
        (EntryType::Fifo, "app/evil", "", "is a device or a pipe"),
        (EntryType::Regular, "app/.wh.evil", "", "is a whiteout"),
        (EntryType::Regular, "usr/bin/evil", "", "the machine's own files"),
        (EntryType::Regular, "./etc/evil", "", "the machine's own files"),
    ] {
        let said = refusal(&world, &one(kind, name, link)).await;
        assert!(said.contains(why) && said.contains("evil"), "{name}: {said}");
    }
    assert!(!world.directory.join("evil").exists());
}

#[tokio::test]
async fn nothing_is_written_through_a_link() {
    let world = World::new();
    let outside = tempfile::tempdir().unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, EntryType::Directory, "app/", 0o755, "", b"");
    append(&mut tar, EntryType::Symlink, "app/link", 0o777, outside.path().to_str().unwrap(), b"");
    append(&mut tar, EntryType::Regular, "app/link/evil", 0o644, "", b"evil");
    let said = refusal(&world, &tar.into_inner().unwrap()).await;
    assert!(said.contains("`app/link` is used as a directory and is none"), "{said}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_replaces_a_link_and_not_what_it_leads_to() {
    let world = World::new();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    std::fs::write(&target, "untouched").unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, EntryType::Symlink, "app/f", 0o777, target.to_str().unwrap(), b"");
    append(&mut tar, EntryType::Regular, "app/f", 0o644, "", b"new\n");
    let bundle = world.bundle(vec![world.layer(&tar.into_inner().unwrap())]);
    world.driver.prepare(&bundle, &world.owner, world.blobs()).await.unwrap();
    assert_eq!(world.output_of(world.spec(&bundle, "cat f")).await.1, "new\n");
    assert_eq!(std::fs::read_to_string(target).unwrap(), "untouched");
}

#[tokio::test]
async fn what_is_no_archive_and_what_ends_early_is_refused_and_leaves_nothing() {
    let world = World::new();
    let whole = tar_of(&[("f", &"x".repeat(5000))]);
    for broken in
        [b"no archive, by far, but long enough to be looked at".repeat(20), whole[..3000].to_vec()]
    {
        let bundle = world.bundle(vec![world.layer(&broken)]);
        let result = world.driver.prepare(&bundle, &world.owner, world.blobs()).await;
        assert!(result.is_err());
    }
    let layers = world.directory.join("layers").join(world.owner.app.to_string());
    assert_eq!(std::fs::read_dir(layers).unwrap().count(), 0);
}

#[tokio::test]
async fn a_header_that_would_fill_the_memory_is_refused() {
    let world = World::new();
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, EntryType::GNULongName, "././@LongLink", 0, "", &vec![b'a'; 4 * 1024 * 1024]);
    append(&mut tar, EntryType::Regular, "app/f", 0o644, "", b"");
    let said = refusal(&world, &tar.into_inner().unwrap()).await;
    assert!(said.contains("the header of an entry is too long"), "{said}");
}

#[tokio::test]
async fn files_arrive_as_they_were_but_for_owners_and_dangerous_bits() {
    let world = World::new();
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, EntryType::Directory, "app/", 0o755, "", b"");
    append(&mut tar, EntryType::Regular, "app/run", 0o6755, "", b"#!/bin/sh\necho ran\n");
    append(&mut tar, EntryType::Link, "app/again", 0o644, "app/run", b"");
    append(&mut tar, EntryType::Symlink, "app/sh", 0o777, "/usr/bin/sh", b"");
    append(&mut tar, EntryType::Symlink, "app/up", 0o777, "../app/run", b"");
    append(&mut tar, EntryType::Regular, "opt/tool", 0o755, "", b"#!/bin/sh\necho tool\n");
    append(&mut tar, EntryType::Regular, "app/deep/er/f", 0o600, "", b"deep\n");
    let bundle = world.bundle(vec![world.layer(&tar.into_inner().unwrap())]);
    world.driver.prepare(&bundle, &world.owner, world.blobs()).await.unwrap();
    let line = "./run; ./again; ./up; /opt/tool; cat deep/er/f; ./sh -c 'echo linked'; \
                stat -c '%a %u %Y %h' run; touch /opt/x 2>/dev/null || echo read-only; \
                echo '#' >>deep/er/f && echo writable";
    let (_, text) = world.output_of(world.spec(&bundle, line)).await;
    let uid = world.owner.uid;
    assert_eq!(
        text,
        format!("ran\nran\nran\ntool\ndeep\nlinked\n755 {uid} 1700000000 2\nread-only\nwritable\n")
    );
}

#[tokio::test]
async fn upper_layers_win_and_compressed_ones_are_read() {
    let world = World::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&tar_of(&[("a", "upper\n"), ("c", "new\n")])).unwrap();
    let upper = world.layer(&packed.finish().unwrap());
    let upper = Layer { media_type: MediaType::TarGzip, ..upper };
    let lower = world.layer(&tar_of(&[("a", "lower\n"), ("b", "kept\n")]));
    let bundle = world.bundle(vec![lower, upper]);
    world.driver.prepare(&bundle, &world.owner, world.blobs()).await.unwrap();
    assert_eq!(world.output_of(world.spec(&bundle, "cat a b c")).await.1, "upper\nkept\nnew\n");
}

#[tokio::test]
async fn a_layer_is_unpacked_once_and_what_instances_write_stays_out_of_it() {
    let world = World::new();
    let bundle = world.prepared(&[("f", "as built\n")]).await;
    let tree = world
        .directory
        .join("layers")
        .join(world.owner.app.to_string())
        .join(bundle.layers[0].digest.hex());
    let before = std::fs::metadata(&tree).unwrap().ino();
    world.output_of(world.spec(&bundle, "echo changed >f; rm -f f")).await;
    // Gone, so that a second unpacking would fail.
    std::fs::remove_file(world.blobs().path(&bundle.layers[0].digest)).unwrap();
    world.driver.prepare(&bundle, &world.owner, world.blobs()).await.unwrap();
    assert_eq!(std::fs::metadata(&tree).unwrap().ino(), before);
    assert_eq!(world.output_of(world.spec(&bundle, "cat f")).await.1, "as built\n");
}

#[tokio::test]
async fn a_bundle_for_another_machine_is_refused() {
    let world = World::new();
    let mut bundle = world.prepared(&[]).await;
    bundle.stack.os = "ubuntu-24.04".into();
    let error = world.driver.prepare(&bundle, &world.owner, world.blobs()).await.unwrap_err();
    assert!(matches!(error, PrepareError::Stack(StackMismatch::OperatingSystem { .. })), "{error}");
}

#[tokio::test]
async fn a_layer_that_a_crash_of_the_machine_may_have_torn_is_unpacked_again() {
    let world = World::new();
    let bundle = world.prepared(&[("f", "whole\n")]).await;
    let place = world
        .directory
        .join("layers")
        .join(world.owner.app.to_string())
        .join(bundle.layers[0].digest.hex());
    std::fs::write(place.join("unflushed"), "another boot").unwrap();
    std::fs::write(place.join("tree/app/f"), "").unwrap();
    let spec = world.spec(&bundle, "cat f");
    let error = world.driver.start(&spec).await.unwrap_err();
    assert!(matches!(error, StartError::NotPrepared(_)), "{error}");
    world.driver.prepare(&bundle, &world.owner, world.blobs()).await.unwrap();
    assert_eq!(world.output_of(spec).await.1, "whole\n");
}

async fn is_laid_out(world: &World, driver: &ProcessDriver, bundle: &Bundle) -> bool {
    let spec = world.spec(bundle, "exec sleep 600");
    match driver.start(&spec).await {
        Ok(_) => {
            driver.stop(spec.id, NO_GRACE).await.unwrap();
            driver.remove(spec.id).await.unwrap();
            true
        }
        Err(StartError::NotPrepared(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn collecting_spares_what_is_kept_used_or_new() {
    let clock = Arc::new(ManualClock::at("2026-01-31T12:00:00Z".parse().unwrap()));
    let world = World::with(|config| config.clock = clock.clone());
    let kept = world.prepared(&[("f", "kept")]).await;
    let used = world.prepared(&[("f", "used")]).await;
    let dropped = world.prepared(&[("f", "dropped")]).await;
    let spec = InstanceSpec { ..world.spec(&used, "exec sleep 600") };
    world.driver.start(&spec).await.unwrap();
    let keep = [kept.layers[0].digest.clone()];

    clock.advance(Duration::from_secs(1800));
    let collected = world.driver.collect(&keep).await.unwrap();
    assert_eq!((collected.layers, collected.kept), (0, 3));

    clock.advance(Duration::from_secs(3600));
    let new = world.prepared(&[("f", "new")]).await;
    let collected = world.driver.collect(&keep).await.unwrap();
    assert_eq!((collected.layers, collected.kept), (1, 3));
    for (bundle, there) in [(&kept, true), (&used, true), (&new, true), (&dropped, false)] {
        assert_eq!(is_laid_out(&world, &world.driver, bundle).await, there);
    }
}

#[tokio::test]
async fn an_app_that_is_forgotten_leaves_neither_layers_nor_data() {
    let world = World::new();
    let spec = world.running("echo mine >/data/f").await;
    let bundle = spec.bundle.clone();
    world.output_of(spec.clone()).await;
    world.driver.remove(spec.id).await.unwrap();
    for _ in 0..2 {
        world.driver.forget(&world.owner).await.unwrap();
    }
    assert!(!is_laid_out(&world, &world.driver, &bundle).await);
    assert!(!world.directory.join("data").join(world.owner.app.to_string()).exists());
}

#[test]
fn a_machine_without_bubblewrap_is_refused_with_the_package() {
    let error = deploy::boxes::Unavailable::NotInstalled.to_string();
    assert!(error.contains("apt install bubblewrap"), "{error}");
    let directory = tempfile::tempdir().unwrap();
    assert!(ProcessDriver::new(config(directory.path().join("process"))).is_ok());
}
