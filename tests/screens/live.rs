//! The Live screen: how it looks in each condition, and what its keys do.

use stagewire::{
    model::{
        ApiDetail, Direction, FrameRecord, LinkEvent, Opcode, Outgoing, Signing,
        limit::ConnectionLimits,
        link::{Frames, LinkStep},
    },
    ui::{
        Appearance, Effect, Message,
        effect::{Job, Link, Terminal},
        glyphs::Glyphs,
        message::HostMessage,
        theme::ColourDepth,
    },
};

use crate::{
    chat::chat,
    harness::Harness,
    rig::{frame, message},
};

fn long_message() -> String {
    format!(
        r#"{{"action":"sendMessage","data":"{}"}}"#,
        "x".repeat(41_000)
    )
}

/// A bit of everything: fragments, control frames, an empty one, and one that would clear the terminal.
fn conversation() -> Vec<FrameRecord> {
    let mut records = message(Direction::Out, &long_message(), 100);
    records.extend(message(
        Direction::In,
        r#"{"from":"bob","text":"日本語 hi","n":[1,2.50,true,null,{}]}"#,
        140,
    ));
    records.push(frame((Direction::In, Opcode::Ping), (0, true), b"", 10_144));
    records.push(frame(
        (Direction::Out, Opcode::Pong),
        (0, true),
        b"",
        10_145,
    ));
    records.push(frame(
        (Direction::In, Opcode::Text),
        (1, true),
        b"\x1b[2J\xff evil",
        11_145,
    ));
    records.push(frame((Direction::In, Opcode::Text), (1, true), b"", 11_145));
    records
}

fn talking(width: u16, height: u16) -> Harness {
    let mut live = Harness::open(width, height);
    live.frames(conversation());
    live
}

#[test]
fn connecting() {
    let mut live = Harness::connecting(100, 30);
    live.clock(3000).shows("connecting for 3 s");
    live.snapshot("live_connecting");
}

#[test]
fn open_with_frames() {
    talking(100, 30).snapshot("live_open");
}

#[test]
fn messages_folded_and_unfolded() {
    let mut live = talking(100, 30);
    live.keys("tab m");
    live.snapshot("live_folded");
    live.keys("m").shows("1/2").shows("2/2");
}

#[test]
fn paused_view_stays_while_frames_come() {
    let mut live = talking(100, 30);
    live.keys("tab up up");
    let before = live.rows()[4..11].to_vec();
    live.frames(message(Direction::In, "later", 12_000));
    assert_eq!(live.rows()[4..11], before);
    live.shows("paused · 1 new · End to follow");
    live.snapshot("live_paused");
    live.keys("end").shows("following").hides("paused");
}

#[test]
fn filter_finds_live_and_marks() {
    let mut live = talking(100, 30);
    live.keys("tab /")
        .types("EVIL")
        .shows("1 found in 7 frames");
    live.snapshot("live_filter");
    live.keys("enter");
    live.frames(message(Direction::In, "more evil", 12_000));
    live.shows("2 found in 8 frames");
    live.keys("/ esc").hides("found in").shows("8 frames");
}

#[test]
fn inspector_shows_json_text_and_hex() {
    let mut live = talking(100, 30);
    live.keys("tab up up up up enter");
    live.snapshot("live_inspector_json");
    live.keys("tab");
    live.snapshot("live_inspector_text");
    live.keys("tab");
    live.snapshot("live_inspector_hex");
    live.keys("esc").shows("PREVIEW");
}

#[test]
fn inspector_stands_beside_the_frames_when_there_is_room() {
    let mut live = talking(120, 24);
    live.keys("tab up up up up");
    live.snapshot_only_at("live_inspector_beside", (120, 24));
}

#[test]
fn inspector_puts_a_message_together_and_scrolls() {
    let mut live = talking(80, 24);
    live.keys("tab home enter").shows("#1 · text · 2 frames");
    live.shows("frame 1 of 2: 32,768 B   complete");
    live.keys("end").shows("xxxx\"").shows("}");
    live.keys("down down up home").shows("41,034 B");
}

#[test]
fn refused_handshake_shows_why_and_what_came() {
    let mut live = Harness::connecting(100, 30);
    live.handshake_refused(403, r#"{"message":"Forbidden"}"#);
    live.snapshot("live_refused");
}

#[test]
fn refusal_is_explained_by_a_fresh_look_at_the_api() {
    let mut live = Harness::connecting(100, 30);
    live.asked();
    live.handshake_refused(403, "");
    assert!(matches!(
        &live.asked()[..],
        [
            Effect::Job(Job::ReadStages(..)),
            Effect::Job(Job::ReadDraft(..))
        ]
    ));
    live.clock(1000);
    assert_eq!(live.asked(), []);
}

/// The API, whose stage `prod` takes signed handshakes only.
fn api_that_asks_for_a_signature() -> ApiDetail {
    let mut detail = chat();
    let serves = &detail.stages[0].deployment_id.clone().unwrap();
    let held = std::sync::Arc::make_mut(detail.held.get_mut(serves).unwrap());
    let connect = held.routes.get_mut("$connect").unwrap();
    connect
        .settings
        .insert("authorizationType".into(), "AWS_IAM".into());
    detail.compare();
    detail
}

/// Whether the link that was asked for since the last look is signed.
#[track_caller]
fn signing(live: &mut Harness) -> Signing {
    let asked = live.asked();
    let link = asked.iter().find_map(|effect| match effect {
        Effect::Link(Link::Open(_, _, signer)) => Some(match signer {
            Some(_) => Signing::Signed,
            None => Signing::Unsigned,
        }),
        _ => None,
    });
    link.unwrap_or_else(|| panic!("no link was asked for: {asked:?}"))
}

#[test]
fn a_handshake_that_lacks_a_signature_is_offered_one() {
    let mut live = Harness::connecting(100, 30);
    assert_eq!(signing(&mut live), Signing::Unsigned);
    live.handshake_refused(403, r#"{"message":"Missing Authentication Token"}"#);
    // Nothing is known of the stage yet, or it serves something else than the draft: the person may say so.
    live.shows("^R reconnect now   ^S signed");
    live.api(api_that_asks_for_a_signature());
    live.snapshot("live_unsigned");
    live.shows("^R reconnect signed").keys("ctrl-r");
    assert_eq!(signing(&mut live), Signing::Signed);
    live.shows("connecting · signed").opened(0);
    live.shows("● open · signed · idle closes in 10 min");
}

#[test]
fn what_a_handshake_lacks_and_no_key_brings_is_told_with_the_command_that_does() {
    let own = |message: &str| {
        format!(
            r#"{{"message": "{message}", "connectionId":"fjYBl1aBIAMCJ9w=", "requestId":"fjYCC0G8="}}"#
        )
    };
    let mut live = Harness::connecting(120, 30);
    live.handshake_refused(401, &own("Unauthorized"));
    live.shows("connect --header brings").hides("^S");
    live.keys("ctrl-r")
        .handshake_refused(403, &own("Forbidden"));
    live.shows("API key (header x-api-key)")
        .shows("connect --header 'x-api-key:");
}

#[test]
fn the_person_decides_over_the_signature_where_the_stage_says_nothing() {
    let mut live = Harness::connecting(100, 30);
    live.handshake_refused(403, "").asked();
    live.keys("tab s")
        .shows("signed with the target's credentials");
    assert_eq!(signing(&mut live), Signing::Signed);
    live.lost(LinkStep::Sign, 0).shows("not signed");
    live.keys("s").shows("Handshakes are not signed now");
    assert_eq!(signing(&mut live), Signing::Unsigned);
    live.opened(0).keys("s").shows("hang up first");
    assert_eq!(live.asked(), []);
}

#[test]
fn a_signed_handshake_that_is_refused_says_what_the_signature_lacks() {
    let mut live = Harness::connecting(100, 30);
    live.handshake_refused(403, "")
        .api(api_that_asks_for_a_signature())
        .keys("ctrl-r");
    live.handshake_refused(
        403,
        r#"{"message":"The security token included in the request is invalid."}"#,
    );
    live.shows("not known there").hides("^S");
}

/// Somebody has read the API meanwhile.
fn known(live: &mut Harness, detail: ApiDetail) {
    let id = detail.api.id.clone();
    *live.state.data.library.detail_mut(&id).unwrap() = detail;
}

/// A stage whose messages the gateway answers by itself: no such route, and an integration that fails, whose notice comes
/// in two frames as it may.
fn unserved(width: u16, height: u16) -> Harness {
    let mut live = Harness::open(width, height);
    known(&mut live, chat());
    let own = |message: &str| {
        format!(
            r#"{{"message": "{message}", "connectionId":"fjYBl1aBIAMCJ9wfjYBl==", "requestId":"fjYCC0G8IAMFqTg="}}"#
        )
    };
    live.frames(message(Direction::Out, r#"{"action":"nope"}"#, 1000));
    live.frames(message(Direction::In, &own("Forbidden"), 1020));
    live.frames(message(Direction::Out, r#"{"action":"sendMessage"}"#, 2000));
    let failed = own("Internal server error");
    let (first, second) = failed.as_bytes().split_at(40);
    live.frames(vec![
        frame((Direction::In, Opcode::Text), (1, false), first, 2040),
        frame(
            (Direction::In, Opcode::Continuation),
            (2, true),
            second,
            2041,
        ),
    ]);
    live
}

#[test]
fn frames_of_the_gateway_itself_are_marked_and_explained_in_their_row() {
    let mut live = unserved(100, 30);
    live.snapshot("live_own_frames");
    // What was searched for is shown as it is.
    live.keys("tab /").types("fjYCC0").shows("fjYCC0");
    live.keys("esc")
        .keys("m")
        .shows("! Internal server error: integration failed");
}

#[test]
fn a_frame_of_the_gateway_itself_is_explained_with_its_payload() {
    let mut live = unserved(80, 24);
    live.keys("tab home down enter");
    live.shows("of the gateway itself")
        .shows("selects route \"nope\"");
    live.shows("\"message\": \"Forbidden\"");
    live.keys("esc end enter")
        .shows("integration of the message's route failed")
        .shows("selects route \"sendMessage\"");
}

#[test]
fn at_80_columns_the_border_tells_what_has_no_room_in_the_row() {
    let mut live = unserved(80, 24);
    live.keys("tab home down");
    live.shows("! Forbidden: no route")
        .shows(" no route \"nope\", no $default ");
}

#[test]
fn a_frame_of_the_gateway_itself_keeps_its_words_whatever_is_read_later() {
    let mut live = unserved(100, 30);
    live.shows("no route \"nope\"");
    let mut later = chat();
    let serves = later.stages[0].deployment_id.clone().unwrap();
    later.held.remove(&serves);
    later.compare();
    known(&mut live, later);
    live.clock(3000).shows("no route \"nope\"");
    // Two messages under way: either may be answered.
    for action in ["slow", "ping"] {
        let text = format!(r#"{{"action":"{action}"}}"#);
        live.frames(message(Direction::Out, &text, 3000));
    }
    let own = r#"{"message": "Forbidden", "connectionId":"fjYBl1aBIAMCJ9wfjYBl==", "requestId":"fjYCC0G8IAMFqTg="}"#;
    live.frames(message(Direction::In, own, 3001));
    live.shows("! Forbidden: no such route, no $default");
}

#[test]
fn what_looks_like_the_gateways_words_and_is_a_backends_is_not_marked() {
    let mut live = Harness::open(100, 30);
    live.frames(message(Direction::In, r#"{"message":"Forbidden"}"#, 1000));
    live.frames(message(
        Direction::Out,
        r#"{"message": "Forbidden", "connectionId":"a", "requestId":"b"}"#,
        1001,
    ));
    live.hides("no $default")
        .shows(r#"{"message":"Forbidden"}"#);
}

#[test]
fn a_subprotocol_that_was_not_offered_is_named_with_the_way_to_offer_it() {
    let mut live = Harness::connecting(100, 30);
    live.lost(LinkStep::Subprotocol("v1".to_owned()), 0);
    live.shows("unknown subprotocol").shows("--subprotocol v1");
}

#[test]
fn close_for_size_is_explained_by_what_was_sent() {
    let mut live = talking(100, 30);
    let long = "x".repeat(40_000);
    live.frames(vec![frame(
        (Direction::Out, Opcode::Text),
        (1, true),
        long.as_bytes(),
        12_000,
    )]);
    live.closed(1009, "", 12_010);
    live.snapshot("live_closed_1009");
    live.shows("a frame of 40,000 bytes");
}

#[test]
fn composer_over_the_limit_refuses_and_keeps_the_text() {
    let mut live = talking(100, 30);
    live.pastes(&"x".repeat(131_073)).asked();
    live.keys("enter");
    assert_eq!(live.asked(), []);
    live.snapshot("live_over_limit");
    live.keys("backspace enter");
    let sent = live.asked();
    assert!(
        matches!(&sent[0], Effect::Link(Link::Send(_, Outgoing::Text(text))) if text.len() == 131_072)
    );
}

#[test]
fn lost_link_reconnects_by_itself_and_can_be_stopped() {
    let mut live = talking(100, 30);
    live.lost(LinkStep::Open, 12_000).clock(12_000);
    live.snapshot("live_reconnecting");
    let first = live.link_id();
    live.asked();
    live.clock(12_999);
    assert_eq!(live.asked(), []);
    live.clock(13_000);
    assert!(matches!(&live.asked()[..], [Effect::Link(Link::Open(id, ..))] if *id != first));
    live.lost(LinkStep::Connect, 13_100)
        .clock(13_100)
        .shows("in 2 s");
    live.keys("ctrl-x").clock(60_000);
    assert_eq!(live.asked(), []);
}

#[test]
fn late_events_of_a_link_that_was_given_up_are_dropped() {
    let mut live = talking(100, 30);
    let old = live.link_id();
    live.keys("ctrl-r");
    let records = message(Direction::In, "late", 12_000);
    live.update(Message::Link(
        old,
        LinkEvent::Frames(Frames {
            records,
            dropped: 0,
        }),
    ));
    live.hides("late").shows("7 frames");
}

#[test]
fn enter_sends_and_history_calls_back() {
    let mut live = Harness::open(100, 30);
    live.asked();
    live.types("hi")
        .keys("alt-enter")
        .types("you")
        .keys("enter");
    let link = live.link_id();
    assert_eq!(
        live.asked(),
        [
            Effect::Link(Link::Send(link, Outgoing::Text("hi\nyou".to_owned()))),
            Effect::Job(Job::Remember("hi\nyou".to_owned())),
        ]
    );
    live.keys("up").shows("hi").shows("you");
}

#[test]
fn pasted_lines_are_never_sent_by_themselves() {
    let mut live = Harness::open(100, 30);
    live.asked();
    live.pastes("one\ntwo\nthree");
    assert_eq!(live.asked(), []);
    live.shows("13 B → 1 frame");
}

#[test]
fn long_message_says_its_split_and_unsplit_is_on_purpose() {
    let mut live = Harness::open(100, 30);
    live.pastes(&"x".repeat(40_000));
    live.shows("40,000 B → 2 frames");
    live.asked();
    live.keys("ctrl-o");
    assert!(
        matches!(&live.asked()[0], Effect::Link(Link::Send(_, Outgoing::Unsplit(text))) if text.len() == 40_000)
    );
}

#[test]
fn typed_text_outlives_an_end_a_reconnect_a_resize_and_leaving() {
    let mut live = Harness::open(100, 30);
    live.types("precious").closed(1001, "Going away", 10);
    live.keys("enter")
        .shows("precious")
        .shows("not sent: not connected");
    live.keys("ctrl-r").shows("precious");
    live.resize(60, 20).shows("precious");
    live.keys("esc");
    assert_eq!(
        live.state.data.sessions.all()[0].composer.text(),
        "precious"
    );
}

#[test]
fn editor_gives_its_text_to_the_composer() {
    let mut live = Harness::open(100, 30);
    live.types("draft").asked();
    live.keys("ctrl-e");
    let asked = live.asked();
    let [Effect::Terminal(Terminal::Edit(ticket, text))] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(text, "draft");
    live.update(Message::Host(HostMessage::Edited(
        *ticket,
        Ok("from the editor\n".to_owned()),
    )));
    live.shows("from the editor");
}

#[test]
fn copy_takes_the_payload_of_the_selected_message() {
    let mut live = talking(100, 30);
    live.keys("tab home y");
    let asked = live.asked();
    let copied = asked.iter().find_map(|effect| match effect {
        Effect::Terminal(Terminal::Copy(_, text)) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied, Some(long_message()));
    live.keys("c y");
    assert!(
        matches!(&live.asked()[0], Effect::Terminal(Terminal::Copy(_, text)) if text.starts_with("ws://"))
    );
}

#[test]
fn clearing_keeps_the_counts() {
    let mut live = talking(100, 30);
    live.keys("tab c").shows("0 frames").shows("in 4 fr");
}

#[test]
fn dropped_frames_are_counted_on_the_screen() {
    let mut live = talking(100, 30);
    live.link(LinkEvent::Frames(Frames {
        records: Vec::new(),
        dropped: 1234,
    }));
    live.shows("1,234 dropped");
}

#[test]
fn ping_and_hang_up_are_sent() {
    let mut live = Harness::open(100, 30);
    live.asked();
    live.keys("tab p x");
    let asked = live.asked();
    assert!(matches!(
        &asked[0],
        Effect::Link(Link::Send(_, Outgoing::Ping(_)))
    ));
    assert!(matches!(
        &asked[1],
        Effect::Link(Link::Send(_, Outgoing::Close(Some((1000, _)))))
    ));
}

#[test]
fn the_countdown_follows_the_pace_of_the_gateway_in_this_process() {
    let mut live = Harness::open(100, 30);
    live.shows("idle closes in 10 min");
    let faster = ConnectionLimits::scaled(60.0);
    live.update(Message::Host(HostMessage::LimitsChanged(faster)));
    live.shows("idle closes in 10 s");
    live.clock(9_000).shows("idle closes in 1 s");
    // A link that is opened later too.
    live.keys("ctrl-r")
        .opened(9_000)
        .shows("idle closes in 10 s");
    let usual = ConnectionLimits::USUAL;
    live.update(Message::Host(HostMessage::LimitsChanged(usual)));
    live.shows("idle closes in 10 min");
}

#[test]
fn idle_link_wants_the_time_once_a_minute_only() {
    let mut live = Harness::open(100, 30);
    live.clock(0);
    assert_eq!(stagewire::ui::next_tick(&live.state).unwrap().as_secs(), 60);
    let before = live.text();
    live.clock(59_999);
    assert_eq!(live.text(), before);
    live.clock(60_000).shows("idle closes in 9 min");
    live.clock(545_000).shows("idle closes in 55 s");
}

#[test]
fn something_sent_and_unanswered_is_one_word_of_doubt_until_anything_comes() {
    let mut live = Harness::open(100, 30);
    live.frames(message(Direction::Out, "hello", 1000));
    live.clock(20_999).hides("unanswered");
    live.clock(21_000).shows("open, unanswered");
    live.frames(message(Direction::In, "hi", 22_000));
    live.hides("unanswered");
}

#[test]
fn message_that_could_not_leave_is_told() {
    let mut live = Harness::open(100, 30);
    live.closed(1001, "", 1000);
    live.link(LinkEvent::Unsent(1));
    live.shows("A message was not sent");
}

/// Every cell of the screen holds only what a terminal may be given.
#[track_caller]
fn is_clean(live: &mut Harness) {
    let buffer = live.draw();
    for cell in buffer.content() {
        let symbol = cell.symbol();
        // Most cells are this; asking about each of them took seconds.
        if matches!(symbol.as_bytes(), [b' '..=b'~']) {
            continue;
        }
        assert_eq!(stagewire::model::text::printable(symbol), symbol);
    }
}

const HOSTILE: [&[u8]; 6] = [
    b"\x1b]52;c;aGk=\x07\x9b31m\x00\x7f",
    "\u{202e}\u{2066}evil\u{200b}\u{feff}".as_bytes(),
    &[0xff; 2000],
    "\u{1f469}\u{200d}\u{1f469}e\u{301}\u{ff9e}日".as_bytes(),
    &[b'\n'; 300],
    b"",
];

#[test]
fn hostile_payloads_reach_no_cell_raw_and_nothing_panics_at_any_size() {
    // The smallest, the common one, with the inspector beside the frames, and a large one.
    for (width, height) in [(60, 15), (80, 24), (120, 36), (200, 50)] {
        let mut live = Harness::open(width, height);
        live.pastes("\u{202e}\u{1b}[2J\ttab");
        for (payload, ms) in HOSTILE.into_iter().zip(0..) {
            let text = (Direction::In, Opcode::Text);
            let reserved = (Direction::In, Opcode::Reserved(3));
            live.frames(vec![
                frame(text, (1, true), payload, ms),
                frame(reserved, (1, true), payload, ms),
            ]);
        }
        let close = (Direction::In, Opcode::Close);
        live.frames(vec![frame(close, (0, true), b"\x03\xe9\x1b[2J", 50)]);
        is_clean(&mut live);
        live.keys("tab home");
        for _ in 0..=HOSTILE.len() * 2 {
            live.keys("enter");
            for _ in 0..3 {
                is_clean(&mut live);
                live.keys("end tab");
            }
            live.keys("esc down");
        }
        live.closed(4000, "\u{1b}[2J\u{202e}", 100);
        is_clean(&mut live);
        live.handshake_refused(503, "\u{1b}[2J\u{202e}\n\u{9b}");
        is_clean(&mut live);
    }
}

#[test]
fn long_and_deep_json_is_laid_out_to_its_end() {
    let long = format!("[{}\"the end\"]", "\"\\u001b\u{202e}日本\",".repeat(5000));
    let deep = format!("{}7{}", "[".repeat(20_000), "]".repeat(20_000));
    for (width, height) in [(60, 20), (200, 50)] {
        let mut live = Harness::open(width, height);
        live.frames(message(Direction::In, &long, 0));
        live.keys("tab enter end").shows("\"the end\"");
        is_clean(&mut live);
        live.frames(message(Direction::In, &deep, 1));
        live.keys("home").shows("[").keys("end").shows("]");
    }
}

#[test]
fn ascii_terminals_without_colours_get_marks_they_can_show() {
    let appearance = Appearance {
        colours: ColourDepth::None,
        glyphs: Glyphs::ASCII,
    };
    let mut live = Harness::connecting_with(100, 30, &appearance);
    live.opened(0).frames(message(Direction::In, "plain", 100));
    live.frames(message(Direction::Out, "answer", 200));
    let text = live.text();
    assert!(text.is_ascii(), "{text}");
    live.shows("< text").shows("> text");
}

#[test]
fn header_elsewhere_tells_how_the_link_is() {
    let mut live = talking(100, 30);
    live.keys("esc").shows("● prod live");
    live.closed(1001, "", 12_000)
        .hides("prod live")
        .shows("○ prod not connected");
}

#[test]
fn counts_stay_in_sight_on_a_narrow_screen() {
    let mut live = talking(100, 30);
    live.shows("in 4 fr 72 B · out 3 fr 41 kB");
    live.resize(60, 20).shows("in 4 fr · out 3 fr");
}

#[test]
fn length_and_complaint_never_stand_on_each_other() {
    let mut live = Harness::open(60, 20);
    live.shows("message below and press").shows("Enter.");
    live.pastes(&"x".repeat(1_310_730)).keys("enter");
    live.shows("not sent: too long, the text is kept ╮");
    live.shows("╰ 1,310,730 B is 1,179,658 B over the 131,072 B of a messa…╯");
}

#[test]
fn filter_line_and_a_row_are_seen_on_the_lowest_screen() {
    let mut live = Harness::open(60, 15);
    live.frames(conversation());
    live.pastes("one\ntwo\nthree").closed(1009, "", 12_000);
    live.keys("tab /").types("evil").shows("/ evil");
    live.shows("\\u{1b}[2J").shows("1 found in 7 frames");
}
