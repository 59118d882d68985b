//! Explanations of the frames that API Gateway sends of itself when a message got no answer from a backend.
//!
//! SOURCE: recorded on AWS, September 2026, for the form and for `Forbidden` and `Internal server error`; reported of AWS
//! for `Endpoint request timed out`. GUESS: that the others are sent, and in this form.

use serde_json::Value;

use super::Explanation;
use crate::model::{Definition, gateway_response::GatewayResponse, host, text::printable};

/// What is known of the message that such a frame may answer: the last one that was sent before it.
#[derive(Debug, Clone, Copy, Default)]
pub struct LastMessage<'a> {
    /// The message; none where none was sent.
    pub payload: Option<&'a [u8]>,
    /// The expression that selects a message's route.
    pub expression: Option<&'a str>,
    /// The URL that the connection went to.
    pub url: &'a str,
    /// The definition that the stage serves, where it is known.
    pub served: Option<&'a Definition>,
    /// The draft, where it is known.
    pub draft: Option<&'a Definition>,
}

/// Explains a frame of the gateway's own; the title says in a few words what its message means.
pub fn error_frame(response: &GatewayResponse, last: &LastMessage<'_>) -> Explanation {
    let (title, text) = match response.message.as_str() {
        "Forbidden" => no_route(last),
        "Internal server error" => failed(last),
        "Endpoint request timed out" => {
            let what = last.integration();
            (
                format!("{} too slow", what.short),
                format!(
                    "{} did not answer within its timeout, 29 s at most. {}",
                    what.full,
                    last.where_the_reason_is()
                ),
            )
        }
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
            format!(
                "The gateway answered this by itself, in a backend's place. {}",
                last.where_the_reason_is()
            ),
        ),
    };
    Explanation { title, text }
}

/// The words for an integration: in a title, and at the start of a sentence.
struct Integration {
    short: String,
    full: String,
}

fn no_route(last: &LastMessage<'_>) -> (String, String) {
    let Some(key) = last.key().filter(|key| !last.serves(key)) else {
        return (
            "no such route, no $default".to_owned(),
            "What the stage serves has no route for the message and no $default.".to_owned(),
        );
    };
    let way_on = if last
        .draft
        .is_some_and(|draft| draft.routes.contains_key(&key))
    {
        "; the draft has that route: deploy it"
    } else {
        ""
    };
    let key = printable(&key);
    (
        format!("no route \"{key}\", no $default"),
        format!(
            "What the stage serves has no route for the message and no $default. The last message sent selects route \"{key}\"{way_on}."
        ),
    )
}

fn failed(last: &LastMessage<'_>) -> (String, String) {
    let what = last.integration();
    (
        format!("{} failed", what.short),
        format!(
            "{} failed: a function threw, is not there or may not be invoked, a backend was not reached, or its answer made no sense. {}",
            what.full,
            last.where_the_reason_is()
        ),
    )
}

impl LastMessage<'_> {
    /// Returns what the message selects by the expression.
    fn key(&self) -> Option<String> {
        selected(self.expression?, self.payload?)
    }

    /// True when the stage is known to serve a route.
    fn serves(&self, key: &str) -> bool {
        self.served
            .is_some_and(|served| served.routes.contains_key(key))
    }

    /// Returns the words for the integration that was to take the message.
    fn integration(&self) -> Integration {
        let route = match self.key() {
            Some(key) if self.serves(&key) || self.served.is_none() => {
                Some(format!("\"{}\"", printable(&key)))
            }
            _ if self.serves("$default") => Some("$default".to_owned()),
            _ => None,
        };
        match route {
            Some(route) => Integration {
                short: format!("integration of {route}"),
                full: format!("The integration of route {route}"),
            },
            None => Integration {
                short: "its integration".to_owned(),
                full: "The integration of the route".to_owned(),
            },
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

    fn sent<'a>(payload: &'a str, url: &'a str) -> LastMessage<'a> {
        LastMessage {
            payload: Some(payload.as_bytes()),
            expression: Some("$request.body.action"),
            url,
            served: None,
            draft: None,
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
        let nope = sent(r#"{"action":"nope"}"#, AWS);
        let frame = told("Forbidden", &nope);
        assert_eq!(frame.title, "no route \"nope\", no $default");
        assert_eq!(
            frame.text,
            "What the stage serves has no route for the message and no $default. The last message sent selects route \"nope\"."
        );
        for unknown in ["hello", r#"{"action":{}}"#, "{}"] {
            let frame = told("Forbidden", &sent(unknown, AWS));
            assert_eq!(frame.title, "no such route, no $default");
        }
    }

    #[test]
    fn a_route_that_only_the_draft_has_is_told_to_be_deployed() {
        let (served, draft) = (definition(&["ping"]), definition(&["ping", "join"]));
        let last = LastMessage {
            served: Some(&served),
            draft: Some(&draft),
            ..sent(r#"{"action":"join"}"#, AWS)
        };
        let text = told("Forbidden", &last).text;
        assert!(
            text.ends_with("the draft has that route: deploy it."),
            "{text}"
        );
        // Another message than the last one must have been refused.
        let last = LastMessage {
            payload: Some(br#"{"action":"ping"}"#),
            ..last
        };
        assert_eq!(told("Forbidden", &last).title, "no such route, no $default");
    }

    #[test]
    fn a_failed_integration_is_named_and_where_its_reason_is() {
        let boom = r#"{"action":"boom"}"#;
        let frame = told("Internal server error", &sent(boom, AWS));
        assert_eq!(frame.title, "integration of \"boom\" failed");
        assert!(
            frame
                .text
                .starts_with("The integration of route \"boom\" failed:"),
            "{frame:?}"
        );
        let group = "The log group /aws/apigateway/k3v9x2a1bc/prod says how";
        assert!(frame.text.contains(group), "{frame:?}");
        let local = told(
            "Internal server error",
            &sent(boom, "ws://127.0.0.1:4566/a1/test"),
        );
        assert!(
            local.text.ends_with("The log of the gateway says how."),
            "{local:?}"
        );
        let served = definition(&["$default"]);
        let last = LastMessage {
            served: Some(&served),
            ..sent(boom, AWS)
        };
        let title = told("Internal server error", &last).title;
        assert_eq!(title, "integration of $default failed");
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
    fn what_a_message_selects_cannot_reach_the_terminal_raw() {
        let frame = told("Forbidden", &sent(r#"{"action":"\u001b[2J"}"#, AWS));
        assert!(frame.title.contains("\\u{1b}[2J"), "{frame:?}");
        assert!(!frame.text.contains('\u{1b}'));
    }
}
