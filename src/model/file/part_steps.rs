//! The steps that turn the parts of one definition into those of another, in an order in which none is refused: a part
//! that others name is made before them and removed after them.
//!
//! Steps call a part by its name in the files; whoever carries them out knows its id, and reads in the wanted file what to
//! write.

use std::{collections::BTreeMap, fmt};

use super::{
    ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile, ModelFile, RouteFile,
    RouteResponseFile,
};

/// A step that makes, changes or removes one part of a definition.
#[derive(Debug, Clone, PartialEq)]
pub enum PartStep {
    /// A model, by name.
    Model(String, Write<ModelFile>),
    /// An authorizer, by name.
    Authorizer(String, Write<AuthorizerFile>),
    /// An integration without its responses, by name.
    Integration(String, Write<IntegrationFile>),
    /// A response of an integration.
    IntegrationResponse(ResponseName, Write<IntegrationResponseFile>),
    /// A route without its responses and without the parameters that go, by key.
    Route(String, Write<RouteFile>),
    /// A request parameter of a route that goes.
    RouteParameter {
        /// The route's key.
        route: String,
        /// The parameter's name.
        name: String,
    },
    /// A response of a route.
    RouteResponse(ResponseName, Write<RouteResponseFile>),
}

/// The name of a response.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResponseName {
    /// The name of the integration or the key of the route.
    pub of: String,
    /// The response's own key.
    pub key: String,
}

/// The change of a part.
#[derive(Debug, Clone, PartialEq)]
pub enum Write<T> {
    /// The part is new.
    Create,
    /// The part is there and looks like this.
    Update(Box<T>),
    /// The part goes.
    Delete,
}

impl<T> Write<T> {
    /// Returns the verb of the calls that do it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update(_) => "update",
            Self::Delete => "delete",
        }
    }
}

impl<T: Clone + PartialEq> Write<T> {
    /// Returns the change of a part into the wanted one; none when it is so already.
    pub fn of(there: Option<&T>, wanted: &T) -> Option<Self> {
        match there {
            None => Some(Self::Create),
            Some(there) if there == wanted => None,
            Some(there) => Some(Self::Update(Box::new(there.clone()))),
        }
    }
}

impl fmt::Display for PartStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(name, write) => write!(formatter, "{}-model {name}", write.verb()),
            Self::Authorizer(name, write) => {
                write!(formatter, "{}-authorizer {name}", write.verb())
            }
            Self::Integration(name, write) => {
                write!(formatter, "{}-integration {name}", write.verb())
            }
            Self::IntegrationResponse(ResponseName { of, key }, write) => {
                let verb = write.verb();
                write!(formatter, "{verb}-integration-response {key} of {of}")
            }
            Self::Route(key, write) => write!(formatter, "{}-route {key}", write.verb()),
            Self::RouteParameter { route, name } => {
                write!(
                    formatter,
                    "delete-route-request-parameter {name} of {route}"
                )
            }
            Self::RouteResponse(ResponseName { of, key }, write) => {
                write!(formatter, "{}-route-response {key} of {of}", write.verb())
            }
        }
    }
}

/// Returns the steps that make every part of `wanted` as it is there, each with its responses. Short forms are written
/// out on both sides.
pub fn additions(from: &ApiFile, wanted: &ApiFile) -> Vec<PartStep> {
    let mut steps = Vec::new();
    for (name, model) in &wanted.models {
        let write = Write::of(from.models.get(name), model);
        steps.extend(write.map(|write| PartStep::Model(name.clone(), write)));
    }
    for (name, authorizer) in &wanted.authorizers {
        let write = Write::of(from.authorizers.get(name), authorizer);
        steps.extend(write.map(|write| PartStep::Authorizer(name.clone(), write)));
    }
    for (name, integration) in &wanted.integrations {
        let there = from.integrations.get(name);
        put_integration(name, there, integration, &mut steps);
    }
    for (key, route) in &wanted.routes {
        put_route(key, from.routes.get(key), route, &mut steps);
    }
    steps
}

/// Returns the steps that remove the parts that `wanted` has not, users before what they use.
pub fn removals(from: &ApiFile, wanted: &ApiFile) -> Vec<PartStep> {
    let routes = gone(&from.routes, &wanted.routes);
    let integrations = gone(&from.integrations, &wanted.integrations);
    let authorizers = gone(&from.authorizers, &wanted.authorizers);
    let models = gone(&from.models, &wanted.models);
    routes
        .map(|key| PartStep::Route(key, Write::Delete))
        .chain(integrations.map(|name| PartStep::Integration(name, Write::Delete)))
        .chain(authorizers.map(|name| PartStep::Authorizer(name, Write::Delete)))
        .chain(models.map(|name| PartStep::Model(name, Write::Delete)))
        .collect()
}

fn gone<T>(
    from: &BTreeMap<String, T>,
    wanted: &BTreeMap<String, T>,
) -> impl Iterator<Item = String> {
    let keys = from.keys().filter(|key| !wanted.contains_key(*key));
    keys.cloned()
}

fn put_integration(
    name: &str,
    there: Option<&IntegrationFile>,
    wanted: &IntegrationFile,
    steps: &mut Vec<PartStep>,
) {
    let bare = |integration: &IntegrationFile| IntegrationFile {
        responses: BTreeMap::new(),
        ..integration.clone()
    };
    let write = Write::of(there.map(bare).as_ref(), &bare(wanted));
    steps.extend(write.map(|write| PartStep::Integration(name.to_owned(), write)));
    let nothing = BTreeMap::new();
    let responses = there.map_or(&nothing, |there| &there.responses);
    let step = |key: &str, write| PartStep::IntegrationResponse(response_name(name, key), write);
    for (key, response) in &wanted.responses {
        let write = Write::of(responses.get(key), response);
        steps.extend(write.map(|write| step(key, write)));
    }
    let gone = gone(responses, &wanted.responses);
    steps.extend(gone.map(|key| step(&key, Write::Delete)));
}

fn put_route(key: &str, there: Option<&RouteFile>, wanted: &RouteFile, steps: &mut Vec<PartStep>) {
    let bare = |route: &RouteFile| RouteFile {
        responses: BTreeMap::new(),
        ..route.clone()
    };
    let mut kept = there.map(bare);
    if let Some(kept) = &mut kept {
        let parameters = gone(&kept.request_parameters, &wanted.request_parameters);
        let route = key.to_owned();
        steps.extend(parameters.map(|name| PartStep::RouteParameter {
            route: route.clone(),
            name,
        }));
        let stays = |name: &String| wanted.request_parameters.contains_key(name);
        kept.request_parameters.retain(|name, _| stays(name));
    }
    let write = Write::of(kept.as_ref(), &bare(wanted));
    steps.extend(write.map(|write| PartStep::Route(key.to_owned(), write)));
    let nothing = BTreeMap::new();
    let responses = there.map_or(&nothing, |there| &there.responses);
    let step = |name: &str, write| PartStep::RouteResponse(response_name(key, name), write);
    for (name, response) in &wanted.responses {
        let writes = put_route_response(responses.get(name), response);
        steps.extend(writes.into_iter().map(|write| step(name, write)));
    }
    let gone = gone(responses, &wanted.responses);
    steps.extend(gone.map(|name| step(&name, Write::Delete)));
}

fn response_name(of: &str, key: &str) -> ResponseName {
    ResponseName {
        of: of.to_owned(),
        key: key.to_owned(),
    }
}

/// No call takes a parameter away from a route response, so one that loses any is made anew.
fn put_route_response(
    there: Option<&RouteResponseFile>,
    wanted: &RouteResponseFile,
) -> Vec<Write<RouteResponseFile>> {
    let loses_any = there.is_some_and(|there| {
        gone(&there.response_parameters, &wanted.response_parameters)
            .next()
            .is_some()
    });
    if loses_any {
        return vec![Write::Delete, Write::Create];
    }
    Write::of(there, wanted).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn file(value: &Value) -> ApiFile {
        let mut file = json!({ "name": "chat", "routeSelectionExpression": "x" });
        for (name, parts) in value.as_object().unwrap() {
            file[name] = parts.clone();
        }
        serde_json::from_value(file).unwrap()
    }

    fn texts(steps: &[PartStep]) -> Vec<String> {
        steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_part_that_others_name_is_made_before_them_and_removed_after_them() {
        let full = file(&json!({
            "authorizers": { "who": { "authorizerType": "REQUEST" } },
            "models": { "M": { "schema": "{}" } },
            "integrations": { "send": { "integrationType": "MOCK", "responses": { "$default": {} } } },
            "routes": { "join": {
                "integration": "send", "authorizer": "who", "responses": { "$default": {} },
            } },
        }));
        let nothing = file(&json!({}));
        assert_eq!(
            texts(&additions(&nothing, &full)),
            [
                "create-model M",
                "create-authorizer who",
                "create-integration send",
                "create-integration-response $default of send",
                "create-route join",
                "create-route-response $default of join",
            ]
        );
        assert_eq!(
            texts(&removals(&full, &nothing)),
            [
                "delete-route join",
                "delete-integration send",
                "delete-authorizer who",
                "delete-model M",
            ]
        );
        assert_eq!(additions(&full, &full), []);
        assert_eq!(removals(&full, &full), []);
    }

    #[test]
    fn what_no_update_takes_away_has_a_step_of_its_own() {
        let route = |parameters: &Value, response: &Value| {
            file(&json!({ "routes": { "join": {
                "requestParameters": parameters,
                "responses": { "$default": { "responseParameters": response } },
            } } }))
        };
        let from = route(&json!({ "a": true, "b": true }), &json!({ "x": true }));
        let wanted = route(&json!({ "b": true }), &json!({}));
        assert_eq!(
            texts(&additions(&from, &wanted)),
            [
                "delete-route-request-parameter a of join",
                "delete-route-response $default of join",
                "create-route-response $default of join",
            ]
        );
    }
}
