//! Single files of a commit, without laying the commit out.

use types::{AppName, CommitId};

use crate::{Error, Repositories};

impl Repositories {
    /// The bytes of a file of a commit; `None` if the commit has none at this path, relative to its root, or something
    /// that is no file. One of more than `max_bytes` is refused.
    pub async fn read_file(
        &self,
        app: &AppName,
        commit: &CommitId,
        path: &str,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, Error> {
        let name = format!("{commit}:{path}");
        let size = self.invoke_in(app, "cat-file -s").await?.args(["cat-file", "-s", &name]);
        let size = size.output().await?;
        if !size.status.success() {
            return Ok(None);
        }
        let bytes = String::from_utf8_lossy(&size.stdout).trim().parse::<u64>().unwrap_or(u64::MAX);
        if bytes > max_bytes {
            return Err(Error::FileTooLarge { path: path.to_owned(), bytes, max_bytes });
        }
        let file = self.invoke_in(app, "cat-file").await?.args(["cat-file", "blob", &name]);
        let file = file.output().await?;
        Ok(file.status.success().then_some(file.stdout))
    }
}
