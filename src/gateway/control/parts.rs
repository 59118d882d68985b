//! The parts of an API's definition: each is made, read, listed, changed and removed in the same way, below the API or
//! below another part of it, and whatever is written of one changes the definition.
//!
//! The input of a part, the rules for it, and the parts that go with it are its own; see [`Part`].

use serde::{Serialize, de::DeserializeOwned};

use super::{
    call::{ApiRef, Call},
    error::ApiError,
    owed,
    wire::{self, Reply},
};
use crate::gateway::store::{Draft, Record, View, record::ApiRecord, within};

/// A part of an API's definition.
pub(super) trait Part: Record + Send + 'static {
    /// The input that the part is made from or changed with.
    type Input: DeserializeOwned + Send + 'static;
    /// The part on the wire.
    type Output: Serialize;

    /// The kind of the part, as the refusal of an unknown id names it.
    const KIND: &'static str;
    /// The label that the part's id has in paths.
    const LABEL: &'static str;
    /// The part that this part belongs to, when that is not the API itself.
    const OWNER: Option<ParentKind> = None;

    /// Makes a part.
    fn add(draft: &mut Draft<'_>, parent: &Parent, input: &Self::Input) -> Result<Self, ApiError>;

    /// Changes the part; what the input lacks stays.
    fn change(
        self,
        draft: &mut Draft<'_>,
        parent: &Parent,
        input: &Self::Input,
    ) -> Result<Self, ApiError>;

    /// Removes the part with all that belongs to it.
    fn remove(self, draft: &mut Draft<'_>, parent: &Parent) -> Result<(), ApiError> {
        draft.remove::<Self>(&parent.key, self.id())?;
        Ok(())
    }

    /// Renders the part.
    fn show(self) -> Self::Output;
}

/// A kind of part that other parts belong to.
#[derive(Clone, Copy)]
pub(super) struct ParentKind {
    label: &'static str,
    find: fn(&View<'_>, &ApiRecord, &str) -> Result<(), ApiError>,
}

impl ParentKind {
    pub(super) const fn of<P: Part>() -> Self {
        Self {
            label: P::LABEL,
            find: |view, api, id| find::<P>(view, &api.api_id, id).map(drop),
        }
    }
}

/// The parent of parts: the API, or a record of the API.
pub(super) struct Parent {
    pub(super) api: ApiRecord,
    /// The key that the records of the parts stand under.
    pub(super) key: String,
}

impl Parent {
    /// Returns the parent of the parts that belong to the API itself.
    pub(super) fn of(api: &ApiRecord) -> Self {
        Self {
            api: api.clone(),
            key: api.api_id.clone(),
        }
    }

    /// Returns the parent of the parts that belong to a record of the API.
    pub(super) fn within(api: &ApiRecord, id: &str) -> Self {
        Self {
            api: api.clone(),
            key: within(&api.api_id, id),
        }
    }
}

/// Names a parent by a call's path.
struct ParentPath {
    api: ApiRef,
    owner: Option<(ParentKind, String)>,
}

impl ParentPath {
    fn of<P: Part>(call: &Call) -> Self {
        Self {
            api: call.api(),
            owner: P::OWNER.map(|owner| (owner, call.label(owner.label))),
        }
    }

    fn find(&self, view: &View<'_>) -> Result<Parent, ApiError> {
        let api = self.api.find(view)?;
        let key = match &self.owner {
            None => api.api_id.clone(),
            Some((owner, id)) => {
                (owner.find)(view, &api, id)?;
                within(&api.api_id, id)
            }
        };
        Ok(Parent { api, key })
    }
}

/// Returns the part with that id.
pub(super) fn find<P: Part>(view: &View<'_>, parent: &str, id: &str) -> Result<P, ApiError> {
    view.get(parent, id)?
        .ok_or_else(|| ApiError::unknown(P::KIND))
}

/// True when another part of the same parent is like this one in what only one may have.
pub(super) fn is_taken<R: Record>(
    view: &View<'_>,
    parent: &str,
    record: &R,
    member: impl Fn(&R) -> &str,
) -> Result<bool, ApiError> {
    let others: Vec<R> = view.all(parent)?;
    let is_other = |other: &&R| other.id() != record.id();
    let mut others = others.iter().filter(is_other);
    Ok(others.any(|other| member(other) == member(record)))
}

pub(super) fn create<P: Part>(call: &Call) -> Result<Reply, ApiError> {
    let input: P::Input = call.body()?;
    let path = ParentPath::of::<P>(call);
    let part = call.store.write(move |draft| {
        let parent = path.find(draft)?;
        let part = P::add(draft, &parent, &input)?;
        owed::definition_changed(draft, &parent.api)?;
        Ok::<_, ApiError>(part)
    })?;
    Ok(Reply::json(&part.show()))
}

pub(super) fn list<P: Part>(call: &Call) -> Result<Reply, ApiError> {
    let paging = call.paging()?;
    let path = ParentPath::of::<P>(call);
    let parts = call.store.read(|view| {
        let parent = path.find(view)?;
        let page = view.page(&parent.key, paging.after.as_deref(), paging.limit + 1);
        page.map_err(ApiError::from)
    })?;
    Ok(Reply::json(&wire::page(parts, &paging, P::show)))
}

pub(super) fn get<P: Part>(call: &Call) -> Result<Reply, ApiError> {
    Ok(Reply::json(&read::<P>(call)?.show()))
}

/// Returns the part that the path names.
pub(super) fn read<P: Part>(call: &Call) -> Result<P, ApiError> {
    let path = ParentPath::of::<P>(call);
    let id = call.label(P::LABEL);
    call.store
        .read(|view| find(view, &path.find(view)?.key, &id))
}

pub(super) fn update<P: Part>(call: &Call) -> Result<Reply, ApiError> {
    let input: P::Input = call.body()?;
    let part = rewrite::<P, _>(call, move |part, draft, parent| {
        part.change(draft, parent, &input)
    })?;
    Ok(Reply::json(&part.show()))
}

pub(super) fn delete<P: Part>(call: &Call) -> Result<Reply, ApiError> {
    rewrite::<P, _>(call, P::remove)?;
    Ok(Reply::empty())
}

/// Does something to the part that the path names.
pub(super) fn rewrite<P: Part, T: Send + 'static>(
    call: &Call,
    run: impl Fn(P, &mut Draft<'_>, &Parent) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let path = ParentPath::of::<P>(call);
    let id = call.label(P::LABEL);
    call.store.write(move |draft| {
        let parent = path.find(draft)?;
        let part = find::<P>(draft, &parent.key, &id)?;
        let done = run(part, draft, &parent)?;
        owed::definition_changed(draft, &parent.api)?;
        Ok(done)
    })
}
