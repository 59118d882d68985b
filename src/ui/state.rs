//! The state: all that the screen knows. Only `update` changes it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::{ApiId, LinkId, StageName, Target, Ticket};

use super::{
    Effect,
    deploy::{Deploys, SETTLING_STEP},
    geometry::Geometry,
    glyphs::Glyphs,
    library::Library,
    live::Session,
    modal::Modal,
    notice::Notices,
    screen::{Context, Screen, apis::ApisScreen, targets::TargetsScreen},
    theme::{ColourDepth, Theme},
};

/// What the program starts with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The time.
    pub now: Timestamp,
    /// The target to begin with; none opens the target picker.
    pub target: Option<Target>,
    /// What the terminal can show.
    pub appearance: Appearance,
    /// Patterns of production stages, such as `prod*`.
    pub production: Vec<String>,
    /// Where the log file is, for the help to say.
    pub log_path: Option<String>,
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appearance {
    /// How many colours.
    pub colours: ColourDepth,
    /// Which characters.
    pub glyphs: Glyphs,
}

impl Default for Appearance {
    fn default() -> Self {
        Self {
            colours: ColourDepth::True,
            glyphs: Glyphs::UNICODE,
        }
    }
}

/// All that the screen knows.
#[derive(Debug)]
pub struct State {
    /// The time of the last batch of messages.
    pub now: Timestamp,
    /// Screens, the one that is shown last; never empty.
    pub screens: Vec<Screen>,
    /// Modals above the screen, the one on top last.
    pub modals: Vec<Modal>,
    /// Data from elsewhere.
    pub library: Library,
    /// The live session, if there is one; it survives leaving the screen.
    pub live: Option<Session>,
    /// The deploys under way, and the way back from the last one.
    pub deploys: Deploys,
    /// Lines that come and go, and the log of all of them.
    pub notices: Notices,
    /// Numbers for requests and links.
    pub tickets: Tickets,
    /// Roles and their styles.
    pub theme: Theme,
    /// Marks, arrows and borders.
    pub glyphs: Glyphs,
    /// Where the last frame put things; the loop stores what `render` returned.
    pub geometry: Geometry,
    /// Patterns of production stages.
    pub production: Vec<String>,
    /// Where the log file is.
    pub log_path: Option<String>,
    /// True until the first target answered or failed: then a failure opens the picker instead of a modal.
    pub is_starting: bool,
}

/// Numbers for requests and links, each given out once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tickets {
    last_ticket: u64,
    last_link: u32,
    copies: BTreeMap<Ticket, String>,
}

impl Tickets {
    /// A number for a request.
    #[must_use]
    pub fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// A number for a link.
    #[must_use]
    pub fn next_link(&mut self) -> LinkId {
        self.last_link += 1;
        LinkId(self.last_link)
    }

    /// A number for a copy to the clipboard, remembering what is copied.
    #[must_use]
    pub fn copying(&mut self, what: String) -> Ticket {
        let ticket = self.next_ticket();
        self.copies.insert(ticket, what);
        ticket
    }

    /// What was copied under this ticket.
    pub fn copied(&mut self, ticket: Ticket) -> Option<String> {
        self.copies.remove(&ticket)
    }
}

impl State {
    /// The state before the first message.
    pub fn new(setup: Setup) -> Self {
        let first = match setup.target {
            Some(_) => Screen::Apis(ApisScreen::default()),
            None => Screen::Targets(TargetsScreen::default()),
        };
        let is_starting = setup.target.is_some();
        let mut library = Library::default();
        library.wanted_target = setup.target;
        Self {
            now: setup.now,
            screens: vec![first],
            modals: Vec::new(),
            library,
            live: None,
            deploys: Deploys::default(),
            notices: Notices::default(),
            tickets: Tickets::default(),
            theme: Theme::new(setup.appearance.colours),
            glyphs: setup.appearance.glyphs,
            geometry: Geometry::default(),
            production: setup.production,
            log_path: setup.log_path,
            is_starting,
        }
    }

    /// The target in force.
    pub fn target(&self) -> Option<&Target> {
        self.library.target.data()
    }

    /// Notes that a stage was moved, where that takes a while to settle.
    pub fn settles(&mut self, api: &ApiId, stage: &StageName) {
        if self.library.manner.settles {
            self.deploys.note_move(api, stage, self.now);
        }
    }

    /// What is to be said of a stage that has not settled, behind what was said of it; nothing when it has.
    pub fn settling_text(&self, api: &ApiId, stage: &StageName) -> String {
        match self.deploys.settles_in(api, stage, self.now) {
            Some(left) => format!(
                " {} old and new answer side by side, up to {} s",
                self.glyphs.dot,
                seconds_up(left)
            ),
            None => String::new(),
        }
    }

    /// The screen that is shown.
    ///
    /// # Panics
    /// Never: there is always a screen.
    pub fn screen(&self) -> &Screen {
        self.screens
            .last()
            .expect("invariant: the stack of screens is never empty")
    }

    /// True for a stage that one must be careful with.
    pub fn is_production(&self, stage: &StageName) -> bool {
        is_production(stage, &self.production)
    }

    /// Runs `act` on a screen or modal, lent together with all that it may touch.
    pub(crate) fn lend<T>(
        &mut self,
        effects: &mut Vec<Effect>,
        act: impl FnOnce(&mut Vec<Screen>, &mut Vec<Modal>, &mut Context<'_>) -> T,
    ) -> T {
        let target = self.library.target.data().cloned();
        let mut context = Context {
            now: self.now,
            target: target.as_ref(),
            library: &mut self.library,
            live: &mut self.live,
            notices: &mut self.notices,
            tickets: &mut self.tickets,
            deploys: &mut self.deploys,
            geometry: &self.geometry,
            production: &self.production,
            effects,
        };
        act(&mut self.screens, &mut self.modals, &mut context)
    }
}

/// A time that is left, in the steps in which it is told.
pub fn seconds_up(left: SignedDuration) -> i64 {
    let step = SETTLING_STEP.as_secs();
    (left.as_secs() + i64::from(left.subsec_nanos() > 0) + step - 1) / step * step
}

/// True for a stage whose name one of the patterns takes. A pattern is a name in which `*` stands for any characters.
pub fn is_production(stage: &StageName, patterns: &[String]) -> bool {
    patterns
        .iter()
        .any(|pattern| takes(pattern.as_bytes(), stage.as_str().as_bytes()))
}

fn takes(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skipped| takes(rest, &name[skipped..])),
        Some((first, rest)) => name
            .split_first()
            .is_some_and(|(head, tail)| head.eq_ignore_ascii_case(first) && takes(rest, tail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, patterns: &[&str], expected: bool) {
        let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
        let stage = StageName::parse(name).unwrap();
        assert_eq!(is_production(&stage, &patterns), expected, "{name}");
    }

    #[test]
    fn production_stages_are_told_by_pattern() {
        check("prod", &["prod*"], true);
        check("production", &["prod*"], true);
        check("Prod-eu", &["prod*"], true);
        check("preprod", &["prod*"], false);
        check("preprod", &["*prod"], true);
        check("live", &["prod*", "live"], true);
        check("live2", &["live"], false);
        check("prod", &[], false);
    }
}
