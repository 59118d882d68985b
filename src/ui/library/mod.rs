//! The library: data from elsewhere, each piece once, with the state of asking for it and its age.
//!
//! Data that costs many calls is read only where somebody looks at it; `pulse` decides when something is read again.

mod pulse;
mod record;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Api, ApiDetail, ApiId, DraftReading, DraftStart, Failure, StageName, StagesReading, Target,
    Ticket,
    limit::ConnectionLimits,
    pace::{Pace, Priority, ReadProgress},
};

use super::{Effect, Remote, effect::Job, tickets::Tickets};

pub use record::{Errand, Record};

/// A reading that takes longer is not waited for unasked.
pub const LONG: Duration = Duration::from_secs(2);

/// The most APIs that are read at one time: a read is several calls, and the account shares their rate.
const READS_AT_ONCE: usize = 3;

/// All that was read from the target in force, and the targets there are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Library {
    /// The targets that one can choose from.
    pub targets: Remote<Vec<Target>>,
    /// The target in force; while it changes, the one before.
    pub target: Remote<Target>,
    /// The target that was asked for last.
    pub wanted_target: Option<Target>,
    /// The time when it was asked for; none for the one that the program began with.
    pub target_asked_at: Option<Timestamp>,
    /// The manner in which the target takes calls.
    pub manner: Manner,
    /// The limits of the local gateway in this process, whose time may pass faster than API Gateway's.
    pub our_limits: ConnectionLimits,
    /// The target's APIs.
    pub apis: Remote<Vec<Api>>,
    /// The time when the list that is known was asked for: the list is at least as new as that.
    pub apis_as_of: Option<Timestamp>,
    /// The record of each API.
    pub records: BTreeMap<ApiId, Record>,
    /// The reading of the list.
    list: Errand,
    /// APIs whose drafts somebody looks at: other readings of drafts are given up.
    looked_at: BTreeSet<ApiId>,
    /// The time when somebody last pressed a key.
    typed_at: Option<Timestamp>,
    /// The time when the next reading in the background may begin.
    lane_free_at: Option<Timestamp>,
    /// True when it is the turn of an API that nobody has read.
    is_turn_of_unread: bool,
}

/// The manner in which a target takes calls.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Manner {
    /// The pace that is kept; none where no limit is known.
    pub pace: Option<Pace>,
    /// True where a stage that was made or moved settles only after a while, as on AWS.
    pub settles: bool,
}

impl Library {
    /// Asks for the targets.
    pub fn load_targets(&mut self, tickets: &mut Tickets, effects: &mut Vec<Effect>) {
        let ticket = tickets.next_ticket();
        self.targets.start(ticket);
        effects.push(Effect::Job(Job::LoadTargets(ticket)));
    }

    /// Asks for another target.
    pub fn change_target(
        &mut self,
        target: Target,
        tickets: &mut Tickets,
        effects: &mut Vec<Effect>,
    ) {
        let ticket = tickets.next_ticket();
        if let Remote::Loading { ticket: late, .. } = &self.target {
            effects.push(Effect::Job(Job::Cancel(*late)));
        }
        self.target.start(ticket);
        self.wanted_target = Some(target.clone());
        effects.push(Effect::Job(Job::ChangeTarget(ticket, target)));
    }

    /// Asks for the list of APIs, also when it is known: to see what changed. A list that was asked for a moment ago is
    /// on its way.
    pub fn load_apis(&mut self, asking: &mut Asking<'_>) {
        if self.list.is_young(asking.now) {
            self.list.show();
            return;
        }
        if let Some(late) = self.list.ticket() {
            asking.effects.push(Effect::Job(Job::Cancel(late)));
        }
        self.begin_list(Priority::Asked, asking);
    }

    fn begin_list(&mut self, priority: Priority, asking: &mut Asking<'_>) {
        let ticket = asking.tickets.next_ticket();
        self.apis.start(ticket);
        self.list.begin(ticket, asking.now);
        asking
            .effects
            .push(Effect::Job(Job::LoadApis(ticket, priority)));
    }

    /// Takes the list of APIs; false when it came too late and was dropped.
    pub fn take_apis(&mut self, ticket: Ticket, result: Result<Vec<Api>, Failure>) -> bool {
        let as_of = self.list.asked_at();
        let is_read = result.is_ok();
        if !self.apis.finish(ticket, result) {
            return false;
        }
        self.list.end();
        if is_read {
            self.apis_as_of = as_of;
            for api in self.apis.data().into_iter().flatten() {
                if let Some(record) = self.records.get_mut(&api.id) {
                    record.detail.api = api.clone();
                }
            }
        }
        true
    }

    /// Keeps an API that is known from elsewhere than the list.
    pub fn meet(&mut self, api: &Api) {
        if !self.records.contains_key(&api.id) {
            let record = Record::new(api.clone());
            self.records.insert(api.id.clone(), record);
        }
    }

    /// Asks for all of an API, also when it is known.
    pub fn load_api(&mut self, id: &ApiId, asking: &mut Asking<'_>) {
        self.load_stages(id, asking);
        if let Some(record) = self.records.get_mut(id) {
            if record.draft.is_young(asking.now) {
                return;
            }
            if let Some(late) = record.draft.ticket() {
                asking.effects.push(Effect::Job(Job::Cancel(late)));
            }
            record.draft = Errand::default();
        }
        self.begin_draft(id, Priority::Shown, asking);
    }

    /// Asks for the stages and deployments of an API, also when they are known.
    pub fn load_stages(&mut self, id: &ApiId, asking: &mut Asking<'_>) {
        if let Some(record) = self.records.get_mut(id)
            && record.stages.is_young(asking.now)
        {
            record.stages.show();
            return;
        }
        self.read_stages_anew(id, asking);
    }

    /// Asks for the stages and deployments of an API, also when they were asked for a moment ago: they have changed since.
    pub fn read_stages_anew(&mut self, id: &ApiId, asking: &mut Asking<'_>) {
        if let Some(late) = self.records.get(id).and_then(|it| it.stages.ticket()) {
            asking.effects.push(Effect::Job(Job::Cancel(late)));
        }
        self.begin_stages(id, Priority::Asked, asking);
    }

    fn begin_stages(&mut self, id: &ApiId, priority: Priority, asking: &mut Asking<'_>) {
        let Some(record) = self.record(id) else {
            return;
        };
        let ticket = asking.tickets.next_ticket();
        record.stages.begin(ticket, asking.now);
        if priority != Priority::Asked && record.detail.stages.is_known() {
            record.stages.hush();
        }
        let effect = Effect::Job(Job::ReadStages(ticket, id.clone(), priority));
        asking.effects.push(effect);
    }

    fn begin_draft(&mut self, id: &ApiId, priority: Priority, asking: &mut Asking<'_>) {
        let Some(record) = self.record(id) else {
            return;
        };
        let ticket = asking.tickets.next_ticket();
        let start = if record.draft.was_left() {
            DraftStart::GoOn
        } else {
            DraftStart::Anew
        };
        record.draft.begin(ticket, asking.now);
        let effect = Effect::Job(Job::ReadDraft(ticket, id.clone(), priority, start));
        asking.effects.push(effect);
    }

    /// Returns the record of an API, a new one if nothing was read of it yet; none of an API that is not in the list.
    fn record(&mut self, id: &ApiId) -> Option<&mut Record> {
        if !self.records.contains_key(id) {
            let api = self.api(id)?.clone();
            self.records.insert(id.clone(), Record::new(api));
        }
        self.records.get_mut(id)
    }

    /// Takes a reading of the stages and deployments of an API. The draft may have changed along with them, so that it
    /// is read again where somebody looks.
    pub fn take_stages(
        &mut self,
        ticket: Ticket,
        id: &ApiId,
        result: Result<StagesReading, Failure>,
        now: Timestamp,
    ) -> bool {
        let Some(record) = self.records.get_mut(id) else {
            return false;
        };
        if record.stages.ticket() != Some(ticket) {
            return false;
        }
        record.stages.end();
        record.take_stages(result, now);
        true
    }

    /// Takes a reading of a draft.
    pub fn take_draft(
        &mut self,
        ticket: Ticket,
        id: &ApiId,
        result: Result<DraftReading, Failure>,
        now: Timestamp,
    ) -> bool {
        let Some(record) = self.records.get_mut(id) else {
            return false;
        };
        if record.draft.ticket() != Some(ticket) {
            return false;
        }
        record.draft.end();
        record.take_draft(result, now);
        true
    }

    /// Takes the progress of a reading.
    pub fn take_progress(&mut self, ticket: Ticket, progress: ReadProgress) {
        let errands = self.records.values_mut();
        let errands = errands.flat_map(|record| [&mut record.stages, &mut record.draft]);
        let mut errands = errands.chain([&mut self.list]);
        if let Some(errand) = errands.find(|errand| errand.ticket() == Some(ticket)) {
            errand.progress = Some(progress);
        }
    }

    /// Takes the data that an earlier run had read, where nothing newer is known; `as_of` is when it read the list.
    pub fn recall(
        &mut self,
        apis: Vec<Api>,
        as_of: Timestamp,
        details: Vec<ApiDetail>,
        now: Timestamp,
    ) {
        if self.apis.data().is_some() {
            return;
        }
        match &mut self.apis {
            Remote::Loading { previous, .. } => *previous = Some(apis),
            apis_now => *apis_now = Remote::Ready(apis),
        }
        self.apis_as_of = Some(as_of);
        self.list.hush();
        for detail in details {
            let id = detail.api.id.clone();
            self.records
                .entry(id)
                .or_insert_with(|| Record::recalled(detail, now));
        }
    }

    /// Forgets what belongs to a target that is no longer in force, and stops asking for it.
    pub fn forget_target(&mut self, effects: &mut Vec<Effect>) {
        let errands = self.records.values();
        let errands = errands.flat_map(|record| [&record.stages, &record.draft]);
        let late = errands.chain([&self.list]).filter_map(Errand::ticket);
        effects.extend(late.map(|late| Effect::Job(Job::Cancel(late))));
        self.apis = Remote::Idle;
        self.apis_as_of = None;
        self.list = Errand::default();
        self.records.clear();
        self.looked_at.clear();
        self.lane_free_at = None;
    }

    /// Has every API read anew when somebody looks at it next.
    pub fn distrust(&mut self) {
        for record in self.records.values_mut() {
            for errand in [&mut record.stages, &mut record.draft] {
                if errand.ticket().is_none() {
                    *errand = Errand::default();
                }
            }
        }
    }

    /// Returns the API of that id, from the list or from what was read of it.
    pub fn api(&self, id: &ApiId) -> Option<&Api> {
        let record = self.records.get(id);
        record.map(|record| &record.detail.api).or_else(|| {
            let apis = self.apis.data()?;
            apis.iter().find(|api| api.id == *id)
        })
    }

    /// Returns the details of the API of that id, once anything was read of it, or could not be.
    pub fn detail(&self, id: &ApiId) -> Option<&ApiDetail> {
        let record = self.records.get(id)?;
        record.is_touched().then_some(&record.detail)
    }

    /// Returns the longest time that a stage that was just made may still refuse, whoever made it, by what was read of
    /// it last; none when it has settled.
    pub fn settles_in(
        &self,
        id: &ApiId,
        stage: &StageName,
        now: Timestamp,
    ) -> Option<SignedDuration> {
        let detail = self.detail(id).filter(|_| self.manner.settles)?;
        detail.stage(stage)?.settles_in(now)
    }

    /// Returns the details of an API, to correct them by what became known in another way.
    pub fn detail_mut(&mut self, id: &ApiId) -> Option<&mut ApiDetail> {
        self.records.get_mut(id).map(|record| &mut record.detail)
    }

    /// Returns the time that a reading of an API's draft takes, as far as can be told: by the pace that is kept, and by
    /// the last one.
    pub fn draft_time(&self, id: &ApiId) -> Duration {
        let Some(record) = self.records.get(id) else {
            return Duration::ZERO;
        };
        let progress = record.draft.progress;
        let n_calls = progress.map_or(0, |progress| progress.n_expected);
        let n_calls = n_calls.max(record.detail.draft_calls());
        let paced = self.manner.pace.map(|pace| pace.time_for(n_calls));
        let draft = record.detail.draft.as_ref();
        let last = draft.map(|draft| draft.until.duration_since(draft.as_of));
        let last = last.and_then(|last| Duration::try_from(last).ok());
        paced.into_iter().chain(last).max().unwrap_or_default()
    }

    /// Returns the reason why nobody knows the stages of the API of that id.
    pub fn stages_failure(&self, id: &ApiId) -> Option<&Failure> {
        let stages = &self.records.get(id)?.detail.stages;
        stages.failure.as_ref().filter(|_| !stages.is_known())
    }

    /// True while anything is awaited that somebody asked for.
    pub fn is_loading(&self) -> bool {
        let errands = self.records.values();
        let mut errands = errands.flat_map(|record| [&record.stages, &record.draft]);
        self.targets.is_loading()
            || self.target.is_loading()
            || self.list.is_seen()
            || errands.any(Errand::is_seen)
    }

    /// Returns the number of APIs of the list that were read, or could not be, and the number of all; none once those
    /// are equal.
    pub fn stages_known(&self) -> Option<(usize, usize)> {
        let apis = self.apis.data()?;
        let is_known = |api: &&Api| self.detail(&api.id).is_some();
        let n_known = apis.iter().filter(is_known).count();
        (n_known < apis.len()).then_some((n_known, apis.len()))
    }

    /// Returns the reason that holds up the reading of the list, or the time left where that is worth saying.
    pub fn list_wait(&self) -> Option<String> {
        self.list.progress?.wait()
    }

    /// True while the list is read because somebody asked for it, or for the first time.
    pub fn is_list_seen(&self) -> bool {
        self.list.is_seen()
    }
}

/// The things that asking for data takes.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The time.
    pub now: Timestamp,
    /// Numbers for requests.
    pub tickets: &'a mut Tickets,
    /// The orders to the world.
    pub effects: &'a mut Vec<Effect>,
}
