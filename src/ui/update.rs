//! Routing: which part of the state a message is for. Top modal, then screen, then the program itself.

use crossterm::event::KeyEvent;

use super::{
    Action, Effect, Message, State, answer,
    keys::{self, Scope},
    modal::{Modal, help::HelpModal, log::LogModal, palette::PaletteModal, region::RegionModal},
    notice::Tone,
    screen::{Handled, Nav, Screen, View, targets::TargetsScreen},
};
use crate::model::Ticket;

/// What to ask of the world before the first message.
pub fn start(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Some(target) = state.library.wanted_target.clone() {
        state.lend(&mut effects, |_, _, context| context.change_target(target));
    }
    settle(state, &mut effects);
    effects
}

/// Changes the state as a message demands, and says what to ask of the world. It does not wait and cannot fail.
pub fn update(state: &mut State, message: Message) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let Message::Key(_) | Message::Typed(_) | Message::Paste(_) = message {
        state.library.typed(state.now);
    }
    match message {
        Message::Clock(now) => {
            state.now = now;
            state.notices.expire(now);
            for (stage, seconds) in state.deploys.take_settled(now) {
                let text = format!(
                    "{stage} was moved {seconds} s ago: what was served before is gone by now"
                );
                state.notices.say(now, Tone::Ok, text);
            }
            if let Some(session) = &mut state.live {
                let detail = state.library.detail(&session.api.id);
                effects.extend(session.tick(now, detail, || state.tickets.next_link()));
            }
        }
        Message::Key(key) if state.geometry.is_too_small() => {
            press_unseen(state, key, &mut effects);
        }
        // Nobody sees where it would go.
        Message::Typed(_) | Message::Paste(_) if state.geometry.is_too_small() => {}
        Message::Key(key) => press(state, key, &mut effects),
        Message::Typed(keys) => typed(state, &keys, &mut effects),
        Message::Paste(text) => paste(state, &text, &mut effects),
        Message::Resized(..) => {}
        Message::Library(message) => answer::library(state, message, &mut effects),
        Message::Deploy(message) => answer::deploy(state, message, &mut effects),
        Message::Link(link, event) => {
            answer::link(state, link, event);
        }
        Message::Host(message) => answer::host(state, message, &mut effects),
    }
    settle(state, &mut effects);
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
    if state.deploys.is_late(key, state.now) {
        return;
    }
    let handled = state.lend(effects, |screens, modals, context| {
        top(screens, modals).key(key, context)
    });
    match handled {
        Handled::Yes(nav) => go(state, nav, effects),
        Handled::No => {
            if let Some(action) = keys::lookup(scope(state), key) {
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
        if scope(state).is_text() {
            let text: String = rest.filter_map(|key| key.code.as_char()).collect();
            paste(state, &text, effects);
            return;
        }
        press(state, *key, effects);
        rest.next();
    }
}

fn paste(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    state.deploys.closed_at = None;
    let handled = state.lend(effects, |screens, modals, context| {
        top(screens, modals).paste(text, context)
    });
    match handled {
        Handled::Yes(nav) => go(state, nav, effects),
        Handled::No => state.notices.say(
            state.now,
            Tone::Info,
            "There is no text field to paste into",
        ),
    }
}

/// True while a deploy changes the target: ending the program would cut it in the middle.
fn is_deploying(state: &State) -> bool {
    state.deploys.running().next().is_some()
}

/// True the first time that somebody wants to leave a deploy at once.
fn must_be_asked(state: &mut State) -> bool {
    let running: Vec<Ticket> = state.deploys.running().map(|job| job.ticket).collect();
    let is_new = |ticket: &Ticket| !state.deploys.warned.contains(ticket);
    let must = running.iter().any(is_new);
    state.deploys.warned = running;
    must
}

/// Does what the person wishes, or says why not.
fn perform(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    let view = match state.modals.last() {
        Some(modal) => modal.view(),
        None => state.screen().view(),
    };
    if let Some(reason) = view.refusal(action, state) {
        state.notices.say(state.now, Tone::Warning, reason);
        return;
    }
    match action {
        Action::Quit if is_deploying(state) => state.notices.say(
            state.now,
            Tone::Warning,
            "A deploy is under way; wait for it, or leave with ^C twice",
        ),
        Action::QuitNow if must_be_asked(state) => state.notices.say(
            state.now,
            Tone::Warning,
            "A deploy is under way; wait for it, or ^C again leaves it to end or be cut",
        ),
        Action::Quit | Action::QuitNow => effects.push(Effect::Quit),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Help => toggle_help(state),
        Action::Palette => open(state, Modal::Palette(PaletteModal::new(scope(state)))),
        Action::Log => open(state, Modal::Log(LogModal::default())),
        Action::Region if !matches!(state.screen(), Screen::Targets(_)) => {
            let target = state.target().cloned();
            if let Some(target) = target {
                open(state, Modal::Region(RegionModal::new(target)));
            }
        }
        Action::Targets => {
            if !matches!(state.screen(), Screen::Targets(_)) {
                go(state, Nav::Push(targets()), effects);
            }
        }
        action => {
            let nav = state.lend(effects, |screens, modals, context| {
                top(screens, modals).act(action, context)
            });
            go(state, nav, effects);
        }
    }
}

fn toggle_help(state: &mut State) {
    if let Some(Modal::Help(_)) = state.modals.last() {
        state.modals.pop();
    } else {
        let scope = scope(state);
        open(state, Modal::Help(HelpModal::new(scope)));
    }
}

fn go(state: &mut State, nav: Nav, effects: &mut Vec<Effect>) {
    match nav {
        Nav::Stay => {}
        Nav::Push(screen) => state.screens.push(screen),
        Nav::Open(modal) => open(state, modal),
        Nav::Act(action) => {
            state.modals.pop();
            perform(state, action, effects);
        }
        Nav::Back => back(state),
    }
}

fn back(state: &mut State) {
    if state.modals.pop().is_some() {
        return;
    }
    if state.screens.len() > 1 {
        state.screens.pop();
    } else if matches!(state.screen(), Screen::Targets(_)) {
        state
            .notices
            .say(state.now, Tone::Info, "This is the first screen; q quits");
    } else {
        state.screens.push(targets());
    }
}

fn open(state: &mut State, modal: Modal) {
    state.modals.push(modal);
}

fn targets() -> Screen {
    Screen::Targets(TargetsScreen::default())
}

/// The scope that holds for the next key.
pub(super) fn scope(state: &State) -> Scope {
    match state.modals.last() {
        Some(modal) => modal.view().scope(),
        None => state.screen().view().scope(),
    }
}

fn top<'a>(screens: &'a mut [Screen], modals: &'a mut [Modal]) -> &'a mut dyn View {
    match modals.last_mut() {
        Some(modal) => modal.view_mut(),
        None => screens
            .last_mut()
            .expect("invariant: the stack of screens is never empty")
            .view_mut(),
    }
}

fn settle(state: &mut State, effects: &mut Vec<Effect>) {
    state.lend(effects, |screens, modals, context| {
        if let Some(screen) = screens.last_mut() {
            screen.view_mut().settle(context);
        }
        for modal in modals.iter_mut() {
            modal.view_mut().settle(context);
        }
        let awaiting = context.deploys.awaiting_proof();
        let awaiting: Vec<_> = awaiting.map(|(api, since)| (api.clone(), since)).collect();
        for (api, since) in awaiting {
            context.ask(|library, asking| library.look_behind(&api, since, asking));
        }
        context.library.give_up_unseen(context.now, context.effects);
    });
    let place = (state.screens.len(), state.modals.len());
    state.notices.settle(place);
}
