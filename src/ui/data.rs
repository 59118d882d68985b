//! The data that screens read and may touch.

use jiff::{SignedDuration, Timestamp};

use super::{
    deploy::{Deploys, SETTLING_STEP},
    library::Library,
    live::{Session, Sessions},
    notice::Notices,
    tickets::Tickets,
};
use crate::model::{ApiDetail, ApiId, StageName, Target};

/// All that was read, is under way, or was said.
#[derive(Debug)]
pub struct Data {
    /// Data from elsewhere.
    pub library: Library,
    /// The live sessions, which neither leaving the screen nor another target ends.
    pub sessions: Sessions,
    /// The deploys under way, and the way back from the last one.
    pub deploys: Deploys,
    /// Lines that come and go, and the log of all of them.
    pub notices: Notices,
    /// Numbers for requests, links and sessions.
    pub tickets: Tickets,
    /// The path of the log file.
    pub log_path: Option<String>,
}

impl Data {
    /// Returns the target in force.
    pub fn target(&self) -> Option<&Target> {
        self.library.target.data()
    }

    /// The name of an API; its id where it is not known.
    pub fn api_name(&self, id: &ApiId) -> String {
        let api = self.library.api(id);
        api.map_or_else(|| id.to_string(), |api| api.name.clone())
    }

    /// Returns what is known of the API of a session; nothing of it while another target is in force.
    pub fn detail_of(&self, session: &Session) -> Option<&ApiDetail> {
        detail_of(&self.library, session)
    }

    /// True when a session belongs to another target than the one in force.
    pub fn is_elsewhere(&self, session: &Session) -> bool {
        self.target()
            .is_some_and(|target| session.target != *target)
    }

    /// Notes that a stage was moved, where that takes a while to settle.
    pub fn note_move(&mut self, api: &ApiId, stage: &StageName, now: Timestamp) {
        if self.library.manner.settles {
            self.deploys.note_move(api, stage, now);
        }
    }
}

/// Returns what a library knows of the API of a session; nothing while it is another target's.
pub fn detail_of<'a>(library: &'a Library, session: &Session) -> Option<&'a ApiDetail> {
    let here = library.target.data();
    let is_here = here.is_none_or(|target| session.target == *target);
    library.detail(&session.api.id).filter(|_| is_here)
}

/// Returns a time that is left, in seconds, rounded up to the steps in which it is told.
pub fn seconds_up(left: SignedDuration) -> i64 {
    let step = SETTLING_STEP.as_secs();
    (left.as_secs() + i64::from(left.subsec_nanos() > 0) + step - 1) / step * step
}
