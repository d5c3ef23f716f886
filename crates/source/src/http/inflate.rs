use std::io::{self, Write as _};

use flate2::write::GzDecoder;

/// Inflates a gzip stream piece by piece.
pub(super) struct Inflate {
    decoder: GzDecoder<Vec<u8>>,
}

impl Inflate {
    /// The largest piece to push at once: deflate makes at most about a thousand bytes of one.
    pub(super) const PIECE: usize = 256;

    pub(super) fn new() -> Self {
        Self { decoder: GzDecoder::new(Vec::new()) }
    }

    /// What a piece inflates to.
    pub(super) fn push(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        self.decoder.write_all(piece)?;
        self.decoder.flush()?;
        Ok(std::mem::take(self.decoder.get_mut()))
    }

    /// Whether the stream came to its end, with the right checksum.
    pub(super) fn ended(&mut self) -> bool {
        self.decoder.try_finish().is_ok()
    }
}
