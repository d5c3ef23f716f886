//! Files of a job, packed into one file of the server's, and back: caches and artifacts.
//!
//! Only plain files, directories and links go in, and only those come out, each below a directory of the job's.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

use super::beneath::{Beneath, Entry, Kind};

/// What went in or came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Packed {
    pub files: u64,
    /// Unpacked.
    pub bytes: u64,
    /// Pipes, sockets and devices, which were passed over.
    pub skipped: u64,
}

/// Writes an archive to a file that is to appear elsewhere when it is whole.
pub struct Packer {
    tar: tar::Builder<GzEncoder<BufWriter<File>>>,
    packed: Packed,
    most_bytes: u64,
}

impl Packer {
    /// `most_bytes` is what may be in it, unpacked.
    #[must_use]
    pub fn new(file: File, most_bytes: u64) -> Self {
        let gzip = GzEncoder::new(BufWriter::new(file), Compression::fast());
        Self { tar: tar::Builder::new(gzip), packed: Packed::default(), most_bytes }
    }

    /// Adds one entry of a directory under a name.
    pub fn add(&mut self, from: &Beneath, entry: &Entry, name: &Path) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_mode(entry.mode);
        header.set_mtime(u64::try_from(entry.modified).unwrap_or(0));
        header.set_size(0);
        match &entry.kind {
            Kind::Other => self.packed.skipped += 1,
            Kind::Directory => {
                header.set_entry_type(EntryType::Directory);
                self.tar.append_data(&mut header, name, io::empty())?;
            }
            Kind::Link(target) => {
                header.set_entry_type(EntryType::Symlink);
                self.tar.append_link(&mut header, name, target)?;
                self.packed.files += 1;
            }
            Kind::File => {
                let file = from.file(&entry.path)?;
                let bytes = file.metadata()?.len();
                self.packed.bytes += bytes;
                if self.packed.bytes > self.most_bytes {
                    return Err(too_large(self.most_bytes));
                }
                header.set_entry_type(EntryType::Regular);
                header.set_size(bytes);
                let mut content = Exactly { file: file.take(bytes), left: bytes };
                self.tar.append_data(&mut header, name, &mut content)?;
                self.packed.files += 1;
            }
        }
        Ok(())
    }

    /// Everything is on disk after this.
    pub fn finish(self) -> io::Result<Packed> {
        let mut file = self.tar.into_inner()?.finish()?;
        file.flush()?;
        file.get_ref().sync_data()?;
        Ok(self.packed)
    }
}

/// A file that became shorter while it was read would spoil all that comes after it.
struct Exactly {
    file: io::Take<File>,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.left -= read as u64;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other("a file became shorter while it was packed"));
        }
        Ok(read)
    }
}

/// Lays an archive out. `place` says where a name belongs; what belongs nowhere is passed over.
pub fn unpack<'a>(
    archive: File,
    most_bytes: u64,
    place: impl Fn(&Path) -> Option<(&'a Beneath, PathBuf)>,
) -> io::Result<Packed> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(BufReader::new(archive)));
    let mut packed = Packed::default();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.into_owned();
        if !name.components().all(|it| matches!(it, Component::Normal(_))) {
            return Err(io::Error::other(format!("{} leads out of the archive", name.display())));
        }
        let Some((beneath, path)) = place(&name) else { continue };
        let mode = entry.header().mode()?;
        match entry.header().entry_type() {
            EntryType::Directory => {
                if !path.as_os_str().is_empty() {
                    beneath.make_directories(&path)?;
                }
            }
            EntryType::Symlink => {
                let target = entry.link_name()?.ok_or(io::ErrorKind::InvalidData)?.into_owned();
                beneath.link(&path, &target)?;
                packed.files += 1;
            }
            EntryType::Regular => {
                packed.bytes += entry.size();
                if packed.bytes > most_bytes {
                    return Err(too_large(most_bytes));
                }
                let mut file = beneath.create(&path, mode)?;
                io::copy(&mut entry, &mut file)?;
                packed.files += 1;
            }
            other => {
                return Err(io::Error::other(format!("{} is {other:?}", name.display())));
            }
        }
    }
    Ok(packed)
}

fn too_large(most_bytes: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("the files take more than the {most_bytes} bytes that are allowed"),
    )
}
