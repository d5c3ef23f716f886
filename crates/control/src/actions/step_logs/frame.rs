//! One member of a log: gzip (RFC 1952), with a field in its header that says how long it is and what is in it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::read_up_to;

/// Fixed part, length of the extra field, name and length of ours, ours.
pub(super) const HEADER_BYTES: usize = 10 + 2 + 4 + FIELD_BYTES;
const FIELD_BYTES: usize = 24;
const NAME: [u8; 2] = *b"SL";
const FIELD_AT: usize = 16;

/// More than any writer gathers: what says it is longer is damaged.
const LONGEST: u32 = 64 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Of the member, in the file.
    pub(super) size: u32,
    /// Of its text, and where that begins in the whole.
    pub(super) length: u32,
    pub(super) start: u64,
    pub(super) source: u64,
}

impl Frame {
    /// The member that begins at a place of a file; `None` where none does, or not a whole one.
    pub(super) fn at(file: &mut File, at: u64) -> io::Result<Option<Self>> {
        let header = read_up_to(file, at, HEADER_BYTES)?;
        let magic = header.starts_with(&[0x1f, 0x8b, 8, 4]);
        if header.len() < HEADER_BYTES || !magic || header[12..14] != NAME {
            return Ok(None);
        }
        let number = |from: usize| {
            let bytes = header[FIELD_AT + from..][..4].try_into();
            bytes.map_or(0, u32::from_le_bytes)
        };
        let long = |from: usize| u64::from(number(from)) | u64::from(number(from + 4)) << 32;
        let frame = Self { size: number(0), length: number(4), start: long(8), source: long(16) };
        let whole = file.metadata()?.len() >= at + u64::from(frame.size);
        let sane = frame.size as usize > HEADER_BYTES && frame.length <= LONGEST;
        Ok((whole && sane).then_some(frame))
    }

    /// What is in it, checked.
    pub(super) fn text(&self, file: &mut File, at: u64) -> io::Result<Vec<u8>> {
        let member = read_up_to(file, at, self.size as usize)?;
        let mut text = Vec::with_capacity(self.length as usize);
        GzDecoder::new(&member[..]).take(u64::from(self.length) + 1).read_to_end(&mut text)?;
        if text.len() as u64 == u64::from(self.length) {
            Ok(text)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

pub(super) fn encode(start: u64, source: u64, text: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(text.len()).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or(io::ErrorKind::FileTooLarge)?;
    let mut field = Vec::from(NAME);
    field.extend((FIELD_BYTES as u16).to_le_bytes());
    // The size is known when all of it is there.
    field.extend(0_u32.to_le_bytes());
    field.extend(length.to_le_bytes());
    field.extend(start.to_le_bytes());
    field.extend(source.to_le_bytes());
    let mut encoder: GzEncoder<Vec<u8>> =
        GzBuilder::new().extra(field).write(Vec::new(), Compression::default());
    encoder.write_all(text)?;
    let mut member = encoder.finish()?;
    let size = u32::try_from(member.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    member[FIELD_AT..FIELD_AT + 4].copy_from_slice(&size.to_le_bytes());
    Ok(member)
}
