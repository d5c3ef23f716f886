use std::path::PathBuf;

use store::Upload;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use types::{Actor, AppName, UploadId};

use crate::{Control, Error};

const CHUNK: usize = 64 << 10;

impl Control {
    /// Takes in a bundle that somebody else built. Once all of it is on the disk it is recorded, and imported in the background.
    pub async fn upload(
        &self,
        app: &AppName,
        body: impl AsyncRead + Send + Unpin,
        actor: &Actor,
    ) -> Result<Upload, Error> {
        let app = self.ready_app(app).await?;
        let id = UploadId::generate(&*self.inner.clock);
        let path = path_of(self, id);
        if let Err(error) = self.receive(&path, body).await {
            let _ = tokio::fs::remove_file(&path).await;
            return Err(error);
        }
        Ok(self.inner.store.record_upload(id, app.id, actor.clone()).await?)
    }

    pub async fn find_upload(&self, app: &AppName, id: UploadId) -> Result<Upload, Error> {
        let app = self.app(app).await?;
        let upload = self.inner.store.upload(id).await?;
        if upload.app == app.id { Ok(upload) } else { Err(Error::NotFound(format!("upload {id}"))) }
    }

    /// The most that an upload may take.
    #[must_use]
    pub fn max_upload_bytes(&self) -> u64 {
        self.inner.settings.limits.upload_bytes
    }

    async fn receive(
        &self,
        path: &PathBuf,
        mut body: impl AsyncRead + Send + Unpin,
    ) -> Result<(), Error> {
        let limit = self.inner.settings.limits.upload_bytes;
        let mut file =
            tokio::fs::File::create(path).await.map_err(Error::io("store the upload"))?;
        let mut chunk = vec![0; CHUNK];
        let (mut received, mut checked) = (0_u64, 0_u64);
        loop {
            if received >= checked {
                self.check_room()?;
                checked = received + (64 << 20);
            }
            let read = body.read(&mut chunk).await.map_err(Error::UploadCutOff)?;
            if read == 0 {
                break;
            }
            received += read as u64;
            if received > limit {
                return Err(Error::UploadTooLarge { limit_bytes: limit });
            }
            file.write_all(&chunk[..read]).await.map_err(Error::io("store the upload"))?;
        }
        file.sync_all().await.map_err(Error::io("store the upload"))
    }

    fn check_room(&self) -> Result<(), Error> {
        let disk = rustix::fs::statvfs(&self.inner.settings.data_directory)
            .map_err(|error| Error::io("ask for the disk's free space")(error.into()))?;
        let free = disk.f_bavail * disk.f_frsize;
        if free < self.inner.settings.limits.min_free_bytes { Err(Error::DiskFull) } else { Ok(()) }
    }
}

pub(crate) fn path_of(control: &Control, id: UploadId) -> PathBuf {
    control.inner.settings.uploads_directory().join(format!("{id}.tar.gz"))
}
