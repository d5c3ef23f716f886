//! From a request's path to an open file.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use sha2::{Digest as _, Sha256};

/// Files up to this size are read whole, and known by their content.
const SMALL: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Files {
    root: OwnedFd,
}

/// What is found under a path.
#[derive(Debug)]
pub(super) enum Found {
    File(Found200),
    /// A directory that was asked for without the slash at its end.
    Directory,
    Nothing,
}

/// A file that can be sent.
#[derive(Debug)]
pub(super) struct Found200 {
    /// Relative to the root.
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) tag: String,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Whole(Bytes),
    Open(File),
}

impl Files {
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: File::open(root)?.into() })
    }

    /// `path` is a request's: it starts with a slash and may be percent-encoded.
    pub(super) fn find(&self, path: &str) -> io::Result<Found> {
        let Some(name) = name(path) else { return Ok(Found::Nothing) };
        let is_directory = name.is_empty() || name.ends_with('/');
        let name = if is_directory { format!("{name}index.html") } else { name };
        let Some(file) = self.beneath(&name)? else { return Ok(Found::Nothing) };
        let found = file.metadata()?;
        if found.is_dir() && !is_directory {
            let index = self.beneath(&format!("{name}/index.html"))?;
            return Ok(if index.is_some() { Found::Directory } else { Found::Nothing });
        }
        if !found.is_file() {
            return Ok(Found::Nothing);
        }
        read(name, file, &found).map(Found::File)
    }

    fn beneath(&self, name: &str) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        use rustix::io::Errno;
        match openat2(&self.root, name, flags, Mode::empty(), resolve) {
            Ok(file) => Ok(Some(file.into())),
            Err(
                Errno::NOENT
                | Errno::NOTDIR
                | Errno::XDEV
                | Errno::LOOP
                | Errno::ACCESS
                | Errno::NAMETOOLONG
                | Errno::INVAL
                | Errno::NXIO,
            ) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn read(name: String, mut file: File, found: &Metadata) -> io::Result<Found200> {
    if found.len() > SMALL {
        let tag = format!("W/\"{:x}-{:x}\"", found.mtime(), found.len());
        return Ok(Found200 { name, size: found.len(), tag, content: Content::Open(file) });
    }
    let mut bytes = Vec::new();
    (&mut file).take(SMALL + 1).read_to_end(&mut bytes)?;
    let digest = types::Digest::from_sha256(Sha256::digest(&bytes).into());
    let tag = format!("\"{}\"", &digest.hex()[..32]);
    let size = bytes.len() as u64;
    Ok(Found200 { name, size, tag, content: Content::Whole(bytes.into()) })
}

/// The decoded name below the root; `None` for what is never served.
fn name(path: &str) -> Option<String> {
    let decoded = decoded(path.trim_start_matches('/'))?;
    let is_fine = |(index, part): (usize, &str)| match part {
        ".well-known" => index == 0,
        part => !part.starts_with('.') && !part.contains(['\0', '\\']),
    };
    decoded.split('/').enumerate().all(is_fine).then_some(decoded)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_and_never_climb() {
        assert_eq!(name("/a%20b/c.html").as_deref(), Some("a b/c.html"));
        assert_eq!(name("/").as_deref(), Some(""));
        assert_eq!(name("/.well-known/x").as_deref(), Some(".well-known/x"));
        for bad in [
            "/../x",
            "/%2e%2e/x",
            "/a/..%2fx",
            "/.git/config",
            "/a%00",
            "/%zz",
            "/%+1",
            "/a/.well-known/x",
        ] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }
}
