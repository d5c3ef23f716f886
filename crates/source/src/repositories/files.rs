//! Single files of a commit, without laying the commit out.

use types::{AppName, CommitId};

use crate::git::failed;
use crate::{Error, Repositories};

/// Something in a folder of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderEntry {
    pub name: String,
    pub kind: EntryKind,
    /// Of a file.
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Folder,
    /// A symbolic link, or a submodule.
    Other,
}

impl Repositories {
    /// What stands directly in a folder of a commit, in git's order of names; nothing when there is no such folder. `path` is
    /// relative to the root.
    pub async fn list_folder(
        &self,
        app: &AppName,
        commit: &CommitId,
        path: &str,
    ) -> Result<Vec<FolderEntry>, Error> {
        let folder = format!("{commit}:{path}");
        let listed = self.invoke_in(app, "ls-tree").await?.args(["ls-tree", "-l", "-z", &folder]);
        let listed = listed.output().await?;
        if listed.status.success() {
            let text = String::from_utf8_lossy(&listed.stdout);
            let entries = text.split_terminator('\0').map(entry).collect::<Option<_>>();
            return entries.ok_or_else(|| failed("ls-tree", &listed));
        }
        if self.has_commit(app, commit).await? {
            return Ok(Vec::new());
        }
        Err(Error::NoCommit { app: app.clone(), commit: commit.clone() })
    }

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

/// `100644 blob 257cc56… 12\tname`
fn entry(line: &str) -> Option<FolderEntry> {
    let (about, name) = line.split_once('\t')?;
    let mut about = about.split_ascii_whitespace();
    let (mode, _, _, size) = (about.next()?, about.next()?, about.next()?, about.next()?);
    let kind = match mode {
        "100644" | "100755" | "100664" => EntryKind::File,
        "040000" => EntryKind::Folder,
        _ => EntryKind::Other,
    };
    Some(FolderEntry { name: name.to_owned(), kind, bytes: size.parse().unwrap_or(0) })
}
