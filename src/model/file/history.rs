//! The history of a file: what stands after each of its steps, and what is deployed of it then.

use std::collections::BTreeMap;

use super::{ApiFile, DeploymentFile, RouteFile, StepFile, Unfit};

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

    /// Refuses a route that names an integration or authorizer which the file does not have.
    ///
    /// # Errors
    /// Fails at the first such route.
    pub fn check_references(&self) -> Result<(), Unfit> {
        for (key, route) in &self.routes {
            self.check_route(route).map_err(|reason| Unfit {
                place: format!("route {key:?}"),
                reason,
            })?;
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

fn merge<T>(all: &mut BTreeMap<String, T>, changes: BTreeMap<String, Option<T>>) {
    for (name, change) in changes {
        match change {
            Some(part) => all.insert(name, part),
            None => all.remove(&name),
        };
    }
}
