//! The frame parser: bytes of one direction in, in whatever chunks they come; [`FrameRecord`]s out.
//!
//! The parser reports what crossed the wire, lawful or not: reserved bits and opcodes, lengths that are longer than
//! they need to be, masks where there should be none. It judges nothing, waits for nothing and cannot fail. The truth
//! is RFC 6455 §5.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

use crate::model::{Direction, FrameRecord, Opcode};

/// The most that is stored of one frame's payload, in bytes; the true length is always told.
const STORED_BYTES: usize = 256 * 1024;

/// The longest header: two bytes, eight of length, four of mask.
const HEADER_BYTES: usize = 14;

/// Reads the frames of one direction.
#[derive(Debug)]
pub struct FrameParser {
    direction: Direction,
    /// The first bytes of a header that is not complete yet; the first `begun` of them count.
    header: [u8; HEADER_BYTES],
    begun: usize,
    open: Option<OpenFrame>,
    /// Data frames of the message under way so far; 0 between messages.
    part: u32,
    unreadable: u64,
    /// The places of the payloads of one chunk's whole frames, and their masks. Kept for its memory only.
    places: Vec<(Range<usize>, Option<[u8; 4]>)>,
}

/// A frame whose header is complete and whose payload is not.
#[derive(Debug)]
struct OpenFrame {
    header: Header,
    seen: u64,
    stored: BytesMut,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    first_byte: u8,
    mask: Option<[u8; 4]>,
    payload_length: u64,
    size: usize,
}

enum Parsed {
    Complete(Header),
    Short,
    /// The length has its highest bit set, which no frame may: what follows cannot be told apart any more.
    Unreadable,
}

impl FrameParser {
    /// A parser for the frames that go in this direction, before the first one.
    pub fn new(direction: Direction) -> Self {
        Self {
            direction,
            header: [0; HEADER_BYTES],
            begun: 0,
            open: None,
            part: 0,
            unreadable: 0,
            places: Vec::new(),
        }
    }

    /// Takes the next bytes, seen at that time, and adds the frames that they complete to `records`.
    ///
    /// The payloads of the frames that lie whole in the chunk share one copy of it.
    pub fn feed(&mut self, mut chunk: &[u8], at: Timestamp, records: &mut Vec<FrameRecord>) {
        while self.unreadable == 0 {
            chunk = self.go_on(chunk, at, records);
            if chunk.is_empty() {
                return;
            }
            chunk = if self.begun > 0 {
                self.complete_header(chunk)
            } else {
                let rest = self.take_whole_frames(chunk, at, records);
                self.begin(rest)
            };
        }
        self.unreadable += chunk.len() as u64;
    }

    /// Bytes that came after something that cannot be a frame header, that header included.
    pub fn unreadable_bytes(&self) -> u64 {
        self.unreadable
    }

    /// The frame that has begun and not ended: how much of its payload was seen, and how long its header says it is.
    pub fn unfinished(&self) -> Option<(u64, u64)> {
        let open = self.open.as_ref()?;
        Some((open.seen, open.header.payload_length))
    }

    /// Gives the open frame what it lacks, and ends it if that was all.
    fn go_on<'a>(
        &mut self,
        chunk: &'a [u8],
        at: Timestamp,
        records: &mut Vec<FrameRecord>,
    ) -> &'a [u8] {
        let Some(mut open) = self.open.take() else {
            return chunk;
        };
        let missing = open.header.payload_length - open.seen;
        let n_taken = usize::try_from(missing).map_or(chunk.len(), |n| n.min(chunk.len()));
        let (taken, rest) = chunk.split_at(n_taken);
        let room = STORED_BYTES - open.stored.len();
        open.stored
            .extend_from_slice(&taken[..taken.len().min(room)]);
        open.seen += taken.len() as u64;
        if open.seen < open.header.payload_length {
            self.open = Some(open);
            return rest;
        }
        if let Some(mask) = open.header.mask {
            unmask(&mut open.stored, mask);
        }
        records.push(self.record(open.header, open.stored.freeze(), at));
        rest
    }

    /// Adds bytes, one by one, to a header that a chunk's end cut in two.
    fn complete_header<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        for (index, byte) in chunk.iter().enumerate() {
            self.header[self.begun] = *byte;
            self.begun += 1;
            match parse_header(&self.header[..self.begun]) {
                Parsed::Short => {}
                Parsed::Complete(header) => {
                    self.begun = 0;
                    self.open(header);
                    return &chunk[index + 1..];
                }
                Parsed::Unreadable => {
                    self.unreadable = self.begun as u64;
                    self.begun = 0;
                    return &chunk[index + 1..];
                }
            }
        }
        &[]
    }

    /// Takes the frames that lie whole at the chunk's start; gives back the rest.
    fn take_whole_frames<'a>(
        &mut self,
        chunk: &'a [u8],
        at: Timestamp,
        records: &mut Vec<FrameRecord>,
    ) -> &'a [u8] {
        self.places.clear();
        let n_before = records.len();
        let mut position = 0;
        while let Parsed::Complete(header) = parse_header(&chunk[position..]) {
            let start = position + header.size;
            let Some(end) = end_within(start, header.payload_length, chunk.len()) else {
                break;
            };
            let stored = start..end.min(start + STORED_BYTES);
            self.places.push((stored, header.mask));
            records.push(self.record(header, Bytes::new(), at));
            position = end;
        }
        let (whole, rest) = chunk.split_at(position);
        if !whole.is_empty() {
            let mut copy = BytesMut::from(whole);
            for (place, mask) in &self.places {
                if let Some(mask) = mask {
                    unmask(&mut copy[place.clone()], *mask);
                }
            }
            let copy = copy.freeze();
            for (record, (place, _)) in records[n_before..].iter_mut().zip(&self.places) {
                record.payload = copy.slice(place.clone());
            }
        }
        rest
    }

    /// Begins the frame whose first bytes, and not all of it, these are.
    fn begin<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        match parse_header(chunk) {
            Parsed::Complete(header) => {
                self.open(header);
                &chunk[header.size..]
            }
            Parsed::Short => {
                self.header[..chunk.len()].copy_from_slice(chunk);
                self.begun = chunk.len();
                &[]
            }
            Parsed::Unreadable => {
                self.unreadable = chunk.len() as u64;
                &[]
            }
        }
    }

    fn open(&mut self, header: Header) {
        // A length is only a claim: memory is taken as the bytes come.
        self.open = Some(OpenFrame {
            header,
            seen: 0,
            stored: BytesMut::new(),
        });
    }

    fn record(&mut self, header: Header, payload: Bytes, at: Timestamp) -> FrameRecord {
        let opcode = Opcode::from_bits(header.first_byte & 0x0f);
        let is_final = header.first_byte & 0x80 != 0;
        FrameRecord {
            direction: self.direction,
            opcode,
            is_final,
            reserved_bits: (header.first_byte >> 4) & 0x7,
            is_masked: header.mask.is_some(),
            payload,
            payload_length: header.payload_length,
            part: self.count_part(opcode, is_final),
            at,
        }
    }

    /// Control frames may stand between the parts of a message and do not count.
    fn count_part(&mut self, opcode: Opcode, is_final: bool) -> u32 {
        if opcode.is_control() {
            return 0;
        }
        let part = match opcode {
            Opcode::Continuation => self.part.saturating_add(1),
            _ => 1,
        };
        self.part = if is_final { 0 } else { part };
        part
    }
}

fn end_within(start: usize, length: u64, limit: usize) -> Option<usize> {
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= limit).then_some(end)
}

fn parse_header(bytes: &[u8]) -> Parsed {
    let [first_byte, second_byte, rest @ ..] = bytes else {
        return Parsed::Short;
    };
    let (payload_length, rest) = match second_byte & 0x7f {
        126 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
            None => return Parsed::Short,
        },
        127 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest),
            None => return Parsed::Short,
        },
        short => (u64::from(short), rest),
    };
    if payload_length >> 63 != 0 {
        return Parsed::Unreadable;
    }
    let (mask, rest) = if second_byte & 0x80 == 0 {
        (None, rest)
    } else {
        match rest.split_first_chunk() {
            Some((mask, rest)) => (Some(*mask), rest),
            None => return Parsed::Short,
        }
    };
    Parsed::Complete(Header {
        first_byte: *first_byte,
        mask,
        payload_length,
        size: bytes.len() - rest.len(),
    })
}

/// Masking is its own inverse. SOURCE: RFC 6455 §5.3.
fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests;
