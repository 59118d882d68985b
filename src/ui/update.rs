//! Routing of messages: to the top modal, then to the screen, then to the program itself.

use crossterm::event::KeyEvent;

use super::{
    Action, Effect, Message, State, answer,
    data::{Data, detail_of},
    effect::Terminal,
    keys::{self, Scope},
    notice::{Depth, Tone},
    route::{Nav, Route},
    state::{Geometry, Layers},
    view::Handled,
};
use crate::model::Ticket;

/// Returns the orders to the world before the first message.
pub fn start(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Some(target) = state.data.library.wanted_target.clone() {
        state.touch(&mut effects, |context| context.change_target(target));
    }
    follow(state, &mut effects);
    effects
}

/// Changes the state as a message demands, and returns the orders to the world. It does not wait and cannot fail.
pub fn update(state: &mut State, message: Message) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Message::Key(_) | Message::Typed(_) | Message::Paste(_) = message {
        state.data.library.typed(state.look.now);
    }
    match message {
        Message::Clock(now) => {
            state.look.now = now;
            state.data.notices.expire(now);
            for (stage, seconds) in state.data.deploys.take_settled(now) {
                let text = format!(
                    "{stage} was moved {seconds} s ago: what was served before is gone by now"
                );
                state.data.notices.say(now, Tone::Ok, text);
            }
            let Data {
                library,
                sessions,
                tickets,
                ..
            } = &mut state.data;
            effects.extend(sessions.tick(|session| {
                let detail = detail_of(library, session);
                session.tick(now, detail, || tickets.next_link())
            }));
        }
        Message::Key(key) if Geometry::is_too_small(state.area) => {
            press_unseen(state, key, &mut effects);
        }
        // Nobody sees where it would go.
        Message::Typed(_) | Message::Paste(_) if Geometry::is_too_small(state.area) => {}
        Message::Key(key) => press(state, key, &mut effects),
        Message::Typed(keys) => typed(state, &keys, &mut effects),
        Message::Paste(text) => paste(state, &text, &mut effects),
        Message::Resized(..) => {}
        Message::Library(message) => answer::library(state, message, &mut effects),
        Message::Deploy(message) => answer::deploy(state, message, &mut effects),
        Message::Stage(message) => answer::stage(state, &message, &mut effects),
        Message::Link(link, event) => answer::link(state, link, event),
        Message::Host(message) => answer::host(state, message, &mut effects),
    }
    follow(state, &mut effects);
    effects
}

/// Takes a key on a screen that shows nothing to press it on: only leaving and drawing anew need no look.
fn press_unseen(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let action = keys::lookup(Scope::Anywhere, key);
    if let Some(action @ (Action::QuitNow | Action::Suspend | Action::Redraw)) = action {
        perform(state, action, effects);
    }
}

fn press(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    if state.data.deploys.is_late(key, state.look.now) {
        return;
    }
    let handled = state.with_top(effects, |view, context| view.key(key, context));
    match handled {
        Handled::Yes(nav) => go(state, nav, effects),
        Handled::No => {
            if let Some(action) = keys::lookup(state.scope(), key) {
                perform(state, action, effects);
            }
        }
    }
}

/// Takes characters as keys until a text field has the keyboard, and then the rest at once: a text area lays out its
/// whole text for each change.
fn typed(state: &mut State, keys: &[KeyEvent], effects: &mut Vec<Effect>) {
    let mut rest = keys.iter();
    while let Some(key) = rest.as_slice().first() {
        if state.scope().is_text() {
            let text: String = rest.filter_map(|key| key.code.as_char()).collect();
            paste(state, &text, effects);
            return;
        }
        press(state, *key, effects);
        // The next one acts on what this one left.
        follow(state, effects);
        rest.next();
    }
}

fn paste(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    state.data.deploys.closed_at = None;
    let handled = state.with_top(effects, |view, context| view.paste(text, context));
    match handled {
        Handled::Yes(nav) => go(state, nav, effects),
        Handled::No => state.data.notices.say(
            state.look.now,
            Tone::Info,
            "There is no text field to paste into",
        ),
    }
}

/// True while a deploy changes the target: ending the program would cut it in the middle.
fn is_deploying(state: &State) -> bool {
    state.data.deploys.running().next().is_some()
}

/// True the first time that somebody wants to leave a deploy at once.
fn must_be_asked(state: &mut State) -> bool {
    let running: Vec<Ticket> = state.data.deploys.running().map(|job| job.ticket).collect();
    let is_new = |ticket: &Ticket| !state.data.deploys.warned.contains(ticket);
    let must = running.iter().any(is_new);
    state.data.deploys.warned = running;
    must
}

/// Carries out the person's wish, or says why it is refused.
fn perform(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    if let Some(reason) = state.top().refusal(action, state.top_scene()) {
        state
            .data
            .notices
            .say(state.look.now, Tone::Warning, reason);
        return;
    }
    match action {
        Action::Quit if is_deploying(state) => state.data.notices.say(
            state.look.now,
            Tone::Warning,
            format!(
                "A deploy is under way; wait for it, or leave with {} twice",
                keys::named(Scope::Anywhere, Action::QuitNow)
            ),
        ),
        Action::QuitNow if must_be_asked(state) => state.data.notices.say(
            state.look.now,
            Tone::Warning,
            format!(
                "A deploy is under way; wait for it, or {} again leaves it to end or be cut",
                keys::named(Scope::Anywhere, Action::QuitNow)
            ),
        ),
        Action::Quit | Action::QuitNow => state.quit(effects),
        Action::Suspend => effects.push(Effect::Terminal(Terminal::Suspend)),
        Action::Redraw => effects.push(Effect::Terminal(Terminal::Redraw)),
        Action::Help if matches!(state.top().route(), Route::Help(_)) => back(state, effects),
        Action::Help => state.open(Route::Help(state.scope()), effects),
        Action::Palette => state.open(Route::Palette(state.scope()), effects),
        Action::Log => state.open(Route::Log, effects),
        Action::Sessions => {
            let shown = match state.screen().route() {
                Route::Live(session) => Some(session),
                _ => None,
            };
            state.open(Route::Sessions(shown), effects);
        }
        Action::Targets if !is_at_targets(state) => state.open(Route::Targets(None), effects),
        Action::Targets => {}
        Action::Region if !is_at_targets(state) => {
            if let Some(target) = state.data.target().cloned() {
                state.open(Route::Region(target), effects);
            }
        }
        action => {
            let nav = state.with_top(effects, |view, context| view.act(action, context));
            go(state, nav, effects);
        }
    }
}

fn is_at_targets(state: &State) -> bool {
    matches!(state.screen().route(), Route::Targets(_))
}

fn go(state: &mut State, nav: Nav, effects: &mut Vec<Effect>) {
    match nav {
        Nav::Stay => {}
        Nav::To(route) => state.open(route, effects),
        Nav::Instead(route) => {
            state.modals.pop();
            state.open(route, effects);
        }
        Nav::Act(action) => {
            state.modals.pop();
            perform(state, action, effects);
        }
        Nav::Back => back(state, effects),
    }
}

fn back(state: &mut State, effects: &mut Vec<Effect>) {
    if state.modals.pop().is_some() {
        return;
    }
    if state.screens.len() > 1 {
        state.screens.pop();
    } else if is_at_targets(state) {
        let quit = keys::named(Scope::Global, Action::Quit);
        let text = format!("This is the first screen; {quit} quits");
        state.data.notices.say(state.look.now, Tone::Info, text);
    } else {
        state.open(Route::Targets(None), effects);
    }
}

fn follow(state: &mut State, effects: &mut Vec<Effect>) {
    state.leave_ended_sessions();
    state.with_each(Layers::Shown, effects, |view, context| view.follow(context));
    state.touch(effects, |context| {
        let awaiting = context.data.deploys.awaiting_proof();
        let awaiting: Vec<_> = awaiting.map(|(api, since)| (api.clone(), since)).collect();
        for (api, since) in awaiting {
            context.ask(|library, asking| library.look_behind(&api, since, asking));
        }
        let now = context.look.now;
        context.data.library.give_up_unseen(now, context.effects);
    });
    state.data.notices.follow(Depth {
        screens: state.screens.len(),
        modals: state.modals.len(),
    });
}
