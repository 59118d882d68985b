//! A target whose calls are few: what is read, when, and what is said of what is not.

use std::collections::BTreeMap;

use bytes::Bytes;
use stagewire::{
    model::{
        ApiId, DraftStart, Drift, LinkEvent, LinkId, Part,
        link::Refusal,
        pace::{HeldUp, Pace, Priority, ReadProgress},
        plan::{DraftCheck, Unproved},
    },
    ui::{
        Effect, Message,
        effect::{Job, Link},
        library::Manner,
        message::{DeployMessage, LibraryMessage, Recalled},
    },
};

use crate::{
    chat::{ago, api, api_id, chat, deployed, failure, plan, profile, ticker},
    harness::Harness,
};

/// AWS, by half of its rates.
const AWS: Manner = Manner {
    pace: Some(Pace {
        per_second: 5.0,
        burst: 20.0,
    }),
    settles: true,
};

/// The list of APIs on AWS, with who serves what in each.
fn at_apis() -> Harness {
    let mut h = Harness::new(Some(profile("work", "eu-west-1")));
    h.connected_with(AWS)
        .apis(Ok(vec![api("9f2m1q0zzx", "ticker"), chat().api]));
    h.stages(&chat()).stages(&ticker());
    h
}

/// The stages of `chat`, whose draft has two hundred parts to read.
fn at_slow_chat() -> Harness {
    let mut h = at_apis();
    h.keys("enter");
    progress(&mut h, 12, 206);
    h
}

fn chat_id() -> ApiId {
    chat().api.id
}

/// So many of so many parts of the draft that somebody asked for are read.
#[track_caller]
fn progress(h: &mut Harness, n_done: usize, n_expected: usize) {
    h.draft_progresses(ReadProgress {
        n_done,
        n_expected,
        left: AWS.pace.map(|pace| pace.time_for(n_expected - n_done)),
        held_up: None,
    });
}

fn newest_link(h: &Harness) -> LinkId {
    let links = h.effects.iter().filter_map(|effect| match effect {
        Effect::Link(Link::Open(link, ..)) => Some(*link),
        _ => None,
    });
    links.last().expect("a link was asked for")
}

/// The handshake under way is refused.
fn refuse(h: &mut Harness) {
    let refusal = Refusal {
        at: h.state.look.now,
        status: 403,
        headers: Vec::new(),
        body: Bytes::new(),
    };
    let link = newest_link(h);
    h.update(Message::Link(link, LinkEvent::Refused(refusal)));
}

impl Harness {
    fn reads(&self) -> Vec<(&'static str, ApiId, Priority)> {
        let reads = self.effects.iter().filter_map(|effect| match effect {
            Effect::Job(Job::ReadStages(_, id, priority)) => {
                Some(("stages", id.clone(), *priority))
            }
            Effect::Job(Job::ReadDraft(_, id, priority, _)) => {
                Some(("draft", id.clone(), *priority))
            }
            _ => None,
        });
        reads.collect()
    }
}

#[test]
fn the_list_reads_no_drafts_and_says_that_it_does_not_know() {
    let mut h = at_apis();
    assert_eq!(h.reads(), []);
    h.shows("prod test  ?");
    h.snapshot("pace_apis");
}

#[test]
fn the_rest_of_the_list_is_read_slowly_behind_what_is_in_view() {
    let mut h = Harness::new(Some(profile("work", "eu-west-1")));
    let apis = (0..60).map(|n| api(&format!("id{n:04}"), &format!("api {n:04}")));
    h.connected_with(AWS).apis(Ok(apis.collect()));
    let mut n_shown = 0;
    while let ("stages", id, Priority::Shown) = h.reads()[0].clone() {
        h.api_fails(&id, failure("Cannot read"));
        n_shown += 1;
    }
    assert_eq!(n_shown, 25, "as many as there are rows");
    // The others follow, one every two seconds.
    assert_eq!(h.reads(), [("stages", api_id("id0025"), Priority::Ahead)]);
    h.api_fails(&api_id("id0025"), failure("Cannot read"));
    assert_eq!(h.reads(), []);
    assert!(h.passes(1_999).reads().is_empty());
    assert_eq!(
        h.passes(1).reads(),
        [("stages", api_id("id0026"), Priority::Ahead)]
    );
}

#[test]
fn a_list_that_waits_for_its_turn_says_so() {
    let held_up = ReadProgress {
        n_expected: 1,
        held_up: Some(HeldUp {
            operation: "get-apis",
            every: None,
        }),
        ..ReadProgress::default()
    };
    let is_list = |effect: &Effect| match effect {
        Effect::Job(Job::LoadApis(ticket, _)) => Some(*ticket),
        _ => None,
    };
    let mut h = Harness::new(Some(profile("work", "eu-west-1")));
    h.connected_with(AWS).reading_progresses(held_up, is_list);
    h.shows("reading the APIs: too many calls at the moment: get-apis waits for its turn");
    h.apis(Ok(vec![chat().api, ticker().api]));
    h.shows("stages of 0 of 2 APIs known");
    h.keys("r").reading_progresses(held_up, is_list);
    h.shows("reading: too many calls at the moment");
}

#[test]
fn stages_that_wait_for_their_turn_say_how_long() {
    let mut h = at_apis();
    h.keys("enter").draft(&chat()).passes(5_000).keys("r");
    let is_stages = |effect: &Effect| match effect {
        Effect::Job(Job::ReadStages(ticket, ..)) => Some(*ticket),
        _ => None,
    };
    let left = Some(std::time::Duration::from_millis(4_200));
    let progress = ReadProgress {
        n_expected: 2,
        left,
        ..ReadProgress::default()
    };
    h.reading_progresses(progress, is_stages);
    h.shows("reading: 5 s left");
}

#[test]
fn a_draft_is_read_where_somebody_looks_and_says_how_far_it_is() {
    let mut h = at_slow_chat();
    assert_eq!(h.reads(), [("draft", chat_id(), Priority::Shown)]);
    h.shows("12 of 206 parts, 35 s left")
        .shows("unknown (draft not read in full)");
    h.snapshot("pace_reading");
    h.draft(&chat()).shows("2 changes undeployed");
}

#[test]
fn a_draft_that_nobody_looks_at_is_given_up_and_gone_on_with_later() {
    let mut h = at_slow_chat();
    let is_left = |h: &Harness| {
        let mut effects = h.effects.iter();
        effects.any(|effect| matches!(effect, Effect::Job(Job::Cancel(_))))
    };
    // Whoever comes back at once finds it going on.
    h.keys("esc").passes(1_000).keys("enter");
    assert!(!is_left(&h));
    h.keys("esc").passes(1_999);
    assert!(!is_left(&h));
    h.passes(1);
    assert!(is_left(&h));
    h.effects.clear();
    h.keys("enter");
    assert_eq!(starts(&h), [DraftStart::GoOn]);
    // Whoever asks for it anew gets it anew.
    h.passes(2_000).keys("r");
    assert_eq!(starts(&h), [DraftStart::GoOn, DraftStart::Anew]);
}

/// How the readings of drafts begin that were asked for.
fn starts(h: &Harness) -> Vec<DraftStart> {
    let starts = h.effects.iter().filter_map(|effect| match effect {
        Effect::Job(Job::ReadDraft(_, _, _, start)) => Some(*start),
        _ => None,
    });
    starts.collect()
}

#[test]
fn a_change_that_is_seen_while_the_draft_is_read_has_it_read_again() {
    let mut h = at_slow_chat();
    h.passes(10_000);
    let mut moved = chat();
    moved.stages[0].deployment_id = moved.stages[1].deployment_id.clone();
    h.stages(&moved);
    assert_eq!(starts(&h).len(), 1, "the one that is under way goes on");
    h.draft(&chat());
    assert_eq!(starts(&h), [DraftStart::Anew]);
}

#[test]
fn rows_take_turns_however_busily_somebody_types() {
    let mut h = Harness::new(Some(profile("work", "eu-west-1")));
    let apis = (0..40).map(|n| api(&format!("id{n:04}"), &format!("api {n:04}")));
    h.connected_with(AWS).apis(Ok(apis.collect()));
    let mut asked = BTreeMap::new();
    for _ in 0..150 {
        while let Some((_, id, _)) = h.reads().first().cloned() {
            *asked.entry(id.clone()).or_insert(0) += 1;
            h.api_fails(&id, failure("Cannot read"));
        }
        h.keys("down up").passes(2_000);
        h.effects
            .retain(|effect| !matches!(effect, Effect::Job(Job::LoadApis(..))));
    }
    let last_in_view = asked[&api_id("id0024")];
    assert!(last_in_view > 2, "{asked:?}");
    assert!(asked.contains_key(&api_id("id0039")), "{asked:?}");
}

#[test]
fn the_clock_is_never_asked_for_at_once_for_ever() {
    let check = |h: &mut Harness, what: &str| {
        // Longer than any interval, and nobody answers.
        for _ in 0..3 {
            h.passes(61_000);
            let wait = stagewire::ui::next_tick(&h.state);
            assert!(wait.is_none_or(|wait| !wait.is_zero()), "{what}: {wait:?}");
        }
    };
    let mut h = at_apis();
    check(&mut h, "the list");
    let mut h = at_apis();
    h.keys("enter");
    check(&mut h, "an API");
    let mut h = at_apis();
    h.keys("enter").draft(&chat()).keys("down d");
    h.planned(|request| Ok(plan(request))).keys("enter");
    check(&mut h, "a deploy that runs");
    let mut h = Harness::new(Some(profile("work", "eu-west-1")));
    h.connected_with(AWS).apis(Ok(vec![chat().api])).keys("d");
    h.types("beta");
    check(&mut h, "a stage named before the stages are read");
    let mut h = at_apis();
    h.keys("R enter");
    check(&mut h, "a target that changes");
}

#[test]
fn a_draft_goes_on_while_its_stage_is_watched() {
    let mut h = at_slow_chat();
    h.keys("l").shows("live");
    let is_given_up = |effect: &Effect| matches!(effect, Effect::Job(Job::Cancel(_)));
    assert!(!h.effects.iter().any(is_given_up));
}

#[test]
fn each_part_that_cannot_be_read_says_so_in_its_own_place() {
    let mut detail = chat();
    detail.models = Part::failed(failure("Cannot read the models").cause("get-models: no"));
    detail.draft = None;
    let mut h = at_apis();
    h.keys("enter").draft(&detail);
    h.shows("Cannot read the models")
        .shows("get-models: no")
        .shows("unknown (draft not read in full)")
        .shows("9q1mzz");
    h.snapshot("pace_part_failed");
    h.keys("tab").shows("sendMessage").keys("tab");
    // It can be acted on all the same.
    h.keys("down d").planned(|request| {
        assert_eq!(request.check, DraftCheck::AfterStage);
        Ok(plan(request))
    });
    h.shows("goes unproved: the draft cannot be read in full")
        .keys("enter");
    h.deploying();
}

#[test]
fn a_draft_that_was_read_once_and_cannot_be_now_stops_no_deploy() {
    let mut h = at_apis();
    h.keys("enter").draft(&chat()).keys("r").stages(&chat());
    let mut detail = chat();
    detail.models = Part::failed(failure("Cannot read the models"));
    detail.draft = None;
    h.draft(&detail).keys("down d").planned(|request| {
        assert_eq!(request.check, DraftCheck::AfterStage);
        Ok(plan(request))
    });
}

#[test]
fn deployments_that_cannot_be_read_are_told_as_the_reason() {
    let mut h = at_apis();
    h.keys("enter").draft(&chat()).keys("r");
    let mut detail = chat();
    detail.deployments = Part::failed(failure("Cannot read the deployments"));
    let mut fresh = Harness::new(Some(profile("work", "eu-west-1")));
    fresh
        .connected_with(AWS)
        .apis(Ok(vec![chat().api]))
        .stages(&detail);
    fresh.keys("enter").draft(&detail);
    fresh
        .shows("unknown (deployments not read in full)")
        .shows("Cannot read the deployments");
}

#[test]
fn stages_that_cannot_be_read_hide_no_routes() {
    let mut h = at_apis();
    h.keys("enter r");
    let ticket = h.asked_for(&chat_id());
    let mut unread = chat();
    unread.stages = Part::failed(failure("Cannot read the stages"));
    let result = Err(failure("Cannot read the stages"));
    h.library(LibraryMessage::StagesRead(
        ticket,
        chat_id(),
        Box::new(result),
    ));
    h.draft(&chat());
    // What was known of the stages stays, marked as old.
    h.shows("9q1mzz").shows("Cannot read the stages");
    h.keys("tab").shows("sendMessage");
}

#[test]
fn what_is_cheap_is_read_again_every_ten_seconds_while_somebody_types() {
    let mut h = at_apis();
    h.keys("enter").draft(&chat());
    assert_eq!(h.reads(), []);
    h.passes(10_000);
    assert_eq!(h.reads(), [("stages", chat_id(), Priority::Shown)]);
    // Quietly: nothing turns.
    h.is_still();
    h.stages(&chat());
    // Nobody typed for a while: once a minute.
    h.passes(59_999);
    assert_eq!(h.reads(), []);
    h.passes(1);
    assert_eq!(h.reads().len(), 1);
    // Somebody is there again.
    h.stages(&chat()).keys("down").passes(10_000);
    assert_eq!(h.reads().len(), 1);
}

#[test]
fn what_somebody_else_changed_is_marked_and_the_draft_read_again() {
    let mut h = at_apis();
    h.keys("enter").draft(&chat()).passes(10_000);
    let mut moved = chat();
    moved.stages[0].deployment_id = moved.stages[1].deployment_id.clone();
    h.stages(&moved);
    assert_eq!(h.reads(), [("draft", chat_id(), Priority::Shown)]);
    h.draft(&chat()).snapshot("pace_marked");
    h.passes(4_000).snapshot("pace_no_longer_marked");
}

#[test]
fn up_to_date_is_green_for_ten_seconds_and_then_says_its_age() {
    let mut h = at_apis();
    h.keys("down enter").draft(&ticker());
    h.shows("up to date").hides("up to date · as of");
    h.passes(9_999).hides("up to date · as of");
    h.passes(1).shows("up to date · as of 10 s ago");
    h.snapshot("pace_claim_aged");
}

#[test]
fn what_an_earlier_run_had_read_is_shown_at_once_with_its_age() {
    let mut h = Harness::new(Some(profile("work", "eu-west-1")));
    let mut old = chat();
    for as_of in [
        &mut old.stages.as_of,
        &mut old.deployments.as_of,
        &mut old.routes.as_of,
    ] {
        *as_of = Some(ago(7_200));
    }
    old.draft.as_mut().unwrap().as_of = ago(7_200);
    let recalled = Recalled {
        apis: vec![old.api.clone()],
        as_of: ago(7_200),
        details: vec![old],
    };
    h.reconnected(AWS, Some(Box::new(recalled)));
    h.shows("prod 2 · test 1 · 2 h ago").shows("as of 2 h ago");
    h.snapshot("pace_recalled");
    // It freshens by itself: the list and the rows in view.
    h.apis(Ok(vec![chat().api])).stages(&chat());
    h.shows("as of now");
    // Looked at, the draft is read again too.
    h.keys("enter")
        .shows("2 changes undeployed · as of 2 h ago");
    assert_eq!(h.reads(), [("draft", chat_id(), Priority::Shown)]);
}

#[test]
fn where_comparing_takes_long_enter_goes_and_w_waits() {
    let mut h = at_slow_chat();
    h.keys("down d").planned(|request| {
        assert_eq!(request.check, DraftCheck::AfterStage);
        Ok(plan(request))
    });
    h.shows("goes unproved; comparing first takes 75 s")
        .snapshot("pace_deploy_two_ways");
    h.keys("enter");
    let (_, ordered) = h.deploying();
    assert_eq!(ordered.request.check, DraftCheck::AfterStage);

    let mut h = at_slow_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("w").shows("reads the draft, then deploys");
    h.draft(&chat()).planned(|request| {
        assert_eq!(request.check, DraftCheck::BeforeStage);
        Ok(plan(request))
    });
    let (_, ordered) = h.deploying();
    assert_eq!(ordered.request.check, DraftCheck::BeforeStage);
}

#[test]
fn an_enter_before_anybody_could_know_that_it_takes_long_asks_again() {
    let mut h = at_apis();
    h.keys("enter down d enter");
    progress(&mut h, 12, 206);
    h.planned(|request| Ok(plan(request)));
    assert!(
        h.passes(1_000)
            .shows("deploys to test, unproved")
            .effects
            .iter()
            .all(|effect| { !matches!(effect, Effect::Job(Job::Deploy(..))) })
    );
    h.keys("enter");
    h.deploying();
}

#[test]
fn a_production_stage_waits_for_the_comparison() {
    let mut h = at_slow_chat();
    h.keys("down up d").shows("compares the draft first: 75 s");
    h.shows("reading the draft: 12 of 206 parts");
    h.draft(&chat()).planned(|request| {
        assert_eq!(request.check, DraftCheck::BeforeStage);
        Ok(plan(request))
    });
}

#[test]
fn w_names_a_stage_where_there_is_nothing_to_wait_for() {
    let mut h = crate::chat::at_chat();
    h.keys("d").types("web").shows("[New stage]   web");
}

#[test]
fn a_deployment_that_went_unproved_is_proved_by_a_reading_behind_it() {
    for (is_same, is_proved) in [(true, true), (false, false)] {
        let mut h = at_slow_chat();
        h.draft(&chat()).keys("down d");
        h.planned(|request| Ok(plan(request))).keys("enter");
        let (_, ordered) = h.deploying();
        let mut done = deployed(&ordered);
        done.draft = None;
        done.unproved = Some(Unproved {
            api_id: chat_id(),
            deployment: done.deployment.clone(),
            stage: done.stage.name.clone(),
            previous: done.previous.clone(),
            before: chat().draft.unwrap(),
            frozen_at: ago(0),
        });
        h.passes(1_000).finishes(Ok(done)).stages(&chat());
        let mut behind = chat();
        if !is_same {
            behind.draft.as_mut().unwrap().definition.routes.clear();
        }
        h.draft(&behind);
        let order = h.effects.iter().find_map(|effect| match effect {
            Effect::Job(Job::Prove(ticket, unproved)) => Some((*ticket, unproved.clone())),
            _ => None,
        });
        assert_eq!(order.is_some(), is_proved);
        if let Some((ticket, unproved)) = order {
            h.update(Message::Deploy(DeployMessage::Proved(
                ticket,
                unproved,
                Ok(()),
            )));
            h.shows("holds the draft as it was read before");
        }
    }
}

#[test]
fn on_aws_a_stage_that_was_moved_is_set_and_settles_later() {
    let mut h = at_apis();
    h.keys("enter").draft(&chat()).keys("down d");
    h.planned(|request| Ok(plan(request))).keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered)));
    h.shows("old and new answer side by side, up to 90 s · u undo");
    h.passes(12_000)
        .shows("set; old and new answer side by side, up to 80 s");
    h.snapshot("pace_settling");
    h.keys("l").shows("up to 80 s").keys("esc esc");
    h.passes(78_000).hides("side by side");
    h.shows("was moved 90 s ago");
}

#[test]
fn a_stage_that_was_just_made_is_tried_again_when_it_refuses() {
    let mut h = watching_a_stage_made(true, 30);
    for (waits, opened) in [(1_000, 2), (2_000, 3), (4_000, 4)] {
        refuse(&mut h);
        h.shows("made a moment ago").shows("reconnecting");
        h.passes(waits);
        assert_eq!(newest_link(&h), LinkId(opened));
    }
    // Once it has settled, a refusal means what it says.
    h.passes(90_000);
    refuse(&mut h);
    h.hides("made a moment ago").hides("reconnecting");
}

#[test]
fn a_refusal_of_an_older_stage_means_what_it_says() {
    for (settles, age) in [(true, 90), (false, 30)] {
        let mut h = watching_a_stage_made(settles, age);
        refuse(&mut h);
        h.hides("made a moment ago").hides("reconnecting");
    }
}

/// A stage that was made so many seconds ago, on its way to be watched.
fn watching_a_stage_made(settles: bool, age: i64) -> Harness {
    let mut h = Harness::new(Some(profile("work", "eu-west-1")));
    let mut made = chat();
    made.stages[1].created_at = Some(ago(age));
    h.connected_with(Manner { settles, ..AWS })
        .apis(Ok(vec![made.api.clone()]))
        .stages(&made);
    h.keys("enter").draft(&made).keys("down l");
    h
}

#[test]
fn a_local_gateway_settles_at_once() {
    let mut h = crate::chat::at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered))).hides("side by side");
}

#[test]
fn nobody_knows_is_never_up_to_date() {
    let mut detail = chat();
    detail.draft = None;
    detail.compare();
    assert!(detail.drift.values().all(|drift| *drift == Drift::Unread));
}
