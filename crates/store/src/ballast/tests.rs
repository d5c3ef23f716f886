use std::sync::Arc;

use testkit::SmallDisk;
use types::SystemClock;

use super::*;
use crate::{Error, Store};

#[test]
fn it_takes_up_room_and_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("solum.db");
    let ballast = Ballast::beside(&database);
    assert!(ballast.free().unwrap() >= PLENTY, "this test needs a disk with room");
    ballast.balance();
    let path = directory.path().join("solum.db.ballast");
    assert!(allocated(&path) >= BYTES);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let found = Ballast::beside(&database);
    assert_eq!(*found.state.lock(), State::Held);
    found.give_up();
    assert!(!path.exists());
    found.balance();
    assert!(allocated(&path) >= BYTES, "it comes back when there is room");
}

#[test]
fn one_that_cannot_be_made_is_done_without() {
    let directory = tempfile::tempdir().unwrap();
    let ballast = Ballast::beside(&directory.path().join("solum.db"));
    std::fs::create_dir(directory.path().join("solum.db.ballast")).unwrap();
    ballast.balance();
    assert_eq!(*ballast.state.lock(), State::Impossible);
}

fn open(disk: &SmallDisk) -> Store {
    Store::open(&disk.path().join("solum.db"), Arc::new(SystemClock)).unwrap()
}

async fn remember(store: &Store, key: &str, bytes: usize) -> Result<(), Error> {
    let key = key.to_owned();
    let value = "x".repeat(bytes);
    store
        .write(move |write| {
            write.sql.execute(
                "INSERT INTO events (id, at, actor, kind) VALUES (?1, 0, '{}', ?2)",
                [key, value],
            )?;
            Ok(())
        })
        .await
}

async fn count(store: &Store) -> u64 {
    let counted = store.read(|sql| {
        Ok(sql.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u64>(0))?)
    });
    counted.await.unwrap()
}

#[tokio::test]
async fn on_a_full_disk_what_happened_is_still_recorded() {
    let Some(disk) = SmallDisk::mount(128 << 20).unwrap() else { return };
    let store = open(&disk);
    remember(&store, "before", 100).await.unwrap();
    disk.fill("big").unwrap();
    assert_eq!(disk.free_bytes().unwrap(), 0);
    remember(&store, "full", 100_000).await.unwrap();
    assert!(!disk.path().join("solum.db.ballast").exists());
    drop(store);
    // Another process, on the disk that is full again but for what the ballast held.
    let store = open(&disk);
    remember(&store, "after", 100).await.unwrap();
    assert_eq!(count(&store).await, 3);
    std::fs::remove_file(disk.path().join("big")).unwrap();
    remember(&store, "mended", 100).await.unwrap();
    assert!(allocated(&disk.path().join("solum.db.ballast")) >= BYTES);
}

#[tokio::test]
async fn without_any_room_left_a_write_says_so_and_leaves_nothing() {
    let Some(disk) = SmallDisk::mount(128 << 20).unwrap() else { return };
    let store = open(&disk);
    remember(&store, "before", 100).await.unwrap();
    disk.fill("big").unwrap();
    // It takes all of the ballast's room away as well.
    store.make_room().await;
    disk.fill("more").unwrap();
    let refused = remember(&store, "full", 8 << 20).await;
    assert!(matches!(refused, Err(Error::Full(_))), "{refused:?}");
    assert_eq!(count(&store).await, 1);
    std::fs::remove_file(disk.path().join("more")).unwrap();
    remember(&store, "mended", 100).await.unwrap();
    assert_eq!(count(&store).await, 2);
}
