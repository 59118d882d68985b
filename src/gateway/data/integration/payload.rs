//! Payloads on their way through an integration that is no proxy: the templates that make them, the passthrough without
//! a template, and the conversion of binary data.

use std::{borrow::Cow, collections::BTreeMap, sync::OnceLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::Value;

use super::{
    failure::{Failure, Trouble},
    template::{self, BadTemplate, Parameters, Template},
};
use crate::gateway::{
    data::message::{
        event::Event,
        plan::{Choice, ContentHandling, IntegrationPlan, Passthrough, ResponsePlan},
        selection::Facts,
    },
    outbound::BackendResponse,
};

/// Makes the body of a request: the rendered template, or the message as it is.
pub(crate) fn of_request(plan: &IntegrationPlan, event: &Event) -> Result<String, Failure> {
    let facts = facts_of(plan.templates.reads_body(), event);
    let passes = match plan.templates.choose(facts) {
        Choice::Template(template) => return render(template, &OfMessage { event }),
        Choice::NoMatch => plan.passthrough == Passthrough::WhenNoMatch,
        Choice::NoTemplates => plan.passthrough != Passthrough::Never,
    };
    if passes {
        return Ok(event.body.as_str().to_owned());
    }
    Err(Failure::new(
        Trouble::UnsupportedMediaType,
        "no request template fits and the passthrough behaviour refuses the message",
    ))
}

/// Returns the bytes that a text becomes for the backend.
///
/// SOURCE: developer guide, "Working with binary media types": `CONVERT_TO_BINARY` decodes Base64. A message is a text,
/// so there is nothing to do for `CONVERT_TO_TEXT`. GUESS: what is no Base64 fails.
pub(crate) fn for_backend(
    handling: Option<ContentHandling>,
    text: Bytes,
) -> Result<Bytes, Failure> {
    match handling {
        Some(ContentHandling::ToBinary) => decode(&text),
        Some(ContentHandling::ToText) | None => Ok(text),
    }
}

/// Makes the body of the reply: the rendered template, or the backend's answer as it is.
pub(crate) fn of_response(
    response: &ResponsePlan,
    event: &Event,
    answer: &BackendResponse,
) -> Result<Bytes, Failure> {
    let body = for_client(response.content_handling, &answer.body)?;
    let mut facts = facts_of(response.templates.reads_body(), event);
    facts.response = Some((answer.status, &answer.headers));
    match response.templates.choose(facts) {
        Choice::NoTemplates | Choice::NoMatch => Ok(body),
        Choice::Template(template) => {
            let scope = OfAnswer::new(event, answer.status, &body);
            Ok(Bytes::from(render(template, &scope)?))
        }
    }
}

/// SOURCE: as above: `CONVERT_TO_TEXT` makes Base64 of binary data. GUESS: binary is what is no UTF-8, for the gateway
/// knows no media types; and the template sees what the conversion made.
fn for_client(handling: Option<ContentHandling>, body: &Bytes) -> Result<Bytes, Failure> {
    match handling {
        Some(ContentHandling::ToText) if std::str::from_utf8(body).is_err() => {
            Ok(Bytes::from(STANDARD.encode(body)))
        }
        Some(ContentHandling::ToBinary) => decode(body),
        Some(ContentHandling::ToText) | None => Ok(body.clone()),
    }
}

fn decode(text: &[u8]) -> Result<Bytes, Failure> {
    let decoded = STANDARD.decode(text.trim_ascii());
    decoded
        .map(Bytes::from)
        .map_err(|_| Failure::failed("the payload is to become binary, but is no Base64"))
}

fn facts_of(reads_body: bool, event: &Event) -> Facts<'_> {
    Facts {
        body: if reads_body { event.json() } else { None },
        response: None,
    }
}

fn render(
    template: &Result<Template, BadTemplate>,
    scope: &dyn template::Scope,
) -> Result<String, Failure> {
    template
        .as_ref()
        .map_err(BadTemplate::clone)
        .and_then(|template| template.render(scope))
        .map_err(|error| Failure::failed(error.to_string()))
}

/// The scope of a request template.
struct OfMessage<'a> {
    event: &'a Event,
}

impl template::Scope for OfMessage<'_> {
    fn input(&self) -> &str {
        self.event.body.as_str()
    }
    fn input_json(&self) -> Option<&Value> {
        self.event.json()
    }
    fn context(&self, name: &str) -> Option<String> {
        self.event.context(name)
    }
    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.event.serving.stage.stage_variables
    }
    fn parameters(&self) -> Parameters {
        self.event.parameters()
    }
}

/// The scope of a response template: there `$input` is the integration's answer.
struct OfAnswer<'a> {
    event: &'a Event,
    status: u16,
    body: Cow<'a, str>,
    json: OnceLock<Option<Value>>,
}

impl<'a> OfAnswer<'a> {
    fn new(event: &'a Event, status: u16, body: &'a [u8]) -> OfAnswer<'a> {
        OfAnswer {
            event,
            status,
            body: String::from_utf8_lossy(body),
            json: OnceLock::new(),
        }
    }
}

impl template::Scope for OfAnswer<'_> {
    fn input(&self) -> &str {
        &self.body
    }
    fn input_json(&self) -> Option<&Value> {
        self.json
            .get_or_init(|| serde_json::from_str(&self.body).ok())
            .as_ref()
    }
    fn context(&self, name: &str) -> Option<String> {
        match name {
            // GUESS: which status the documentation means.
            "status" => Some(self.status.to_string()),
            _ => self.event.context(name),
        }
    }
    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.event.serving.stage.stage_variables
    }
    fn parameters(&self) -> Parameters {
        self.event.parameters()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderMap;

    use super::*;
    use crate::{
        gateway::{
            access::Credential,
            data::{
                fixture,
                handshake::caller::{AuthorizerContext, Caller},
            },
        },
        model::Secret,
    };

    #[track_caller]
    fn check_passthrough(behaviour: &str, keys: &[&str], passes: bool) {
        let mut mock = fixture::mock("i1", "");
        mock.integration.passthrough_behavior = behaviour.to_owned();
        mock.integration.template_selection_expression = Some("none".to_owned());
        let templates = keys.iter().map(|key| ((*key).to_owned(), "T".to_owned()));
        mock.integration.request_templates = Some(templates.collect());
        let made = of_request(&IntegrationPlan::new(&mock), &fixture::message_event("raw"));
        let expected = if passes {
            Ok("raw".to_owned())
        } else {
            Err(Trouble::UnsupportedMediaType)
        };
        let made = made.map_err(|failure| failure.trouble);
        assert_eq!(made, expected, "{behaviour} {keys:?}");
    }

    #[test]
    fn what_fits_no_template_passes_or_not() {
        for (behaviour, without_templates, without_match) in [
            ("WHEN_NO_MATCH", true, true),
            ("WHEN_NO_TEMPLATES", true, false),
            ("NEVER", false, false),
        ] {
            check_passthrough(behaviour, &[], without_templates);
            check_passthrough(behaviour, &["other"], without_match);
        }
    }

    #[track_caller]
    fn check_template(expression: Option<&str>, keys: &[&str], expected: &str) {
        let mut mock = fixture::mock("i1", "");
        mock.integration.template_selection_expression = expression.map(str::to_owned);
        let templates = keys
            .iter()
            .map(|key| ((*key).to_owned(), (*key).to_owned()));
        mock.integration.request_templates = Some(templates.collect());
        let event = fixture::message_event(r#"{"action":"a"}"#);
        let made = of_request(&IntegrationPlan::new(&mock), &event).unwrap();
        assert_eq!(made, expected, "{expression:?} {keys:?}");
    }

    #[test]
    fn the_expression_names_the_template() {
        // A dollar sign in a template's text stands for itself where no name follows that it knows.
        check_template(Some("${request.body.action}"), &["a", "$default"], "a");
        check_template(Some("a"), &["a", "$default"], "a");
        check_template(Some("b"), &["a", "$default"], "$default");
        check_template(Some("\\$default"), &["a", "$default"], "$default");
        check_template(None, &["application/json", "$default"], "$default");
        check_template(None, &["application/json"], "application/json");
        check_template(None, &["a"], r#"{"action":"a"}"#);
    }

    #[test]
    fn the_backend_gets_binary_data_on_request() {
        let convert = |handling, text: &'static str| {
            let made = for_backend(handling, Bytes::from_static(text.as_bytes()));
            made.map_err(|failure| failure.trouble)
        };
        let to_binary = Some(ContentHandling::ToBinary);
        assert_eq!(
            convert(to_binary, "/wD+\n").unwrap().as_ref(),
            b"\xff\x00\xfe"
        );
        assert_eq!(convert(to_binary, "?"), Err(Trouble::Failed));
        for handling in [None, Some(ContentHandling::ToText)] {
            assert_eq!(convert(handling, "/wD+").unwrap().as_ref(), b"/wD+");
        }
    }

    #[track_caller]
    fn check_reply(handling: &str, template: Option<&str>, body: &'static [u8], expected: &[u8]) {
        let mut record = fixture::response("$default", template);
        record.content_handling_strategy = Some(handling.to_owned());
        let answer = BackendResponse {
            status: 207,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body),
        };
        let event = fixture::message_event("{}");
        let made = of_response(&ResponsePlan::new(&record), &event, &answer).unwrap();
        assert_eq!(made.as_ref(), expected);
    }

    #[test]
    fn the_client_gets_binary_data_as_a_text_on_request() {
        check_reply("CONVERT_TO_TEXT", None, b"\xff\x00\xfe", b"/wD+");
        check_reply("CONVERT_TO_TEXT", None, b"text", b"text");
        check_reply(
            "CONVERT_TO_TEXT",
            Some("<$input.body>"),
            b"\xff\x00\xfe",
            b"</wD+>",
        );
        check_reply("CONVERT_TO_BINARY", None, b"dGV4dA==", b"text");
    }

    #[test]
    fn the_answer_and_the_message_pick_the_template_of_the_reply() {
        let mut headers = HeaderMap::new();
        headers.append("x-kind", "b".parse().unwrap());
        headers.append("x-kind", "c".parse().unwrap());
        let answer = BackendResponse {
            status: 207,
            headers,
            body: Bytes::from_static(br#"{"action":"never looked at"}"#),
        };
        let event = fixture::message_event(r#"{"action":"a"}"#);
        let keys = ["a", "207", "b", "[b, c]", "a/207", "$default"];
        for (expression, expected) in [
            (Some("${request.body.action}"), "a"),
            (Some("$request.body.action"), "a"),
            (Some("${integration.response.statuscode}"), "207"),
            (Some("${integration.response.header.X-Kind}"), "b"),
            (
                Some("${integration.response.multivalueheader.x-kind}"),
                "[b, c]",
            ),
            (
                Some("${request.body.action}/${integration.response.statuscode}"),
                "a/207",
            ),
            (Some("207"), "207"),
            (Some("\\$default"), "$default"),
            (Some("${request.body.none}"), "$default"),
            (Some("other"), "$default"),
            (None, "$default"),
        ] {
            let mut record = fixture::response("$default", None);
            record.template_selection_expression = expression.map(str::to_owned);
            let templates = keys.map(|key| (key.to_owned(), format!("<{key}>")));
            record.response_templates = Some(templates.into());
            let made = of_response(&ResponsePlan::new(&record), &event, &answer).unwrap();
            assert_eq!(made, format!("<{expected}>"), "{expression:?}");
        }
    }

    /// Renders a request template for a message.
    fn rendered(event: &Event, template: &str) -> String {
        of_request(&IntegrationPlan::new(&fixture::mock("i1", template)), event).unwrap()
    }

    #[test]
    fn every_documented_member_of_context_is_there_or_empty() {
        let mut event = fixture::message_event("{}");
        event.routed("say");
        let known = |name: &str| {
            rendered(
                &event,
                &format!("[$context.{name}|${{context.{name}}}|$!context.{name}]"),
            )
        };
        let is = |name: &str, value: &str| {
            assert_eq!(known(name), format!("[{value}|{value}|{value}]"), "{name}");
        };
        for (name, value) in [
            ("apiId", "a1"),
            ("stage", "prod"),
            ("routeKey", "say"),
            ("eventType", "MESSAGE"),
            ("domainName", "127.0.0.1:4566/a1"),
            ("identity.sourceIp", "192.0.2.7"),
            ("identity.userAgent", "test/1"),
        ] {
            is(name, value);
        }
        for name in [
            "connectionId",
            "messageId",
            "requestId",
            "extendedRequestId",
            "connectedAt",
            "requestTime",
            "requestTimeEpoch",
        ] {
            is(name, &event.context(name).unwrap());
        }
        let unknown = [
            "status",
            "error.messageString",
            "error.validationErrorString",
            "authorizer.principalId",
            "authorizer.room",
            "identity.accountId",
            "identity.apiKey",
            "identity.apiKeyId",
            "identity.caller",
            "identity.cognitoAuthenticationProvider",
            "identity.cognitoAuthenticationType",
            "identity.cognitoIdentityId",
            "identity.cognitoIdentityPoolId",
            "identity.user",
            "identity.userArn",
        ];
        for name in unknown {
            is(name, "");
        }
        let said = [("principalId", "ann"), ("room", "1"), ("is", "true")];
        let members = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
        event.connection.identify(Caller {
            credential: Some(Arc::new(Credential {
                access_key_id: "AKID".to_owned(),
                secret_access_key: Secret::new("secret"),
                session_token: None,
                user: "alice".to_owned(),
                policy: None,
            })),
            authorizer: Some(Box::new(AuthorizerContext {
                members: members.to_vec(),
                ..AuthorizerContext::default()
            })),
            api_key: None,
        });
        for (name, value) in [
            ("authorizer.principalId", "ann"),
            ("authorizer.room", "1"),
            ("authorizer.is", "true"),
            ("authorizer.none", ""),
            ("identity.accountId", "000000000000"),
            ("identity.caller", "alice"),
            ("identity.user", "alice"),
            ("identity.userArn", "arn:aws:iam::000000000000:user/alice"),
        ] {
            is(name, value);
        }
        // What is stringified is a text: `true` is not the truth.
        let compared = "#if($context.authorizer.is == 'true')text#end#if($context.authorizer.room == '1')text#end";
        assert_eq!(rendered(&event, compared), "texttext");
        assert_eq!(
            rendered(&fixture::connect_event("", &[]), "[$context.messageId]"),
            "[]"
        );
        let end = rendered(
            &fixture::disconnect_event(1001, ""),
            "$context.eventType [$context.messageId]",
        );
        assert_eq!(end, "DISCONNECT []");
    }

    #[test]
    fn a_response_template_speaks_of_the_answer() {
        let template = "$context.status $input.path('$.a') $context.eventType $stageVariables.host";
        let expected = b"207 1 MESSAGE backend.example";
        check_reply("CONVERT_TO_TEXT", Some(template), br#"{"a":1}"#, expected);
    }
}
