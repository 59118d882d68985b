//! The settings of a stage: the form, what it will change, and what must not happen by accident.

use stagewire::{
    model::{RouteSettings, Ticket, stage_update::StageUpdate},
    ui::{Effect, Message, effect::Job, message::StageMessage},
};

use crate::{
    chat::{at_chat, chat, failure, local},
    harness::Harness,
};

const COMMAND: &str = "aws apigatewayv2 update-stage --api-id k3v9x2a1bc --stage-name test \
                       --default-route-settings '{\"ThrottlingRateLimit\":0.0}'";

/// The settings of `test`, which has none of its own.
fn at_settings() -> Harness {
    let mut h = at_chat();
    h.keys("down e").shows("Stage settings · chat › test");
    h
}

/// The last change whose commands were asked for.
fn asked(h: &Harness) -> Option<(Ticket, StageUpdate)> {
    h.effects.iter().rev().find_map(|effect| match effect {
        Effect::Job(Job::PlanStageUpdate(ticket, update)) => Some((*ticket, (**update).clone())),
        _ => None,
    })
}

/// The change that was ordered.
fn ordered(h: &Harness) -> Option<(Ticket, StageUpdate)> {
    h.effects.iter().rev().find_map(|effect| match effect {
        Effect::Job(Job::UpdateStage(ticket, update)) => Some((*ticket, (**update).clone())),
        _ => None,
    })
}

#[track_caller]
fn planned(h: &mut Harness) -> &mut Harness {
    let (ticket, _) = asked(h).unwrap();
    let commands = Ok(vec![COMMAND.to_owned()]);
    h.update(Message::Stage(StageMessage::Planned(ticket, commands)))
}

#[test]
fn a_throttle_of_zero_says_what_it_does_and_is_asked_twice() {
    let mut h = at_settings();
    h.keys("tab tab 0");
    planned(&mut h).snapshot("stage_settings");
    h.keys("enter").shows("test: look at the change first");
    assert_eq!(ordered(&h), None);
    h.keys("enter").passes(1_000);
    h.shows("once more blocks all traffic to test");
    h.keys("enter").shows("changing test");
    let (_, update) = ordered(&h).unwrap();
    let settings = &update.to.default_route_settings;
    assert_eq!(settings.throttling_rate_limit, Some(0.0));
    assert_eq!(settings.throttling_burst_limit, None);
}

#[test]
fn settings_as_they_are_ask_for_nothing() {
    let mut h = at_settings();
    h.shows("account default").shows("Nothing is changed yet.");
    h.snapshot("stage_settings_unchanged");
    let said = h.state.data.notices.log().len();
    h.keys("enter");
    assert_eq!(h.state.data.notices.log().len(), said + 1);
    assert_eq!(asked(&h), None);
    // A value that is taken back is none.
    h.keys("tab space space enter");
    assert_eq!(ordered(&h), None);
}

#[test]
fn each_setting_reaches_the_order() {
    let mut h = at_settings();
    h.types("the demo").keys("tab space tab").types("2.5");
    h.keys("down").types("7").keys("down right right");
    h.keys("down space down space");
    h.shows("AWS deploys every change");
    h.shows("whole payloads in the log");
    h.shows("a stage's description cannot be emptied again");
    planned(&mut h).keys("enter");
    let (_, update) = ordered(&h).unwrap();
    assert_eq!(update.to.description.as_deref(), Some("the demo"));
    assert_eq!(update.to.auto_deploy, Some(true));
    let settings = &update.to.default_route_settings;
    assert_eq!(settings.throttling_rate_limit, Some(2.5));
    assert_eq!(settings.throttling_burst_limit, Some(7));
    assert_eq!(settings.logging_level.as_deref(), Some("INFO"));
    assert_eq!(settings.data_trace_enabled, Some(true));
    assert_eq!(settings.detailed_metrics_enabled, Some(true));
}

#[test]
fn what_aws_cannot_take_back_is_refused_beside_the_field() {
    let mut detail = chat();
    detail.stages[1].description = Some("x".to_owned());
    detail.stages[1].default_route_settings = Some(RouteSettings {
        throttling_burst_limit: Some(5),
        ..RouteSettings::default()
    });
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Ok(vec![detail.api.clone()]))
        .api(detail)
        .keys("enter down e backspace")
        .shows("cannot be emptied again");
    h.keys("enter")
        .shows("Description: cannot be emptied again");
    h.types("y").keys("tab tab tab backspace");
    h.shows("cannot be made unset again")
        .snapshot("stage_settings_refused");
    assert!(asked(&h).is_some());
    h.keys("enter").shows("Burst: cannot be made unset again");
    assert_eq!(ordered(&h), None);
}

#[test]
fn a_production_stage_is_asked_for_twice_and_any_other_key_takes_it_back() {
    let mut h = at_chat();
    h.keys("e").types("z");
    planned(&mut h).keys("enter").passes(1_000);
    h.shows("once more changes PRODUCTION prod");
    h.snapshot("stage_settings_question");
    h.keys("n").hides("once more");
    h.keys("enter").passes(1_000).keys("enter");
    assert_eq!(ordered(&h).unwrap().1.stage.as_str(), "prod");
}

#[test]
fn a_change_that_is_done_closes_the_dialog_and_reads_the_stages_anew() {
    let mut h = at_settings();
    h.types("z");
    planned(&mut h).keys("enter");
    let (ticket, update) = ordered(&h).unwrap();
    let done = StageMessage::Updated(ticket, Box::new(update), Ok(()));
    h.update(Message::Stage(done));
    h.hides("Stage settings")
        .shows("The settings of test are changed");
    // The second Enter of somebody who was quick is not for the list.
    h.keys("enter").shows("Stages");
    h.asked_for(&chat().api.id);
}

#[test]
fn a_change_that_fails_says_why_and_can_be_tried_again() {
    let mut h = at_settings();
    h.types("z");
    planned(&mut h).keys("enter enter");
    let (ticket, update) = ordered(&h).unwrap();
    let failed = Err(failure("Cannot change the settings of stage \"test\""));
    let failed = StageMessage::Updated(ticket, Box::new(update), failed);
    h.update(Message::Stage(failed));
    h.shows("AccessDeniedException").keys("esc");
    h.effects.clear();
    h.keys("enter");
    assert!(ordered(&h).is_some());
}

#[test]
fn settings_that_somebody_else_changed_come_into_the_form_and_what_was_typed_stays() {
    let mut h = at_settings();
    h.types("mine");
    let mut detail = chat();
    let stage = detail
        .stages
        .iter_mut()
        .find(|it| it.name.as_str() == "test");
    stage.unwrap().auto_deploy = true;
    let id = detail.api.id.clone();
    *h.state.data.library.detail_mut(&id).unwrap() = detail;
    h.passes(10).shows("mine");
    let (_, update) = asked(&h).unwrap();
    assert_eq!(update.from.auto_deploy, Some(true));
    let members: Vec<String> = update.changes().into_iter().map(|it| it.member).collect();
    assert_eq!(members, ["description"]);
}

#[test]
fn an_enter_before_the_command_is_there_acts_with_it_unless_another_key_follows() {
    let mut h = at_settings();
    h.types("z").keys("enter");
    assert_eq!(ordered(&h), None);
    h.keys("left");
    planned(&mut h);
    assert_eq!(ordered(&h), None);
    h.types("y").keys("enter");
    planned(&mut h);
    let (_, update) = ordered(&h).unwrap();
    assert_eq!(update, asked(&h).unwrap().1);
}

#[test]
fn a_paste_takes_a_question_back_and_is_typed() {
    let mut h = at_chat();
    h.keys("e").types("z");
    planned(&mut h).keys("enter");
    h.pastes(" pasted").shows("z pasted");
    assert_eq!(ordered(&h), None);
}

#[test]
fn the_menu_edits_the_stage_that_it_was_opened_on() {
    let mut h = at_chat();
    h.keys("down a down down down enter");
    h.shows("Stage settings · chat › test").keys("esc");
    h.keys("esc a down down down enter")
        .shows("Choose a stage first");
}

#[test]
fn a_command_is_copied_and_a_late_answer_is_dropped() {
    let mut h = at_settings();
    h.keys("ctrl-y").shows("There is no command");
    h.types("z");
    let (late, _) = asked(&h).unwrap();
    h.types("z");
    let commands = Ok(vec!["late".to_owned()]);
    h.update(Message::Stage(StageMessage::Planned(late, commands)));
    h.hides("late");
    planned(&mut h).keys("ctrl-y");
    assert_eq!(h.copied(), COMMAND);
}

#[test]
fn the_smallest_screen_shows_the_field_that_has_the_keyboard() {
    let mut h = at_settings();
    h.resize(60, 15).shows("Description       ▸");
    h.keys("backtab")
        .shows("Detailed metrics  ▸ [off]")
        .hides("Description");
    h.keys("space");
    planned(&mut h).shows("~ detailedMetricsEnabled not set → true");
}
