//! Data from elsewhere, each piece once, with what became of asking for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Api, ApiDetail, ApiId, Failure, Target, Ticket, limit::ConnectionLimits};

use super::{Effect, Remote, state::Tickets};

/// How many APIs are read in full at one time: a read is several calls, and the account shares their rate.
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
    /// The limits of the local gateway in this process, whose time may pass faster than API Gateway's.
    pub our_limits: ConnectionLimits,
    /// The target's APIs.
    pub apis: Remote<Vec<Api>>,
    /// APIs in full, as far as somebody looked at them.
    pub details: BTreeMap<ApiId, Remote<ApiDetail>>,
    /// APIs whose details may be old: read anew when somebody looks at them.
    pub stale: BTreeSet<ApiId>,
}

impl Library {
    /// Asks for the targets.
    pub fn load_targets(&mut self, tickets: &mut Tickets, effects: &mut Vec<Effect>) {
        let ticket = tickets.next_ticket();
        self.targets.start(ticket);
        effects.push(Effect::LoadTargets(ticket));
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
            effects.push(Effect::Cancel(*late));
        }
        self.target.start(ticket);
        self.wanted_target = Some(target.clone());
        effects.push(Effect::ChangeTarget(ticket, target));
    }

    /// Asks for the list of APIs.
    pub fn load_apis(&mut self, tickets: &mut Tickets, effects: &mut Vec<Effect>) {
        let ticket = tickets.next_ticket();
        if let Remote::Loading { ticket: late, .. } = &self.apis {
            effects.push(Effect::Cancel(*late));
        }
        self.apis.start(ticket);
        effects.push(Effect::LoadApis(ticket));
    }

    /// Asks for one API in full, also when it is known: to see what changed.
    pub fn load_api(&mut self, id: &ApiId, tickets: &mut Tickets, effects: &mut Vec<Effect>) {
        let ticket = tickets.next_ticket();
        self.stale.remove(id);
        let remote = self.details.entry(id.clone()).or_default();
        if let Remote::Loading { ticket: late, .. } = remote {
            effects.push(Effect::Cancel(*late));
        }
        remote.start(ticket);
        effects.push(Effect::LoadApi(ticket, id.clone()));
    }

    /// Asks for APIs that nobody asked for yet, in this order, a few at a time; call it again after each answer.
    pub fn load_missing<'a>(
        &mut self,
        ids: impl IntoIterator<Item = &'a ApiId>,
        tickets: &mut Tickets,
        effects: &mut Vec<Effect>,
    ) {
        let under_way = self.details.values().filter(|d| d.is_loading()).count();
        let room = READS_AT_ONCE.saturating_sub(under_way);
        let missing: Vec<&ApiId> = ids
            .into_iter()
            .filter(|id| {
                let is_unknown = matches!(self.details.get(id), None | Some(Remote::Idle));
                is_unknown || self.stale.contains(*id)
            })
            .take(room)
            .collect();
        for id in missing {
            self.load_api(id, tickets, effects);
        }
    }

    /// Forgets what belongs to a target that is no longer in force, and stops asking for it.
    pub fn forget_target(&mut self, effects: &mut Vec<Effect>) {
        let late = self
            .details
            .values()
            .filter_map(awaited)
            .chain(awaited(&self.apis));
        effects.extend(late.map(Effect::Cancel));
        self.apis = Remote::Idle;
        self.details.clear();
        self.stale.clear();
    }

    /// Has the details of every API read anew when somebody looks at it next.
    pub fn distrust_details(&mut self) {
        self.stale = self.details.keys().cloned().collect();
    }

    /// The API of that id, from the list or from what was read in full.
    pub fn api(&self, id: &ApiId) -> Option<&Api> {
        self.detail(id).map(|detail| &detail.api).or_else(|| {
            let apis = self.apis.data()?;
            apis.iter().find(|api| api.id == *id)
        })
    }

    /// The API of that id in full, if it was read.
    pub fn detail(&self, id: &ApiId) -> Option<&ApiDetail> {
        self.details.get(id)?.data()
    }

    /// Why the API of that id could not be read.
    pub fn detail_failure(&self, id: &ApiId) -> Option<&Failure> {
        match self.details.get(id)? {
            Remote::Failed { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// True while anything is awaited.
    pub fn is_loading(&self) -> bool {
        self.targets.is_loading()
            || self.target.is_loading()
            || self.apis.is_loading()
            || self.details.values().any(Remote::is_loading)
    }
}

fn awaited<T>(remote: &Remote<T>) -> Option<Ticket> {
    match remote {
        Remote::Loading { ticket, .. } => Some(*ticket),
        _ => None,
    }
}
