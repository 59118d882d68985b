//! Pairs of integrations, one of the target and one of the file. Ids say nothing, so pairs are told by the routes that
//! both sides have, and for the others by content.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::{
    model::{
        IntegrationId, Route,
        file::{ApiFile, IntegrationFile, Names, api_file, integration_names},
    },
    ops::reading::WholeDraft,
};

/// A name for each integration of the target: the file's where the file has it, and one that the file does not use for
/// each other.
pub(super) fn names(wanted: &ApiFile, draft: &WholeDraft) -> Names {
    let own = integration_names(&draft.routes, &draft.integrations);
    let there = api_file(draft.parts(), &[], &own);
    let contents: BTreeMap<&IntegrationId, &IntegrationFile> = own
        .iter()
        .filter_map(|(id, name)| Some((id, there.integrations.get(name)?)))
        .collect();
    let mut matched = Names::new();
    take(&mut matched, by_routes(wanted, draft, &contents));
    take(&mut matched, by_content(wanted, draft, &contents, &own));
    for (id, name) in own {
        let is_taken = wanted.integrations.contains_key(&name);
        matched.entry(id).or_insert_with(|| {
            if is_taken {
                format!("{name} (of the target)")
            } else {
                name
            }
        });
    }
    matched
}

/// A possible pair, the best one smallest.
type Pair<'a> = (Reverse<(bool, usize)>, &'a str, &'a IntegrationId);

/// Makes pairs, the best first, each side once.
fn take(matched: &mut Names, mut pairs: Vec<Pair<'_>>) {
    pairs.sort();
    for (_, name, id) in pairs {
        let is_free = !matched.contains_key(id) && !matched.values().any(|taken| taken == name);
        if is_free {
            matched.insert(id.clone(), name.to_owned());
        }
    }
}

/// Those that routes of the same key target on both sides: the same content first, then the more routes in common.
fn by_routes<'a>(
    wanted: &'a ApiFile,
    draft: &'a WholeDraft,
    contents: &BTreeMap<&'a IntegrationId, &IntegrationFile>,
) -> Vec<Pair<'a>> {
    let mut common: BTreeMap<(&str, &IntegrationId), usize> = BTreeMap::new();
    for route in &draft.routes {
        let name = wanted.routes.get(&route.key);
        let name = name.and_then(|route| route.integration.as_deref());
        let id = route.integration_id();
        let id = id.and_then(|id| contents.get_key_value(&id));
        if let (Some(name), Some((id, _))) = (name, id) {
            *common.entry((name, *id)).or_default() += 1;
        }
    }
    common
        .into_iter()
        .map(|((name, id), n_routes)| {
            let is_same = wanted.integrations.get(name) == contents.get(id).copied();
            (Reverse((is_same, n_routes)), name, id)
        })
        .collect()
}

/// Those of the same content; then, of those that no route targets, the same but for responses (a creation that ended half
/// way leaves such a one), then the same name where the file has no route to it either.
fn by_content<'a>(
    wanted: &'a ApiFile,
    draft: &'a WholeDraft,
    contents: &BTreeMap<&'a IntegrationId, &IntegrationFile>,
    own: &Names,
) -> Vec<Pair<'a>> {
    let is_targeted = |id: &IntegrationId| {
        let mut targets = draft.routes.iter().filter_map(Route::integration_id);
        targets.any(|target| target == *id)
    };
    let is_used = |name: &str| {
        let mut routes = wanted.routes.values();
        routes.any(|route| route.integration.as_deref() == Some(name))
    };
    let all = wanted.integrations.iter();
    let all = all.flat_map(|one| contents.iter().map(move |other| (one, other)));
    all.filter_map(|((name, integration), (id, content))| {
        let is_same = *content == integration;
        // A route outside the file may target it; sharing it changes nothing for that route.
        if is_targeted(id) && !is_same {
            return None;
        }
        let is_half = without_responses(content) == without_responses(integration);
        let is_namesake = !is_used(name) && own.get(*id) == Some(name);
        let closeness = usize::from(is_half) * 2 + usize::from(is_namesake);
        let is_pair = is_same || closeness > 0;
        is_pair.then_some((Reverse((is_same, closeness)), name.as_str(), *id))
    })
    .collect()
}

fn without_responses(integration: &IntegrationFile) -> IntegrationFile {
    IntegrationFile {
        responses: BTreeMap::new(),
        ..integration.clone()
    }
}
