//! The target picker and the region picker.

use stagewire::{
    model::{Failure, Target},
    ui::{
        Effect,
        effect::{Job, Terminal},
    },
};

use crate::{
    chat::{at_apis, failure, local, profile},
    harness::Harness,
};

fn picker() -> Harness {
    let mut h = Harness::new(None);
    h.targets(Ok(vec![
        local(),
        profile("default", "eu-west-1"),
        profile("work", "us-west-2"),
    ]));
    h
}

#[test]
fn the_local_gateway_is_selected_when_nothing_else_is_known_to_work() {
    picker().shows("▸ local").snapshot("targets");
}

#[test]
fn the_picker_says_that_it_looks_for_profiles() {
    Harness::new(None).snapshot("targets_loading");
}

#[test]
fn choosing_a_target_leads_to_its_apis() {
    let mut h = picker();
    h.keys("down enter").shows("connecting to default");
    h.connected().shows("default › eu-west-1 › APIs");
    assert!(matches!(
        h.effects[..],
        [
            Effect::Job(Job::UseTarget(_)),
            Effect::Job(Job::LoadApis(..))
        ]
    ));
}

#[test]
fn a_target_that_was_asked_for_and_fails_says_so_in_a_modal_and_changes_nothing() {
    let mut h = at_apis();
    h.keys("t")
        .targets(Ok(vec![local(), profile("work", "us-west-2")]))
        .keys("down enter")
        .refused(failure("Cannot use profile \"work\""))
        .shows("That did not work")
        .shows("Cannot use profile \"work\"");
    h.keys("esc esc")
        .shows("local › us-east-1 › APIs")
        .shows("chat");
}

#[test]
fn a_region_is_chosen_from_the_list() {
    let mut h = at_apis();
    h.keys("shift-r").types("frank").snapshot("region");
    h.keys("enter").connected();
    h.shows("local › eu-central-1 › APIs");
}

#[test]
fn a_region_that_is_not_in_the_list_can_be_typed() {
    let mut h = picker();
    h.keys("down shift-r").types("xx-new-9").shows("as typed");
    h.keys("enter");
    let asked = h.effects.iter().find_map(|effect| match effect {
        Effect::Job(Job::ChangeTarget(_, target)) => Some(target.clone()),
        _ => None,
    });
    assert_eq!(asked.as_ref().and_then(Target::region), Some("xx-new-9"));
}

#[test]
fn esc_in_the_first_screen_does_not_leave_the_program() {
    let mut h = picker();
    h.keys("esc").shows("q quits");
    assert!(!h.effects.contains(&Effect::Terminal(Terminal::Quit)));
    h.keys("q");
    assert!(h.effects.contains(&Effect::Terminal(Terminal::Quit)));
}

#[test]
fn profiles_that_cannot_be_read_are_a_failure_in_their_place() {
    let mut h = Harness::new(None);
    let failure = Failure::new(
        stagewire::model::FailureKind::Config,
        "Cannot read the AWS configuration",
    );
    h.targets(Err(failure))
        .shows("Cannot read the AWS configuration")
        .shows("r try again");
}
