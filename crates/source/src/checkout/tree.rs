//! One commit's tree: its files written by git, and meanwhile listed, so that what git is not to write is known.

use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use types::CommitId;

use super::budget::Budget;
use super::{CheckoutError, Part};
use crate::git::{Output, failed, read_stderr};
use crate::{Error, Repositories};

/// Longer than the line of any path that a file system takes.
const LINE_BYTES: u64 = 16 << 10;

/// What a tree holds besides plain files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) links: Vec<PathBuf>,
    /// Submodules: where, and which commit.
    pub(super) modules: Vec<(PathBuf, CommitId)>,
    /// The `.gitattributes` files.
    pub(super) attributes: Vec<PathBuf>,
}

impl Listing {
    /// Adds what was found at `place`. Modules are not taken over: by then they have become places.
    pub(super) fn append(&mut self, place: &Path, other: Self) {
        self.links.extend(other.links.iter().map(|path| place.join(path)));
        self.attributes.extend(other.attributes.iter().map(|path| place.join(path)));
    }

    fn add(&mut self, line: &[u8], budget: &mut Budget) -> Result<(), CheckoutError> {
        let Some(entry) = Entry::read(line) else {
            let stderr = format!("it printed {:?}", String::from_utf8_lossy(line));
            return Err(Error::GitSilent { what: "ls-tree", stderr }.into());
        };
        budget.spend(entry.bytes)?;
        match entry.mode {
            b"120000" => self.links.push(entry.path),
            b"160000" => self.modules.push((entry.path, entry.object)),
            _ if entry.path.file_name().is_some_and(|name| name == ".gitattributes") => {
                self.attributes.push(entry.path);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Repositories {
    /// Writes the files of a part to its place below `root`.
    pub(crate) async fn materialise(
        &self,
        part: &Part,
        root: &Path,
        index: &Path,
        budget: &mut Budget,
    ) -> Result<Listing, CheckoutError> {
        let write = async {
            let output = self
                .invoke("read-tree")
                .within(self.git().config().long_timeout)
                .env("GIT_DIR", &part.git_dir)
                .env("GIT_WORK_TREE", root.join(&part.place))
                .env("GIT_INDEX_FILE", index)
                .args(["read-tree", "--reset", "-u", part.commit.as_str()])
                .output()
                .await?;
            if output.status.success() { Ok(()) } else { Err(failed("read-tree", &output).into()) }
        };
        // The first error ends the other one as well.
        let ((), listing) = tokio::try_join!(write, self.list(part, budget))?;
        match tokio::fs::remove_file(index).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("removing an index", index)(error).into())
            }
            _ => Ok(listing),
        }
    }

    async fn list(&self, part: &Part, budget: &mut Budget) -> Result<Listing, CheckoutError> {
        let what = "ls-tree";
        let mut running = self
            .invoke(what)
            .env("GIT_DIR", &part.git_dir)
            .args([what, "-r", "-l", "-z", "--full-tree", part.commit.as_str()])
            .start()?;
        let (stdin, stdout, stderr) = running.streams();
        drop(stdin);
        let work = async {
            let (listing, stderr) =
                tokio::join!(read_listing(BufReader::new(stdout), budget), read_stderr(stderr));
            let listing = listing?;
            let status =
                running.wait().await.map_err(|source| Error::GitNotStarted { what, source })?;
            if status.success() {
                return Ok(listing);
            }
            Err(failed(what, &Output { status, stdout: Vec::new(), stderr }).into())
        };
        let timeout = self.git().config().long_timeout;
        match tokio::time::timeout(timeout, work).await {
            Ok(result) => result,
            Err(_) => Err(Error::GitTimedOut { what, after: timeout }.into()),
        }
    }
}

async fn read_listing(
    mut lines: impl AsyncBufRead + Unpin,
    budget: &mut Budget,
) -> Result<Listing, CheckoutError> {
    let mut listing = Listing::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut lines).take(LINE_BYTES);
        let read = bounded.read_until(0, &mut line).await;
        let read = read.map_err(|source| Error::GitNotStarted { what: "ls-tree", source })?;
        if read == 0 {
            return Ok(listing);
        }
        listing.add(line.strip_suffix(b"\0").unwrap_or(&line), budget)?;
    }
}

struct Entry<'a> {
    mode: &'a [u8],
    object: CommitId,
    bytes: u64,
    path: PathBuf,
}

impl<'a> Entry<'a> {
    /// `MODE TYPE OBJECT SIZE<tab>PATH`, with a size that is padded, or `-` where there is none.
    fn read(line: &'a [u8]) -> Option<Self> {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let path = PathBuf::from(std::ffi::OsString::from_vec(line[tab + 1..].to_vec()));
        let mut words = line[..tab].split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let mode = words.next()?;
        let _type = words.next()?;
        let object = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
        let bytes = match words.next()? {
            b"-" => 0,
            digits => std::str::from_utf8(digits).ok()?.parse().ok()?,
        };
        Some(Self { mode, object, bytes, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &[u8] =
        b"100644 blob 2222222222222222222222222222222222222222      12\ta b.txt\0\
        120000 blob 3333333333333333333333333333333333333333       3\tlink\0\
        100644 blob 3333333333333333333333333333333333333333       3\tdir/.gitattributes\0\
        160000 commit 4444444444444444444444444444444444444444       -\tlib\0";

    #[tokio::test]
    async fn what_is_not_a_plain_file_is_found() {
        let listing = read_listing(LISTING, &mut Budget::new(18)).await.unwrap();
        assert_eq!(listing.links, [PathBuf::from("link")]);
        assert_eq!(listing.modules, [(PathBuf::from("lib"), "4".repeat(40).parse().unwrap())]);
        assert_eq!(listing.attributes, [PathBuf::from("dir/.gitattributes")]);
    }

    #[tokio::test]
    async fn the_budget_is_kept_to_the_byte() {
        let result = read_listing(LISTING, &mut Budget::new(17)).await;
        assert!(matches!(result, Err(CheckoutError::TooLarge { limit: 17 })));
    }
}
