//! Explanations of the frames that API Gateway sends of itself when a message got no answer from a backend.
//!
//! SOURCE: recorded on AWS, September 2026, for the form and for `Forbidden` and `Internal server error`; reported of AWS
//! for `Endpoint request timed out`. GUESS: that the others are sent, and in this form.

use serde_json::Value;

use super::Explanation;
use crate::model::{Definition, Signing, gateway_response::GatewayResponse, host, text::printable};

/// The longest route key that is quoted whole, in characters.
const KEY_CHARS: usize = 60;

/// What is known of the message that such a frame may answer: the last one before it.
#[derive(Debug, Clone, Copy, Default)]
pub struct LastMessage<'a> {
    /// The message; none where another one may as well be answered.
    pub payload: Option<&'a [u8]>,
    /// The URL that the connection went to.
    pub url: &'a str,
    /// The signing of the handshake.
    pub signing: Signing,
    /// The definition that the stage serves, where it is known.
    pub served: Option<&'a Definition>,
    /// The draft, where it is known.
    pub draft: Option<&'a Definition>,
}

/// Explains a frame of the gateway's own; the title says in a few words what its message means.
pub fn error_frame(response: &GatewayResponse, last: &LastMessage<'_>) -> Explanation {
    let reason = last.where_the_reason_is();
    let (title, text) = match response.message.as_str() {
        "Forbidden" => forbidden(last),
        "Internal server error" => (
            "integration failed".to_owned(),
            format!(
                "The integration of the message's route failed: a function threw, is not there or may not be invoked, a backend was not reached, or its answer made no sense.{} {reason}",
                last.selects()
            ),
        ),
        // It comes up to 29 s later: the last message need not be the slow one.
        "Endpoint request timed out" => (
            "integration too slow".to_owned(),
            format!(
                "The integration of a message's route did not answer within its timeout, 29 s at most. {reason}"
            ),
        ),
        "Too Many Requests" => (
            "throttled, not handed on".to_owned(),
            "A throttle of the route, of the stage or of the account is used up, or set to 0: no integration got the message.".to_owned(),
        ),
        "Bad request body" => (
            "it does not fit its route's model".to_owned(),
            "The message does not fit the model that its route holds it to, and no integration got it. A local gateway's log says which rule it breaks.".to_owned(),
        ),
        "Unsupported Media Type" => (
            "no template takes it".to_owned(),
            "The integration has no request template for the message, and its passthroughBehavior lets none through without.".to_owned(),
        ),
        _ => (
            "the gateway's own words".to_owned(),
            format!("The gateway answered this by itself, in a backend's place. {reason}"),
        ),
    };
    Explanation { title, text }
}

/// A message without a route, or one whose route the credentials of the handshake may not call.
///
/// GUESS: that AWS answers the latter with the same frame, as the local gateway does.
fn forbidden(last: &LastMessage<'_>) -> (String, String) {
    const TITLE: &str = "no such route, no $default";
    const NO_ROUTE: &str = "What the stage serves has no route for the message and no $default";
    const DENIED: &str =
        "the credentials that signed the handshake may not call execute-api:Invoke on";
    let Some(served) = last.served else {
        let or = match last.signing {
            Signing::Unsigned => String::new(),
            Signing::Signed => format!(", or {DENIED} its route"),
        };
        return (TITLE.to_owned(), format!("{NO_ROUTE}{or}."));
    };
    let is_signed =
        last.signing == Signing::Signed || served.connect_authorization() == Some("AWS_IAM");
    match (last.route(), last.key()) {
        (Some(_), _) if is_signed => (
            "the route is not for these credentials".to_owned(),
            format!(
                "The stage serves a route for it, and {DENIED} that.{}",
                last.selects()
            ),
        ),
        (Some(_), _) => (
            TITLE.to_owned(),
            format!(
                "{NO_ROUTE}. By what is known it has one for the last message before it: another message was refused, or the stage serves something else by now.{}",
                last.selects()
            ),
        ),
        (None, Some(key)) => {
            let in_draft = last
                .draft
                .is_some_and(|draft| draft.routes.contains_key(&key));
            let way_on = if in_draft {
                "; the draft has that route: deploy it"
            } else {
                ""
            };
            let key = quoted(&key);
            (
                format!("no route {key}, no $default"),
                format!("{NO_ROUTE}. The last message before it selects route {key}{way_on}."),
            )
        }
        (None, None) => (TITLE.to_owned(), format!("{NO_ROUTE}.")),
    }
}

impl LastMessage<'_> {
    /// Returns what the message selects by what the stage serves; nothing selects a route that runs by itself.
    fn key(&self) -> Option<String> {
        let key = selected(&self.served?.route_selection_expression, self.payload?)?;
        (!matches!(key.as_str(), "$connect" | "$disconnect")).then_some(key)
    }

    /// Returns the route that the stage serves for the message, where there is one; whatever the message is,
    /// `$default` takes it.
    fn route(&self) -> Option<String> {
        let routes = &self.served?.routes;
        let own = self.key().filter(|key| routes.contains_key(key));
        own.or_else(|| {
            routes
                .contains_key("$default")
                .then(|| "$default".to_owned())
        })
    }

    /// Returns the sentence about the route that the message selects, after a blank; nothing where that is not known.
    fn selects(&self) -> String {
        match self.route().filter(|_| self.payload.is_some()) {
            Some(route) if route == "$default" => {
                " The last message before it selects $default.".to_owned()
            }
            Some(route) => format!(
                " The last message before it selects route {}.",
                quoted(&route)
            ),
            None => String::new(),
        }
    }

    fn where_the_reason_is(&self) -> String {
        let host = host::of_url(self.url);
        if host::is_api_of_aws(host) {
            let api = host.split('.').next().unwrap_or_default();
            let path = self.url.split(['?', '#']).next().unwrap_or_default();
            let stage = path.trim_end_matches('/').rsplit('/').next();
            return format!(
                "The log group /aws/apigateway/{}/{} says how, where the stage logs; a function's own log does too.",
                printable(api),
                printable(stage.unwrap_or_default())
            );
        }
        if host::is_loopback(host) {
            return "The log of the gateway says how.".to_owned();
        }
        "The log of the stage says how, where it logs, and that of the backend.".to_owned()
    }
}

/// Returns a route key in quotes, cut where it is long.
fn quoted(key: &str) -> String {
    let mut chars = key.chars();
    let start: String = chars.by_ref().take(KEY_CHARS).collect();
    let end = if chars.next().is_some() { "…" } else { "" };
    format!("\"{}{end}\"", printable(&start))
}

/// Returns what a message selects by an expression of the usual kind, `$request.body.` and members; none by any other, and
/// of a message that lacks the member.
fn selected(expression: &str, message: &[u8]) -> Option<String> {
    let path = expression.trim().strip_prefix('$')?;
    let path = path
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(path);
    let path = path.strip_prefix("request.body.")?;
    let message: Value = serde_json::from_slice(message).ok()?;
    let found = path
        .split('.')
        .try_fold(&message, |value, name| value.get(name))?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(found.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::definition::RouteDefinition;

    const AWS: &str = "wss://k3v9x2a1bc.execute-api.us-east-1.amazonaws.com/prod?t=1";

    fn definition(keys: &[&str]) -> Definition {
        let route = |key: &&str| ((*key).to_owned(), RouteDefinition::default());
        Definition {
            route_selection_expression: "$request.body.action".to_owned(),
            api_key_selection_expression: None,
            disable_execute_api_endpoint: false,
            routes: keys.iter().map(route).collect(),
            models: BTreeMap::new(),
        }
    }

    fn sent<'a>(payload: &'a str, served: &'a Definition) -> LastMessage<'a> {
        LastMessage {
            payload: Some(payload.as_bytes()),
            url: AWS,
            served: Some(served),
            ..LastMessage::default()
        }
    }

    fn told(message: &str, last: &LastMessage<'_>) -> Explanation {
        let response = GatewayResponse {
            message: message.to_owned(),
            ..GatewayResponse::default()
        };
        error_frame(&response, last)
    }

    #[test]
    fn forbidden_is_a_message_without_a_route_and_without_a_default() {
        let served = definition(&["ping"]);
        let nope = sent(r#"{"action":"nope"}"#, &served);
        let frame = told("Forbidden", &nope);
        assert_eq!(frame.title, "no route \"nope\", no $default");
        assert_eq!(
            frame.text,
            "What the stage serves has no route for the message and no $default. The last message before it selects route \"nope\"."
        );
        for unknown in [
            "hello",
            r#"{"action":{}}"#,
            "{}",
            r#"{"action":"$connect"}"#,
            r#"{"action":"$disconnect"}"#,
        ] {
            let last = LastMessage {
                draft: Some(&served),
                ..sent(unknown, &served)
            };
            let frame = told("Forbidden", &last);
            assert_eq!(frame.title, "no such route, no $default");
            assert!(frame.text.ends_with("no $default."), "{frame:?}");
        }
    }

    #[test]
    fn no_route_is_named_where_nobody_knows_what_is_served_or_which_message_is_meant() {
        let (served, draft) = (definition(&["ping"]), definition(&["ping", "join"]));
        let last = LastMessage {
            served: None,
            draft: Some(&draft),
            ..sent(r#"{"action":"join"}"#, &served)
        };
        let nobody = LastMessage {
            payload: None,
            ..sent("", &served)
        };
        for last in [&last, &nobody] {
            for message in ["Forbidden", "Internal server error"] {
                let frame = told(message, last);
                for name in ["join", "deploy it", "last message"] {
                    assert!(!frame.text.contains(name), "{frame:?}");
                    assert!(!frame.title.contains(name), "{frame:?}");
                }
            }
        }
    }

    #[test]
    fn a_route_that_only_the_draft_has_is_told_to_be_deployed() {
        let (served, draft) = (definition(&["ping"]), definition(&["ping", "join"]));
        let last = LastMessage {
            draft: Some(&draft),
            ..sent(r#"{"action":"join"}"#, &served)
        };
        let text = told("Forbidden", &last).text;
        assert!(
            text.ends_with("the draft has that route: deploy it."),
            "{text}"
        );
    }

    #[test]
    fn forbidden_for_a_route_that_is_served_is_another_message_or_another_definition() {
        let (ping, default) = (definition(&["ping"]), definition(&["$default"]));
        for served in [&ping, &default] {
            let frame = told("Forbidden", &sent(r#"{"action":"ping"}"#, served));
            assert!(
                frame.text.contains("or the stage serves something else"),
                "{frame:?}"
            );
        }
    }

    #[test]
    fn forbidden_after_a_signed_handshake_may_be_the_credentials() {
        let mut iam = definition(&["ping"]);
        let mut connect = RouteDefinition::default();
        let aws_iam = ("authorizationType".to_owned(), "AWS_IAM".to_owned());
        connect.settings.extend([aws_iam]);
        iam.routes.insert("$connect".to_owned(), connect);
        let text = told("Forbidden", &sent(r#"{"action":"ping"}"#, &iam)).text;
        assert!(text.contains("may not call execute-api:Invoke"), "{text}");
        assert!(text.ends_with("selects route \"ping\"."), "{text}");
        let text = told("Forbidden", &sent(r#"{"action":"nope"}"#, &iam)).text;
        assert!(!text.contains("execute-api:Invoke"), "{text}");
        let unknown = LastMessage {
            signing: Signing::Signed,
            ..LastMessage::default()
        };
        let text = told("Forbidden", &unknown).text;
        assert!(
            text.contains("no $default, or the credentials that signed"),
            "{text}"
        );
    }

    #[test]
    fn a_failed_integration_says_what_the_last_message_selects_and_where_the_reason_is() {
        let boom = r#"{"action":"boom"}"#;
        let served = definition(&["boom", "$default"]);
        let frame = told("Internal server error", &sent(boom, &served));
        assert_eq!(frame.title, "integration failed");
        assert!(
            frame
                .text
                .contains(" The last message before it selects route \"boom\"."),
            "{frame:?}"
        );
        let group = "The log group /aws/apigateway/k3v9x2a1bc/prod says how";
        assert!(frame.text.contains(group), "{frame:?}");
        let local = LastMessage {
            url: "ws://127.0.0.1:4566/a1/test",
            ..sent(r#"{"action":"else"}"#, &served)
        };
        let local = told("Internal server error", &local).text;
        assert!(
            local.ends_with("selects $default. The log of the gateway says how."),
            "{local}"
        );
    }

    #[test]
    fn a_timeout_names_no_message_because_it_comes_long_after() {
        let served = definition(&["ping"]);
        let frame = told(
            "Endpoint request timed out",
            &sent(r#"{"action":"ping"}"#, &served),
        );
        assert!(!frame.text.contains("ping"), "{frame:?}");
        assert_eq!(frame.title, "integration too slow");
    }

    #[test]
    fn each_frame_of_the_gateway_has_its_sentence() {
        for (message, part) in [
            ("Endpoint request timed out", "within its timeout"),
            ("Too Many Requests", "throttle"),
            ("Bad request body", "model"),
            ("Unsupported Media Type", "passthroughBehavior"),
            ("Something new", "by itself"),
        ] {
            let frame = told(message, &LastMessage::default());
            assert!(frame.text.contains(part), "{frame:?}");
        }
    }

    #[test]
    fn a_route_is_selected_by_members_of_the_body_and_by_nothing_else() {
        let selected = |expression, message: &str| selected(expression, message.as_bytes());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            selected("$request.body.action", r#"{"action":"a"}"#),
            some("a")
        );
        assert_eq!(
            selected("${request.body.a.b}", r#"{"a":{"b":7}}"#),
            some("7")
        );
        assert_eq!(selected("$request.body.a", r#"{"a":null}"#), None);
        assert_eq!(
            selected("$request.body.a/$request.body.b", r#"{"a":"x"}"#),
            None
        );
        assert_eq!(selected("$request.body.a", "no json"), None);
    }

    #[test]
    fn what_a_message_selects_is_cut_and_cannot_reach_the_terminal_raw() {
        let served = definition(&[]);
        let frame = told("Forbidden", &sent(r#"{"action":"\u001b[2J"}"#, &served));
        assert!(frame.title.contains("\\u{1b}[2J"), "{frame:?}");
        assert!(!frame.text.contains('\u{1b}'));
        let long = format!(r#"{{"action":"{}"}}"#, "x".repeat(100_000));
        let frame = told("Forbidden", &sent(&long, &served));
        assert!(frame.text.len() < 300, "{frame:?}");
        assert!(frame.title.contains("xxx…\""), "{frame:?}");
    }
}
