//! The list of APIs.

use crossterm::event::{KeyCode, KeyEvent};
use stagewire::{
    model::{Target, Ticket, target::AwsTarget},
    ui::{Effect, Message, effect::Job, message::LibraryMessage, route::Route},
};

use crate::{
    chat::{api, api_id, at_apis, chat, failure, local, ticker},
    harness::Harness,
};

#[test]
fn the_first_paint_waits_for_nothing() {
    let mut h = Harness::new(Some(local()));
    h.snapshot("apis_connecting");
}

#[test]
fn loading_is_shown_where_the_apis_will_be() {
    let mut h = Harness::new(Some(local()));
    h.connected().snapshot("apis_loading");
}

#[test]
fn apis_show_their_stages_and_what_is_undeployed() {
    at_apis().snapshot("apis_ready");
}

#[test]
fn apis_are_listed_before_their_details_are_read() {
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Ok(vec![chat().api]))
        .shows("chat")
        .shows("$request.body.action")
        .hides("prod");
}

#[test]
fn a_failure_is_shown_where_the_apis_would_be() {
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Err(failure("Cannot list the APIs of us-east-1")))
        .snapshot("apis_failed");
    h.keys("r").apis(Ok(vec![chat().api])).shows("chat");
}

#[test]
fn a_region_without_apis_says_what_to_do() {
    let mut h = Harness::new(Some(local()));
    h.connected().apis(Ok(Vec::new())).snapshot("apis_empty");
}

#[test]
fn a_failed_refresh_keeps_the_old_apis_and_says_that_they_are_old() {
    let mut h = at_apis();
    h.keys("r")
        .shows("chat")
        .apis(Err(failure("Cannot list the APIs of us-east-1")))
        .shows("chat")
        .shows("old: Cannot list the APIs of us-east-1");
}

#[test]
fn a_filter_narrows_the_list_and_counts() {
    let mut h = at_apis();
    h.keys("/").types("tic").shows("APIs 1/2").hides("chat");
    h.snapshot("apis_filter");
    h.keys("enter enter").shows("ticker › live");
    h.keys("esc").shows("APIs 1/2").hides("chat");
    h.keys("esc").shows("APIs 2").shows("chat");
}

#[test]
fn the_selection_is_an_api_not_a_row() {
    let mut h = at_apis();
    h.keys("down").shows("▸ ticker");
    h.keys("r").apis(Ok(vec![
        chat().api,
        api("aaaaaaaaaa", "another"),
        ticker().api,
    ]));
    h.shows("▸ ticker");
}

#[test]
fn sorting_by_age_puts_the_newest_first() {
    let mut old = chat().api;
    old.created_at = Some(crate::chat::ago(9_000_000));
    let mut h = Harness::new(Some(local()));
    h.connected().apis(Ok(vec![old, ticker().api])).keys("home");
    let order = |h: &mut Harness| {
        let text = h.text();
        text.find("ticker").unwrap() < text.find("chat").unwrap()
    };
    assert!(!order(&mut h));
    h.keys("s").shows("by newest");
    assert!(order(&mut h));
}

#[test]
fn hundreds_of_apis_do_not_cost_thousands_of_calls() {
    let apis = (0..600).map(|n| api(&format!("id{n:04}"), &format!("api {n:04}")));
    let mut h = Harness::new(Some(local()));
    h.connected().apis(Ok(apis.collect()));
    let reads = |h: &Harness| {
        let is_read = |effect: &&Effect| matches!(effect, Effect::Job(Job::ReadStages(..)));
        h.effects.iter().filter(is_read).count()
    };
    assert_eq!(reads(&h), 3);
    for n in 0..600 {
        let id = api_id(&format!("id{n:04}"));
        let is_asked = |effect: &Effect| matches!(effect, Effect::Job(Job::ReadStages(_, asked, _)) if *asked == id);
        if h.effects.iter().any(is_asked) {
            h.api_fails(&id, failure("Cannot read"));
        }
    }
    assert!(h.state.data.library.records.len() <= 30);
    h.keys("end").shows("▸ api 0599");
    assert_eq!(reads(&h), 3);
}

#[test]
fn late_answer_does_not_replace_newer_apis() {
    let mut h = Harness::new(Some(local()));
    h.connected().keys("r").passes(2_000).keys("r");
    let tickets: Vec<Ticket> = h
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Job(Job::LoadApis(ticket, _)) => Some(*ticket),
            _ => None,
        })
        .collect();
    let [.., before, last] = tickets[..] else {
        panic!("{tickets:?}");
    };
    h.library(LibraryMessage::ApisLoaded(last, Ok(vec![chat().api])));
    h.library(LibraryMessage::ApisLoaded(before, Ok(vec![ticker().api])));
    h.shows("chat").hides("ticker");
}

#[test]
fn unusable_credentials_open_the_picker_and_say_what_was_tried() {
    let mut h = Harness::new(Some(Target::Aws(AwsTarget::default())));
    h.refused(failure("Cannot find credentials"))
        .targets(Ok(vec![Target::Aws(AwsTarget::default()), local()]))
        .shows("Cannot find credentials")
        .shows("▸ local");
    assert_eq!(h.state.screens.len(), 1);
    assert!(matches!(h.state.screen().route(), Route::Targets(_)));
    h.snapshot("targets_after_failure");
}

#[test]
fn characters_that_come_together_are_keys_until_a_text_field_has_the_keyboard() {
    let mut h = at_apis();
    let keys = "/tick".chars().map(|c| KeyEvent::from(KeyCode::Char(c)));
    h.update(Message::Typed(keys.collect()));
    h.shows("ticker").shows("1/2").hides("chat");
}

#[test]
fn an_age_goes_on_while_nobody_does_anything() {
    let mut h = at_apis();
    let ms = 86_400_000;
    h.shows("3 days ago").passes(ms - 1).shows("3 days ago");
    h.passes(1).shows("4 days ago");
}

#[test]
fn a_modal_above_a_list_leaves_the_list_where_it_is() {
    let mut h = Harness::new(Some(local()));
    let apis = (0..40).map(|idx| api(&format!("k3v9x2a1{idx:02}"), &format!("api {idx:02}")));
    h.connected().apis(Ok(apis.collect()));
    h.resize(100, 40);
    for _ in 0..30 {
        h.keys("j").draw();
    }
    let before = h.text();
    h.keys("shift-r").shows("Region of").draw();
    h.keys("esc");
    assert_eq!(h.text(), before);
}
