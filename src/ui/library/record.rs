//! The record of one API: the data that was read, and the readings that are under way.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Api, ApiDetail, DeploymentId, DraftReading, Drift, Failure, StageName, StagesReading, Ticket,
    pace::ReadProgress,
};

/// The time that a change stays marked.
const MARKED: SignedDuration = SignedDuration::from_secs(4);

/// A draft of an earlier run that is younger counts as read.
const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// The shortest time between two changes of stages or deployments that have the draft read again.
const SELDOM: SignedDuration = SignedDuration::from_mins(2);

/// The age below which a reading under way is as good as one that begins now.
const YOUNG: SignedDuration = SignedDuration::from_secs(2);

/// The time after which the reading of a draft is left when nobody looks at it.
const GRACE: SignedDuration = SignedDuration::from_secs(2);

/// The record of one API.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The details, as far as they are known.
    pub detail: ApiDetail,
    /// The reading of the stages and deployments.
    pub stages: Errand,
    /// The reading of the draft.
    pub draft: Errand,
    /// The time when the deployment or the drift of a stage was last seen to change, by stage.
    changed: BTreeMap<StageName, Timestamp>,
    /// The time when a change was last the reason to read the draft again.
    doubted_at: Option<Timestamp>,
}

/// A reading: under way, over, or not begun.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Errand {
    ticket: Option<Ticket>,
    asked_at: Option<Timestamp>,
    /// The attention that the reading has.
    attention: Attention,
    /// True when something came up during the reading, so that what it tells may be old already.
    is_doubted: bool,
    /// True when the reading was left in the middle: what it had read by then is of use to the next one.
    was_left: bool,
    /// The time since which nobody looks at the reading.
    unseen_since: Option<Timestamp>,
    /// The progress, once that is known.
    pub progress: Option<ReadProgress>,
}

/// The attention that a reading has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Attention {
    /// Somebody waits for the reading: it is shown.
    #[default]
    Seen,
    /// Nobody waits for the reading: what is known is shown meanwhile.
    Quiet,
}

impl Record {
    /// Returns the record of an API of which nothing but the API itself is known.
    pub fn new(api: Api) -> Self {
        Self::of(ApiDetail::unread(api))
    }

    /// Returns a record with these details, and no reading of them.
    pub fn of(detail: ApiDetail) -> Self {
        Self {
            detail,
            stages: Errand::default(),
            draft: Errand::default(),
            changed: BTreeMap::new(),
            doubted_at: None,
        }
    }

    /// Returns the record of an API as an earlier run has read it. A draft that was read a short time ago is not read
    /// again unasked: that takes hundreds of calls.
    pub fn recalled(detail: ApiDetail, now: Timestamp) -> Self {
        let draft = detail.draft.as_ref().map(|draft| draft.as_of);
        let asked_at = draft.filter(|as_of| now.duration_since(*as_of) < RECENT);
        let mut record = Self::of(detail);
        record.draft.asked_at = asked_at;
        record
    }

    /// True once anything was read, or could not be.
    pub fn is_touched(&self) -> bool {
        let stages = &self.detail.stages;
        let routes = &self.detail.routes;
        stages.is_known()
            || stages.failure.is_some()
            || routes.is_known()
            || routes.failure.is_some()
    }

    /// True while something of the API is being read.
    pub(super) fn is_awaited(&self) -> bool {
        self.stages.ticket.is_some() || self.draft.ticket.is_some()
    }

    /// True while what is said of a stage has just changed.
    pub fn is_marked(&self, stage: &StageName, now: Timestamp) -> bool {
        let changed = self.changed.get(stage);
        changed.is_some_and(|at| now.duration_since(*at) < MARKED)
    }

    /// Returns the time until the next mark ends.
    pub fn mark_ends(&self, now: Timestamp) -> Option<SignedDuration> {
        let left = self
            .changed
            .values()
            .map(|at| MARKED - now.duration_since(*at));
        left.filter(SignedDuration::is_positive).min()
    }

    pub(super) fn take_stages(&mut self, result: Result<StagesReading, Failure>, now: Timestamp) {
        let reading = match result {
            Ok(reading) => reading,
            Err(failure) => {
                self.detail.stages.failure = Some(failure);
                return;
            }
        };
        let was_known = self.detail.stages.is_known();
        let before = self.served();
        let deployed = self.deployed();
        self.mark_changes(now, |detail| detail.take_stages(reading));
        if was_known && (before != self.served() || deployed != self.deployed()) {
            // Whoever deployed may have changed the draft before.
            let is_seldom = |at: Timestamp| now.duration_since(at) >= SELDOM;
            if self.doubted_at.is_none_or(is_seldom) {
                self.doubted_at = Some(now);
                self.draft.distrust();
            }
        }
    }

    pub(super) fn take_draft(&mut self, result: Result<DraftReading, Failure>, now: Timestamp) {
        match result {
            Ok(reading) => self.mark_changes(now, |detail| detail.take_draft(reading)),
            Err(failure) => self.detail.routes.failure = Some(failure),
        }
    }

    /// Makes a change, and marks the stages whose deployment or drift is another one afterwards. What becomes known for
    /// the first time is no change.
    fn mark_changes(&mut self, now: Timestamp, change: impl FnOnce(&mut ApiDetail)) {
        let before = self.said();
        change(&mut self.detail);
        self.changed
            .retain(|_, at| now.duration_since(*at) < MARKED);
        for (stage, said) in self.said() {
            if let Some(was) = before.get(&stage)
                && *was != said
                && was.1.as_ref().is_some_and(Drift::is_compared)
            {
                self.changed.insert(stage, now);
            }
        }
    }

    fn said(&self) -> BTreeMap<StageName, (Option<DeploymentId>, Option<Drift>)> {
        let stages = self.detail.stages.iter();
        let said = stages.map(|stage| {
            let drift = self.detail.drift.get(&stage.name).cloned();
            (stage.name.clone(), (stage.deployment_id.clone(), drift))
        });
        said.collect()
    }

    fn served(&self) -> Vec<(StageName, Option<DeploymentId>)> {
        let stages = self.detail.stages.iter();
        let served = stages.map(|stage| (stage.name.clone(), stage.deployment_id.clone()));
        served.collect()
    }

    fn deployed(&self) -> Vec<DeploymentId> {
        let deployments = self.detail.deployments.iter();
        deployments
            .map(|deployment| deployment.id.clone())
            .collect()
    }
}

impl Errand {
    /// Returns the request whose answer counts; none when none is awaited.
    pub fn ticket(&self) -> Option<Ticket> {
        self.ticket
    }

    /// Returns the time when the reading was begun last; none when nobody asked.
    pub fn asked_at(&self) -> Option<Timestamp> {
        self.asked_at
    }

    /// True while the reading is under way and somebody waits for it.
    pub fn is_seen(&self) -> bool {
        self.ticket.is_some() && self.attention == Attention::Seen
    }

    /// True when the reading is neither under way nor was.
    pub fn is_unasked(&self) -> bool {
        self.ticket.is_none() && self.asked_at.is_none()
    }

    /// Returns the time until the reading should be begun again; none while it is under way, and when nobody asked.
    pub fn due_in(&self, now: Timestamp, interval: SignedDuration) -> Option<SignedDuration> {
        if self.ticket.is_some() {
            return None;
        }
        let waited = now.duration_since(self.asked_at?);
        // A clock that was set back must not stop it.
        let waited = if waited.is_negative() {
            interval
        } else {
            waited
        };
        Some((interval - waited).max(SignedDuration::ZERO))
    }

    /// Begins a reading that somebody waits for.
    pub(super) fn begin(&mut self, ticket: Ticket, now: Timestamp) {
        *self = Self {
            ticket: Some(ticket),
            asked_at: Some(now),
            ..Self::default()
        };
    }

    /// True when the next reading may take over what this one had read before it was left.
    pub(super) fn was_left(&self) -> bool {
        self.was_left
    }

    /// Ends the reading. One that was doubted meanwhile is begun anew when somebody looks next.
    pub(super) fn end(&mut self) {
        if self.is_doubted {
            *self = Self::default();
            return;
        }
        self.ticket = None;
        self.progress = None;
    }

    /// Notes that nobody waits for the reading any more: there is something to look at.
    pub(super) fn hush(&mut self) {
        self.attention = Attention::Quiet;
    }

    /// Has the reading begun anew when somebody looks next, or when the one under way is over.
    pub(super) fn distrust(&mut self) {
        if self.ticket.is_some() {
            self.is_doubted = true;
        } else {
            *self = Self::default();
        }
    }

    /// True while the reading is under way and was begun a moment ago.
    pub(super) fn is_young(&self, now: Timestamp) -> bool {
        let age = self.asked_at.map(|at| now.duration_since(at));
        self.ticket.is_some() && age.is_some_and(|age| age < YOUNG)
    }

    /// Notes that somebody waits for the reading from now on.
    pub(super) fn show(&mut self) {
        self.attention = Attention::Seen;
    }

    /// Notes that somebody looks at the reading.
    pub(super) fn is_looked_at(&mut self) {
        self.unseen_since = None;
    }

    /// Returns the time until the reading is left because nobody looks at it.
    pub(super) fn left_in(&self, now: Timestamp) -> Option<SignedDuration> {
        let unseen = now.duration_since(self.unseen_since?);
        Some(GRACE - unseen).filter(SignedDuration::is_positive)
    }

    /// Leaves the reading if it is under way and nobody has looked at it for a moment; the next one goes on where it
    /// was.
    pub(super) fn leave(&mut self, now: Timestamp) -> Option<Ticket> {
        let ticket = self.ticket?;
        let since = *self.unseen_since.get_or_insert(now);
        if now.duration_since(since) < GRACE {
            return None;
        }
        *self = Self {
            was_left: !self.is_doubted,
            ..Self::default()
        };
        Some(ticket)
    }
}
