//! A message as a queue keeps it, and its form on the disk.

use bytes::{BufMut as _, Bytes};
use jiff::Timestamp;

use crate::sidecar::Metadata;

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The topic or the queue it was sent to; a subscriber may have asked for a pattern.
    pub(super) address: String,
    /// Milliseconds since 1970.
    pub(super) sent: u64,
    pub(super) expires: Option<u64>,
    pub(super) metadata: Metadata,
    pub(super) payload: Bytes,
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// The queue it lay in, and goes back to when it is replayed.
    pub(super) queue: String,
    pub(super) why: String,
    pub(super) attempts: u32,
    /// Milliseconds since 1970.
    pub(super) given_up: u64,
    pub(super) record: Record,
}

/// What is read back is not what was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// The time now, in milliseconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// What a record takes beside its texts and its payload.
const OVERHEAD: u64 = 128;

impl Record {
    /// How much room it takes.
    pub(super) fn size(&self) -> u64 {
        let metadata: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        (self.payload.len() + self.address.len() + metadata) as u64 + OVERHEAD
    }

    pub(super) fn is_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len() + 128);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put_u64_le(self.sent);
        // No message ends at the beginning of 1970.
        out.put_u64_le(self.expires.unwrap_or(0));
        text(out, &self.address);
        length(out, self.metadata.len());
        for (name, value) in &self.metadata {
            text(out, name);
            text(out, value);
        }
        out.extend_from_slice(&self.payload);
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Broken> {
        let mut rest = bytes;
        let sent = number(&mut rest)?;
        let expires = Some(number(&mut rest)?).filter(|end| *end > 0);
        let address = read_text(&mut rest)?;
        let mut metadata = Metadata::new();
        for _ in 0..read_length(&mut rest)? {
            metadata.insert(read_text(&mut rest)?, read_text(&mut rest)?);
        }
        Ok(Self { address, sent, expires, metadata, payload: Bytes::copy_from_slice(rest) })
    }
}

impl Letter {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.record.payload.len() + 256);
        text(&mut out, &self.queue);
        text(&mut out, &self.why);
        out.put_u32_le(self.attempts);
        out.put_u64_le(self.given_up);
        self.record.write(&mut out);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Broken> {
        let mut rest = bytes;
        let (queue, why) = (read_text(&mut rest)?, read_text(&mut rest)?);
        let attempts = u32::from_le_bytes(take(&mut rest)?);
        let given_up = number(&mut rest)?;
        Ok(Self { queue, why, attempts, given_up, record: Record::decode(rest)? })
    }
}

fn length(out: &mut Vec<u8>, length: usize) {
    // A text of four gigabytes would fail earlier, for want of room.
    out.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
}

fn text(out: &mut Vec<u8>, text: &str) {
    length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Broken> {
    let (first, after) = rest.split_first_chunk().ok_or(Broken)?;
    *rest = after;
    Ok(*first)
}

fn number(rest: &mut &[u8]) -> Result<u64, Broken> {
    take(rest).map(u64::from_le_bytes)
}

fn read_length(rest: &mut &[u8]) -> Result<usize, Broken> {
    take(rest).map(u32::from_le_bytes).and_then(|length| usize::try_from(length).map_err(|_| Broken))
}

fn read_text(rest: &mut &[u8]) -> Result<String, Broken> {
    let length = read_length(rest)?;
    let (text, after) = rest.split_at_checked(length).ok_or(Broken)?;
    *rest = after;
    std::str::from_utf8(text).map(str::to_owned).map_err(|_| Broken)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in super::super) fn record() -> impl Strategy<Value = Record> {
        let metadata = prop::collection::btree_map(".{0,8}", ".{0,8}", 0..4);
        let payload = prop::collection::vec(any::<u8>(), 0..200);
        (".{0,12}", any::<u64>(), prop::option::of(1_u64..), metadata, payload).prop_map(
            |(address, sent, expires, metadata, payload)| Record { address, sent, expires, metadata, payload: payload.into() },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(record in record(), why in ".{0,20}", attempts: u32, given_up: u64) {
            prop_assert_eq!(Record::decode(&record.encode()), Ok(record.clone()));
            let letter = Letter { queue: "q".to_owned(), why, attempts, given_up, record };
            prop_assert_eq!(Letter::decode(&letter.encode()), Ok(letter));
        }

        #[test]
        fn what_was_cut_is_refused_or_shorter_and_never_a_panic(record in record(), cut in 0.0_f64..1.0) {
            let whole = record.encode();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let end = (whole.len() as f64 * cut) as usize;
            if let Ok(read) = Record::decode(&whole[..end]) {
                prop_assert!(record.payload.starts_with(&read.payload));
            }
        }

        #[test]
        fn junk_is_never_a_panic(junk in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::decode(&junk);
            let _ = Letter::decode(&junk);
        }
    }
}
