//! The calls that make the target as the file says, in an order in which none is refused: the API, its parts, its stages,
//! and then what goes.

use std::fmt;

use super::Extras;
use crate::model::{
    StageName,
    file::{ApiFile, PartStep, StageFile, Texts, Write, additions, own_members, removals},
};

/// One call that changes something. What it writes is in the file, under the name that it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    CreateApi,
    /// An update from the API that is there.
    UpdateApi(Box<ApiFile>),
    /// Tags of the API, or of a stage.
    Tag(Option<StageName>, Texts),
    Untag(Option<StageName>, Vec<String>),
    Part(PartStep),
    Stage(StageName, Write<StageFile>),
    /// Settings of a route on a stage that go.
    RouteSettings(StageName, String),
    /// Access log settings of a stage that go.
    AccessLog(StageName),
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |stage: &Option<StageName>| match stage {
            Some(stage) => format!("stage {stage}"),
            None => "the API".to_owned(),
        };
        match self {
            Self::CreateApi => write!(formatter, "create-api"),
            Self::UpdateApi(_) => write!(formatter, "update-api"),
            Self::Tag(stage, _) => write!(formatter, "tag-resource {}", of(stage)),
            Self::Untag(stage, _) => write!(formatter, "untag-resource {}", of(stage)),
            Self::Part(part) => part.fmt(formatter),
            Self::Stage(name, write) => write!(formatter, "{}-stage {name}", write.verb()),
            Self::RouteSettings(stage, key) => {
                write!(formatter, "delete-route-settings {key} of {stage}")
            }
            Self::AccessLog(stage) => {
                write!(formatter, "delete-access-log-settings of {stage}")
            }
        }
    }
}

/// All calls that make what is there as it is wanted, in order. Without anything there, the API is created.
pub(super) fn plan(there: Option<&ApiFile>, wanted: &ApiFile, extras: Extras) -> Vec<Step> {
    let nothing = ApiFile::default();
    let from = there.unwrap_or(&nothing);
    let mut steps = Vec::new();
    match there {
        None => steps.push(Step::CreateApi),
        Some(from) => change_api(from, wanted, &mut steps),
    }
    steps.extend(additions(from, wanted).into_iter().map(Step::Part));
    for (name, stage) in &wanted.stages {
        match from.stages.get(name) {
            None => steps.push(Step::Stage(name.clone(), Write::Create)),
            Some(from) => change_stage(name, from, stage, &mut steps),
        }
    }
    if extras == Extras::Pruned {
        steps.extend(removals(from, wanted).into_iter().map(Step::Part));
        let stages = from.stages.keys();
        let gone = stages.filter(|name| !wanted.stages.contains_key(*name));
        steps.extend(gone.map(|name| Step::Stage(name.clone(), Write::Delete)));
    }
    steps
}

fn change_api(from: &ApiFile, wanted: &ApiFile, steps: &mut Vec<Step>) {
    let untagged = |api: &ApiFile| ApiFile {
        tags: Texts::new(),
        ..own_members(api)
    };
    if untagged(from) != untagged(wanted) {
        steps.push(Step::UpdateApi(Box::new(own_members(from))));
    }
    change_tags(None, &from.tags, &wanted.tags, steps);
}

fn change_tags(stage: Option<&StageName>, from: &Texts, to: &Texts, steps: &mut Vec<Step>) {
    let gone: Vec<String> = from
        .keys()
        .filter(|key| !to.contains_key(*key))
        .cloned()
        .collect();
    if !gone.is_empty() {
        steps.push(Step::Untag(stage.cloned(), gone));
    }
    let mut given = to.clone();
    given.retain(|key, value| from.get(key) != Some(value));
    if !given.is_empty() {
        steps.push(Step::Tag(stage.cloned(), given));
    }
}

fn change_stage(name: &StageName, from: &StageFile, wanted: &StageFile, steps: &mut Vec<Step>) {
    let mut there = StageFile {
        tags: wanted.tags.clone(),
        ..from.clone()
    };
    // Settings are merged, so an entry that lost a member is made anew.
    there.route_settings.retain(|key, settings| {
        let keeps_all = wanted
            .route_settings
            .get(key)
            .is_some_and(|wanted| settings.is_within(wanted));
        if !keeps_all {
            steps.push(Step::RouteSettings(name.clone(), key.clone()));
        }
        keeps_all
    });
    if there.access_log_settings.is_some() && wanted.access_log_settings.is_none() {
        there.access_log_settings = None;
        steps.push(Step::AccessLog(name.clone()));
    }
    let write = Write::of(Some(&there), wanted);
    steps.extend(write.map(|write| Step::Stage(name.clone(), write)));
    change_tags(Some(name), &from.tags, &wanted.tags, steps);
}
