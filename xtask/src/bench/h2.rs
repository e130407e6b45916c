//! HTTP/2, as far as two programs on one machine need it that mean each other well: no padding, no priorities, and of HPACK
//! only what is written.

use std::io::Read;

use crate::Result;

/// What a client begins with.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;

/// Flags of frames; one bit has two meanings.
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// The longest payload of a frame unless somebody allows more.
const LARGEST: usize = 16384;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The number that the payload begins with.
    pub(crate) fn number(&self) -> Result<u32> {
        let first = self.payload.first_chunk().ok_or("a frame is too short")?;
        Ok(u32::from_be_bytes(*first))
    }

    /// The value of a setting.
    pub(crate) fn setting(&self, wanted: u16) -> Option<u32> {
        let (settings, _) = self.payload.as_chunks::<6>();
        let found = settings.iter().find(|[high, low, ..]| u16::from_be_bytes([*high, *low]) == wanted)?;
        let [_, _, value @ ..] = *found;
        Some(u32::from_be_bytes(value))
    }
}

/// Reads the next frame.
pub(crate) fn read(from: &mut impl Read) -> Result<Frame> {
    let mut head = [0; 9];
    from.read_exact(&mut head).map_err(|error| format!("no frame of HTTP/2 came: {error}"))?;
    let [high, middle, low, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
    from.read_exact(&mut payload)?;
    Ok(Frame { kind, flags, stream: u32::from_be_bytes(stream) & !(1 << 31), payload })
}

/// Writes one frame, whose payload is no longer than any other side must take.
pub(crate) fn push(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [.., high, middle, low] = payload.len().to_be_bytes();
    out.extend_from_slice(&[high, middle, low, kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Writes data of any length; the flags are those of the last frame.
pub(crate) fn data(out: &mut Vec<u8>, flags: u8, stream: u32, data: &[u8]) {
    let mut pieces = data.chunks(LARGEST).peekable();
    while let Some(piece) = pieces.next() {
        push(out, DATA, if pieces.peek().is_some() { 0 } else { flags }, stream, piece);
    }
}

pub(crate) fn settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    let payload: Vec<u8> =
        settings.iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
    push(out, SETTINGS, 0, 0, &payload);
}

/// Gives the other side so much more room on the connection.
pub(crate) fn window_update(out: &mut Vec<u8>, more: u32) {
    push(out, WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
}

/// A message of gRPC, not compressed, with its length before it.
pub(crate) fn message(message: &[u8]) -> Vec<u8> {
    let [.., a, b, c, d] = message.len().to_be_bytes();
    [&[0, a, b, c, d], message].concat()
}

/// Fields that every table begins with.
pub(crate) const METHOD_POST: u8 = 0x83;
pub(crate) const SCHEME_HTTP: u8 = 0x86;
pub(crate) const STATUS_200: u8 = 0x88;

/// The field that came into the table so many fields before the last.
pub(crate) const fn indexed(before_the_last: u8) -> u8 {
    0x80 | (62 + before_the_last)
}

/// Writes a field that the other side keeps in its table.
pub(crate) fn kept(block: &mut Vec<u8>, name: &str, value: &str) {
    field(block, 0x40, name, value);
}

/// Writes a field that it does not keep.
pub(crate) fn once(block: &mut Vec<u8>, name: &str, value: &str) {
    field(block, 0, name, value);
}

/// The names are written out, also of those that the table begins with; lengths fit into seven bits.
fn field(block: &mut Vec<u8>, form: u8, name: &str, value: &str) {
    block.push(form);
    for text in [name, value] {
        debug_assert!(text.len() < 127, "longer texts have lengths of several bytes");
        block.push(text.len().to_le_bytes()[0]);
        block.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let mut out = Vec::new();
        settings(&mut out, &[(1, 0), (INITIAL_WINDOW_SIZE, 1 << 20)]);
        data(&mut out, END_STREAM, 3, &vec![7; LARGEST + 1]);
        window_update(&mut out, 5);
        let mut wire = &out[..];
        let first = read(&mut wire).unwrap();
        assert_eq!((first.kind, first.setting(INITIAL_WINDOW_SIZE), first.setting(2)), (SETTINGS, Some(1 << 20), None));
        assert_eq!(read(&mut wire).unwrap(), Frame { kind: DATA, flags: 0, stream: 3, payload: vec![7; LARGEST] });
        assert_eq!(read(&mut wire).unwrap(), Frame { kind: DATA, flags: END_STREAM, stream: 3, payload: vec![7] });
        assert_eq!(read(&mut wire).unwrap().number().unwrap(), 5);
        assert!(read(&mut wire).is_err());
    }

    #[test]
    fn a_field_is_written_out_and_then_known_by_its_number() {
        let mut block = Vec::new();
        kept(&mut block, "te", "trailers");
        assert_eq!(block, b"\x40\x02te\x08trailers");
        assert_eq!(indexed(0), 0xbe);
        assert_eq!(message(b"ab"), b"\0\0\0\0\x02ab");
    }
}
