//! The log against a model that keeps everything and computes each answer from scratch.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::model::{Direction, Opcode};

fn record(direction: Direction, opcode: Opcode, is_final: bool, payload: &str) -> FrameRecord {
    FrameRecord {
        direction,
        opcode,
        is_final,
        reserved_bits: 0,
        is_masked: direction == Direction::Out,
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        payload_length: payload.len() as u64,
        part: u32::from(!opcode.is_control()),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn text(payload: &str) -> FrameRecord {
    record(Direction::In, Opcode::Text, true, payload)
}

/// A budget of so many frames and of all bytes.
fn frames(frames: usize) -> Budget {
    Budget {
        frames,
        bytes: usize::MAX,
    }
}

const LINK: LinkId = LinkId(1);

#[test]
fn parts_of_a_message_are_joined_over_control_frames_between_them() {
    let mut log = FrameLog::default();
    log.extend(LINK, [record(Direction::In, Opcode::Text, false, "ab")]);
    log.extend(LINK, [record(Direction::In, Opcode::Ping, true, "")]);
    log.extend(LINK, [record(Direction::Out, Opcode::Text, true, "other")]);
    log.extend(
        LinkId(2),
        [record(Direction::In, Opcode::Text, true, "else")],
    );
    assert!(!log.message(0).unwrap().is_complete);
    log.extend(
        LINK,
        [record(Direction::In, Opcode::Continuation, true, "cd")],
    );
    let whole = log.assemble(4, 100).unwrap();
    assert_eq!(whole.payload, "abcd");
    assert_eq!(
        (whole.length, whole.n_frames, whole.is_complete),
        (4, 2, true)
    );
    assert_eq!(log.assemble(0, 3).unwrap().payload, "abc");
    assert_eq!(log.assemble(1, 100).unwrap().n_frames, 1);
}

#[test]
fn the_meaning_of_a_message_is_kept_with_its_first_frame_and_counts_as_long() {
    let mut log = FrameLog::default();
    log.extend(LINK, [record(Direction::In, Opcode::Text, false, "fir")]);
    let last = record(Direction::In, Opcode::Continuation, true, "st");
    log.extend(LINK, [last, text("else")]);
    let bytes = log.bytes();
    let own = Own {
        message: "Forbidden".to_owned(),
        explanation: Explanation {
            title: "no route".to_owned(),
            text: "x".repeat(300),
        },
    };
    log.explain(1, own.clone());
    assert_eq!(log.own(0), Some(&own));
    assert_eq!(log.own(1), Some(&own));
    assert_eq!(log.own(2), None);
    assert!(log.bytes() > bytes + 300);
    log.keep_within(frames(1));
    assert_eq!(log.own(1), None);
    log.keep_within(frames(1));
    assert_eq!(log.bytes(), size_of::<Entry>() + "else".len());
}

#[test]
fn full_log_lets_the_oldest_go_and_counts_it() {
    let mut log = FrameLog::default();
    for payload in ["a", "b", "c", "d", "e"] {
        log.extend(LINK, [text(payload)]);
    }
    assert_eq!(log.keep_within(frames(3)), 2);
    assert_eq!((log.len(), log.evicted(), log.end()), (3, 2, 5));
    assert!(log.entry(1).is_none());
    assert_eq!(log.entry(2).unwrap().record.payload, "c");
}

#[test]
fn byte_budget_holds_and_the_newest_frame_stays_however_long_it_is() {
    let mut log = FrameLog::default();
    let budget = Budget {
        frames: 1000,
        bytes: 3 * (size_of::<Entry>() + 100),
    };
    let long = "x".repeat(100);
    for _ in 0..10 {
        log.extend(LINK, [text(&long)]);
        log.keep_within(budget);
    }
    assert_eq!(log.len(), 3);
    log.extend(LINK, [text(&"x".repeat(100_000))]);
    log.keep_within(budget);
    assert_eq!((log.len(), log.evicted()), (1, 10));
}

#[test]
fn clearing_keeps_numbers_and_a_message_under_way() {
    let mut log = FrameLog::default();
    log.extend(LINK, [record(Direction::In, Opcode::Text, false, "ab")]);
    log.clear();
    assert!(log.is_empty());
    log.extend(
        LINK,
        [record(Direction::In, Opcode::Continuation, true, "cd")],
    );
    assert_eq!(log.entry(1).unwrap().message, 0);
    assert_eq!(log.assemble(1, 10).unwrap().payload, "cd");
}

#[test]
fn text_across_two_frames_is_found_when_folded() {
    let mut log = FrameLog::default();
    log.show(true, Query::parse("hello"));
    log.extend(LINK, [record(Direction::In, Opcode::Text, false, "say hE")]);
    log.extend(
        LINK,
        [record(Direction::In, Opcode::Continuation, false, "l")],
    );
    assert_eq!(log.n_rows(), 0);
    log.extend(
        LINK,
        [record(Direction::In, Opcode::Continuation, true, "LO!")],
    );
    assert_eq!((log.n_rows(), log.row(0)), (1, Some(0)));
}

#[test]
fn scan_of_a_long_log_is_bounded_and_finds_the_newest_first() {
    let mut log = FrameLog::default();
    for _ in 0..1000 {
        log.extend(LINK, [text("match")]);
    }
    log.show(false, Query::parse("match"));
    assert!(log.scan(64 * 10));
    assert!(log.n_rows() <= 10);
    assert_eq!(log.row(log.n_rows() - 1), Some(999));
    let mut slices = 0;
    while log.scan(64 * 100) {
        slices += 1;
    }
    assert!(slices > 5);
    assert_eq!((log.n_rows(), log.scanned_percent()), (1000, 100));
}

#[derive(Debug, Clone)]
enum Step {
    Extend(u32, Vec<FrameRecord>),
    Show(bool, &'static str),
    Scan(usize),
    Clear,
    EndLink(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let direction = prop_oneof![Just(Direction::In), Just(Direction::Out)];
    let opcode = prop_oneof![4 => Just(1_u8), 6 => Just(0_u8), 1 => Just(9_u8)];
    let payload = prop::sample::select(vec!["", "a", "ab", "bA", "xyz", "pin"]);
    let frame =
        (direction, opcode, any::<bool>(), payload).prop_map(|(direction, bits, fin, payload)| {
            record(
                direction,
                Opcode::from_bits(bits),
                fin || bits >= 8,
                payload,
            )
        });
    let query = prop::sample::select(vec!["", "a", "ab", "ping", "in:", "out: a", "bxy"]);
    let step = prop_oneof![
        20 => (0..2_u32, prop::collection::vec(frame, 1..5)).prop_map(|(link, records)| Step::Extend(link, records)),
        2 => (any::<bool>(), query).prop_map(|(fold, query)| Step::Show(fold, query)),
        2 => (1..400_usize).prop_map(Step::Scan),
        1 => Just(Step::Clear),
        1 => (0..2_u32).prop_map(Step::EndLink),
    ];
    prop::collection::vec(step, 0..120)
}

/// A frame of the model: what came, and the number of its message's first frame.
struct Seen {
    sequence: u64,
    message: u64,
    record: FrameRecord,
}

#[derive(Default)]
struct Model {
    held: Vec<Seen>,
    open: Vec<(u32, Direction, u64)>,
    next: u64,
}

impl Model {
    fn append(&mut self, link: u32, record: FrameRecord, max_frames: usize) {
        let key = |open: &(u32, Direction, u64)| (open.0, open.1) == (link, record.direction);
        let sequence = self.next;
        self.next += 1;
        let mut message = sequence;
        if !record.opcode.is_control() {
            let open = self.open.iter().copied().find(key);
            if let (Some(open), Opcode::Continuation) = (open, record.opcode) {
                message = open.2;
            }
            self.open.retain(|open| !key(open));
            if !record.is_final {
                self.open.push((link, record.direction, message));
            }
        }
        self.held.push(Seen {
            sequence,
            message,
            record,
        });
        if self.held.len() > max_frames {
            self.held.remove(0);
        }
    }

    fn rows(&self, is_folded: bool, query: Option<&Query>) -> Vec<u64> {
        let is_shown = |seen: &&Seen| match (is_folded, query) {
            (false, None) => true,
            (false, Some(query)) => query.is_in(&seen.record),
            (true, None) => seen.message == seen.sequence,
            (true, Some(query)) => {
                let frames = || {
                    self.held
                        .iter()
                        .filter(|other| other.message == seen.message)
                };
                let whole: Vec<u8> = frames()
                    .flat_map(|frame| frame.record.payload.to_vec())
                    .collect();
                seen.message == seen.sequence
                    && (frames().any(|frame| query.is_in(&frame.record))
                        || (query.is_direction(seen.record.direction) && query.is_in_bytes(&whole)))
            }
        };
        self.held
            .iter()
            .filter(is_shown)
            .map(|seen| seen.sequence)
            .collect()
    }
}

proptest! {
    #[test]
    fn rows_are_those_of_a_log_that_is_computed_from_scratch(steps in steps(), max_frames in 1..30_usize) {
        let mut log = FrameLog::default();
        let mut model = Model::default();
        let (mut is_folded, mut query) = (false, None);
        for step in steps {
            match step {
                Step::Extend(link, records) => {
                    for record in &records {
                        model.append(link, record.clone(), max_frames);
                    }
                    log.extend(LinkId(link), records);
                    log.keep_within(frames(max_frames));
                }
                Step::Show(fold, typed) => {
                    (is_folded, query) = (fold, Query::parse(typed));
                    log.show(is_folded, query.clone());
                }
                Step::Scan(budget) => {
                    log.scan(budget);
                }
                Step::Clear => {
                    model.held.clear();
                    log.clear();
                }
                Step::EndLink(link) => {
                    model.open.retain(|open| open.0 != link);
                    log.end_link(LinkId(link));
                }
            }
            prop_assert_eq!(log.len(), model.held.len());
        }
        while log.scan(1000) {}
        let rows: Vec<u64> = (0..log.n_rows()).filter_map(|row| log.row(row)).collect();
        prop_assert_eq!(&rows, &model.rows(is_folded, query.as_ref()));
        for (row_idx, row) in rows.iter().enumerate() {
            prop_assert_eq!(log.position(*row), row_idx);
        }
        for seen in &model.held {
            prop_assert_eq!(log.entry(seen.sequence).unwrap().message, seen.message);
        }
    }
}
