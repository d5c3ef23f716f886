//! Reading: connections of their own, which never wait for the writer (WAL).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::{Error, Store, schema};

/// Reads that run at once; further ones wait for a place.
const READERS: usize = 4;

#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default(), places: Arc::new(Semaphore::new(READERS)) }
    }

    fn take(&self) -> Result<Connection, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| schema::open_reader(&self.path), Ok)
    }

    fn put_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

impl Store {
    /// Runs `work` on one consistent view of what was committed last.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let place = Arc::clone(&readers.places).acquire_owned().await.map_err(|_| Error::Closed)?;
        tokio::task::spawn_blocking(move || {
            let _place = place;
            let connection = readers.take()?;
            let transaction = connection.unchecked_transaction()?;
            let result = work(&transaction);
            drop(transaction);
            readers.put_back(connection);
            result
        })
        .await
        .map_err(|_| Error::Closed)?
    }
}
