//! Git's packet lines: four hex digits that count themselves and what follows them (gitprotocol-common(5),
//! "pkt-line Format").

use std::io::{self, Read, Write};

/// The longest packet, its length included.
const PACKET_BYTES: usize = 65520;

/// The next packet without its line break; `None` is a flush packet.
pub(super) fn read(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut digits = [0; 4];
    input.read_exact(&mut digits)?;
    let length = std::str::from_utf8(&digits)
        .ok()
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|digits| usize::from_str_radix(digits, 16).ok())
        .ok_or_else(|| invalid("a packet does not begin with its length"))?;
    match length {
        0 => Ok(None),
        4..=PACKET_BYTES => {
            let mut packet = vec![0; length - 4];
            input.read_exact(&mut packet)?;
            if packet.last() == Some(&b'\n') {
                packet.pop();
            }
            Ok(Some(packet))
        }
        _ => Err(invalid("a packet has an impossible length")),
    }
}

/// Every packet up to the next flush packet; an error if there are more than `bound`.
pub(super) fn read_until_flush(input: &mut impl Read, bound: usize) -> io::Result<Vec<Vec<u8>>> {
    let mut packets = Vec::new();
    while let Some(packet) = read(input)? {
        if packets.len() == bound {
            return Err(invalid("there are too many packets"));
        }
        packets.push(packet);
    }
    Ok(packets)
}

/// Writes a packet. Its text must be shorter than a packet can be.
pub(super) fn write(output: &mut impl Write, text: &[u8]) -> io::Result<()> {
    debug_assert!(text.len() + 4 <= PACKET_BYTES);
    output.write_all(format!("{:04x}", text.len() + 4).as_bytes())?;
    output.write_all(text)
}

pub(super) fn flush(output: &mut impl Write) -> io::Result<()> {
    output.write_all(b"0000")?;
    output.flush()
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_read_back() {
        let mut wire = Vec::new();
        write(&mut wire, b"version=1\0atomic").unwrap();
        write(&mut wire, b"").unwrap();
        flush(&mut wire).unwrap();
        assert_eq!(&wire[..4], b"0014");
        let packets = read_until_flush(&mut wire.as_slice(), 2).unwrap();
        assert_eq!(packets, [b"version=1\0atomic".to_vec(), Vec::new()]);
    }

    #[test]
    fn nonsense_is_an_error() {
        for wire in [&b"00"[..], b"zzzz", b"+004", b"0003", b"fff1", b"0009ab"] {
            assert!(read(&mut &wire[..]).is_err(), "{wire:?}");
        }
        assert!(read_until_flush(&mut &b"0004000400040000"[..], 2).is_err());
    }
}
