//! Lambda authorizers: the identity that a client must bring, the event that the function gets, and the clients that
//! its answer lets in.
//!
//! SOURCE: developer guide, "Control access to WebSocket APIs with REQUEST authorizers": only at `$connect`, and
//! nothing is remembered from one handshake to the next; "Output from an API Gateway Lambda authorizer": the form of
//! the answer.
//!
//! SOURCE: the same, and the guide to route requests: an authorizer is for `$connect` alone, which protects the other
//! routes because it is asked of every connection; so later messages are not held to the policy.
//!
//! SOURCE: recorded on AWS, September 2026: the identity sources, the texts of the refusals, the answers that are
//! malformed, the context, and that an `identityValidationExpression` has no effect. UNCONFIRMED, and marked where it is
//! decided: how long a function may take, and the text when it fails. The policy speaks of `execute-api:Invoke` on
//! `$connect`; a document with a `Condition` cannot be judged here and counts as malformed.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::caller::{AuthorizerContext, INVOKE, why_denied};
use crate::gateway::{
    access::policy::{Decision, Policy},
    data::{
        access_log::AUTHORIZE,
        gateway_response::{Refusal, ResponseType},
        ids,
        integration::{forwarding, lambda, mapping},
        message::event::{Event, Handshake},
    },
    lambda::{FunctionName, Functions, Invocation, InvocationResponse, Mode},
    store::record::AuthorizerRecord,
};

/// SOURCE: "Output from an API Gateway Lambda authorizer" and the quotas: bytes of an answer.
const ANSWER_BYTES: usize = 8 * 1024;
/// GUESS: as long as an integration may take at most.
const PATIENCE: Duration = Duration::from_secs(29);
/// The one error of a function that is no failure.
const UNAUTHORIZED: &str = "Unauthorized";
/// The members of `$context` that let nobody in as identity sources, though every event has them.
const NEVER_BROUGHT: [&str; 2] = ["eventType", "messageDirection"];

/// An authorizer, ready to be asked.
#[derive(Debug)]
pub(crate) struct Authorizer {
    name: String,
    uri: Option<String>,
    identity: Vec<IdentitySource>,
}

/// An identity source, from which a client's identity is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
enum IdentitySource {
    Header(String),
    QueryString(String),
    StageVariable(String),
    Context(String),
    /// A source that no handshake has.
    Unknown,
}

/// A client that an authorizer let in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Authorized {
    pub(crate) context: AuthorizerContext,
    /// The API key that the client stands for.
    pub(crate) usage_key: Option<String>,
}

/// The reason why a client is not let in; for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthorizerRefusal {
    #[error("the handshake lacks an identity source, so that the function is not asked")]
    NoIdentity,
    #[error("the function says that the client is not authorized")]
    Unauthorized,
    #[error("the policy does not allow {INVOKE} on {resource}")]
    Denied {
        resource: String,
        /// A statement says so; otherwise none says anything.
        explicitly: bool,
    },
    /// There is nothing to ask, or it cannot be reached.
    #[error("{0}")]
    NotAsked(String),
    #[error("{0}")]
    Failed(String),
}

impl Authorizer {
    pub(crate) fn new(record: &AuthorizerRecord) -> Authorizer {
        let sources = record.identity_source.iter();
        Authorizer {
            name: record.name.clone(),
            uri: record.authorizer_uri.clone(),
            identity: sources
                .map(|source| IdentitySource::parse(source))
                .collect(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Asks the function about a handshake that brings all identity sources, and refuses any other.
    pub(crate) async fn ask(
        &self,
        event: &Event,
        handshake: &Handshake,
        functions: &Functions,
    ) -> Result<Authorized, AuthorizerRefusal> {
        let is_identified = |source: &IdentitySource| source.is_brought(event, handshake);
        // SOURCE: all sources must be there and not empty.
        let asked = if self.identity.iter().all(is_identified) {
            self.invoke(event, handshake, functions).await
        } else {
            Err(AuthorizerRefusal::NoIdentity)
        };
        note(event, asked.as_ref().err());
        asked
    }

    async fn invoke(
        &self,
        event: &Event,
        handshake: &Handshake,
        functions: &Functions,
    ) -> Result<Authorized, AuthorizerRefusal> {
        let resource = event.resource("$connect");
        let payload = lambda::authorizer_event(event, handshake, &resource);
        let invocation = self.invocation(event, payload)?;
        let began = Instant::now();
        let invoked = timeout(PATIENCE, functions.invoke(invocation)).await;
        let latency = began.elapsed();
        for name in ["authorizer.integrationLatency", "authorizer.latency"] {
            event.note(name, || latency.as_millis().to_string());
        }
        let seconds = PATIENCE.as_secs();
        let answer = invoked
            .map_err(|_| AuthorizerRefusal::Failed(format!("no answer within {seconds} s")))?
            .map_err(|error| AuthorizerRefusal::NotAsked(error.to_string()))?;
        // SOURCE: the Invoke API: whatever the function did, the invocation itself went well.
        event.note("authorizer.integrationStatus", || "200".to_owned());
        if let Some(id) = &answer.request_id {
            event.note("authorizer.requestId", || id.clone());
        }
        let began = Instant::now();
        let outcome = read(&answer, &resource, latency);
        if matches!(outcome, Ok(_) | Err(AuthorizerRefusal::Denied { .. })) {
            let denied = outcome.as_ref().err().map(AuthorizerRefusal::in_words);
            event.attempted(&AUTHORIZE, began, denied.as_ref());
        }
        outcome
    }

    fn invocation(&self, event: &Event, payload: Bytes) -> Result<Invocation, AuthorizerRefusal> {
        let named = mapping::function(self.uri.as_deref(), event);
        let named = named.map_err(|error| AuthorizerRefusal::NotAsked(error.to_string()))?;
        let function = FunctionName::parse(&named).ok_or_else(|| {
            AuthorizerRefusal::NotAsked("its URI does not name a function".to_owned())
        })?;
        Ok(Invocation {
            function,
            payload,
            mode: Mode::Wait,
            trace_id: Some(format!("{};Sampled=0", ids::trace(event.requested_at))),
        })
    }
}

impl IdentitySource {
    /// SOURCE: service model, `Authorizer.identitySource`.
    fn parse(text: &str) -> IdentitySource {
        let after = |prefix: &str| text.strip_prefix(prefix).map(str::to_owned);
        if let Some(name) = after("route.request.header.") {
            return IdentitySource::Header(name);
        }
        if let Some(name) = after("route.request.querystring.") {
            return IdentitySource::QueryString(name);
        }
        if let Some(name) = after("stageVariables.") {
            return IdentitySource::StageVariable(name);
        }
        after("context.").map_or(IdentitySource::Unknown, IdentitySource::Context)
    }

    /// True when the handshake has the identity source, and not empty. Of several values the last counts. GUESS: of a
    /// header too.
    fn is_brought(&self, event: &Event, handshake: &Handshake) -> bool {
        let value = match self {
            IdentitySource::Header(name) if forwarding::is_mark(name) => return true,
            IdentitySource::Header(name) => handshake.header(name).last(),
            IdentitySource::QueryString(name) => handshake.query_values(name).last(),
            IdentitySource::StageVariable(name) => event.stage_variable(name).map(str::to_owned),
            IdentitySource::Context(name) if NEVER_BROUGHT.contains(&name.as_str()) => None,
            IdentitySource::Context(name) => event.context(name),
            IdentitySource::Unknown => None,
        };
        value.is_some_and(|value| !value.is_empty())
    }
}

impl AuthorizerRefusal {
    /// Returns the refusal that the client gets.
    ///
    /// What keeps the function from being asked is told as that API Gateway may not invoke it, which is what is nearest
    /// to it on AWS. GUESS: a function that failed is told as one whose answer is malformed.
    pub(crate) fn in_words(&self) -> Refusal {
        match self {
            AuthorizerRefusal::NoIdentity | AuthorizerRefusal::Unauthorized => {
                Refusal::new(ResponseType::Unauthorized, UNAUTHORIZED)
            }
            AuthorizerRefusal::Denied { explicitly, .. } => {
                let why = why_denied(*explicitly);
                let message = format!("User is not authorized to access this resource {why}");
                Refusal::new(ResponseType::AccessDenied, message)
            }
            AuthorizerRefusal::NotAsked(_) => Refusal::new(
                ResponseType::AuthorizerConfigurationError,
                "Internal server error",
            ),
            AuthorizerRefusal::Failed(_) => Refusal::new(ResponseType::AuthorizerFailure, ""),
        }
    }
}

/// Notes for the access log how asking the function went. GUESS: the statuses.
fn note(event: &Event, refusal: Option<&AuthorizerRefusal>) {
    let (status, error) = match refusal {
        // What a policy says is of the authorization, not of the authorizer.
        None | Some(AuthorizerRefusal::Denied { .. }) => ("200", None),
        // Nobody was to be asked.
        Some(AuthorizerRefusal::NoIdentity) => return,
        Some(AuthorizerRefusal::Unauthorized) => ("401", Some(UNAUTHORIZED)),
        Some(AuthorizerRefusal::NotAsked(reason) | AuthorizerRefusal::Failed(reason)) => {
            ("500", Some(reason.as_str()))
        }
    };
    event.note("authorizer.status", || status.to_owned());
    if let Some(error) = error {
        event.note("authorizer.error", || error.to_owned());
    }
}

/// Reads the answer of a function that took so long.
fn read(
    answer: &InvocationResponse,
    resource: &str,
    latency: Duration,
) -> Result<Authorized, AuthorizerRefusal> {
    let failed = |reason: &str| AuthorizerRefusal::Failed(reason.to_owned());
    if answer.payload.len() > ANSWER_BYTES {
        return Err(failed("the function's answer is longer than 8 KB"));
    }
    let value: Value = serde_json::from_slice(&answer.payload)
        .map_err(|_| failed("the function's answer is not JSON"))?;
    if answer.function_error.is_some() {
        // SOURCE: the guide: exactly this text.
        return Err(match value["errorMessage"].as_str() {
            Some(UNAUTHORIZED) => AuthorizerRefusal::Unauthorized,
            _ => AuthorizerRefusal::Failed(lambda::thrown(&value)),
        });
    }
    let policy = policy_of(&value).map_err(AuthorizerRefusal::Failed)?;
    let members = read_members(&value).map_err(failed)?;
    let usage_key = match &value["usageIdentifierKey"] {
        Value::Null => None,
        Value::String(key) => Some(key.clone()),
        _ => return Err(failed("the usageIdentifierKey is no text")),
    };
    let decision = policy.decide(INVOKE, resource);
    if decision != Decision::Allowed {
        return Err(AuthorizerRefusal::Denied {
            resource: resource.to_owned(),
            explicitly: decision == Decision::Denied,
        });
    }
    Ok(Authorized {
        context: AuthorizerContext { members, latency },
        usage_key,
    })
}

/// Reads the policy in a function's answer, or says what is wrong with it.
fn policy_of(answer: &Value) -> Result<Policy, String> {
    let Some(members) = answer.as_object() else {
        return Err("the function's answer is no object".to_owned());
    };
    match &answer["policyDocument"] {
        Value::Null if members.contains_key("isAuthorized") => {
            Err("the function's answer is the simple one of HTTP APIs, which WebSocket APIs do not read".to_owned())
        }
        Value::Object(_) => {
            Policy::read(&answer["policyDocument"]).map_err(|error| error.to_string())
        }
        Value::Null => Err("the function's answer has no policyDocument".to_owned()),
        _ => Err("the policyDocument in the function's answer is no object".to_owned()),
    }
}

/// Reads the context and the principal in a function's answer, or says what is wrong with them. GUESS: a principal that the
/// context names is none, and one may be `true`.
fn read_members(answer: &Value) -> Result<Vec<(String, String)>, &'static str> {
    const PRINCIPAL: &str = "principalId";
    let mut members = Vec::new();
    match &answer["context"] {
        Value::Null => {}
        Value::Object(context) => {
            for (name, value) in context {
                let text = scalar_text(value, "the context holds an object or a list")?;
                members.extend(text.map(|text| (name.clone(), text)));
            }
        }
        _ => return Err("the context in the function's answer is no object"),
    }
    let principal = scalar_text(&answer[PRINCIPAL], "the principalId is an object or a list")?;
    members.retain(|(name, _)| name != PRINCIPAL);
    members.extend(principal.map(|principal| (PRINCIPAL.to_owned(), principal)));
    Ok(members)
}

/// Returns a value as text, and nothing of a null; or `otherwise`, of an object or a list.
fn scalar_text(value: &Value, otherwise: &'static str) -> Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(_) | Value::Bool(_) => Ok(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(otherwise),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::gateway::data::{fixture, message::event::Kind};

    const RESOURCE: &str = "arn:aws:execute-api:us-east-1:000000000000:a1/prod/$connect";
    const LATENCY: Duration = Duration::from_millis(21);

    #[test]
    fn an_identity_source_is_there_if_it_is_not_empty() {
        let event = fixture::connect_event(
            "token=t&empty=&a=&a=1&b=1&b=",
            &[("x-auth", "a"), ("x-empty", "")],
        );
        let Kind::Connect(handshake) = &event.kind else {
            unreachable!("invariant: it is a connect");
        };
        for (source, is_brought) in [
            ("route.request.header.X-Auth", true),
            ("route.request.header.x-auth", true),
            ("route.request.header.x-empty", false),
            ("route.request.header.absent", false),
            ("route.request.header.X-Forwarded-For", true),
            ("route.request.header.x-amzn-trace-id", true),
            ("route.request.querystring.token", true),
            ("route.request.querystring.Token", false),
            ("route.request.querystring.empty", false),
            // The last of several values counts.
            ("route.request.querystring.a", true),
            ("route.request.querystring.b", false),
            ("stageVariables.host", true),
            ("stageVariables.absent", false),
            ("context.identity.sourceIp", true),
            ("context.connectionId", true),
            ("context.connectedAt", true),
            ("context.requestTimeEpoch", true),
            ("context.routeKey", true),
            // They are there, and let nobody in.
            ("context.eventType", false),
            ("context.messageDirection", false),
            ("context.messageId", false),
            ("context.absent", false),
            ("method.request.header.x-auth", false),
            ("token", false),
            ("", false),
        ] {
            let source_read = IdentitySource::parse(source);
            assert_eq!(
                source_read.is_brought(&event, handshake),
                is_brought,
                "{source}"
            );
        }
    }

    fn allow(more: &Value) -> Value {
        let mut answer = json!({
            "principalId": "me",
            "policyDocument": {"Version": "2012-10-17", "Statement": [
                {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": RESOURCE},
            ]},
        });
        for (name, value) in more.as_object().unwrap() {
            answer[name] = value.clone();
        }
        answer
    }

    fn outcome(
        payload: &str,
        function_error: Option<&str>,
    ) -> Result<Authorized, AuthorizerRefusal> {
        let answer = InvocationResponse {
            payload: Bytes::from(payload.to_owned()),
            function_error: function_error.map(str::to_owned),
            ..InvocationResponse::default()
        };
        read(&answer, RESOURCE, LATENCY)
    }

    fn said(answer: &Value) -> Result<Authorized, AuthorizerRefusal> {
        outcome(&answer.to_string(), None)
    }

    /// The members of the context that an allowing answer makes, with these members changed.
    #[track_caller]
    fn known(more: &Value) -> Vec<(String, String)> {
        said(&allow(more)).unwrap().context.members
    }

    fn texts(members: &[(&str, &str)]) -> Vec<(String, String)> {
        let members = members.iter();
        members
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn every_value_of_a_context_is_a_text_and_a_null_is_left_out() {
        let context = json!({"name": "ann", "n": 7, "half": 0.5, "is": true, "not": false, "empty": "", "none": null});
        assert_eq!(
            known(&json!({ "context": context })),
            texts(&[
                ("name", "ann"),
                ("n", "7"),
                ("half", "0.5"),
                ("is", "true"),
                ("not", "false"),
                ("empty", ""),
                ("principalId", "me"),
            ])
        );
        for nothing in [json!({}), json!({ "context": null })] {
            assert_eq!(known(&nothing), texts(&[("principalId", "me")]));
        }
    }

    #[test]
    fn a_principal_may_be_missing_and_is_a_text_otherwise() {
        for (principal, expected) in [
            (json!(null), None),
            (json!(""), Some("")),
            (json!("ann"), Some("ann")),
            (json!(7), Some("7")),
        ] {
            let expected = expected.map(|text| ("principalId", text));
            let expected = texts(expected.as_slice());
            assert_eq!(known(&json!({ "principalId": principal })), expected);
        }
        let mut missing = allow(&json!({}));
        missing.as_object_mut().unwrap().remove("principalId");
        assert_eq!(said(&missing).unwrap().context.members, texts(&[]));
        let other = json!({ "context": { "principalId": "another" } });
        assert_eq!(known(&other), texts(&[("principalId", "me")]));
        let mut of_context = allow(&other);
        of_context.as_object_mut().unwrap().remove("principalId");
        assert_eq!(said(&of_context).unwrap().context.members, texts(&[]));
    }

    #[test]
    fn an_answer_without_a_policy_is_told_by_what_it_is() {
        for (answer, why) in [
            (json!("yes"), "the function's answer is no object"),
            (
                json!({ "principalId": "me" }),
                "the function's answer has no policyDocument",
            ),
            (
                json!({ "isAuthorized": true }),
                "the function's answer is the simple one of HTTP APIs, which WebSocket APIs do not read",
            ),
            (
                json!({ "policyDocument": "Allow" }),
                "the policyDocument in the function's answer is no object",
            ),
        ] {
            let refused = said(&answer).unwrap_err();
            assert_eq!(refused, AuthorizerRefusal::Failed(why.to_owned()));
        }
    }

    #[test]
    fn an_answer_may_name_an_api_key_and_took_its_time() {
        for (key, expected) in [(json!("k1"), Some("k1")), (json!(null), None)] {
            let authorized = said(&allow(&json!({ "usageIdentifierKey": key }))).unwrap();
            assert_eq!(authorized.usage_key.as_deref(), expected);
            assert_eq!(authorized.context.latency, LATENCY);
        }
    }

    #[test]
    fn what_is_malformed_is_told_from_what_is_denied() {
        let statement = |effect: &str, resource: &str| {
            let statement =
                json!({"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource});
            allow(&json!({"policyDocument": {"Statement": [statement]}}))
        };
        let several = RESOURCE.replace("$connect", "*/*");
        for (denied, is_explicit) in [
            (statement("Deny", RESOURCE), true),
            (statement("Allow", &several), false),
            (allow(&json!({"policyDocument": {"Statement": []}})), false),
        ] {
            let Err(AuthorizerRefusal::Denied { explicitly, .. }) = said(&denied) else {
                panic!("not denied: {denied}");
            };
            assert_eq!(explicitly, is_explicit, "{denied}");
        }
        for malformed in [
            json!(null),
            json!("Allow"),
            json!({"unexpected": "not an answer"}),
            json!({"isAuthorized": true, "context": {"a": "1"}}),
            allow(&json!({"principalId": {"nested": "me"}})),
            allow(&json!({"principalId": ["me"]})),
            allow(&json!({"policyDocument": null})),
            allow(&json!({"policyDocument": "no policy"})),
            allow(&json!({"policyDocument": {"Statement": [{"Effect": "Allow"}]}})),
            statement("NotAnEffect", RESOURCE),
            allow(&json!({"context": []})),
            allow(&json!({"context": "no context"})),
            allow(&json!({"context": {"a": {"b": 1}}})),
            allow(&json!({"context": {"a": [1]}})),
            allow(&json!({"usageIdentifierKey": 1})),
        ] {
            assert!(
                matches!(said(&malformed), Err(AuthorizerRefusal::Failed(_))),
                "{malformed}"
            );
        }
        let deep = format!("{{\"policyDocument\":{}", "[".repeat(8000));
        for text in ["", "{", &"[".repeat(5000), &deep] {
            assert!(matches!(
                outcome(text, None),
                Err(AuthorizerRefusal::Failed(_))
            ));
        }
    }

    const WORDS: &[&str] = &[
        "principalId",
        "policyDocument",
        "context",
        "usageIdentifierKey",
        "Statement",
        "Effect",
        "Action",
        "Resource",
        "Allow",
        "Deny",
        "*",
        "errorMessage",
        "Unauthorized",
    ];

    proptest! {
        #[test]
        fn no_answer_but_an_allowing_one_lets_anybody_in(
            value in fixture::json(WORDS), instead in proptest::sample::select(WORDS), thrown in any::<bool>(),
        ) {
            let thrown = thrown.then_some("Unhandled");
            prop_assert!(outcome(&value.to_string(), thrown).is_err());
            let mut nearly = allow(&json!({}));
            nearly[instead] = value.clone();
            match outcome(&nearly.to_string(), thrown) {
                Ok(authorized) => {
                    prop_assert!(thrown.is_none());
                    let principal = &nearly["principalId"];
                    prop_assert!(!principal.is_object() && !principal.is_array());
                    let members = authorized.context.members;
                    let is_named = members.iter().any(|(name, _)| name == "principalId");
                    prop_assert!(is_named || principal.is_null());
                }
                Err(AuthorizerRefusal::Unauthorized) => prop_assert!(thrown.is_some()),
                Err(_) => {}
            }
        }
    }

    #[test]
    fn an_answer_has_eight_kilobytes() {
        let filled = |length: usize| {
            let empty = allow(&json!({"context": {"a": ""}})).to_string().len();
            allow(&json!({"context": {"a": "x".repeat(length - empty)}}))
        };
        assert!(said(&filled(ANSWER_BYTES)).is_ok());
        assert!(matches!(
            said(&filled(ANSWER_BYTES + 1)),
            Err(AuthorizerRefusal::Failed(_))
        ));
    }

    #[test]
    fn one_error_alone_means_unauthorized() {
        let thrown = |message: &str| {
            let payload = json!({"errorMessage": message, "errorType": "Error"});
            outcome(&payload.to_string(), Some("Unhandled"))
        };
        assert_eq!(thrown("Unauthorized"), Err(AuthorizerRefusal::Unauthorized));
        for message in [
            "unauthorized",
            "Unauthorized: no",
            "Error: Unauthorized",
            "",
        ] {
            assert!(
                matches!(thrown(message), Err(AuthorizerRefusal::Failed(_))),
                "{message}"
            );
        }
        // Said rather than thrown, it means nothing.
        assert!(matches!(
            outcome("\"Unauthorized\"", None),
            Err(AuthorizerRefusal::Failed(_))
        ));
    }

    #[test]
    fn each_refusal_has_its_status_and_its_words() {
        let failed = || "why".to_owned();
        let denied = |explicitly| AuthorizerRefusal::Denied {
            resource: RESOURCE.to_owned(),
            explicitly,
        };
        for (refusal, status, words) in [
            (AuthorizerRefusal::NoIdentity, 401, "Unauthorized"),
            (AuthorizerRefusal::Unauthorized, 401, "Unauthorized"),
            (
                denied(true),
                403,
                "User is not authorized to access this resource with an explicit deny in an identity-based policy",
            ),
            (
                denied(false),
                403,
                "User is not authorized to access this resource because no identity-based policy allows the \
                 execute-api:Invoke action",
            ),
            (AuthorizerRefusal::Failed(failed()), 500, ""),
            (
                AuthorizerRefusal::NotAsked(failed()),
                500,
                "Internal server error",
            ),
        ] {
            let told = refusal.in_words();
            assert_eq!(
                (told.status.as_u16(), told.message.as_str()),
                (status, words)
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_does_not_answer_is_not_waited_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = crate::gateway::LambdaOptions {
            endpoint: Some(format!("http://{address}").parse().unwrap()),
            ..crate::gateway::LambdaOptions::default()
        };
        let functions = Functions::new(&options, address);
        let authorizer = Authorizer {
            name: "guard".to_owned(),
            uri: Some(
                "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/guard/invocations"
                    .to_owned(),
            ),
            identity: Vec::new(),
        };
        let event = fixture::connect_event("", &[]);
        let Kind::Connect(handshake) = &event.kind else {
            unreachable!("invariant: it is a connect");
        };
        let refused = authorizer.ask(&event, handshake, &functions).await;
        let late = AuthorizerRefusal::Failed("no answer within 29 s".to_owned());
        assert_eq!(refused, Err(late));
    }
}
