//! Builds that fill the disk, and what is left of those that fail.

use std::path::Path;
use std::time::Duration;

use build::{BuildError, Stage};
use testkit::{SmallDisk, wait_until};

use crate::site::Site;

const DISK: u64 = 256 << 20;
const MIN_FREE: u64 = 64 << 20;

async fn site(disk: &Path, build: &str) -> Site {
    let site = Site::on(disk, MIN_FREE).await;
    site.write("index.html", "x");
    site.write("solum.yaml", &format!("build: \"{build}\"\n"));
    site
}

fn count(path: &Path) -> usize {
    std::fs::read_dir(path).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_build_that_fills_the_disk_is_ended_and_its_room_is_free_again() {
    let Some(disk) = SmallDisk::mount(DISK).unwrap() else { return };
    for place in ["big", "/cache/big"] {
        let fill = format!("dd if=/dev/zero of={place} bs=1M count=2000; sleep 1000");
        let site = site(disk.path(), &fill).await;
        let before = disk.free_bytes().unwrap();
        let error = site.try_build().await.unwrap_err();
        assert!(matches!(error, BuildError::DiskFull { min_free_bytes: MIN_FREE }), "{error:?}");
        assert!(error.to_string().contains("64 MiB of it"), "{error}");
        assert!(error.hint().is_some());
        // What the box's last process held open goes when the kernel has ended it.
        wait_until(&format!("the room of {place}"), Duration::from_secs(30), || {
            (disk.free_bytes().unwrap() + (1 << 20) > before).then_some(())
        })
        .unwrap();
        site.write("solum.yaml", "build: echo small > small\n");
        site.build().await;
    }
}

#[tokio::test]
async fn a_command_that_meets_the_full_disk_first_did_not_fail_of_itself() {
    let Some(disk) = SmallDisk::mount(DISK).unwrap() else { return };
    let site = site(disk.path(), "dd if=/dev/zero of=big bs=1M count=2000").await;
    let error = site.try_build().await.unwrap_err();
    assert!(matches!(error, BuildError::DiskFull { .. }), "{error:?}");
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_begun() {
    let Some(disk) = SmallDisk::mount(DISK).unwrap() else { return };
    let site = site(disk.path(), "echo built").await;
    site.build().await;
    disk.fill("others").unwrap();
    site.boxes.scripts();
    let error = site.try_build().await.unwrap_err();
    assert!(matches!(error, BuildError::DiskFull { .. }), "{error:?}");
    assert!(site.boxes.scripts().is_empty());
}

#[tokio::test]
async fn a_build_that_fails_or_is_cancelled_leaves_nothing_of_what_it_wrote() {
    let disk = tempfile::tempdir().unwrap();
    let site = site(disk.path(), "echo x > dirt; echo begun; exit 1").await;
    let error = site.try_build().await.unwrap_err();
    assert!(matches!(error, BuildError::Failed { stage: Stage::Build, .. }), "{error:?}");
    let room = site.room();
    assert!(room.join("tree/index.html").exists(), "tools go by its time");
    assert!(!room.join("tree/dirt").exists());
    assert_eq!(count(&room.join("temporary")), 0);

    site.write("solum.yaml", "build: \"echo x > dirt; echo waiting; sleep 1000\"\n");
    let cancel = site.cancel.clone();
    let cancelled = async {
        while !site.recorder.text().contains("       waiting") {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (built, ()) = tokio::join!(site.try_build(), cancelled);
    assert!(matches!(built, Err(BuildError::Cancelled)), "{built:?}");
    assert_eq!((count(&room.join("tree")), count(&room.join("temporary"))), (0, 0));
}

#[tokio::test]
async fn what_a_killed_server_was_building_is_swept_at_the_next_start() {
    let disk = tempfile::tempdir().unwrap();
    let site = site(disk.path(), "echo made > made").await;
    site.build().await;
    let made = site.room().join("tree/made");
    site.builder.sweep().await.unwrap();
    assert!(made.exists(), "a call that ended in order is built upon");

    site.write("solum.yaml", "build: \"echo waiting; sleep 1000\"\n");
    let broken_off = async {
        while !site.recorder.text().contains("       waiting") {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        built = site.try_build() => panic!("it has ended: {built:?}"),
        () = broken_off => {}
    }
    assert!(site.room().join("tree/index.html").exists());
    site.builder.sweep().await.unwrap();
    assert_eq!(count(&site.room().join("tree")), 0);
    site.builder.sweep().await.unwrap();
    site.write("solum.yaml", "build: echo made > made\n");
    site.build().await;
}
