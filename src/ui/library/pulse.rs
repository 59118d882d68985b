//! The pulse of the library: readings that are begun again by themselves, within the calls that a target takes.
//!
//! A reading of a call or two is begun again every 10 s while somebody types, and every minute while the screen stands.
//! Rows of the list are read one after the other, at one call a second in all. A whole draft is read where somebody
//! looks at it, once; it is read again only when somebody asks, or when what is served has changed.

use jiff::{SignedDuration, Timestamp};

use super::{Asking, Errand, LONG, Library, READS_AT_ONCE, Remote};
use crate::{
    model::{ApiId, pace::Priority},
    ui::{Effect, effect::Job},
};

/// The interval at which something cheap is read again while somebody types.
const TYPING: SignedDuration = SignedDuration::from_secs(10);

/// The interval at which something cheap is read again while the screen stands.
const STANDING: SignedDuration = SignedDuration::from_mins(1);

/// The time after a key that somebody still counts as typing.
const ATTENTION: SignedDuration = SignedDuration::from_secs(30);

/// APIs on a page of the list. UNCONFIRMED: AWS documents none for this API; of its older one it is so.
const PAGE: usize = 25;

/// Pages of the list that count as cheap.
const CHEAP_PAGES: usize = 2;

/// The time that a reading in the background takes up: it has two calls, and there is one a second.
const LANE: SignedDuration = SignedDuration::from_secs(2);

impl Library {
    /// Notes that somebody pressed a key.
    pub fn typed(&mut self, now: Timestamp) {
        self.typed_at = Some(now);
    }

    /// Keeps the list and its rows fresh: the list itself, the rows in view that were not read, then one row after the
    /// other.
    pub fn tend_list(&mut self, shown: &[ApiId], asking: &mut Asking<'_>) {
        if !matches!(self.target, Remote::Ready(_)) {
            return;
        }
        let is_due = self.list.due_in(asking.now, self.list_interval(asking.now));
        if self.list.is_unasked() || is_due == Some(SignedDuration::ZERO) {
            self.begin_list(Priority::Shown, asking);
            if self.apis.data().is_some() {
                self.list.hush();
            }
        }
        self.read_missing(shown, asking);
        // A clock that was set back must not stop the lane.
        let is_free = |at: Timestamp| at <= asking.now || at.duration_since(asking.now) > LANE;
        let is_free = self.lane_free_at.is_none_or(is_free);
        if is_free && let Some(id) = self.next_in_lane(shown, asking.now) {
            self.lane_free_at = asking.now.saturating_add(LANE).ok();
            self.is_turn_of_unread = !self.is_turn_of_unread;
            self.begin_stages(&id, Priority::Ahead, asking);
            // Where calls are free, what a row says of its draft is kept as fresh as the rest.
            if self.manner.pace.is_none()
                && let Some(record) = self.records.get_mut(&id)
            {
                record.draft.distrust();
            }
        }
    }

    /// Keeps what is shown of one API fresh, and has its draft read.
    pub fn tend_api(&mut self, id: &ApiId, asking: &mut Asking<'_>) {
        if !matches!(self.target, Remote::Ready(_)) {
            return;
        }
        let Some(record) = self.record(id) else {
            return;
        };
        if record.stages.is_unasked() {
            self.begin_stages(id, Priority::Asked, asking);
        } else if self
            .records
            .get(id)
            .is_some_and(|it| self.is_due(&it.stages, asking.now))
        {
            self.begin_stages(id, Priority::Shown, asking);
        }
        self.look_at_draft(id, Priority::Shown, asking);
    }

    /// Has a draft read, if it was not since it was last in doubt. It goes on for as long as somebody looks.
    fn look_at_draft(&mut self, id: &ApiId, priority: Priority, asking: &mut Asking<'_>) {
        self.looked_at.insert(id.clone());
        let Some(record) = self.record(id) else {
            return;
        };
        if record.draft.is_unasked() {
            self.begin_draft(id, priority, asking);
        }
    }

    /// Has a draft read behind a moment, whatever was read before it. One that failed is tried again after a while.
    pub fn look_behind(&mut self, id: &ApiId, since: Timestamp, asking: &mut Asking<'_>) {
        let now = asking.now;
        if let Some(record) = self.records.get_mut(id) {
            let draft = record.detail.draft.as_ref();
            let is_here = draft.is_some_and(|draft| draft.as_of >= since);
            let is_before = record.draft.asked_at().is_some_and(|asked| asked < since);
            let is_stale = record.draft.due_in(now, STANDING) == Some(SignedDuration::ZERO);
            if !is_here && (is_before || is_stale) {
                record.draft.distrust();
            }
        }
        self.look_at_draft(id, Priority::Ahead, asking);
    }

    /// Lets a reading of a draft that is under way go on, and begins none.
    pub fn go_on_with_draft(&mut self, id: &ApiId) {
        self.looked_at.insert(id.clone());
    }

    /// Reads an API again, to explain what it did: its stages and deployments, and the draft where that takes no time
    /// to speak of.
    pub fn look_again(&mut self, id: &ApiId, asking: &mut Asking<'_>) {
        if self.draft_time(id) <= LONG {
            self.load_api(id, asking);
        } else {
            self.load_stages(id, asking);
        }
    }

    /// Gives up the readings of drafts that nobody looks at any more. Called after all views have said what they look
    /// at.
    pub fn give_up_unseen(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let looked_at = std::mem::take(&mut self.looked_at);
        for (id, record) in &mut self.records {
            if looked_at.contains(id) {
                record.draft.is_looked_at();
            } else if let Some(ticket) = record.draft.leave(now) {
                effects.push(Effect::Job(Job::Cancel(ticket)));
            }
        }
    }

    /// Returns the time until a reading is given up that nobody looks at.
    pub fn gives_up_in(&self, now: Timestamp) -> Option<SignedDuration> {
        let drafts = self.records.values();
        drafts.filter_map(|record| record.draft.left_in(now)).min()
    }

    /// Returns the time until the list or a row of it should be read again.
    pub fn list_due_in(&self, shown: &[ApiId], now: Timestamp) -> Option<SignedDuration> {
        if !matches!(self.target, Remote::Ready(_)) {
            return None;
        }
        let list = self.list.due_in(now, self.list_interval(now));
        let lane = self.lane_free_at.filter(|at| *at > now);
        let lane = match lane {
            Some(at) => self.next_in_lane(shown, at).map(|_| at.duration_since(now)),
            None => None,
        };
        let rows = shown.iter().filter_map(|id| self.records.get(id));
        let rows = rows.filter_map(|it| it.stages.due_in(now, self.interval(now)));
        let rows = rows.filter(SignedDuration::is_positive);
        let list = list.filter(SignedDuration::is_positive);
        list.into_iter().chain(lane).chain(rows).min()
    }

    /// Returns the time until what is shown of one API should be read again.
    pub fn api_due_in(&self, id: &ApiId, now: Timestamp) -> Option<SignedDuration> {
        let record = self.records.get(id)?;
        let due = record.stages.due_in(now, self.interval(now));
        // What is due already is begun by whoever tends it, or waits for the target.
        due.filter(SignedDuration::is_positive)
    }

    /// Reads the rows in view that nobody has read yet, a few at a time. Where calls are free, their drafts too.
    fn read_missing(&mut self, shown: &[ApiId], asking: &mut Asking<'_>) {
        let is_free = self.manner.pace.is_none();
        if is_free {
            self.looked_at.extend(shown.iter().cloned());
        }
        let under_way = self.records.values().filter(|it| it.is_awaited());
        let room = READS_AT_ONCE.saturating_sub(under_way.count());
        let mut missing: Vec<&ApiId> = shown
            .iter()
            .filter(|id| self.is_missing(id, is_free))
            .collect();
        // What an earlier run has read can be looked at meanwhile.
        missing.sort_by_key(|id| {
            let record = self.records.get(*id);
            record.is_some_and(|it| it.detail.stages.is_known())
        });
        let missing: Vec<ApiId> = missing.into_iter().take(room).cloned().collect();
        for id in missing {
            if self
                .records
                .get(&id)
                .is_none_or(|it| it.stages.is_unasked())
            {
                self.begin_stages(&id, Priority::Shown, asking);
            }
            if is_free
                && self
                    .records
                    .get(&id)
                    .is_some_and(|it| it.draft.is_unasked())
            {
                self.begin_draft(&id, Priority::Shown, asking);
            }
        }
    }

    fn is_missing(&self, id: &ApiId, with_draft: bool) -> bool {
        let Some(record) = self.records.get(id) else {
            return true;
        };
        !record.is_awaited()
            && (record.stages.is_unasked() || with_draft && record.draft.is_unasked())
    }

    /// Returns the row that is read next in the background: by turns the one in view that was read longest ago, if that
    /// is due, and one that nobody has read.
    fn next_in_lane(&self, shown: &[ApiId], now: Timestamp) -> Option<ApiId> {
        let is_busy = self.records.values().any(|it| it.stages.ticket().is_some());
        if is_busy || shown.iter().any(|id| self.is_missing(id, false)) {
            return None;
        }
        let due = shown.iter().filter_map(|id| {
            let stages = &self.records.get(id)?.stages;
            let is_due = self.is_due(stages, now);
            is_due.then_some((stages.asked_at(), id))
        });
        let old = due.min().map(|(_, id)| id);
        let mut apis = self.apis.data().into_iter().flatten();
        let unread = apis.find(|api| self.is_missing(&api.id, false));
        let unread = unread.map(|api| &api.id);
        let next = if self.is_turn_of_unread {
            unread.or(old)
        } else {
            old.or(unread)
        };
        next.cloned()
    }

    fn is_due(&self, errand: &Errand, now: Timestamp) -> bool {
        errand.due_in(now, self.interval(now)) == Some(SignedDuration::ZERO)
    }

    /// Returns the interval at which the list is read: a list of many pages is read more seldom, so that it costs in
    /// the long run what two pages cost.
    fn list_interval(&self, now: Timestamp) -> SignedDuration {
        let n_apis = self.apis.data().map_or(0, Vec::len);
        let n_pages = n_apis.div_ceil(PAGE).max(CHEAP_PAGES);
        let times = i32::try_from(n_pages / CHEAP_PAGES).unwrap_or(i32::MAX);
        self.interval(now).saturating_mul(times)
    }

    fn interval(&self, now: Timestamp) -> SignedDuration {
        let is_typing = |at: Timestamp| now.duration_since(at) < ATTENTION;
        if self.typed_at.is_some_and(is_typing) {
            TYPING
        } else {
            STANDING
        }
    }
}
