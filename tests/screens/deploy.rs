//! The deploy dialog: the main path of four keys, and every way off it.

use crossterm::event::{KeyCode, KeyEvent};
use stagewire::{
    model::{
        StageName, Ticket,
        plan::{
            DeployFailure, DeployRequest, DeployStep, Remains, Repoint, StageChoice, StageUse,
            StepState,
        },
    },
    ui::{
        Effect, Message,
        effect::{Job, Terminal},
        keys::{self, Scope},
        message::DeployMessage,
    },
};

use crate::{
    chat::{
        at_apis, at_chat, chat, deployed, done, failed_half_way, failure, local, plan, profile,
        stage, stage_name, step,
    },
    harness::Harness,
};

fn order(h: &Harness) -> Option<DeployRequest> {
    h.effects.iter().find_map(|effect| match effect {
        Effect::Job(Job::Deploy(_, plan)) => Some(plan.request.clone()),
        _ => None,
    })
}

/// Answers the newest question for a plan; the ones before it were taken back.
fn plans(h: &mut Harness) -> &mut Harness {
    let is_plan = |effect: &Effect| matches!(effect, Effect::Job(Job::PlanDeploy(..)));
    let newest = h.effects.iter().rposition(is_plan).unwrap();
    let mut idx = 0;
    h.effects.retain(|effect| {
        idx += 1;
        idx > newest || !is_plan(effect)
    });
    h.planned(|request| Ok(plan(request)))
}

#[test]
fn the_main_path_is_four_keys() {
    let mut h = at_apis();
    h.keys("enter d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    let (_, ordered) = h.deploying();
    assert_eq!(
        ordered.request.stage,
        StageChoice::Existing(stage_name("test"))
    );
    h.finishes(Ok(deployed(&ordered)));
    h.shows("test: 53lz9l → a81kq0 · u undo · l live");
    h.keys("l").shows("chat › test › live");
}

#[test]
fn the_dialog_prefers_a_stage_that_is_not_production() {
    at_apis().keys("d").shows("Stage        ▸ test");
    // The row on which the stages opened is nobody's choice; a row that one went to is.
    at_chat().keys("d").shows("Stage        ▸ test");
    at_chat().keys("down up d").shows("▸ prod");
}

#[test]
fn a_plan_under_way_is_shown_where_it_will_be() {
    at_chat().keys("down d").snapshot("deploy_planning");
}

#[test]
fn the_plan_shows_changes_steps_and_commands() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.snapshot("deploy_ready");
    h.keys("ctrl-y");
    assert_eq!(h.copied().lines().count(), 2);
}

#[test]
fn a_plan_that_fails_says_why_and_deploys_nothing() {
    let mut h = at_chat();
    h.keys("d")
        .planned(|_| Err(failure("Cannot plan the deploy of \"chat\"")));
    h.snapshot("deploy_plan_failed");
    h.keys("enter").planned(|request| Ok(plan(request)));
    assert_eq!(order(&h), None);
}

#[test]
fn a_new_stage_is_checked_while_its_name_is_typed() {
    let mut h = at_chat();
    h.keys("d end").shows("Type a name for the new stage");
    h.types("no spaces").shows("Only a-z A-Z 0-9 _ -");
    h.snapshot("deploy_new_stage_invalid");
}

#[test]
fn whoever_types_on_the_stages_names_a_new_one() {
    let mut h = at_chat();
    h.keys("d").types("kryg-1").shows("[New stage]   kryg-1");
    h.keys("enter");
    plans(&mut h);
    assert_eq!(
        order(&h).unwrap().stage,
        StageChoice::New(stage_name("kryg-1"))
    );
}

#[test]
fn a_new_stage_may_be_called_default_with_its_dollar_sign() {
    let mut h = at_chat();
    h.keys("d")
        .types("$def")
        .shows("Only a-z A-Z 0-9 _ -, or $default");
    h.types("ault").keys("enter");
    plans(&mut h);
    let named = StageChoice::New(stage_name("$default"));
    assert_eq!(order(&h).unwrap().stage, named);
}

#[test]
fn no_character_of_a_stage_name_is_a_command_on_the_stages() {
    for character in ' '..='~' {
        if StageName::parse(&character.to_string()).is_ok() {
            let key = KeyEvent::from(KeyCode::Char(character));
            assert_eq!(keys::lookup(Scope::Deploy, key), None, "{character:?}");
        }
    }
    at_chat().keys("d ?").shows("Keys · deploy dialog");
}

#[test]
fn a_name_that_comes_at_once_or_is_pasted_names_a_new_stage_too() {
    let mut h = at_chat();
    let keys = "dbeta".chars().map(KeyCode::Char).map(KeyEvent::from);
    h.update(Message::Typed(keys.collect()));
    h.shows("[New stage]   beta");
    h.keys("up").pastes(" gamma\n").shows("[New stage]   gamma");
}

#[test]
fn arrows_leave_a_name_where_it_was_typed() {
    let mut h = at_chat();
    h.keys("d").types("beta").keys("up");
    h.shows("[New stage]   beta").passes(200);
    plans(&mut h).shows("Changes on prod");
    h.keys("down").shows("▸ [New stage]   beta");
    h.keys("up").types("x").shows("▸ [New stage]   x");
    h.keys("backspace").shows("Type a name for the new stage");
    h.keys("enter");
    assert_eq!(order(&h), None);
}

#[test]
fn the_name_of_a_stage_that_exists_chooses_that_stage() {
    let mut h = at_chat();
    h.keys("d").types("test").passes(500);
    h.shows("test exists already: ↵ chooses it");
    h.keys("enter").shows("▸ test").hides("[New stage]   test");
    plans(&mut h).shows("Changes on test");
    assert_eq!(order(&h), None);
    h.keys("enter");
    assert_eq!(
        order(&h).unwrap().stage,
        StageChoice::Existing(stage_name("test"))
    );
}

#[test]
fn a_name_typed_before_the_stages_are_read_is_not_lost() {
    let mut h = Harness::new(Some(local()));
    h.connected().apis(Ok(vec![chat().api])).keys("d");
    h.types("beta").passes(1_000).shows("new stage beta");
    h.keys("enter").shows("then deploying to beta");
    h.api(chat()).shows("deploys as soon as the plan is there");
    plans(&mut h);
    assert_eq!(
        order(&h).unwrap().stage,
        StageChoice::New(stage_name("beta"))
    );
}

#[test]
fn stages_that_cannot_be_read_are_read_again_from_the_dialog() {
    let mut h = Harness::new(Some(local()));
    h.connected().apis(Ok(vec![chat().api])).keys("d");
    h.api_fails(&chat().api.id, failure("Cannot read the API"));
    h.shows("Cannot read the API").shows("^R try again");
    h.keys("ctrl-r").api(chat());
    plans(&mut h).shows("Changes on test");
}

#[test]
fn a_new_stage_is_deployed_by_one_enter() {
    let mut h = at_chat();
    h.keys("d end").types("beta").keys("enter");
    h.shows("deploys as soon as the plan is there");
    h.effects.retain(|effect| {
        !matches!(effect, Effect::Job(Job::PlanDeploy(_, request, _)) if matches!(request.stage, StageChoice::Existing(_)))
    });
    h.planned(|request| Ok(plan(request)));
    let (_, ordered) = h.deploying();
    assert_eq!(ordered.request.stage, StageChoice::New(stage_name("beta")));
    h.finishes(Ok(deployed(&ordered)));
    h.shows("beta: new → a81kq0 · l live");
    let mut after = chat();
    after.stages.push(stage("beta", Some("a81kq0")));
    h.api(after).shows("▸ beta");
}

#[test]
fn live_right_after_a_deploy_means_the_stage_that_was_deployed() {
    let mut h = at_chat();
    h.keys("d").planned(|request| Ok(plan(request)));
    h.keys("end").types("beta").passes(500);
    h.planned(|request| Ok(plan(request))).keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered))).shows("▸ beta");
    h.keys("l").shows("beta › live");
}

#[test]
fn the_eleventh_stage_is_refused_before_aws_is_asked() {
    let mut detail = chat();
    for n in 0..8 {
        detail.stages.push(stage(&format!("s{n}"), None));
    }
    let mut h = Harness::new(Some(local()));
    h.connected().apis(Ok(vec![detail.api.clone()])).api(detail);
    h.keys("d end")
        .types("one-more")
        .shows("The API has 10 of 10 stages");
}

/// The dialog with the plan of the production stage.
fn at_production() -> Harness {
    let mut h = at_chat();
    h.keys("up d").planned(|request| Ok(plan(request)));
    h
}

/// The same, deploying.
fn deploying_to_production() -> Harness {
    let mut h = at_production();
    h.keys("enter").passes(1_000).keys("enter");
    h
}

const ONCE_MORE: &str = "↵ once more deploys to PRODUCTION prod";

#[test]
fn a_production_stage_takes_a_second_enter() {
    let mut h = at_production();
    h.keys("enter").hides(ONCE_MORE);
    h.shows("PRODUCTION prod: look at the changes first");
    h.passes(1_000).shows(ONCE_MORE).snapshot("deploy_question");
    assert_eq!(order(&h), None);
    h.keys("enter");
    assert_eq!(
        order(&h).unwrap().stage,
        StageChoice::Existing(stage_name("prod"))
    );
}

#[test]
fn a_new_stage_that_is_a_production_stage_takes_a_second_enter_too() {
    let mut h = at_chat();
    h.keys("d").types("prod-eu").keys("enter");
    plans(&mut h).passes(1_000);
    h.shows("↵ once more deploys to PRODUCTION prod-eu");
    assert_eq!(order(&h), None);
}

#[test]
fn enter_before_the_plan_of_a_production_stage_only_asks() {
    let mut h = at_chat();
    h.keys("up d enter").planned(|request| Ok(plan(request)));
    h.shows("PRODUCTION prod");
    assert_eq!(order(&h), None);
}

#[test]
fn a_key_that_is_held_down_or_typed_ahead_is_no_second_enter() {
    let mut h = at_production();
    h.keys("enter enter enter");
    for _ in 0..100 {
        h.passes(33).keys("enter").hides(ONCE_MORE);
    }
    // A system whose keys begin to repeat late.
    h.passes(900).keys("enter").passes(900).hides(ONCE_MORE);
    assert_eq!(order(&h), None);
    h.passes(100).shows(ONCE_MORE).keys("enter");
    assert!(order(&h).is_some());
}

#[test]
fn an_enter_answers_no_question_that_was_not_on_the_screen() {
    let mut h = at_production();
    h.keys("enter");
    let later = h.state.look.now + jiff::SignedDuration::from_secs(5);
    let enter = Message::Key(KeyEvent::from(KeyCode::Enter));
    // The terminal was stuck: all of this comes at once, and nothing is drawn between.
    for message in [Message::Clock(later), enter] {
        let effects = stagewire::ui::update(&mut h.state, message);
        h.effects.extend(effects);
    }
    assert_eq!(order(&h), None);
    h.hides(ONCE_MORE).passes(1_000).shows(ONCE_MORE);
}

#[test]
fn an_answer_to_one_question_is_none_to_the_next() {
    let mut h = at_production();
    h.keys("enter").passes(1_000).shows(ONCE_MORE);
    for key in [KeyCode::Esc, KeyCode::Enter, KeyCode::Enter] {
        let effects = stagewire::ui::update(&mut h.state, Message::Key(KeyEvent::from(key)));
        h.effects.extend(effects);
    }
    assert_eq!(order(&h), None);
}

#[test]
fn any_other_key_takes_the_question_back() {
    for key in [
        "esc",
        "n",
        "space",
        "backspace",
        "up",
        "pagedown",
        "tab",
        "f1",
    ] {
        let mut h = at_production();
        h.keys("enter").passes(1_000).keys(key);
        h.hides("once more").hides("[New stage]   n");
        h.keys("esc").hides("once more");
    }
    let mut h = at_production();
    h.keys("enter").passes(1_000).pastes("beta").hides("beta");
    h.hides("once more").passes(1_000);
    h.is_still();
    assert_eq!(order(&h), None);
}

#[test]
fn the_second_enter_after_a_deploy_does_not_fall_through() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("enter enter").shows("Deploy API · chat to test");
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered))).shows("l live");
    for _ in 0..40 {
        h.passes(50).keys("enter").hides("› live");
    }
    h.passes(1_000).keys("enter").shows("chat › test › live");
}

#[test]
fn a_key_after_a_deploy_ends_the_wait_for_a_late_enter() {
    let mut h = at_apis();
    h.keys("enter d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered))).keys("up enter");
    h.shows("› live");
}

#[test]
fn a_second_enter_does_not_close_a_failure_unread() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Err(failed_half_way(&ordered))).keys("enter");
    h.shows("What exists now");
}

#[test]
fn enter_before_a_plan_that_warns_holds_for_a_look() {
    let mut h = at_chat();
    h.keys("down d enter").planned(|request| {
        let mut plan = plan(request);
        plan.warnings
            .push("route join has no integration".to_owned());
        Ok(plan)
    });
    h.shows("! route join has no integration");
    h.shows("Look at the plan first").keys("enter");
    assert_eq!(order(&h), None);
    h.passes(1_000).shows("↵ once more deploys to test");
    h.keys("enter");
    assert!(order(&h).is_some());
}

#[test]
fn a_description_reaches_the_deployment() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("tab").types("add join").keys("enter");
    h.planned(|request| Ok(plan(request)));
    assert_eq!(order(&h).unwrap().description.as_deref(), Some("add join"));
}

#[test]
fn commands_follow_the_description_once_one_stops_typing() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("tab").types("slower").passes(100);
    assert!(
        !h.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Job(Job::PlanDeploy(..))))
    );
    h.passes(400)
        .planned(|request| Ok(plan(request)))
        .shows("--description 'slower'");
}

#[test]
fn a_late_plan_of_another_stage_is_dropped() {
    let mut h = at_chat();
    h.keys("d");
    let late = h.effects.iter().find_map(|effect| match effect {
        Effect::Job(Job::PlanDeploy(ticket, request, _)) => Some((*ticket, request.clone())),
        _ => None,
    });
    let (ticket, request): (Ticket, _) = late.unwrap();
    h.keys("down");
    assert!(h.effects.contains(&Effect::Job(Job::Cancel(ticket))));
    let result = Box::new(Ok(plan(request)));
    h.update(Message::Deploy(DeployMessage::Planned(ticket, result)));
    h.hides("Changes on test");
}

#[test]
fn a_running_deploy_shows_each_step_and_goes_on_without_the_dialog() {
    let mut h = at_chat();
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter");
    h.progresses(step(DeployStep::CreateDeployment, StepState::Running))
        .progresses(step(DeployStep::CreateDeployment, done(310)))
        .progresses(step(DeployStep::KeepDefinition, done(140)))
        .progresses(step(DeployStep::WaitForDeployed, StepState::Running))
        .passes(1_200)
        .snapshot("deploy_running");
    h.keys("esc")
        .shows("The deploy to test goes on; d on chat shows it")
        .shows("deploying to test");
    h.keys("d").shows("wait for DEPLOYED");
    let (_, ordered) = h.deploying();
    h.keys("esc")
        .finishes(Ok(deployed(&ordered)))
        .shows("a81kq0 · u undo");
}

#[test]
fn a_deploy_that_runs_can_be_stopped_before_its_next_step() {
    let mut h = at_chat();
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter");
    let (ticket, ordered) = h.deploying();
    h.progresses(step(DeployStep::CreateDeployment, StepState::Running));
    h.keys("x").shows("Stopping: it begins no further step.");
    h.keys("x").shows("It ends with the step under way");
    let is_stop = |effect: &&Effect| **effect == Effect::Job(Job::StopDeploy(ticket));
    assert_eq!(h.effects.iter().filter(is_stop).count(), 1);
    h.finishes(Err(failed_half_way(&ordered))).shows("f finish");
}

#[test]
fn a_deploy_that_failed_half_way_says_what_exists_and_offers_both_ways_on() {
    let mut h = at_chat();
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter");
    let (_, ordered) = h.deploying();
    h.progresses(step(DeployStep::CreateDeployment, done(310)))
        .progresses(step(DeployStep::KeepDefinition, done(140)))
        .progresses(step(DeployStep::WaitForDeployed, done(1_200)))
        .progresses(step(
            DeployStep::UpdateStage,
            StepState::Failed(std::time::Duration::from_millis(90)),
        ))
        .finishes(Err(failed_half_way(&ordered)))
        .snapshot("deploy_failed");
    h.keys("f");
    assert!(
        h.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Job(Job::FinishDeploy(..))))
    );
    h.finishes(Ok(deployed(&ordered)))
        .shows("test: 53lz9l → a81kq0");
}

#[test]
fn what_a_failed_deploy_left_can_be_deleted() {
    let mut h = at_chat();
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Err(failed_half_way(&ordered))).keys("esc");
    h.shows("Deployment a81kq0 is still there")
        .keys("d c")
        .shows("deleting deployment a81kq0");
    let ticket = h.effects.iter().find_map(|effect| match effect {
        Effect::Job(Job::CleanUpDeploy(ticket, _)) => Some(*ticket),
        _ => None,
    });
    let message = DeployMessage::CleanedUp(ticket.unwrap(), Ok(()));
    h.update(Message::Deploy(message))
        .shows("The deployment is deleted");
    h.keys("esc d")
        .planned(|request| Ok(plan(request)))
        .shows("Changes on");
}

/// Half way through a deploy to `test`.
fn half_way() -> Harness {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Err(failed_half_way(&ordered)));
    h
}

#[test]
fn what_a_failed_deploy_left_can_be_left_and_the_log_names_it() {
    let mut h = half_way();
    h.keys("n")
        .shows("Deployment a81kq0 of chat is left as it is");
    plans(&mut h).shows("▸ test").shows("Changes on test");
    h.keys("esc d").shows("Description").keys("esc !");
    h.shows("Deployment a81kq0 of chat is left as it is, made for test");
}

#[test]
fn a_new_stage_that_was_not_made_is_planned_anew_by_its_name() {
    let mut h = at_chat();
    h.keys("d")
        .types("beta")
        .keys("tab")
        .types("why")
        .keys("enter");
    plans(&mut h);
    let (_, ordered) = h.deploying();
    h.finishes(Err(failed_half_way(&ordered))).keys("n");
    h.shows("▸ [New stage]   beta").shows("why");
    let asked = plans(&mut h).state.data.deploys.job(&chat().api.id);
    assert!(asked.is_none());
}

#[test]
fn a_deploy_of_one_api_is_no_matter_of_another() {
    let mut h = half_way();
    h.keys("esc esc").shows("ticker");
    h.keys("down d")
        .shows("Deploy API · ticker")
        .shows("▸ live");
    h.keys("esc up d")
        .shows("What exists now: deployment a81kq0");
}

#[test]
fn two_apis_deploy_at_the_same_time() {
    let mut h = at_apis();
    h.keys("d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    let (first, ordered) = h.deploying();
    h.keys("esc down d").types("beta").keys("enter");
    plans(&mut h).shows("Deploy API · chat to beta").keys("esc");
    h.shows("deploying 2 APIs").keys("d");
    let message = DeployMessage::Finished(first, Box::new(Ok(deployed(&ordered))));
    h.update(Message::Deploy(message));
    h.shows("Deploy API · chat to beta").keys("esc");
    h.shows("deploying to beta").shows("test: 53lz9l → a81kq0");
    h.keys("q").shows("A deploy is under way");
}

#[test]
fn a_failure_that_left_nothing_is_told_in_true_words() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    h.finishes(Err(failure("Cannot deploy").into()));
    h.shows("Nothing was changed.").shows("n plan anew");
    h.keys("esc d").shows("Description").keys("esc");
    plans(h.keys("d")).keys("enter esc");
    h.finishes(Err(failure("Cannot deploy again").into()));
    h.shows("Cannot deploy again · ! says why");
    h.keys("d").shows("Description").keys("esc !");
    h.shows("AccessDeniedException");
}

#[test]
fn a_failure_whose_outcome_nobody_knows_says_so_and_looks_again() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    let (_, ordered) = h.deploying();
    h.progresses(step(DeployStep::CreateDeployment, StepState::Running));
    h.finishes(Err(DeployFailure {
        failure: failure("Cannot deploy"),
        remains: Remains::Unknown,
    }));
    h.shows("It is not known whether a deployment was made; test was not touched.");
    h.shows("Looking again").api(chat());
    h.shows("As read since: no deployment has come since the plan.");
    let mut after = chat();
    let mut new = after.deployments[0].clone();
    new.id = crate::chat::deployment_id("a81kq0");
    new.description = ordered.description();
    after.deployments.push(new);
    h.keys("r").api(after);
    h.shows("a81kq0 is new and was made for this plan");
    h.snapshot("deploy_unknown");
    h.keys("esc").shows("What the deploy left is not known");
    h.keys("d n")
        .shows("A deployment of chat for test may be left; nobody knows");
}

#[test]
fn a_deployment_whose_use_nobody_knows_says_what_the_stage_serves_now() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.keys("enter");
    let (_, ordered) = h.deploying();
    let mut failed = failed_half_way(&ordered);
    if let Remains::LeftOver(left) = &mut failed.remains {
        left.stage_use = StageUse::Unknown;
    }
    h.finishes(Err(failed))
        .shows("and it is not known whether test");
    h.api(chat()).shows("As read since: test serves 53lz9l.");
}

#[test]
fn a_long_failure_can_be_read_to_its_end_on_the_smallest_screen() {
    let mut h = half_way();
    h.resize(60, 15).hides("n leave a81kq0");
    h.keys("pagedown pagedown")
        .shows("n leave a81kq0 as it is and plan anew");
    h.keys("pageup pageup").shows("Cannot deploy \"chat\"");
    h.keys("end")
        .shows("n leave a81kq0")
        .keys("home up")
        .hides("n leave");
}

#[test]
fn a_long_reason_why_there_is_no_plan_can_be_read_to_its_end() {
    let mut h = at_chat();
    h.resize(60, 15).keys("down d");
    h.planned(|_| {
        Err(failure("Cannot plan the deploy")
            .cause("one ".repeat(60))
            .hint("the end"))
    });
    h.hides("the end")
        .keys("pagedown pagedown")
        .shows("the end");
}

#[test]
fn the_smallest_screen_shows_what_will_change() {
    let mut h = at_chat();
    h.resize(60, 15).keys("down d");
    h.planned(|request| Ok(plan(request)));
    h.shows("~ route sendMessage");
    h.keys("down").passes(200);
    plans(&mut h)
        .shows("+ route join")
        .shows("~ route sendMessage");
    h.keys("enter")
        .passes(1_000)
        .shows(ONCE_MORE)
        .shows("+ route join");
}

#[test]
fn undo_points_the_stage_back() {
    let mut h = at_chat();
    h.keys("u").shows("Nothing to undo");
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered))).keys("u");
    let repoint = h.effects.iter().find_map(|effect| match effect {
        Effect::Job(Job::Repoint(ticket, repoint)) => Some((*ticket, repoint.clone())),
        _ => None,
    });
    let (ticket, repoint) = repoint.unwrap();
    assert_eq!(repoint.to.as_str(), "53lz9l");
    h.update(Message::Deploy(DeployMessage::Repointed(
        ticket,
        repoint,
        Ok(()),
    )));
    h.shows("test serves 53lz9l again");
}

#[test]
fn an_undo_that_fails_says_why_and_can_be_tried_again() {
    let mut h = at_chat();
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter");
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered))).keys("u");
    let (ticket, asked) = repoint(&h).unwrap();
    let result = Err(failure("Cannot point \"test\" at 53lz9l"));
    h.update(Message::Deploy(DeployMessage::Repointed(
        ticket, asked, result,
    )));
    h.shows("Cannot point \"test\" at 53lz9l").keys("esc");
    h.effects.clear();
    h.keys("u");
    assert!(repoint(&h).is_some());
}

#[test]
fn undoing_a_production_deploy_asks_first_while_it_is_watched_too() {
    let mut h = deploying_to_production();
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered))).keys("l tab u");
    h.shows("Undo the deploy of a production stage?");
    assert!(repoint(&h).is_none());
}

#[test]
fn a_screen_too_small_to_show_the_dialog_deploys_nothing() {
    let mut h = at_chat();
    h.keys("down d").planned(|request| Ok(plan(request)));
    h.resize(59, 14).keys("enter");
    assert_eq!(order(&h), None);
    h.resize(100, 30).keys("enter");
    assert!(order(&h).is_some());
    h.resize(59, 14).keys("ctrl-c ctrl-c");
    assert!(h.effects.contains(&Effect::Terminal(Terminal::Quit)));
}

#[test]
fn quitting_in_the_middle_of_a_deploy_takes_a_second_thought() {
    let mut h = at_chat();
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter");
    let (_, ordered) = h.deploying();
    h.keys("esc q").shows("A deploy is under way");
    assert!(!h.effects.contains(&Effect::Terminal(Terminal::Quit)));
    h.finishes(Ok(deployed(&ordered))).keys("q");
    assert!(h.effects.contains(&Effect::Terminal(Terminal::Quit)));
}

#[test]
fn leaving_at_once_in_the_middle_of_a_deploy_takes_asking_twice() {
    let mut h = at_chat();
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter ctrl-c")
        .shows("^C again leaves it");
    assert!(!h.effects.contains(&Effect::Terminal(Terminal::Quit)));
    h.keys("ctrl-c");
    assert!(h.effects.contains(&Effect::Terminal(Terminal::Quit)));
}

#[test]
fn a_late_answer_of_a_deploy_to_the_target_before_changes_nothing() {
    let mut h = at_chat();
    h.keys("down d")
        .planned(|request| Ok(plan(request)))
        .keys("enter");
    let (_, ordered) = h.deploying();
    h.keys("esc t")
        .targets(Ok(vec![local(), profile("work", "eu-west-1")]));
    h.keys("end enter").connected();
    h.finishes(Ok(deployed(&ordered))).hides("u undo");
    h.keys("u");
    assert!(repoint(&h).is_none());
}

fn repoint(h: &Harness) -> Option<(Ticket, Repoint)> {
    h.effects.iter().find_map(|effect| match effect {
        Effect::Job(Job::Repoint(ticket, repoint)) => Some((*ticket, repoint.clone())),
        _ => None,
    })
}

#[test]
fn undoing_a_production_deploy_asks_first() {
    let mut h = deploying_to_production();
    let (_, ordered) = h.deploying();
    h.finishes(Ok(deployed(&ordered)))
        .keys("u")
        .snapshot("undo_question");
    let is_repoint = |effect: &Effect| matches!(effect, Effect::Job(Job::Repoint(..)));
    assert!(!h.effects.iter().any(is_repoint));
    h.keys("esc u enter");
    assert!(h.effects.iter().any(is_repoint));
}

#[test]
fn an_api_without_routes_cannot_be_deployed_and_says_why() {
    let mut detail = chat();
    detail.routes.clear();
    let mut h = Harness::new(Some(local()));
    h.connected()
        .apis(Ok(vec![detail.api.clone()]))
        .api(detail)
        .keys("d");
    h.shows("the API has no routes").hides("Description");
}

#[test]
fn an_enter_answers_no_question_that_is_covered() {
    let mut h = at_chat();
    h.keys("up d enter");
    // Help stands above the dialog when the plan comes, and the question with it.
    h.keys("f1").planned(|request| Ok(plan(request)));
    h.passes(5_000).shows("Keys").draw();
    let enter = Message::Key(KeyEvent::from(KeyCode::Enter));
    // The first one closes the help; nothing is drawn before the second.
    for message in [enter.clone(), enter] {
        let effects = stagewire::ui::update(&mut h.state, message);
        h.effects.extend(effects);
    }
    assert_eq!(order(&h), None);
    h.passes(1_000).shows(ONCE_MORE);
}

#[test]
fn a_stage_that_the_filter_left_is_the_one_that_is_deployed_to() {
    let mut h = at_chat();
    h.keys("/").types("prod").keys("enter d");
    h.planned(|request| {
        assert_eq!(request.stage, StageChoice::Existing(stage_name("prod")));
        Ok(plan(request))
    });
}
