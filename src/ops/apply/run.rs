//! Carrying a plan out, call by call. What was done is known exactly whatever happens, and a second run goes on from there.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    ApplyPlan, ApplyRequest, Known,
    steps::{Step, Write},
};
use crate::{
    aws::{Control, Error, RouteEnds},
    model::{
        ApiId, AuthorizerId, Failure, FailureKind, IntegrationId, IntegrationResponseId, ModelId,
        RouteId, RouteResponseId, StageName,
        diff::Change,
        file::{
            ApiFile, AuthorizerFile, IntegrationFile, IntegrationResponseFile, ModelFile,
            RouteFile, RouteResponseFile, StageFile,
        },
        text::printable,
    },
};

/// A call or a reading that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A call that changes something.
    Call {
        /// The call, in words.
        step: String,
        /// The number of the call, from 1.
        number: usize,
        /// The number of all calls.
        n_steps: usize,
    },
    /// The reading back, for all calls are made.
    ReadBack,
    /// Another reading back: what differs yet may only not show yet.
    ReadAgain {
        /// The pause before it.
        after: Duration,
    },
}

/// The result of an apply.
#[derive(Debug)]
pub struct Applied {
    /// The API.
    pub api: ApiId,
    /// The calls that were made, in words.
    pub done: Vec<String>,
    /// The differences that remain although every call was answered well: the target has its own mind about them.
    pub remaining: Vec<Change>,
}

/// A failed apply, and how far it came.
#[derive(Debug)]
pub struct ApplyFailure {
    /// The reason why it went no further.
    pub failure: Failure,
    /// True when somebody wanted it to end.
    pub was_stopped: bool,
    /// The API, as far as it is known.
    pub api: Option<ApiId>,
    /// The calls that were made, in words.
    pub done: Vec<String>,
    /// The call of which nobody knows whether it was carried out.
    pub unknown: Option<String>,
    /// The call that was refused.
    pub refused: Option<String>,
    /// The calls that were not carried out, with the refused one.
    pub not_done: Vec<String>,
}

/// Makes the target as the file says, and reads it back. When `stop` is cancelled, the call under way is ended and no other
/// is begun.
///
/// # Errors
/// Fails at the first call that fails, and tells what was done.
pub async fn run(
    control: &Control,
    plan: &ApplyPlan,
    stop: &CancellationToken,
    report: impl Fn(Progress),
) -> Result<Applied, Box<ApplyFailure>> {
    let title = format!("Cannot apply \"{}\" in full", printable(&plan.name));
    let mut run = Run::of(control, plan);
    let n_steps = plan.steps.len();
    control.expect(n_steps);
    for (idx, step) in plan.steps.iter().enumerate() {
        let number = idx + 1;
        let name = step.to_string();
        if stop.is_cancelled() {
            let failure = Failure::new(FailureKind::User, title).cause("it was interrupted");
            return Err(Box::new(ApplyFailure {
                was_stopped: true,
                ..run.failed(plan, idx, failure)
            }));
        }
        report(Progress::Call {
            step: name.clone(),
            number,
            n_steps,
        });
        if let Err(error) = Box::pin(run.take(step)).await {
            run.log(plan, number, &format!("{name} failed: {error}"));
            let mut failed = run.failed(plan, idx, error.failure(title));
            if error.leaves_open() {
                failed.unknown = Some(failed.not_done.remove(0));
            } else {
                failed.refused = failed.not_done.first().cloned();
            }
            return Err(Box::new(failed));
        }
        run.log(plan, number, &name);
    }
    report(Progress::ReadBack);
    run.end(plan, stop, report).await
}

/// A run as far as it is.
pub(super) struct Run<'a> {
    control: &'a Control,
    wanted: &'a ApiFile,
    api: Option<ApiId>,
    known: Known,
}

impl<'a> Run<'a> {
    /// A run at its beginning.
    pub(super) fn of(control: &'a Control, plan: &'a ApplyPlan) -> Self {
        Self {
            control,
            wanted: &plan.wanted,
            api: plan.api.clone(),
            known: plan.known.clone(),
        }
    }

    /// Reads back and compares, more than once where changes may show late.
    async fn end(
        self,
        plan: &ApplyPlan,
        stop: &CancellationToken,
        report: impl Fn(Progress),
    ) -> Result<Applied, Box<ApplyFailure>> {
        let done = plan.steps();
        let request = ApplyRequest {
            api: self.api.clone(),
            ..plan.request.clone()
        };
        let mut pauses = self.control.pauses_to_settle();
        let again = loop {
            let again = Box::pin(super::plan(self.control, &request)).await;
            let differs = again.as_ref().is_ok_and(|again| !again.changes.is_empty());
            let Some(after) = pauses.next().filter(|_| differs) else {
                break again;
            };
            report(Progress::ReadAgain { after });
            tokio::select! {
                biased;
                () = stop.cancelled() => break again,
                () = tokio::time::sleep(after) => {}
            }
        };
        match (again, self.api) {
            (Ok(again), Some(api)) => Ok(Applied {
                api,
                done,
                remaining: again.changes,
            }),
            (again, api) => {
                let title = "Cannot read back what was applied";
                let causes = again.err().map(|failure| failure.causes);
                let failure = Failure {
                    causes: causes.unwrap_or_default(),
                    ..Failure::new(FailureKind::Remote, title)
                };
                Err(Box::new(ApplyFailure {
                    failure,
                    was_stopped: false,
                    api,
                    done,
                    unknown: None,
                    refused: None,
                    not_done: Vec::new(),
                }))
            }
        }
    }

    fn failed(&self, plan: &ApplyPlan, idx: usize, failure: Failure) -> ApplyFailure {
        let mut done = plan.steps();
        let not_done = done.split_off(idx);
        ApplyFailure {
            failure,
            was_stopped: false,
            api: self.api.clone(),
            done,
            unknown: None,
            refused: None,
            not_done,
        }
    }

    /// Writes a call into the log, which tells each of them when the person is told their number.
    fn log(&self, plan: &ApplyPlan, number: usize, call: &str) {
        let (name, call) = (printable(&plan.name), printable(call));
        let api = self.api.as_ref().map_or("new", ApiId::as_str);
        let n_steps = plan.steps.len();
        tracing::info!("apply {name} ({api}), call {number} of {n_steps}: {call}");
    }

    /// Makes the call of a step.
    pub(super) async fn take(&mut self, step: &Step) -> Result<(), Error> {
        if *step == Step::CreateApi {
            self.api = Some(self.control.create_api(self.wanted).await?);
            return Ok(());
        }
        let api = self.api.clone();
        let api = &api.expect("invariant: an API that does not exist is created first");
        match step {
            Step::CreateApi => Ok(()),
            Step::UpdateApi(from) => self.control.update_api(api, from, self.wanted).await,
            Step::Tag(stage, tags) => self.control.tag(api, stage.as_ref(), tags).await,
            Step::Untag(stage, keys) => self.control.untag(api, stage.as_ref(), keys).await,
            Step::Model(name, write) => self.take_model(api, name, write).await,
            Step::Authorizer(name, write) => self.take_authorizer(api, name, write).await,
            Step::Integration(name, write) => self.take_integration(api, name, write).await,
            Step::IntegrationResponse(name, key, write) => {
                self.take_integration_response(api, (name, key), write)
                    .await
            }
            Step::Route(key, write) => self.take_route(api, key, write).await,
            Step::RouteParameter(key, name) => {
                let route = api.part(&self.known.routes[key]);
                self.control
                    .delete_route_request_parameter(route, name)
                    .await
            }
            Step::RouteResponse(route, key, write) => {
                self.take_route_response(api, (route, key), write).await
            }
            Step::Stage(name, write) => self.take_stage(api, name, write).await,
            Step::RouteSettings(stage, key) => {
                self.control
                    .delete_route_settings(api.part(stage), key)
                    .await
            }
            Step::AccessLog(stage) => self.control.delete_access_log_settings(api, stage).await,
        }
    }

    async fn take_model(
        &self,
        api: &ApiId,
        name: &str,
        write: &Write<ModelId, ModelFile>,
    ) -> Result<(), Error> {
        let model = |name| &self.wanted.models[name];
        match write {
            Write::Create => self.control.create_model(api, name, model(name)).await,
            Write::Update { id, from } => {
                let id = api.part(id);
                self.control.update_model(id, from, model(name)).await
            }
            Write::Delete { id } => self.control.delete_model(api, id).await,
        }
    }

    async fn take_authorizer(
        &mut self,
        api: &ApiId,
        name: &str,
        write: &Write<AuthorizerId, AuthorizerFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        match write {
            Write::Create => {
                let authorizer = &self.wanted.authorizers[name];
                let id = control.create_authorizer(api, name, authorizer).await?;
                self.known.authorizers.insert(name.to_owned(), id);
                Ok(())
            }
            Write::Update { id, from } => {
                let authorizer = &self.wanted.authorizers[name];
                control
                    .update_authorizer(api.part(id), from, authorizer)
                    .await
            }
            Write::Delete { id } => control.delete_authorizer(api, id).await,
        }
    }

    async fn take_integration(
        &mut self,
        api: &ApiId,
        name: &str,
        write: &Write<IntegrationId, IntegrationFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        match write {
            Write::Create => {
                let integration = &self.wanted.integrations[name];
                let id = control.create_integration(api, integration).await?;
                self.known.integrations.insert(name.to_owned(), id);
                Ok(())
            }
            Write::Update { id, from } => {
                let to = &self.wanted.integrations[name];
                control.update_integration(api.part(id), from, to).await
            }
            Write::Delete { id } => control.delete_integration(api, id).await,
        }
    }

    async fn take_integration_response(
        &self,
        api: &ApiId,
        (name, key): (&str, &str),
        write: &Write<IntegrationResponseId, IntegrationResponseFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        let of = api.part(&self.known.integrations[name]);
        let response = || &self.wanted.integrations[name].responses[key];
        match write {
            Write::Create => {
                control
                    .create_integration_response(of, key, response())
                    .await
            }
            Write::Update { id, from } => {
                let it = of.response(id);
                control
                    .update_integration_response(it, from, response())
                    .await
            }
            Write::Delete { id } => control.delete_integration_response(of, id).await,
        }
    }

    async fn take_route(
        &mut self,
        api: &ApiId,
        key: &str,
        write: &Write<RouteId, RouteFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        match write {
            Write::Create => {
                let route = &self.wanted.routes[key];
                let ends = self.ends(route);
                let id = control.create_route(api, key, route, &ends).await?;
                self.known.routes.insert(key.to_owned(), id);
                Ok(())
            }
            Write::Update { id, from } => {
                let route = &self.wanted.routes[key];
                let ends = self.ends(route);
                control.update_route(api.part(id), from, route, &ends).await
            }
            Write::Delete { id } => control.delete_route(api, id).await,
        }
    }

    async fn take_route_response(
        &self,
        api: &ApiId,
        (route, key): (&str, &str),
        write: &Write<RouteResponseId, RouteResponseFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        let of = api.part(&self.known.routes[route]);
        let response = || &self.wanted.routes[route].responses[key];
        match write {
            Write::Create => control.create_route_response(of, key, response()).await,
            Write::Update { id, from } => {
                let it = of.response(id);
                control.update_route_response(it, from, response()).await
            }
            Write::Delete { id } => control.delete_route_response(of, id).await,
        }
    }

    async fn take_stage(
        &self,
        api: &ApiId,
        name: &StageName,
        write: &Write<(), StageFile>,
    ) -> Result<(), Error> {
        let control = self.control;
        match write {
            Write::Create => {
                let stage = &self.wanted.stages[name];
                control.create_idle_stage(api, name, stage).await
            }
            Write::Update { from, .. } => {
                let stage = &self.wanted.stages[name];
                control.update_stage(api.part(name), from, stage).await
            }
            Write::Delete { .. } => control.delete_stage(api, name).await,
        }
    }

    /// Returns the ids that the names in a route stand for by now.
    fn ends(&self, route: &RouteFile) -> RouteEnds {
        let integration = route.integration.as_ref();
        let authorizer = route.authorizer.as_ref();
        RouteEnds {
            integration: integration.and_then(|name| self.known.integrations.get(name).cloned()),
            authorizer: authorizer.and_then(|name| self.known.authorizers.get(name).cloned()),
        }
    }
}
