//! The history of a file: what stands after each of its steps, and what is deployed of it then.

use std::collections::BTreeMap;

use super::{
    ApiFile, AuthorizerFile, DeploymentFile, RouteFile, RouteSettingsFile, StageFile, StepFile,
    Texts, Unfit, normal::is_system_tag,
};

/// A point of a file's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The API and its parts as they stand then, short forms written out.
    pub api: ApiFile,
    /// The deployment of what stands then.
    pub deployment: Option<DeploymentFile>,
}

impl ApiFile {
    /// Returns the points of the file's history, the first one as the file begins.
    pub fn history(&self) -> Vec<Standing> {
        let mut api = self.clone();
        let first = StepFile {
            deployment: api.deployment.take(),
            ..StepFile::default()
        };
        let later = std::mem::take(&mut api.then);
        let steps = std::iter::once(first).chain(later);
        let points = steps.map(|step| {
            merge(&mut api.integrations, step.integrations);
            merge(&mut api.routes, step.routes);
            for route in api.routes.values_mut() {
                *route = std::mem::take(route).spelled_out();
            }
            Standing {
                api: api.clone(),
                deployment: step.deployment,
            }
        });
        points.collect()
    }

    /// Refuses what no WebSocket API can be made from: a route that names an integration or authorizer which the file
    /// does not have, and a member or a value that API Gateway refuses or does not keep.
    ///
    /// # Errors
    /// Fails at the first such part.
    pub fn check(&self) -> Result<(), Unfit> {
        for (name, authorizer) in &self.authorizers {
            check_authorizer(authorizer).map_err(at(|| format!("authorizer {name:?}")))?;
        }
        for (key, route) in &self.routes {
            self.check_route(route)
                .map_err(at(|| format!("route {key:?}")))?;
        }
        check_tags(&self.tags).map_err(at(|| "tags".to_owned()))?;
        for (name, stage) in &self.stages {
            check_tags(&stage.tags).map_err(at(|| format!("stage \"{name}\"")))?;
            check_levels(stage).map_err(at(|| format!("stage \"{name}\"")))?;
        }
        Ok(())
    }

    fn check_route(&self, route: &RouteFile) -> Result<(), String> {
        if let Some(name) = &route.integration
            && !self.integrations.contains_key(name)
        {
            return Err(format!("the file has no integration {name:?}"));
        }
        if let Some(name) = &route.authorizer
            && !self.authorizers.contains_key(name)
        {
            return Err(format!("the file has no authorizer {name:?}"));
        }
        Ok(())
    }
}

/// Says which part of the file a reason is about.
fn at(place: impl Fn() -> String) -> impl FnOnce(String) -> Unfit {
    move |reason| Unfit {
        place: place(),
        reason,
    }
}

// SOURCE: recorded on AWS, September 2026: each is refused, whatever its value.
fn check_authorizer(authorizer: &AuthorizerFile) -> Result<(), String> {
    for (member, is_there) in [
        (
            "authorizerResultTtlInSeconds",
            authorizer.authorizer_result_ttl_in_seconds.is_some(),
        ),
        (
            "authorizerPayloadFormatVersion",
            authorizer.authorizer_payload_format_version.is_some(),
        ),
        (
            "enableSimpleResponses",
            authorizer.enable_simple_responses.is_some(),
        ),
    ] {
        if is_there {
            return Err(format!(
                "API Gateway takes no {member} on a WebSocket API, whatever its value"
            ));
        }
    }
    Ok(())
}

// SOURCE: recorded on AWS, September 2026: a level of another name is taken, and the level stays what it was.
fn check_levels(stage: &StageFile) -> Result<(), String> {
    let of_routes = stage.route_settings.values();
    let mut levels = std::iter::once(&stage.default_route_settings)
        .chain(of_routes)
        .filter_map(|settings: &RouteSettingsFile| settings.logging_level.as_deref());
    match levels.find(|level| !matches!(*level, "" | "OFF" | "ERROR" | "INFO")) {
        Some(level) => Err(format!(
            "API Gateway has no logging level {level:?} and would keep the one that is there; it has OFF, ERROR and INFO"
        )),
        None => Ok(()),
    }
}

fn check_tags(tags: &Texts) -> Result<(), String> {
    match tags.keys().find(|key| is_system_tag(key)) {
        Some(key) => Err(format!(
            "API Gateway takes no tag {key:?} of somebody else than AWS: one cannot start with \"aws:\" in any case"
        )),
        None => Ok(()),
    }
}

fn merge<T>(all: &mut BTreeMap<String, T>, changes: BTreeMap<String, Option<T>>) {
    for (name, change) in changes {
        match change {
            Some(part) => all.insert(name, part),
            None => all.remove(&name),
        };
    }
}
