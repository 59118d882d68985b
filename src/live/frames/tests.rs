//! Any frames, however cut, and bytes that are no frames.

use proptest::{collection::vec, prelude::*};

use super::*;

const AT: Timestamp = Timestamp::UNIX_EPOCH;

/// A frame as somebody might send it.
#[derive(Debug, Clone)]
struct Sent {
    first_byte: u8,
    mask: Option<[u8; 4]>,
    payload: Vec<u8>,
    /// 0, 2 or 8: at least this many bytes of extended length, needed or not.
    length_bytes: usize,
}

impl Sent {
    fn new(first_byte: u8, payload: &[u8]) -> Self {
        Self {
            first_byte,
            mask: None,
            payload: payload.to_vec(),
            length_bytes: 0,
        }
    }

    fn write(&self, wire: &mut Vec<u8>) {
        let mask_bit = if self.mask.is_some() { 0x80 } else { 0 };
        let length = self.payload.len();
        let length_bytes = match length {
            0..=125 => self.length_bytes,
            126..=65_535 => self.length_bytes.max(2),
            _ => 8,
        };
        wire.push(self.first_byte);
        match length_bytes {
            0 => wire.push(mask_bit | u8::try_from(length).unwrap()),
            2 => {
                wire.push(mask_bit | 0x7e);
                wire.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                wire.push(mask_bit | 0x7f);
                wire.extend((length as u64).to_be_bytes());
            }
        }
        let mask = self.mask.unwrap_or_default();
        wire.extend(self.mask.iter().flatten());
        wire.extend(
            self.payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(a, b)| a ^ b),
        );
    }
}

fn wire(frames: &[Sent]) -> Vec<u8> {
    let mut wire = Vec::new();
    for frame in frames {
        frame.write(&mut wire);
    }
    wire
}

fn read(chunks: &[&[u8]]) -> Vec<FrameRecord> {
    let mut parser = FrameParser::new(Direction::In);
    let mut records = Vec::new();
    for chunk in chunks {
        parser.feed(chunk, AT, &mut records);
    }
    records
}

fn any_frame() -> impl Strategy<Value = Sent> {
    (
        any::<u8>(),
        any::<Option<[u8; 4]>>(),
        prop_oneof![
            8 => vec(any::<u8>(), 0..40),
            2 => vec(any::<u8>(), 120..300),
            1 => (65_530..65_540_usize).prop_map(|length| vec![b'x'; length]),
        ],
        prop_oneof![Just(0), Just(2), Just(8)],
    )
        .prop_map(|(first_byte, mask, payload, length_bytes)| Sent {
            first_byte,
            mask,
            payload,
            length_bytes,
        })
}

proptest! {
    #[test]
    fn any_chunking_of_any_frames_gives_the_same_records(
        frames in vec(any_frame(), 0..12),
        cuts in vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let wire = wire(&frames);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
        cuts.extend([0, wire.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect();

        let records = read(&chunks);

        prop_assert_eq!(&records, &read(&[&wire]));
        prop_assert_eq!(records.len(), frames.len());
        for (record, frame) in records.iter().zip(&frames) {
            prop_assert_eq!(&record.payload[..], &frame.payload[..]);
            prop_assert_eq!(record.payload_length, frame.payload.len() as u64);
            prop_assert_eq!(record.opcode, Opcode::from_bits(frame.first_byte & 0xf));
            prop_assert_eq!(record.is_final, frame.first_byte & 0x80 != 0);
            prop_assert_eq!(record.reserved_bits, frame.first_byte >> 4 & 7);
            prop_assert_eq!(record.is_masked, frame.mask.is_some());
        }
    }

    #[test]
    fn random_bytes_never_panic_and_are_all_accounted_for(chunks in vec(vec(any::<u8>(), 0..200), 0..20)) {
        let mut parser = FrameParser::new(Direction::Out);
        let mut records = Vec::new();
        let mut n_bytes = 0;
        for chunk in &chunks {
            parser.feed(chunk, AT, &mut records);
            n_bytes += chunk.len() as u64;
        }
        let payloads: u64 = records.iter().map(|record| record.payload_length).sum();
        let open = parser.unfinished().map_or(0, |(seen, _)| seen);
        prop_assert!(payloads + open + parser.unreadable_bytes() <= n_bytes);
    }
}

#[test]
fn one_byte_at_a_time_gives_each_frame_with_its_last_byte() {
    let wire = wire(&[Sent::new(0x81, b"hi"), Sent::new(0x89, b"")]);
    let mut parser = FrameParser::new(Direction::In);
    let mut records = Vec::new();
    let counts: Vec<usize> = wire
        .iter()
        .map(|byte| {
            parser.feed(&[*byte], AT, &mut records);
            records.len()
        })
        .collect();
    assert_eq!(counts, [0, 0, 0, 1, 1, 2]);
}

#[test]
fn parts_count_through_control_frames() {
    let records = read(&[&wire(&[
        Sent::new(0x01, b"a"),
        Sent::new(0x89, b""),
        Sent::new(0x00, b"b"),
        Sent::new(0x80, b"c"),
        Sent::new(0x82, b"d"),
    ])]);
    let parts: Vec<u32> = records.iter().map(|record| record.part).collect();
    assert_eq!(parts, [1, 0, 2, 3, 1]);
}

#[test]
fn a_continuation_of_nothing_is_part_one() {
    let records = read(&[&wire(&[
        Sent::new(0x80, b"lost"),
        Sent::new(0x80, b"again"),
    ])]);
    assert_eq!(records[0].part, 1);
    assert_eq!(records[1].part, 1);
}

#[test]
fn a_long_payload_is_cut_and_its_true_length_kept() {
    let mut frame = Sent::new(0x82, &vec![7; STORED_BYTES + 1]);
    frame.mask = Some([1, 2, 3, 4]);
    let wire = wire(&[frame, Sent::new(0x81, b"after")]);
    for chunks in [vec![&wire[..]], wire.chunks(1000).collect()] {
        let records = read(&chunks);
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].payload.len(), STORED_BYTES);
        assert!(records[0].payload.iter().all(|byte| *byte == 7));
        assert_eq!(records[0].payload_length, STORED_BYTES as u64 + 1);
        assert!(records[0].is_cut());
        assert_eq!(&records[1].payload[..], b"after");
    }
}

#[test]
fn a_length_with_its_highest_bit_set_makes_the_rest_unreadable() {
    let mut wire = wire(&[Sent::new(0x81, b"fine")]);
    wire.extend([0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    wire.extend(b"whatever");
    for chunks in [vec![&wire[..]], wire.chunks(1).collect()] {
        let mut parser = FrameParser::new(Direction::In);
        let mut records = Vec::new();
        for chunk in chunks {
            parser.feed(chunk, AT, &mut records);
        }
        assert_eq!(records.len(), 1);
        assert_eq!(parser.unreadable_bytes(), 18);
    }
}

#[test]
fn a_huge_announced_length_takes_no_memory_ahead() {
    let mut parser = FrameParser::new(Direction::In);
    let mut records = Vec::new();
    parser.feed(
        &[
            0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2,
        ],
        AT,
        &mut records,
    );
    assert!(records.is_empty());
    assert_eq!(parser.unfinished(), Some((2, i64::MAX as u64)));
}
