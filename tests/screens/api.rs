//! One API: its stages and its routes.

use stagewire::{
    model::{RouteSettings, StagesReading},
    ui::{Effect, effect::Link, message::LibraryMessage},
};

use crate::{
    chat::{api, api_id, at_apis, at_chat, chat, deployment_id, failure, local, stage},
    harness::Harness,
};

#[test]
fn a_stage_is_shown_with_all_that_one_asks_about_it() {
    at_chat().keys("down").snapshot("api_stages");
}

#[test]
fn a_production_stage_is_marked_by_word_and_by_colour() {
    at_chat()
        .shows("PRODUCTION")
        .snapshot("api_stages_production");
}

#[test]
fn an_api_that_was_not_read_yet_says_so() {
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Ok(vec![chat().api]))
        .keys("enter")
        .snapshot("api_loading");
}

#[test]
fn an_api_that_cannot_be_read_says_why() {
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Ok(vec![chat().api]))
        .keys("enter")
        .api_fails(&chat().api.id, failure("Cannot read \"chat\""))
        .shows("Cannot read \"chat\"")
        .shows("AccessDeniedException");
    h.keys("r").api(chat()).shows("9q1mzz");
}

#[test]
fn a_throttle_of_zero_blocks_all_traffic() {
    let mut detail = chat();
    detail.stages[0].default_route_settings = Some(RouteSettings {
        throttling_rate_limit: Some(0.0),
        ..RouteSettings::default()
    });
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Ok(vec![detail.api.clone()]))
        .api(detail)
        .keys("enter");
    h.shows("blocks all traffic");
}

#[test]
fn unknown_drift_is_shown_as_unknown() {
    let mut detail = chat();
    // Its deployment carries no fingerprint, and nobody wrote down what it holds.
    detail.held.remove(&deployment_id("9q1mzz"));
    let mut h = Harness::new(Some(local()));
    h.connected().apis(Ok(vec![detail.api.clone()])).api(detail);
    h.shows("prod ? · test 1")
        .keys("enter")
        .shows("unknown (deployed elsewhere, or without reading)");
}

#[test]
fn an_api_without_stages_says_how_to_get_one() {
    let mut detail = chat();
    detail.stages.clear();
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Ok(vec![detail.api.clone()]))
        .api(detail)
        .keys("enter");
    h.shows("d deploys the API to a new one");
    h.keys("l").shows("the API has no stage yet");
}

#[test]
fn routes_show_what_they_call() {
    at_chat().keys("tab down").snapshot("api_routes");
}

#[test]
fn a_route_without_integration_says_that_messages_fail() {
    let mut detail = chat();
    detail.routes[1].target = None;
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Ok(vec![detail.api.clone()]))
        .api(detail)
        .keys("enter tab down");
    h.shows("none: every message fails");
}

#[test]
fn copying_says_what_was_copied_and_how() {
    let mut h = at_chat();
    h.keys("down y");
    assert_eq!(h.copied(), "ws://127.0.0.1:4566/k3v9x2a1bc/test");
    h.shows("copied invoke URL of test (OSC 52)").keys("c");
    assert_eq!(
        h.copied(),
        "http://127.0.0.1:4566/k3v9x2a1bc/test/@connections"
    );
}

#[test]
fn esc_goes_one_step_back_and_keeps_the_selection() {
    let mut h = at_apis();
    h.keys("down enter")
        .shows("ticker › live")
        .keys("esc")
        .shows("▸ ticker");
    h.keys("up enter down")
        .shows("▸ test")
        .keys("tab tab")
        .shows("▸ test");
}

#[test]
fn late_answer_does_not_replace_newer_stages() {
    let mut h = at_chat();
    h.keys("r");
    let id = api_id("k3v9x2a1bc");
    let late = h.asked_for(&id);
    h.passes(2_000).keys("r");
    let mut newer = chat();
    newer.stages.push(stage("beta", None));
    h.api(newer).shows("beta");
    let late_answer = StagesReading {
        stages: chat().stages,
        deployments: chat().deployments,
        held: chat().held,
    };
    h.library(LibraryMessage::StagesRead(
        late,
        id,
        Box::new(Ok(late_answer)),
    ))
    .shows("beta");
}

#[test]
fn the_stage_limit_is_always_in_sight() {
    at_chat().shows("Stages 2/10");
}

#[test]
fn wide_characters_are_cut_where_they_fit() {
    let mut h = Harness::new(Some(local()));
    let name = "聊天室".repeat(20);
    h.connected().apis(Ok(vec![api("k3v9x2a1bc", &name)]));
    h.resize(60, 20).shows("聊天室").shows("…");
}

#[test]
fn live_opens_on_the_selected_stage() {
    let mut h = at_chat();
    h.keys("down l").shows("chat › test › live");
    let url = h.effects.iter().find_map(|effect| match effect {
        Effect::Link(Link::Open(_, request, _)) => Some(request.url.clone()),
        _ => None,
    });
    assert_eq!(url.as_deref(), Some("ws://127.0.0.1:4566/k3v9x2a1bc/test"));
}

#[test]
fn the_cursor_of_a_long_filter_stays_in_the_title_of_a_narrow_list() {
    let mut h = at_chat();
    h.resize(60, 20).keys("/").types("a very long filter");
    h.shows("Stages 0/2  /filter ");
    h.keys("enter").shows("Stages 0/2  /a very…");
}

#[test]
fn the_ages_of_a_stage_go_on_while_nobody_does_anything() {
    let mut h = at_chat();
    h.keys("down").shows("add join route · 2 h ago");
    h.passes(3_600_000).shows("add join route · 3 h ago");
}

#[test]
fn a_filter_that_leaves_nothing_leaves_nothing_to_act_on() {
    let mut h = at_chat();
    h.keys("/").types("qqq").keys("enter");
    for key in ["enter", "l", "y", "c"] {
        h.keys(key).shows("There is no stage here to do that with");
        h.passes(60_000);
    }
    h.keys("esc tab /").types("qqq").keys("enter y");
    h.shows("There is no route here to do that with");
}
