//! A deployment as the data plane runs it: every expression, mapping and template read once.
//!
//! An expression, mapping or template that cannot be read is kept as the reason why, for it only matters to the message
//! that needs it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use http::Method;
use regex::{Regex, RegexBuilder};
use tokio::sync::OnceCell;

use super::{
    event::Parameter,
    selection::{Facts, Selection},
    validation::{Models, Validation},
};
use crate::gateway::{
    data::{
        handshake::authorizer::Authorizer,
        integration::{
            mapping::{BadRequest, Mapping, ResponseMapping},
            template::{BadTemplate, Template},
        },
    },
    store::record::{
        AuthorizerRecord, IntegrationRecord, IntegrationResponseRecord, RouteRecord, Snapshot,
        SnapshotIntegration, SnapshotRoute,
    },
};

/// Bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 128 * 1024;

/// A deployment, ready to run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The deployment that the plan was made of; the same allocation means the same plan.
    snapshot: Weak<Snapshot>,
    pub(crate) selection: Selection,
    routes: HashMap<String, Arc<RoutePlan>>,
}

/// A route, ready to run.
#[derive(Debug)]
pub(crate) struct RoutePlan {
    pub(crate) key: String,
    /// True when the integration's answer goes back to the client.
    pub(crate) two_way: bool,
    pub(crate) authorization_type: String,
    /// The authorizer that is asked where the type is `CUSTOM`.
    pub(crate) authorizer: Option<Authorizer>,
    pub(crate) api_key_required: bool,
    /// The handshake's parameters that mappings may speak of.
    pub(crate) declared: Arc<[Parameter]>,
    /// The declared parameters that must be there.
    pub(crate) required: Vec<Parameter>,
    /// The validation of the route's messages.
    pub(crate) validation: Option<Validation>,
    pub(crate) integration: Option<Arc<IntegrationPlan>>,
}

/// An integration, ready to run.
#[derive(Debug)]
pub(crate) struct IntegrationPlan {
    pub(crate) id: String,
    pub(crate) kind: IntegrationKind,
    pub(crate) uri: Option<String>,
    pub(crate) method: Method,
    pub(crate) mappings: Result<Vec<Mapping>, BadRequest>,
    pub(crate) templates: Templates,
    pub(crate) passthrough: Passthrough,
    pub(crate) content_handling: Option<ContentHandling>,
    pub(crate) responses: Vec<ResponsePlan>,
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntegrationKind {
    Mock,
    Http,
    HttpProxy,
    /// A Lambda function whose answer goes through an integration response.
    Aws,
    /// A Lambda function that gets the event and answers for itself.
    AwsProxy,
}

/// The conversion of a payload that is, or is to be, binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentHandling {
    ToBinary,
    ToText,
}

impl ContentHandling {
    fn of(strategy: Option<&str>) -> Option<ContentHandling> {
        match strategy? {
            "CONVERT_TO_BINARY" => Some(ContentHandling::ToBinary),
            "CONVERT_TO_TEXT" => Some(ContentHandling::ToText),
            _ => None,
        }
    }
}

/// The passthrough of a payload that no request template fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passthrough {
    WhenNoMatch,
    WhenNoTemplates,
    Never,
}

/// An integration response, ready to run.
#[derive(Debug)]
pub(crate) struct ResponsePlan {
    key: ResponseKey,
    pub(crate) templates: Templates,
    pub(crate) content_handling: Option<ContentHandling>,
    /// Response headers that it sets, as `responseParameters` says.
    pub(crate) headers: Vec<ResponseMapping>,
}

#[derive(Debug)]
enum ResponseKey {
    Default,
    Pattern(Regex),
    /// A key that nothing can match.
    Unreadable,
}

/// A map of templates and the expression that picks one.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    selection: Option<Selection>,
    by_key: HashMap<String, Result<Template, BadTemplate>>,
}

/// The template that a map of templates has for an event, or the reason why it has none.
#[derive(Debug)]
pub(crate) enum Choice<'a> {
    Template(&'a Result<Template, BadTemplate>),
    /// There are templates, but none for this key.
    NoMatch,
    NoTemplates,
}

impl Plan {
    fn new(snapshot: &Arc<Snapshot>) -> Plan {
        let integrations: HashMap<_, _> = snapshot
            .integrations
            .iter()
            .map(|frozen| {
                let id = frozen.integration.integration_id.as_str();
                (id, Arc::new(IntegrationPlan::new(frozen)))
            })
            .collect();
        let mut models = Models::new(&snapshot.models);
        let routes = snapshot
            .routes
            .iter()
            .map(|frozen| {
                let target = frozen.route.target.as_deref();
                let integration = target
                    .and_then(|target| target.strip_prefix("integrations/"))
                    .and_then(|id| integrations.get(id));
                let route = RoutePlan::new(
                    frozen,
                    &snapshot.authorizers,
                    &mut models,
                    integration.map(Arc::clone),
                );
                (route.key.clone(), Arc::new(route))
            })
            .collect();
        Plan {
            selection: Selection::parse(&snapshot.route_selection_expression),
            routes,
            snapshot: Arc::downgrade(snapshot),
        }
    }

    /// True when the plan was made of this deployment.
    pub(crate) fn is_of(&self, snapshot: &Arc<Snapshot>) -> bool {
        std::ptr::eq(self.snapshot.as_ptr(), Arc::as_ptr(snapshot))
    }

    /// Returns the route with exactly this key.
    pub(crate) fn route(&self, key: &str) -> Option<&Arc<RoutePlan>> {
        self.routes.get(key)
    }

    /// Returns the route of a message whose expression yields `key`, if it yields any.
    ///
    /// GUESS: a message cannot name `$connect` or `$disconnect`; that counts as no match.
    pub(crate) fn route_of_message(&self, key: Option<&str>) -> Option<&Arc<RoutePlan>> {
        key.filter(|key| !matches!(*key, "$connect" | "$disconnect"))
            .and_then(|key| self.route(key))
            .or_else(|| self.route("$default"))
    }
}

impl RoutePlan {
    fn new(
        frozen: &SnapshotRoute,
        authorizers: &[AuthorizerRecord],
        models: &mut Models<'_>,
        integration: Option<Arc<IntegrationPlan>>,
    ) -> RoutePlan {
        let route = &frozen.route;
        // SOURCE: recorded on AWS, September 2026: the response alone is enough. GUESS: the expression alone is not.
        let two_way = frozen
            .responses
            .iter()
            .any(|response| response.route_response_key == "$default");
        let declared: Arc<[Parameter]> = parameters(route, |_| true).collect();
        if let Some(integration) = &integration
            && route.route_key == "$connect"
        {
            integration.miss(&declared);
        }
        RoutePlan {
            key: route.route_key.clone(),
            two_way,
            authorization_type: route.authorization_type.clone(),
            authorizer: authorizers
                .iter()
                .find(|authorizer| route.authorizer_id.as_ref() == Some(&authorizer.authorizer_id))
                .map(Authorizer::new),
            api_key_required: route.api_key_required,
            declared,
            required: parameters(route, |is_required| is_required).collect(),
            validation: Validation::new(route, models),
            integration,
        }
    }
}

/// Returns the parameters of a handshake that a route declares and `is_wanted` picks by whether it requires them.
fn parameters(
    route: &RouteRecord,
    is_wanted: impl Fn(bool) -> bool,
) -> impl Iterator<Item = Parameter> {
    let declared = route.request_parameters.iter().flatten();
    let wanted = declared.filter(move |(_, is_required)| is_wanted(**is_required));
    wanted.filter_map(|(name, _)| Parameter::parse(name))
}

impl IntegrationPlan {
    pub(crate) fn new(frozen: &SnapshotIntegration) -> IntegrationPlan {
        let record = &frozen.integration;
        let mappings = record
            .request_parameters
            .iter()
            .flatten()
            .map(|(key, value)| Mapping::parse(key, value))
            .collect();
        IntegrationPlan {
            id: record.integration_id.clone(),
            kind: kind(record),
            uri: record.integration_uri.clone(),
            method: method(record),
            mappings,
            templates: Templates::new(
                record.template_selection_expression.as_deref(),
                record.request_templates.as_ref(),
            ),
            passthrough: match record.passthrough_behavior.as_str() {
                "NEVER" => Passthrough::Never,
                "WHEN_NO_TEMPLATES" => Passthrough::WhenNoTemplates,
                _ => Passthrough::WhenNoMatch,
            },
            content_handling: ContentHandling::of(record.content_handling_strategy.as_deref()),
            responses: responses(&frozen.responses),
            timeout: Duration::from_millis(u64::from(record.timeout_in_millis)),
        }
    }

    /// Tells the log, once for a deployment, what its mappings read of the handshake though the route does not declare
    /// it.
    fn miss(&self, declared: &[Parameter]) {
        for mapping in self.mappings.iter().flatten() {
            if let Some(parameter) = mapping.undeclared(declared) {
                tracing::warn!(
                    integration = self.id,
                    %parameter,
                    "a mapping yields nothing, for $connect does not declare its source in requestParameters"
                );
            }
        }
    }

    /// Returns the response for a status, or for the error message of a function: the first pattern that matches all of
    /// it, else `$default`, and that too where there is nothing to match.
    pub(crate) fn response(&self, key: Option<&str>) -> Option<&ResponsePlan> {
        let by_pattern = key.and_then(|key| {
            self.responses.iter().find(
                |response| matches!(&response.key, ResponseKey::Pattern(pattern) if pattern.is_match(key)),
            )
        });
        by_pattern.or_else(|| {
            self.responses
                .iter()
                .find(|response| matches!(response.key, ResponseKey::Default))
        })
    }
}

fn kind(record: &IntegrationRecord) -> IntegrationKind {
    match record.integration_type.as_str() {
        "MOCK" => IntegrationKind::Mock,
        "HTTP" => IntegrationKind::Http,
        "HTTP_PROXY" => IntegrationKind::HttpProxy,
        "AWS" => IntegrationKind::Aws,
        _ => IntegrationKind::AwsProxy,
    }
}

/// GUESS: `ANY`, and no method at all, are POST.
fn method(record: &IntegrationRecord) -> Method {
    match record.integration_method.as_deref() {
        None | Some("ANY") => Method::POST,
        Some(name) => name.parse().unwrap_or(Method::POST),
    }
}

/// Returns the responses in the order in which they are tried.
///
/// GUESS: no document has an order for patterns that match the same. Here it must not hang on ids, which are random:
/// what matches itself only goes first, and then what has more letters that stand for themselves.
fn responses(records: &[IntegrationResponseRecord]) -> Vec<ResponsePlan> {
    let mut records: Vec<_> = records.iter().collect();
    records.sort_by_key(|record| {
        let key = record.integration_response_key.as_str();
        let is_pattern = regex::escape(key) != key;
        (
            is_pattern,
            Reverse(plain_letters(key)),
            Reverse(key.len()),
            key,
        )
    });
    records.into_iter().map(ResponsePlan::new).collect()
}

/// Letters and digits of a pattern that stand for themselves.
fn plain_letters(pattern: &str) -> usize {
    let before = std::iter::once(' ').chain(pattern.chars());
    let pairs = before.zip(pattern.chars());
    pairs
        .filter(|(before, letter)| *before != '\\' && letter.is_alphanumeric())
        .count()
}

impl ResponsePlan {
    pub(crate) fn new(record: &IntegrationResponseRecord) -> ResponsePlan {
        ResponsePlan {
            key: ResponseKey::parse(&record.integration_response_key),
            templates: Templates::new(
                record.template_selection_expression.as_deref(),
                record.response_templates.as_ref(),
            ),
            content_handling: ContentHandling::of(record.content_handling_strategy.as_deref()),
            headers: record
                .response_parameters
                .iter()
                .flatten()
                .filter_map(|(target, source)| response_mapping(target, source))
                .collect(),
        }
    }
}

fn response_mapping(target: &str, source: &str) -> Option<ResponseMapping> {
    let mapping = ResponseMapping::parse(target, source);
    if mapping.is_none() {
        tracing::warn!(target, source, "a response parameter cannot be understood");
    }
    mapping
}

impl ResponseKey {
    fn parse(key: &str) -> ResponseKey {
        if key == "$default" {
            return ResponseKey::Default;
        }
        let pattern = key
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'))
            .and_then(whole);
        if let Some(pattern) = pattern {
            return ResponseKey::Pattern(pattern);
        }
        tracing::warn!(
            key,
            "an integration response has a key that nothing can match"
        );
        ResponseKey::Unreadable
    }
}

/// GUESS: the pattern must match all of the status or the message, as in REST APIs.
fn whole(pattern: &str) -> Option<Regex> {
    let compile = |pattern: &str| {
        RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .build()
            .ok()
    };
    // Alone it must be a pattern too, or `2)|(4` would close the group and get out of it.
    compile(pattern)?;
    compile(&format!("^(?:{pattern})$"))
}

impl Templates {
    fn new(selection: Option<&str>, templates: Option<&BTreeMap<String, String>>) -> Templates {
        Templates {
            selection: selection.map(Selection::parse),
            by_key: templates
                .into_iter()
                .flatten()
                .map(|(key, text)| (key.clone(), Template::parse(text)))
                .collect(),
        }
    }

    /// True when the choice of a template needs the message as JSON.
    pub(crate) fn reads_body(&self) -> bool {
        self.selection.as_ref().is_some_and(Selection::reads_body)
    }

    /// Returns the template that the expression names, else `$default`.
    ///
    /// GUESS: without an expression `application/json` is tried last; the console writes that key.
    pub(crate) fn choose(&self, facts: Facts<'_>) -> Choice<'_> {
        if self.by_key.is_empty() {
            return Choice::NoTemplates;
        }
        let named = match &self.selection {
            Some(selection) => {
                let key = selection.evaluate(facts);
                key.and_then(|key| self.by_key.get(&key))
                    .or_else(|| self.by_key.get("$default"))
            }
            None => self
                .by_key
                .get("$default")
                .or_else(|| self.by_key.get("application/json")),
        };
        named.map_or(Choice::NoMatch, Choice::Template)
    }
}

/// The plans of what is served, so that a deployment is read once for all its connections.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    /// The plans by the address of their snapshot, which nothing else can have for as long as the weak reference is
    /// kept.
    by_snapshot: Mutex<HashMap<usize, Kept>>,
}

/// A plan, made or in the making, for as long as its deployment is served.
#[derive(Debug)]
struct Kept {
    snapshot: Weak<Snapshot>,
    plan: Arc<OnceCell<Arc<Plan>>>,
}

impl Plans {
    /// Returns the plan of a deployment. It is made on a thread that may take its time, and whoever else asks waits for
    /// it without a lock.
    pub(crate) async fn of(&self, snapshot: &Arc<Snapshot>) -> Arc<Plan> {
        let cell = self.cell(snapshot);
        let make = || async {
            let snapshot = Arc::clone(snapshot);
            let made = {
                let snapshot = Arc::clone(&snapshot);
                tokio::task::spawn_blocking(move || Plan::new(&snapshot)).await
            };
            // A runtime that is stopping runs no more such threads.
            Arc::new(made.unwrap_or_else(|_| Plan::new(&snapshot)))
        };
        Arc::clone(cell.get_or_init(make).await)
    }

    fn cell(&self, snapshot: &Arc<Snapshot>) -> Arc<OnceCell<Arc<Plan>>> {
        let address = Arc::as_ptr(snapshot).addr();
        let mut plans = self
            .by_snapshot
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = plans.get(&address) {
            return Arc::clone(&kept.plan);
        }
        plans.retain(|_, kept| kept.snapshot.strong_count() > 0);
        let plan = Arc::default();
        let kept = Kept {
            snapshot: Arc::downgrade(snapshot),
            plan: Arc::clone(&plan),
        };
        plans.insert(address, kept);
        plan
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gateway::data::fixture;

    #[tokio::test]
    async fn a_deployment_is_read_once_for_as_long_as_it_is_served() {
        let plans = Plans::default();
        let snapshot = Arc::new(fixture::snapshot(vec![], vec![]));
        // Nobody holds the plan in between.
        let first = Arc::downgrade(&plans.of(&snapshot).await);
        let again = plans.of(&snapshot).await;
        assert!(std::ptr::eq(first.as_ptr(), Arc::as_ptr(&again)));
        let other = Arc::new(fixture::snapshot(vec![], vec![]));
        assert!(again.is_of(&snapshot) && !again.is_of(&other));
        drop((snapshot, again));
        assert!(plans.of(&other).await.is_of(&other));
        assert!(first.upgrade().is_none());
    }

    #[tokio::test]
    async fn all_who_ask_at_once_get_the_same_plan() {
        let plans = Plans::default();
        let snapshot = Arc::new(fixture::snapshot(vec![], vec![]));
        let (one, two) = tokio::join!(plans.of(&snapshot), plans.of(&snapshot));
        assert!(Arc::ptr_eq(&one, &two));
    }

    #[test]
    fn a_message_cannot_name_the_lifecycle_routes() {
        let routes = ["$connect", "$disconnect", "join"].map(|key| fixture::route(key, None));
        let plan = Plan::new(&Arc::new(fixture::snapshot(routes.to_vec(), vec![])));
        assert!(plan.route_of_message(Some("$connect")).is_none());
        assert!(plan.route_of_message(Some("$disconnect")).is_none());
        assert!(plan.route_of_message(Some("Join")).is_none());
        assert!(plan.route_of_message(Some("join")).is_some());
    }

    #[test]
    fn a_response_alone_makes_a_route_two_way_and_an_expression_alone_does_not() {
        let both = fixture::two_way(fixture::route("a", None));
        let mut expression_only = both.clone();
        expression_only.responses.clear();
        let mut response_only = both.clone();
        response_only.route.route_response_selection_expression = None;
        let two_way = |route| RoutePlan::new(route, &[], &mut Models::new(&[]), None).two_way;
        assert!(two_way(&both));
        assert!(two_way(&response_only));
        assert!(!two_way(&expression_only));
    }

    #[test]
    fn responses_are_picked_by_their_whole_status() {
        let mut mock = fixture::mock("i1", "{\"statusCode\":200}");
        mock.responses = ["/20/", "/4\\d\\d/", "$default", "/("]
            .map(|key| fixture::response(key, None))
            .to_vec();
        let plan = IntegrationPlan::new(&mock);
        let key = |status| &plan.response(status).unwrap().key;
        assert!(matches!(key(Some("200")), ResponseKey::Default));
        assert!(matches!(key(Some("404")), ResponseKey::Pattern(_)));
        assert!(matches!(key(None), ResponseKey::Default));
    }

    #[test]
    fn of_patterns_that_match_the_same_the_one_that_says_most_is_taken() {
        let keys = ["/.*/", "/20\\d/", "/200/", "/2\\d\\d/", "$default"];
        for turn in 0..keys.len() {
            let mut mock = fixture::mock("i1", "");
            let keys = keys.iter().cycle().skip(turn).take(keys.len());
            mock.responses = keys.map(|key| fixture::response(key, None)).collect();
            let plan = IntegrationPlan::new(&mock);
            let taken = |status: &str| match &plan.response(Some(status)).unwrap().key {
                ResponseKey::Pattern(pattern) => pattern.to_string(),
                other => format!("{other:?}"),
            };
            for (status, pattern) in [
                ("200", "^(?:200)$"),
                ("201", "^(?:20\\d)$"),
                ("299", "^(?:2\\d\\d)$"),
                ("404", "^(?:.*)$"),
            ] {
                assert_eq!(taken(status), pattern, "{turn}");
            }
        }
    }

    #[test]
    fn a_pattern_can_neither_leave_its_group_nor_grow_large() {
        for key in ["/2)|(4/", "/\\w{240}/"] {
            assert!(
                matches!(ResponseKey::parse(key), ResponseKey::Unreadable),
                "{key}"
            );
        }
        for key in ["/2\\d{2}/", "/2\\d+|4\\d+/", "/.*/"] {
            assert!(
                matches!(ResponseKey::parse(key), ResponseKey::Pattern(_)),
                "{key}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_response_key_is_read_and_matched_without_a_panic(key in ".{0,40}", text in ".{0,40}") {
            for key in [key.clone(), format!("/{key}/")] {
                if let ResponseKey::Pattern(pattern) = ResponseKey::parse(&key) {
                    let found = pattern.find(&text);
                    prop_assert!(found.is_none_or(|found| found.len() == text.len()));
                }
            }
        }

        #[test]
        fn a_status_is_matched_by_itself_only(status in 100_u16..600, other in 100_u16..600) {
            let mut mock = fixture::mock("i1", "");
            mock.responses = vec![fixture::response(&format!("/{status}/"), None)];
            let plan = IntegrationPlan::new(&mock);
            prop_assert!(plan.response(Some(&status.to_string())).is_some());
            prop_assert_eq!(plan.response(Some(&other.to_string())).is_some(), other == status);
        }
    }
}
