//! All sessions, by number: they end when somebody ends them, wherever one looks meanwhile, and share one budget of
//! frames.

use std::time::Duration;

use jiff::Timestamp;

use super::{composer::Composer, log::Budget, session::Session};
use crate::{
    model::{ApiId, LinkEvent, LinkId, SessionId, StageName, Target, limit::ConnectionLimits},
    ui::Effect,
};

/// The sessions, oldest first.
#[derive(Debug, Default)]
pub struct Sessions {
    sessions: Vec<Session>,
    budget: Budget,
}

impl Sessions {
    /// Returns no sessions yet, with that budget for all to come.
    pub fn within(budget: Budget) -> Self {
        Self {
            sessions: Vec::new(),
            budget,
        }
    }

    /// Adds a session.
    pub fn add(&mut self, session: Session) {
        self.sessions.push(session);
    }

    /// Returns all sessions, oldest first.
    pub fn all(&self) -> &[Session] {
        &self.sessions
    }

    /// Returns a session by its number.
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// Returns a session by its number, to change it.
    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }

    /// Returns the session on a stage; the newest one where there are several.
    pub fn on_stage(&self, target: &Target, api: &ApiId, stage: &StageName) -> Option<&Session> {
        let mut newest_first = self.sessions.iter().rev();
        newest_first.find(|session| session.is_for(target, api, stage))
    }

    /// Takes a session out; its frames go with it.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        let idx = self.sessions.iter().position(|session| session.id == id)?;
        Some(self.sessions.remove(idx))
    }

    /// Takes an event of a link, and returns the session that the link belongs to; none for a late event of a link that
    /// was given up, which is dropped.
    pub fn take(&mut self, link: LinkId, event: LinkEvent) -> Option<&mut Session> {
        let idx = self.sessions.iter().position(|it| it.link.id == link)?;
        let has_frames = matches!(event, LinkEvent::Frames(_));
        self.sessions[idx].take(event);
        if has_frames {
            self.make_room();
        }
        self.sessions.get_mut(idx)
    }

    /// Takes the new limits of the gateway in this process.
    pub fn change_limits(&mut self, ours: ConnectionLimits) {
        for session in &mut self.sessions {
            session.change_limits(ours);
        }
    }

    /// Returns the composers of all sessions.
    pub fn composers(&mut self) -> impl Iterator<Item = &mut Composer> {
        self.sessions
            .iter_mut()
            .map(|session| &mut session.composer)
    }

    /// Searches on, in one session, for a moment.
    pub fn search(&mut self) {
        let mut sessions = self.sessions.iter_mut();
        if let Some(session) = sessions.find(|session| session.log.is_scanning()) {
            session.search();
        }
    }

    /// Lets time pass in each session.
    pub fn tick(&mut self, mut tick: impl FnMut(&mut Session) -> Vec<Effect>) -> Vec<Effect> {
        self.search();
        self.sessions.iter_mut().flat_map(&mut tick).collect()
    }

    /// Returns the time until a session has something to do or a time of it changes, when nothing happens meanwhile.
    pub fn next_tick(&self, now: Timestamp) -> Option<Duration> {
        let ticks = self.sessions.iter().filter_map(|it| it.next_tick(now));
        ticks.min()
    }

    /// Returns the orders that end every link.
    pub fn end_all(&self) -> Vec<Effect> {
        self.sessions.iter().filter_map(Session::end).collect()
    }

    /// Lets the oldest frames of the fullest session go until all together hold no more than they may: a flood in one
    /// takes nothing from a quiet one.
    fn make_room(&mut self) {
        let total = |of: fn(&Session) -> usize| self.sessions.iter().map(of).sum::<usize>();
        let (n_frames, n_bytes) = (total(frames), total(bytes));
        let too_many = n_frames.saturating_sub(self.budget.frames);
        let too_much = n_bytes.saturating_sub(self.budget.bytes);
        if too_many == 0 && too_much == 0 {
            return;
        }
        // One after the other: the session with the most frames need not be the one with the most bytes.
        let by = if too_many > 0 { frames } else { bytes };
        let fullest = self.sessions.iter_mut().max_by_key(|session| by(session));
        let Some(log) = fullest.map(|session| &mut session.log) else {
            return;
        };
        let budget = if too_many > 0 {
            Budget {
                frames: log.len().saturating_sub(too_many),
                bytes: usize::MAX,
            }
        } else {
            Budget {
                frames: usize::MAX,
                bytes: log.bytes().saturating_sub(too_much),
            }
        };
        let n_left = log.keep_within(budget);
        // The newest frame of each session is always held.
        if n_left > 0 {
            self.make_room();
        }
    }
}

fn frames(session: &Session) -> usize {
    session.log.len()
}

fn bytes(session: &Session) -> usize {
    session.log.bytes()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::fixture::api;
    use crate::{
        model::{
            Direction, FrameRecord, Opcode, limit::ConnectionLimits, link::Frames,
            target::LocalTarget,
        },
        ui::live::{link::LiveLink, session::WatchedStage},
    };

    fn session(number: u32) -> Session {
        let watched = WatchedStage {
            target: Target::Local(LocalTarget {
                address: ([127, 0, 0, 1], 4566).into(),
                region: "us-east-1".to_owned(),
            }),
            api: api("k3v9x2a1bc", "chat"),
            stage: StageName::parse("prod").unwrap(),
        };
        let limits = watched.limits(ConnectionLimits::USUAL);
        let link = LiveLink::new(LinkId(number), Timestamp::UNIX_EPOCH, limits);
        Session::new(SessionId(number), watched, link)
    }

    fn frames(count: usize, length: usize) -> LinkEvent {
        let record = FrameRecord {
            direction: Direction::In,
            opcode: Opcode::Text,
            is_final: true,
            reserved_bits: 0,
            is_masked: false,
            payload: Bytes::from(vec![b'x'; length]),
            payload_length: length as u64,
            part: 1,
            at: Timestamp::UNIX_EPOCH,
        };
        LinkEvent::Frames(Frames {
            records: vec![record; count],
            dropped: 0,
        })
    }

    fn held(sessions: &Sessions) -> Vec<(usize, u64)> {
        let logs = sessions.all().iter().map(|session| &session.log);
        logs.map(|log| (log.len(), log.evicted())).collect()
    }

    #[test]
    fn all_sessions_together_hold_no_more_frames_than_they_may() {
        let mut sessions = Sessions::within(Budget {
            frames: 10,
            bytes: usize::MAX,
        });
        sessions.add(session(1));
        sessions.add(session(2));
        sessions.take(LinkId(1), frames(4, 1));
        sessions.take(LinkId(2), frames(20, 1));
        assert_eq!(held(&sessions), [(4, 0), (6, 14)]);
        sessions.take(LinkId(1), frames(4, 1));
        assert_eq!(held(&sessions), [(4, 4), (6, 14)]);
    }

    #[test]
    fn a_flood_in_one_session_takes_nothing_from_a_quiet_one() {
        let mut sessions = Sessions::within(Budget {
            frames: usize::MAX,
            bytes: 100_000,
        });
        sessions.add(session(1));
        sessions.add(session(2));
        sessions.take(LinkId(1), frames(3, 100));
        for _ in 0..50 {
            sessions.take(LinkId(2), frames(100, 1000));
        }
        let held = held(&sessions);
        assert_eq!(held[0], (3, 0));
        assert!((50..100).contains(&held[1].0), "{held:?}");
        let bytes: usize = sessions.all().iter().map(|it| it.log.bytes()).sum();
        assert!(bytes <= 100_000, "{bytes}");
    }

    #[test]
    fn many_small_frames_do_not_pay_for_a_few_large_ones() {
        let mut sessions = Sessions::within(Budget {
            frames: 20,
            bytes: 50_000,
        });
        sessions.add(session(1));
        sessions.add(session(2));
        sessions.take(LinkId(1), frames(16, 1));
        sessions.take(LinkId(2), frames(6, 10_000));
        let held = held(&sessions);
        assert_eq!(held[0], (14, 2), "{held:?}");
        assert!(held[1].1 > 0, "{held:?}");
    }

    #[test]
    fn the_newest_frame_of_each_session_stays_however_long_it_is() {
        let mut sessions = Sessions::within(Budget {
            frames: usize::MAX,
            bytes: 1000,
        });
        sessions.add(session(1));
        sessions.add(session(2));
        sessions.take(LinkId(1), frames(2, 5000));
        sessions.take(LinkId(2), frames(2, 5000));
        assert_eq!(held(&sessions), [(1, 1), (1, 1)]);
    }

    #[test]
    fn a_late_event_of_a_link_that_was_given_up_is_dropped() {
        let mut sessions = Sessions::default();
        sessions.add(session(1));
        assert!(sessions.take(LinkId(7), frames(1, 1)).is_none());
        assert_eq!(held(&sessions), [(0, 0)]);
    }
}
