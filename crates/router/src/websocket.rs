//! Where the frames of a WebSocket begin and end (RFC 6455, section 5.2), so that a close frame can
//! be put between two of them. Payloads are not looked at.

/// "Service Restart" (IANA's registry of close codes): the client may connect again at once.
const SERVICE_RESTART: u16 = 1012;
/// "Going Away" (RFC 6455, section 7.4.1), which is what every server understands of a leaving client.
const GOING_AWAY: u16 = 1001;

const OPCODE_CLOSE: u8 = 0x8;
const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
const MASK_LENGTH: u8 = 4;

/// The close frame for a client: servers do not mask.
pub(crate) fn close_to_client() -> Vec<u8> {
    let reason = b"service restart";
    let mut frame = vec![FIN | OPCODE_CLOSE, 2 + reason.len() as u8];
    frame.extend_from_slice(&SERVICE_RESTART.to_be_bytes());
    frame.extend_from_slice(reason);
    frame
}

/// The close frame for an instance, which takes us for a client: masked.
pub(crate) fn close_to_instance(mask: [u8; 4]) -> Vec<u8> {
    let code = GOING_AWAY.to_be_bytes();
    let mut frame = vec![FIN | OPCODE_CLOSE, MASK | 2];
    frame.extend_from_slice(&mask);
    frame.extend([code[0] ^ mask[0], code[1] ^ mask[1]]);
    frame
}

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The header so far: 2 to 14 bytes.
    header: [u8; 14],
    header_length: u8,
    payload_left: u64,
    /// The message that the last data frame belongs to goes on in a later frame.
    in_message: bool,
    closed: bool,
}

impl Frames {
    /// Nothing of a frame is under way.
    pub(crate) fn between_frames(&self) -> bool {
        self.header_length == 0 && self.payload_left == 0
    }

    /// Nothing of a message is under way; a message may consist of several frames.
    pub(crate) fn between_messages(&self) -> bool {
        self.between_frames() && !self.in_message
    }

    /// A close frame has gone by whole.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed && self.between_frames()
    }

    /// Takes note of `bytes` up to the end of the frame that is under way or begins with them, and says how
    /// many those are.
    pub(crate) fn frame(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while self.payload_left == 0 && at < bytes.len() {
            self.header[usize::from(self.header_length)] = bytes[at];
            self.header_length += 1;
            at += 1;
            if self.header_length == self.wanted() {
                self.begin();
                if self.payload_left == 0 {
                    return at;
                }
            }
        }
        let here = usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(bytes.len() - at);
        self.payload_left -= here as u64;
        at + here
    }

    /// Takes note of all of `bytes`.
    pub(crate) fn all(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = self.frame(bytes);
            bytes = &bytes[taken..];
        }
    }

    /// How long the header is, as far as its beginning tells.
    fn wanted(&self) -> u8 {
        if self.header_length < 2 {
            return 2;
        }
        let length = match self.header[1] & !MASK {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.header[1] & MASK == 0 { 0 } else { MASK_LENGTH };
        2 + length + mask
    }

    /// The header is whole.
    fn begin(&mut self) {
        self.payload_left = match self.header[1] & !MASK {
            126 => u64::from(u16::from_be_bytes([self.header[2], self.header[3]])),
            127 => {
                let mut length = [0; 8];
                length.copy_from_slice(&self.header[2..10]);
                u64::from_be_bytes(length)
            }
            short => u64::from(short),
        };
        let (fin, opcode) = (self.header[0] & FIN != 0, self.header[0] & 0x0f);
        match opcode {
            OPCODE_CLOSE => self.closed = true,
            // Control frames may stand between the frames of a message.
            0x9.. => {}
            _ => self.in_message = !fin,
        }
        self.header_length = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, mask: bool, length: usize) -> Vec<u8> {
        let masked = if mask { MASK } else { 0 };
        let mut frame = vec![first];
        match length {
            0..126 => frame.push(masked | length as u8),
            126..65536 => {
                frame.push(masked | 126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                frame.push(masked | 127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend(std::iter::repeat_n(0xff, if mask { 4 } else { 0 } + length));
        frame
    }

    #[test]
    fn a_boundary_is_only_at_the_end_of_a_frame() {
        for length in [0, 1, 125, 126, 127, 65535, 65536, 70000] {
            for mask in [false, true] {
                let bytes = frame(0x82, mask, length);
                let mut frames = Frames::default();
                for (index, byte) in bytes.iter().enumerate() {
                    assert!(index == 0 || !frames.between_frames(), "{length} at {index}");
                    frames.all(&[*byte]);
                }
                assert!(frames.between_messages() && !frames.is_closed(), "{length}");
            }
        }
    }

    #[test]
    fn frames_are_taken_one_by_one() {
        let bytes = [frame(0x81, true, 200), frame(0x89, true, 0), frame(0x81, true, 3)].concat();
        let mut frames = Frames::default();
        let first = frames.frame(&bytes);
        assert_eq!(first, 208);
        let second = frames.frame(&bytes[first..]);
        assert_eq!(second, 6);
        assert_eq!(frames.frame(&bytes[first + second..first + second + 2]), 2);
        assert!(!frames.between_frames());
    }

    #[test]
    fn a_fragmented_message_ends_with_its_last_frame() {
        let mut frames = Frames::default();
        frames.all(&frame(0x01, false, 5));
        assert!(frames.between_frames() && !frames.between_messages());
        frames.all(&frame(0x89, false, 2));
        assert!(!frames.between_messages(), "a ping does not end a message");
        frames.all(&frame(0x00, false, 5));
        assert!(!frames.between_messages());
        frames.all(&frame(0x80, false, 5));
        assert!(frames.between_messages());
    }

    #[test]
    fn our_own_close_frames_are_close_frames() {
        for bytes in [close_to_client(), close_to_instance([1, 2, 3, 4])] {
            let mut frames = Frames::default();
            assert_eq!(frames.frame(&bytes), bytes.len());
            assert!(frames.is_closed());
        }
        assert_eq!(close_to_client()[2..4], 1012_u16.to_be_bytes());
        let masked = close_to_instance([9, 9, 9, 9]);
        assert_eq!([masked[6] ^ 9, masked[7] ^ 9], 1001_u16.to_be_bytes());
    }
}
