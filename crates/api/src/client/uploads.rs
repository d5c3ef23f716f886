use std::io::{Read, Seek, SeekFrom};

use types::{AppName, UploadId};
use ureq::SendBody;

use super::request::Call;
use super::{Client, Error};
use crate::paths;
use crate::uploads::{UPLOAD_MEDIA_TYPE, Upload};

impl Client {
    /// Sends a bundle (`.tar.gz`); it can be deployed once [`Client::upload`] says that it is ready.
    pub fn start_upload(
        &self,
        app: &AppName,
        mut bundle: impl Read + Seek,
    ) -> Result<Upload, Error> {
        let length = bundle.seek(SeekFrom::End(0)).map_err(Error::Input)?;
        let path = paths::uploads(app);
        // The server says no before it has been sent everything.
        let call = Call::post(&path)
            .header("expect", "100-continue")
            .header("content-length", length.to_string());
        let answer = self.send_patiently(&call, || {
            bundle.rewind()?;
            self.attempt(&call, Some(UPLOAD_MEDIA_TYPE), SendBody::from_reader(&mut bundle))
        })?;
        let text = self.read_text(answer)?;
        serde_json::from_str(&text).map_err(|source| self.unreadable(source))
    }

    pub fn upload(&self, app: &AppName, id: UploadId) -> Result<Upload, Error> {
        self.fetch(&Call::get(&paths::upload(app, id)))
    }
}
