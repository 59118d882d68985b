//! Live sessions: they outlive leaving the screen, another stage, region or target, and end when somebody ends them.

use bytes::Bytes;
use jiff::Timestamp;
use stagewire::{
    model::{
        Direction, FrameRecord, LinkEvent, LinkId, Opcode, Outgoing, StageName,
        link::{Closed, Frames, Opened},
        plan::Repoint,
    },
    ui::{
        Effect, Message,
        effect::{Job, Link, Terminal},
        message::DeployMessage,
        route::Route,
    },
};

use crate::{
    chat::{api, at_apis, at_chat, chat, deployment_id, failure, local, profile},
    harness::Harness,
};

impl Harness {
    /// Opens the session of a stage of `chat`, and its link; returns the link's number.
    fn watches(&mut self, stage: &str) -> LinkId {
        let stage = StageName::parse(stage).unwrap();
        let route = Route::Watch(chat().api.id.clone(), stage);
        self.state.open(route, &mut self.effects);
        let link = self.state.data.sessions.all().last().unwrap().link.id;
        self.tells(
            link,
            LinkEvent::Open(Opened {
                at: self.state.look.now,
                subprotocol: None,
                headers: Vec::new(),
            }),
        );
        link
    }

    fn tells(&mut self, link: LinkId, event: LinkEvent) {
        self.update(Message::Link(link, event));
    }

    /// A message comes over a link.
    fn hears(&mut self, link: LinkId, text: &'static str) {
        let records = vec![FrameRecord {
            direction: Direction::In,
            opcode: Opcode::Text,
            is_final: true,
            reserved_bits: 0,
            is_masked: false,
            payload: Bytes::from_static(text.as_bytes()),
            payload_length: text.len() as u64,
            part: 1,
            at: self.state.look.now,
        }];
        self.tells(
            link,
            LinkEvent::Frames(Frames {
                records,
                dropped: 0,
            }),
        );
    }

    /// Takes the orders to links out of what was asked of the world.
    fn link_orders(&mut self) -> Vec<Link> {
        let effects = std::mem::take(&mut self.effects);
        let orders = effects.into_iter().filter_map(|effect| match effect {
            Effect::Link(order) => Some(order),
            _ => None,
        });
        orders.collect()
    }

    /// Chooses the target `work` in another region, and lands on its APIs.
    fn goes_to_another_target(&mut self) {
        self.keys("tab t")
            .targets(Ok(vec![local(), profile("work", "us-west-2")]))
            .keys("down enter")
            .connected();
    }
}

fn closed(at: Timestamp) -> LinkEvent {
    LinkEvent::Closed(Closed {
        at,
        code: 1000,
        reason: String::new(),
        by_us: true,
    })
}

#[test]
fn another_stage_has_a_session_of_its_own_and_the_first_goes_on() {
    let mut h = at_chat();
    let prod = h.watches("prod");
    h.types("meant for prod");
    h.link_orders();
    let test = h.watches("test");
    assert_ne!(prod, test);
    let orders = h.link_orders();
    assert!(
        !orders
            .iter()
            .any(|it| matches!(it, Link::Close(_) | Link::Drop(_))),
        "{orders:?}"
    );
    h.hides("meant for prod");
    h.hears(prod, "news of prod");
    h.hears(test, "news of test");
    h.shows("news of test").hides("news of prod");
    assert_eq!(h.watches_again("prod"), prod);
    h.shows("news of prod").shows("meant for prod");
}

impl Harness {
    /// Opens the stage once more; returns the link of the session that is shown then.
    fn watches_again(&mut self, stage: &str) -> LinkId {
        let stage = StageName::parse(stage).unwrap();
        let route = Route::Watch(chat().api.id.clone(), stage);
        self.state.open(route, &mut self.effects);
        self.draw();
        let Route::Live(session) = self.state.screen().route() else {
            panic!("no session is shown");
        };
        self.state.data.sessions.get(session).unwrap().link.id
    }
}

#[test]
fn the_screen_of_another_session_takes_the_place_of_the_one_before() {
    let mut h = at_chat();
    h.watches("prod");
    h.watches("test");
    h.keys("esc").shows("Stages").hides("live · frames");
    assert_eq!(h.state.screens.len(), 2);
}

#[test]
fn another_target_ends_no_session_and_its_frames_go_on() {
    let mut h = at_chat();
    let link = h.watches("prod");
    h.link_orders();
    h.goes_to_another_target();
    assert_eq!(h.link_orders(), []);
    h.shows("work › us-west-2 › APIs").shows("● prod live");
    h.hears(link, "still here");
    h.keys("w enter")
        .shows("local › us-east-1 › chat › prod › live");
    h.shows("still here");
}

#[test]
fn nothing_is_deployed_from_a_session_on_another_target() {
    let mut h = at_chat();
    h.watches("test");
    h.goes_to_another_target();
    h.keys("w enter d")
        .shows("Deploy: the session is on local us-east-1; go there first")
        .hides("Deploy API");
}

#[test]
fn a_stage_of_the_same_name_on_another_target_is_another_session() {
    let mut h = at_chat();
    h.watches("prod");
    h.goes_to_another_target();
    h.apis(Ok(vec![api("k3v9x2a1bc", "chat")]));
    h.watches("prod");
    assert_eq!(h.state.data.sessions.all().len(), 2);
}

#[test]
fn a_signed_session_is_signed_for_its_own_target_wherever_one_is() {
    let mut h = at_chat();
    let link = h.watches("test");
    h.tells(link, closed(h.state.look.now));
    h.goes_to_another_target();
    h.link_orders();
    h.keys("w enter s");
    let orders = h.link_orders();
    let [Link::Open(_, _, signer)] = &orders[..] else {
        panic!("{orders:?}");
    };
    assert_eq!(*signer, Some(local()));
}

#[test]
fn the_list_of_sessions_tells_each_and_goes_to_it() {
    let mut h = at_chat();
    let prod = h.watches("prod");
    let test = h.watches("test");
    h.hears(prod, "one");
    h.tells(test, closed(h.state.look.now));
    h.keys("esc").shows("1 of 2 live");
    h.keys("w").snapshot("sessions");
    h.keys("enter").shows("chat › prod › live").shows("one");
}

#[test]
fn the_palette_leads_to_the_list_of_sessions() {
    let mut h = at_chat();
    h.watches("prod");
    h.keys("esc :")
        .types("live ses")
        .keys("enter")
        .shows("Live sessions 1");
}

#[test]
fn an_empty_list_of_sessions_says_how_one_begins() {
    let mut h = at_apis();
    h.keys("w").shows("No stage is watched: l on a stage does.");
    h.keys("x").shows("There is no session to do that with");
    h.keys("esc").hides("Live sessions");
}

#[test]
fn a_session_is_closed_in_good_order_before_it_is_forgotten() {
    let mut h = at_chat();
    let link = h.watches("prod");
    h.hears(link, "one");
    h.types("not sent");
    h.link_orders();
    h.keys("tab w x");
    let close = Outgoing::Close(Some((1000, String::new())));
    assert_eq!(h.link_orders(), [Link::Send(link, close)]);
    h.keys("d").shows("It is connected: x closes it first");
    h.tells(link, closed(h.state.look.now));
    h.shows("not connected");
    h.keys("d")
        .shows("It holds 1 frame, which nobody can bring back.");
    h.keys("esc").shows("Live sessions 1");
    h.keys("d enter").shows("Live sessions 0");
    let remembered = Effect::Job(Job::Remember("not sent".to_owned()));
    assert_eq!(h.effects, [remembered]);
    // Its screen, which was below the list, is gone with it.
    h.keys("esc").shows("Stages").hides("prod › live");
}

#[test]
fn after_a_session_is_forgotten_the_next_one_is_selected() {
    let mut h = at_chat();
    h.watches("prod");
    let test = h.watches("test");
    h.goes_to_another_target();
    h.apis(Ok(vec![api("k3v9x2a1bc", "chat")]));
    h.watches("prod");
    h.tells(test, closed(h.state.look.now));
    h.keys("tab w up d").shows("Live sessions 2");
    let rows = h.rows();
    let selected = rows.iter().find(|row| row.contains("▸ chat/prod")).unwrap();
    assert!(selected.contains("work us-west-2"), "{selected}");
}

#[test]
fn the_list_begins_with_the_session_that_is_shown() {
    let mut h = at_chat();
    h.watches("prod");
    h.watches("test");
    h.keys("tab w").shows("▸ chat/test");
    h.keys("esc esc w").shows("▸ chat/prod");
}

#[test]
fn a_session_is_paused_where_it_was_left_and_chosen_to_look_at() {
    let mut h = at_chat();
    let prod = h.watches("prod");
    for text in ["one", "two", "three", "four"] {
        h.hears(prod, text);
    }
    h.keys("tab up up").shows("paused");
    h.watches("test");
    h.keys("tab w up enter")
        .shows("paused · ")
        .shows("prod › live");
    // Keys are keys there, and are not written.
    h.keys("w").shows("Live sessions 2");
}

#[test]
fn nothing_is_undone_from_a_session_on_another_target() {
    let mut h = at_chat();
    h.watches("test");
    h.goes_to_another_target();
    h.state.data.deploys.undo = Some(repoint());
    h.effects.clear();
    h.keys("w enter u")
        .shows("Undo: the session is on local us-east-1; go there first");
    assert_eq!(h.effects, []);
    assert!(h.state.data.deploys.undo.is_some());
}

#[test]
fn an_order_of_another_target_that_failed_is_told_and_cannot_be_undone_here() {
    let mut h = at_chat();
    h.state.data.deploys.undo = Some(repoint());
    h.keys("u");
    let ordered = h.effects.iter().find_map(|effect| match effect {
        Effect::Job(Job::Repoint(ticket, _)) => Some(*ticket),
        _ => None,
    });
    h.keys("t")
        .targets(Ok(vec![local(), profile("work", "us-west-2")]))
        .keys("down enter")
        .connected();
    let late = DeployMessage::Repointed(
        ordered.unwrap(),
        repoint(),
        Err(failure("Cannot point stage \"test\" at d1")),
    );
    h.update(Message::Deploy(late)).shows("Cannot point stage");
    assert_eq!(h.state.data.deploys.undo, None);
}

fn repoint() -> Repoint {
    Repoint {
        api_id: chat().api.id,
        stage: StageName::parse("test").unwrap(),
        from: None,
        to: deployment_id("d1"),
        command: "aws apigatewayv2 update-stage".to_owned(),
    }
}

#[test]
fn a_reconnect_is_signed_as_before_while_another_target_is_in_force() {
    let mut h = at_chat();
    let mut detail = chat();
    detail.signed.insert(StageName::parse("test").unwrap());
    let id = detail.api.id.clone();
    *h.state.data.library.detail_mut(&id).unwrap() = detail;
    let link = h.watches("test");
    assert!(matches!(&h.link_orders()[..], [Link::Open(_, _, Some(_))]));
    h.tells(link, closed(h.state.look.now));
    h.goes_to_another_target();
    h.link_orders();
    h.keys("w enter r");
    let orders = h.link_orders();
    assert!(
        matches!(&orders[..], [Link::Open(_, _, Some(signer))] if *signer == local()),
        "{orders:?}"
    );
}

#[test]
fn an_enter_that_was_pressed_twice_in_the_list_sends_nothing() {
    let mut h = at_chat();
    h.watches("prod");
    h.types("half a message").keys("esc w");
    h.link_orders();
    h.keys("enter enter").shows("half a message");
    assert_eq!(h.link_orders(), []);
    h.passes(1_500).keys("tab enter");
    assert!(matches!(&h.link_orders()[..], [Link::Send(..)]));
}

#[test]
fn whoever_writes_to_a_session_while_a_target_connects_goes_on_writing() {
    let mut h = at_chat();
    h.watches("prod");
    h.keys("esc t")
        .targets(Ok(vec![local(), profile("work", "us-west-2")]))
        .keys("down enter");
    h.passes(10).keys("w enter tab").types("to pr");
    h.connected().types("od").shows("to prod");
    h.keys("esc").shows("work › us-west-2 › APIs");
}

#[test]
fn messages_that_were_not_sent_are_remembered_when_the_program_ends() {
    let mut h = at_chat();
    h.watches("prod");
    h.types("first");
    h.watches("test");
    h.types("second");
    h.effects.clear();
    h.keys("tab q");
    let remembered: Vec<&str> = h
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Job(Job::Remember(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(remembered, ["first", "second"]);
}

#[test]
fn the_end_of_the_program_closes_every_open_link_and_drops_the_others() {
    let mut h = at_chat();
    let prod = h.watches("prod");
    let stage = StageName::parse("test").unwrap();
    let route = Route::Watch(chat().api.id.clone(), stage);
    h.state.open(route, &mut h.effects);
    let test = h.state.data.sessions.all()[1].link.id;
    h.effects.clear();
    h.keys("tab q");
    assert_eq!(
        h.effects,
        [
            Effect::Link(Link::Close(prod)),
            Effect::Link(Link::Drop(test)),
            Effect::Terminal(Terminal::Quit),
        ]
    );
}
