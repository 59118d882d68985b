//! The world as the loop sees it: this terminal, this process, and the effects.

use std::io;

use jiff::Timestamp;
use ratatui::layout::Size;
use tokio::{runtime::Handle, sync::mpsc};

use crate::{
    config::env,
    model::{Failure, Ticket},
    ui::effect::{Job, Link},
};

use super::{
    clipboard, clock, editor,
    effects::Effects,
    event_loop::{Event, Host},
    input::InputThread,
    terminal::{self, Modes},
    writer::Writer,
};

/// The terminal and the process we run in.
#[derive(Debug)]
pub(super) struct TerminalHost {
    pub(super) modes: Modes,
    pub(super) writer: Writer,
    pub(super) input: InputThread,
    pub(super) runtime: Handle,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) effects: Effects,
}

impl Host for TerminalHost {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn size(&self) -> Size {
        terminal::size()
    }

    fn write(&mut self, bytes: Vec<u8>) {
        self.writer.send(bytes);
    }

    fn lend(&mut self) {
        self.input.pause();
        self.modes.leave();
    }

    fn take_back(&mut self) -> io::Result<()> {
        self.modes.enter()?;
        self.input.resume();
        Ok(())
    }

    /// Stops the whole group, as the terminal itself would: whoever started us, `cargo run` or a script, stops too and
    /// gives the shell its prompt. SIGTSTP has its default action, so the system ignores it where nobody could wake us.
    fn stop(&mut self) {
        if let Err(error) =
            rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)
        {
            tracing::warn!(%error, "cannot stop");
        }
    }

    fn edit(&mut self, ticket: Ticket, text: String) {
        let events = self.events.clone();
        self.runtime.spawn(async move {
            let edited = editor::edit(env::editor(), text).await;
            if events.send(Event::Edited(ticket, edited)).is_err() {
                tracing::debug!("the editor closed after the end of the loop");
            }
        });
    }

    fn copy(&mut self, text: &str) -> Result<&'static str, Failure> {
        let (bytes, way) = clipboard::sequence(text, env::is_tmux())?;
        self.writer.send(bytes);
        Ok(way)
    }

    fn order_link(&mut self, order: Link) {
        self.effects.order_link(order);
    }

    fn order(&mut self, job: Job) {
        self.effects.order(job);
    }
}
