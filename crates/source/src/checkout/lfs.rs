//! Files that are not there, because git LFS keeps them elsewhere.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::CheckoutWarning;

/// How a pointer begins, and how long it can be (the git-lfs specification, "The Pointer").
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
const POINTER_BYTES: u64 = 1024;
/// What is read of a `.gitattributes`.
const ATTRIBUTES_BYTES: u64 = 1 << 20;

/// Looks for pointers, but only where `.gitattributes` files speak of LFS.
pub(super) fn pointers(root: &Path, attributes: &[PathBuf]) -> io::Result<Option<CheckoutWarning>> {
    for path in attributes {
        if speaks_of_lfs(&root.join(path))? {
            let mut found = Vec::new();
            collect(root, &mut found)?;
            found.sort();
            return Ok(found.first().map(|first| CheckoutWarning::LfsPointers {
                first: first.strip_prefix(root).unwrap_or(first).display().to_string(),
                count: found.len(),
            }));
        }
    }
    Ok(None)
}

fn speaks_of_lfs(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut text = Vec::new();
    File::open(path)?.take(ATTRIBUTES_BYTES).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).contains("filter=lfs"))
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // Of the entry itself: links are not followed.
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            collect(&entry.path(), found)?;
        } else if metadata.is_file() && metadata.len() <= POINTER_BYTES {
            let mut content = Vec::new();
            File::open(entry.path())?.take(POINTER_BYTES).read_to_end(&mut content)?;
            if content.starts_with(POINTER) {
                found.push(entry.path());
            }
        }
    }
    Ok(())
}
