//! Menus, help, palette, log, notices.

use stagewire::{
    model::Failure,
    ui::{
        Appearance, Effect, Message, effect::Terminal, glyphs::Glyphs, message::HostMessage,
        theme::ColourDepth,
    },
};

use crate::{
    chat::{at_apis, at_chat, failure, local},
    harness::Harness,
};

#[test]
fn the_actions_menu_keeps_what_cannot_act_and_says_why() {
    let mut h = at_chat();
    h.keys("down a").snapshot("actions");
    h.keys("down down enter")
        .shows("Nothing to undo")
        .shows("Actions");
}

#[test]
fn the_actions_menu_deploys_to_the_stage_it_was_opened_on() {
    let mut h = at_chat();
    h.keys("down a enter")
        .shows("Deploy API · chat")
        .shows("▸ test");
}

#[test]
fn the_help_lists_the_keys_of_this_screen() {
    at_chat().keys("?").snapshot("help");
    at_chat().keys("? ?").hides("Keys ·");
}

#[test]
fn the_palette_finds_an_action_and_does_it() {
    let mut h = at_chat();
    h.keys(":").types("depl").snapshot("palette");
    h.keys("enter").shows("Deploy API · chat");
}

#[test]
fn a_failure_of_something_asked_for_stands_in_the_way_until_it_is_read() {
    let mut h = at_apis();
    h.keys("y");
    let ticket = h.effects.iter().find_map(|effect| match effect {
        Effect::Terminal(Terminal::Copy(ticket, _)) => Some(*ticket),
        _ => None,
    });
    let result = Err(failure("Cannot copy"));
    h.update(Message::Host(HostMessage::Copied(ticket.unwrap(), result)));
    h.snapshot("failure");
    h.keys("esc").hides("Cannot copy");
    h.keys("!").shows("Cannot copy").snapshot("log");
}

#[test]
fn a_background_failure_is_a_notice_that_goes_by_itself() {
    let mut h = at_apis();
    let failure = Failure::new(
        stagewire::model::FailureKind::Remote,
        "Cannot keep the history",
    );
    h.update(Message::Host(HostMessage::Noticed(failure)));
    h.shows("Cannot keep the history")
        .passes(20_000)
        .hides("Cannot keep the history");
    h.is_still();
}

#[test]
fn a_still_screen_wants_no_clock_but_for_its_ages() {
    at_chat().is_still();
}

#[test]
fn a_screen_that_is_too_small_says_what_it_needs() {
    let mut h = at_chat();
    h.snapshot_only_at("too_small", (59, 14));
    for size in [
        (0, 0),
        (1, 1),
        (10, 2),
        (59, 15),
        (60, 14),
        (200, 1),
        (1, 200),
    ] {
        h.resize(size.0, size.1);
    }
}

#[test]
fn every_screen_fits_every_size() {
    for keys in ["esc", "tab", "d", "a", "?", ":", "!", "shift-r", "l"] {
        for size in [(60, 15), (60, 20), (80, 24), (120, 36), (300, 100)] {
            let mut h = at_chat();
            h.keys(keys).resize(size.0, size.1);
        }
    }
}

#[test]
fn without_colours_and_without_unicode_nothing_is_lost() {
    let appearance = Appearance {
        colours: ColourDepth::None,
        glyphs: Glyphs::ASCII,
    };
    let mut h = Harness::with(Some(local()), &appearance);
    h.connected()
        .apis(Ok(vec![crate::chat::chat().api]))
        .api(crate::chat::chat())
        .keys("enter");
    h.snapshot("ascii");
    let text = h.text();
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn quitting_suspending_and_redrawing_work_inside_modals() {
    let mut h = at_chat();
    h.keys("d ctrl-z ctrl-l ctrl-c");
    for effect in [
        Effect::Terminal(Terminal::Suspend),
        Effect::Terminal(Terminal::Redraw),
        Effect::Terminal(Terminal::Quit),
    ] {
        assert!(h.effects.contains(&effect), "{effect:?}");
    }
}

#[test]
fn pasting_without_a_text_field_does_nothing_and_says_so() {
    let mut h = at_apis();
    h.pastes("q").shows("There is no text field to paste into");
    assert!(!h.effects.contains(&Effect::Terminal(Terminal::Quit)));
}
