//! The actions of the Live screen's keys.

use super::{Focus, LiveScreen, words};
use crate::{
    model::{LinkId, Opcode, Outgoing, Signing, text::grouped},
    ui::{
        Action, Effect,
        data::detail_of,
        effect::{Job, Link, Terminal},
        live::{Query, Session, Shape, log::Assembled},
        notice::Tone,
        route::{Nav, Route},
        subject,
        view::{Context, Scene},
    },
};

/// Returns the reason why an action cannot be done now; none when it can.
pub(super) fn refusal(action: Action, session: &Session, scene: Scene<'_>) -> Option<String> {
    let link = &session.link;
    let changes_target = match action {
        Action::Deploy => Some("Deploy"),
        Action::Undo => Some("Undo"),
        _ => None,
    };
    if let Some(what) = changes_target.filter(|_| scene.data.is_elsewhere(session)) {
        let there = session.target.place();
        return Some(format!("{what}: the session is on {there}; go there first"));
    }
    let reason = match action {
        Action::Ping if !link.is_open() => "There is no open connection to ping over",
        Action::Hangup if !session.is_under_way() => "Nothing is connected",
        Action::Sign if link.is_open() => "The handshake succeeded; hang up first",
        Action::Undo if scene.data.deploys.undo.is_none() => "No deploy to undo",
        Action::Details if !matches!(link.phase, crate::ui::live::Phase::Refused(_)) => {
            "No handshake was refused"
        }
        _ => return None,
    };
    Some(reason.to_owned())
}

impl LiveScreen {
    pub(super) fn act_in_composer(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let Some(session) = context.data.sessions.get_mut(self.session) else {
            return Nav::Back;
        };
        match action {
            Action::Submit => self.send(context, Outgoing::Text),
            Action::SendUnsplit => self.send(context, Outgoing::Unsplit),
            Action::NewLine => session.composer.newline(),
            Action::Up => session.composer.up(),
            Action::Down => session.composer.down(),
            Action::PageUp | Action::PageDown => self.scroll_frames(action, context),
            Action::Edit => {
                let ticket = context.data.tickets.next_ticket();
                session.composer.start_editing(ticket);
                let text = session.composer.text();
                context
                    .effects
                    .push(Effect::Terminal(Terminal::Edit(ticket, text)));
            }
            Action::NextField => self.focus = Focus::Frames,
            other => return self.act_anywhere(other, context),
        }
        Nav::Stay
    }

    pub(super) fn act_in_frames(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let Some(session) = context.data.sessions.get_mut(self.session) else {
            return Nav::Back;
        };
        match action {
            Action::NextField => self.focus = Focus::Composer,
            Action::Open => {
                if self.selected(&session.log).is_some() && !self.shows_end(session) {
                    self.focus = Focus::Inspector;
                }
            }
            Action::Filter => self.focus = Focus::Filter,
            Action::Fold => self.fold(session),
            Action::Clear => {
                session.log.clear();
                self.follow();
            }
            _ if is_move(action) => self.scroll_frames(action, context),
            other => return self.act_anywhere(other, context),
        }
        Nav::Stay
    }

    pub(super) fn act_in_filter(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let Some(session) = context.data.sessions.get_mut(self.session) else {
            return Nav::Back;
        };
        match action {
            Action::Back => {
                self.filter.clear();
                self.search(session);
                self.focus = Focus::Frames;
            }
            Action::Submit => self.focus = Focus::Frames,
            _ => {}
        }
        Nav::Stay
    }

    pub(super) fn act_in_inspector(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let (page, length) = (context.placed.side_page, context.placed.side_length);
        match action {
            Action::Back => self.focus = Focus::Frames,
            _ if self.scroll.act(action, page, length) => {}
            other => return self.act_anywhere(other, context),
        }
        Nav::Stay
    }

    /// Does the actions that work wherever the keyboard is.
    fn act_anywhere(&mut self, action: Action, context: &mut Context<'_>) -> Nav {
        let Some(session) = context.data.sessions.get_mut(self.session) else {
            return Nav::Back;
        };
        match action {
            Action::Back => return Nav::Back,
            Action::Deploy => {
                let (api, stage) = (session.api.id.clone(), session.stage.clone());
                return Nav::To(Route::Deploy(api, Some(stage)));
            }
            Action::Undo => return subject::undo(context),
            Action::Reconnect => self.reconnect(context),
            Action::Sign => {
                let words = match session.toggle_signing() {
                    Signing::Signed => "Handshakes are signed with the target's credentials now",
                    Signing::Unsigned => "Handshakes are not signed now",
                };
                context.say(Tone::Info, words);
                self.reconnect(context);
            }
            Action::Ping => self.order(context, Outgoing::Ping(bytes::Bytes::new())),
            Action::Hangup => context.hang_up(self.session),
            Action::NextTab => self.set_shape(next(self.view.shape)),
            Action::PreviousTab => self.set_shape(next(next(self.view.shape))),
            Action::Copy => self.copy(context),
            Action::CopyUrl => {
                let url = session.url.clone();
                context.copy("the URL", url);
            }
            Action::Details => {
                self.is_past_end = !self.is_past_end;
                self.scroll = super::Scroll::default();
            }
            _ => {}
        }
        Nav::Stay
    }

    /// Searches for the text of the filter line.
    pub(super) fn search(&mut self, session: &mut Session) {
        let is_folded = session.log.is_folded();
        session
            .log
            .show(is_folded, Query::parse(self.filter.text()));
        session.search();
        self.scroll = super::Scroll::default();
    }

    /// Selects a row, which pauses the view; the last row too, so that it stays.
    pub(super) fn select(&mut self, row_idx: usize, session: &Session, page: usize) {
        let log = &session.log;
        let (first, _) = self.window(log, page.max(1));
        let Some(sequence) = log.row(row_idx) else {
            return;
        };
        if self.view.cursor.is_none() {
            self.view.paused_at = log.end();
        }
        let lowest = (row_idx + 1).saturating_sub(page.max(1));
        let first = first.clamp(lowest, row_idx);
        self.view.top = log.row(first).unwrap_or(sequence);
        self.view.cursor = Some(sequence);
        self.scroll = super::Scroll::default();
    }

    fn follow(&mut self) {
        self.view.cursor = None;
        self.scroll = super::Scroll::default();
    }

    fn scroll_frames(&mut self, action: Action, context: &mut Context<'_>) {
        let Some(session) = context.data.sessions.get(self.session) else {
            return;
        };
        let page = usize::from(context.placed.page).max(1);
        if self.shows_end(session) {
            let length = context.placed.side_length;
            self.scroll.act(action, context.placed.page, length);
            return;
        }
        let n_rows = session.log.n_rows();
        if n_rows == 0 {
            return;
        }
        let (_, selected) = self.window(&session.log, page);
        let row_idx = match action {
            Action::Up => selected.saturating_sub(1),
            Action::PageUp => selected.saturating_sub(page),
            Action::First => 0,
            Action::Down => selected + 1,
            Action::PageDown => selected + page,
            _ => n_rows,
        };
        // Going down from the last row is going on to what comes.
        let is_past = row_idx >= n_rows && (action == Action::Last || selected + 1 == n_rows);
        if is_past {
            self.follow();
        } else {
            self.select(row_idx.min(n_rows - 1), session, page);
        }
    }

    fn fold(&mut self, session: &mut Session) {
        let log = &mut session.log;
        let query = log.query().cloned();
        log.show(!log.is_folded(), query);
        // The row of a message is that of its first frame.
        let head = |sequence: u64| log.entry(sequence).map_or(sequence, |entry| entry.message);
        self.view.cursor = self.view.cursor.map(head);
        session.search();
    }

    fn set_shape(&mut self, shape: Shape) {
        self.view.shape = shape;
        self.scroll = super::Scroll::default();
    }

    fn reconnect(&mut self, context: &mut Context<'_>) {
        let link = context.data.tickets.next_link();
        if let Some(session) = context.data.sessions.get_mut(self.session) {
            let detail = detail_of(&context.data.library, session);
            let effects = session.reopen(link, context.look.now, detail);
            context.effects.extend(effects);
        }
        self.is_past_end = false;
        self.scroll = super::Scroll::default();
    }

    /// Copies the payload of the selected row's message; the URL when there is no row.
    fn copy(&self, context: &mut Context<'_>) {
        let Some(session) = context.data.sessions.get(self.session) else {
            return;
        };
        let log = &session.log;
        let selected = self.selected(log).filter(|_| !self.shows_end(session));
        let Some(sequence) = selected else {
            let url = session.url.clone();
            context.copy("the URL", url);
            return;
        };
        let Some(whole) = log.assemble(sequence, usize::MAX) else {
            return;
        };
        let is_binary = log
            .entry(sequence)
            .is_some_and(|entry| entry.record.opcode == Opcode::Binary);
        let what = copied_name(sequence, &whole);
        match String::from_utf8(whole.payload.to_vec()) {
            Ok(text) if !is_binary => context.copy(what, text),
            _ => {
                let text = words::hex(&whole.payload, "");
                context.copy(format!("{what} in hexadecimal"), text);
            }
        }
    }

    /// Sends what is in the composer, or says why not and keeps it.
    fn send(&self, context: &mut Context<'_>, outgoing: fn(String) -> Outgoing) {
        let Some(session) = context.data.sessions.get_mut(self.session) else {
            return;
        };
        let is_split = matches!(outgoing(String::new()), Outgoing::Text(_));
        let complaint = if session.composer.is_empty() {
            Some("nothing to send")
        } else if is_split && session.composer.meter().is_too_long() {
            Some("not sent: too long, the text is kept")
        } else if open_link(session).is_none() {
            Some("not sent: not connected, the text is kept")
        } else {
            None
        };
        if let Some(complaint) = complaint {
            session.composer.complain(complaint);
            return;
        }
        if let Some(link) = open_link(session) {
            let text = session.composer.take();
            context
                .effects
                .push(Effect::Link(Link::Send(link, outgoing(text.clone()))));
            context.effects.push(Effect::Job(Job::Remember(text)));
        }
    }

    /// Sends something over the open connection.
    fn order(&self, context: &mut Context<'_>, outgoing: Outgoing) {
        let session = context.data.sessions.get(self.session);
        if let Some(link) = session.and_then(open_link) {
            let order = Link::Send(link, outgoing);
            context.effects.push(Effect::Link(order));
        }
    }
}

/// Returns the name of a copy, which tells when the copy is not whole.
fn copied_name(sequence: u64, whole: &Assembled) -> String {
    let number = grouped(sequence + 1);
    let held = whole.payload.len() as u64;
    if held < whole.length {
        let (held, length) = (grouped(held), grouped(whole.length));
        format!("the first {held} of {length} bytes of #{number}")
    } else if whole.is_complete {
        format!("the payload of #{number}")
    } else {
        format!("the incomplete payload of #{number}")
    }
}

fn open_link(session: &Session) -> Option<LinkId> {
    session.link.is_open().then_some(session.link.id)
}

fn next(shape: Shape) -> Shape {
    match shape {
        Shape::Json => Shape::Text,
        Shape::Text => Shape::Hex,
        Shape::Hex => Shape::Json,
    }
}

fn is_move(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::First
            | Action::Last
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_is_not_whole_says_so() {
        let check = |length, is_complete, name: &str| {
            let whole = Assembled {
                payload: bytes::Bytes::from_static(b"abc"),
                length,
                n_frames: 1,
                is_complete,
            };
            assert_eq!(copied_name(1233, &whole), name);
        };
        check(3, true, "the payload of #1,234");
        check(3, false, "the incomplete payload of #1,234");
        check(5000, true, "the first 3 of 5,000 bytes of #1,234");
    }
}
