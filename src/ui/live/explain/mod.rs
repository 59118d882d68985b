//! Explanations of refused handshakes, failed links and closed connections: a sentence each, from what is known.
//!
//! Pure functions, which claim only what the facts prove and name several possible causes as such.

use jiff::SignedDuration;

use super::link::Sent;
use crate::model::{
    ApiDetail, Signing, StageName,
    limit::{FRAME_BYTES, IDLE_MINUTES, LIFETIME_HOURS, MESSAGE_BYTES},
    link::{Closed, LinkFailure, LinkStep, Refusal},
    text::{printable, printable_bytes},
};

/// An event of a link, and its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The event, in a few words.
    pub title: String,
    /// The meaning of the event and the way on, in a sentence or two.
    pub text: String,
}

/// The facts known about a connection when it closes.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloseFacts {
    /// The time that no message had crossed the connection.
    pub idle: SignedDuration,
    /// The time that the connection had lived.
    pub age: SignedDuration,
    /// The extremes of what we had sent.
    pub sent: Sent,
}

/// A handshake as it was sent.
#[derive(Debug, Clone, Copy)]
pub struct Handshake<'a> {
    /// The stage.
    pub stage: &'a StageName,
    /// The signing.
    pub signing: Signing,
}

/// Explains a refused handshake by what the answer and the control plane say.
pub fn refusal(
    refusal: &Refusal,
    handshake: Handshake<'_>,
    detail: Option<&ApiDetail>,
) -> Explanation {
    let Handshake { stage, signing } = handshake;
    let status = refusal.status;
    let title = refused(status);
    let text = match status {
        400 => "The handshake lacks something that the $connect route asks for, or its integration answered 400. The body says more.".to_owned(),
        401 => "The authorizer of $connect did not find what it looks for, or refused it. The handshake must bring its identity sources: headers or query parameters.".to_owned(),
        403 => match by_signature(refusal, signing) {
            Some(text) => text.to_owned(),
            None => forbidden(handshake, detail),
        },
        404 => format!("Nothing is served under this path. The URL must end in the stage, \"/{stage}\"."),
        410 => "What this URL named is gone.".to_owned(),
        426 => "The server did not see a WebSocket handshake. A proxy on the way may drop the Upgrade header.".to_owned(),
        429 => throttled(stage, detail),
        301 | 302 | 303 | 307 | 308 => "The server sends WebSocket clients elsewhere, which API Gateway never does by itself: this may be another server, or what the $connect integration answered.".to_owned(),
        500..=599 => connect_failed(detail),
        _ => "API Gateway hands on the status that the $connect integration answers. The body may say why.".to_owned(),
    };
    Explanation { title, text }
}

/// Explains a handshake that was refused by a stage which has not settled, so that it is tried again.
pub fn unsettled(refusal: &Refusal, stage: &StageName) -> Explanation {
    Explanation {
        title: refused(refusal.status),
        text: format!(
            "Stage \"{stage}\" was made a moment ago: AWS may refuse for up to 90 s, until all of it knows. It is tried again by itself."
        ),
    }
}

fn refused(status: u16) -> String {
    match status_name(status) {
        Some(name) => format!("refused: {status} {name}"),
        None => format!("refused: {status}"),
    }
}

/// Returns the headers, a blank line and the body of the answer to a refused handshake, line by line and safe to show.
pub fn refusal_lines(refusal: &Refusal) -> Vec<String> {
    let headers = refusal
        .headers
        .iter()
        .map(|(name, value)| format!("{}: {}", printable(name), printable(value)));
    let mut lines: Vec<String> = headers.collect();
    lines.push(String::new());
    if refusal.body.is_empty() {
        lines.push("(no body)".to_owned());
    } else {
        lines.extend(
            refusal
                .body
                .split(|byte| *byte == b'\n')
                .map(printable_bytes),
        );
    }
    lines
}

/// Explains a close frame.
pub fn close(closed: &Closed, facts: &CloseFacts) -> Explanation {
    let code = closed.code;
    let name = close_name(code);
    let title = if closed.by_us {
        format!("you closed: {code} {name}")
    } else {
        format!("closed: {code} {name}")
    };
    let mut text = if closed.by_us {
        "The gateway answered your close frame, so both sides are done.".to_owned()
    } else {
        close_by_gateway(code, facts)
    };
    if !closed.reason.is_empty() && !closed.by_us {
        text = format!("{text} It said: \"{}\".", printable(&closed.reason));
    }
    Explanation { title, text }
}

/// Explains a link that ended without a close frame.
pub fn failure(failure: &LinkFailure) -> Explanation {
    let (title, advice) = match failure.step {
        LinkStep::Rule(code) => {
            return Explanation {
                title: format!("we closed: {code} {}", close_name(code)),
                text: broken_rule(failure),
            };
        }
        LinkStep::Request => ("the URL or a header is wrong", "Nothing was sent."),
        LinkStep::Sign => (
            "not signed",
            "$connect asks for a signature (AWS_IAM), or you do, and the handshake could not be signed. Nothing was sent.",
        ),
        LinkStep::Resolve => (
            "host not found",
            "The name of the API's endpoint could not be looked up: the API may be deleted, of another region, or this machine has no DNS.",
        ),
        LinkStep::Connect => (
            "no connection",
            "Nobody answers at this address: is the gateway running, and does a firewall or proxy stand between?",
        ),
        LinkStep::Tls => (
            "TLS failed",
            "The other side could not prove who it is, or speaks another TLS.",
        ),
        LinkStep::Handshake => (
            "no WebSocket handshake",
            "The connection was there, but no proper HTTP answer came: this may not be a WebSocket server.",
        ),
        LinkStep::Open => (
            "lost: 1006",
            "The connection broke without a close frame: the network, a proxy, or the gateway's process went away.",
        ),
    };
    let text = match failure.causes.first() {
        Some(cause) => format!("{advice} ({})", printable(cause)),
        None => advice.to_owned(),
    };
    Explanation {
        title: title.to_owned(),
        text,
    }
}

fn broken_rule(failure: &LinkFailure) -> String {
    let what = match failure.causes.first() {
        Some(cause) => printable(cause),
        None => "the peer broke a rule".into(),
    };
    format!(
        "This side ended the connection: {what}. API Gateway does not do that, so something else answers there, or stands between; trying again would change nothing."
    )
}

/// Returns the name of a close code. SOURCE: RFC 6455 §7.4.1 and the IANA registry it starts.
pub fn close_name(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no status",
        1006 => "abnormal closure",
        1007 => "invalid text",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "extension missing",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS failed",
        3000..=3999 => "registered code",
        4000..=4999 => "private code",
        _ => "unknown code",
    }
}

fn close_by_gateway(code: u16, facts: &CloseFacts) -> String {
    match code {
        // SOURCE: DeleteConnection closes with 1000, see the captures behind "Connection Closed Normally".
        1000 => "The gateway ended the connection in good order, as it does when a backend calls DELETE on @connections.".to_owned(),
        1001 => going_away(facts),
        1002 => "The gateway says that our side broke the WebSocket protocol.".to_owned(),
        1003 if facts.sent.has_binary => "You sent a binary frame: API Gateway takes text only. Send the data as text, for example in base64.".to_owned(),
        1003 => "The gateway got data that it does not take: API Gateway takes text frames only.".to_owned(),
        1005 => "The gateway closed without saying why: its close frame had no code.".to_owned(),
        1007 => "The gateway got text that is not valid UTF-8.".to_owned(),
        1008 => "The connection broke a rule of the gateway; a policy or an authorizer may not allow this message.".to_owned(),
        1009 => too_big(&facts.sent),
        1011 | 1014 => "The gateway or something behind it failed.".to_owned(),
        1012 => "The gateway restarts. Reconnect in a moment.".to_owned(),
        1013 => "The gateway has too much to do. Reconnect in a moment.".to_owned(),
        3000..=4999 => "The meaning of this code is the application's own.".to_owned(),
        _ => "This code has no meaning that is written down.".to_owned(),
    }
}

fn going_away(facts: &CloseFacts) -> String {
    // A little less than the limit: our clock and the gateway's need not agree on when the last message was.
    let slack = SignedDuration::from_secs(15);
    if facts.age + slack >= SignedDuration::from_hours(LIFETIME_HOURS) {
        return format!(
            "A connection lives {LIFETIME_HOURS} hours at most, however busy it is. Reconnect to go on."
        );
    }
    if facts.idle + slack >= SignedDuration::from_mins(IDLE_MINUTES) {
        return format!(
            "No message crossed for {IDLE_MINUTES} minutes, so the gateway closed the idle connection. Any message in either direction keeps it open."
        );
    }
    format!(
        "It was neither idle for {IDLE_MINUTES} minutes nor {LIFETIME_HOURS} hours old: the stage or the API was deleted, the gateway stopped, or it is a local one whose time runs faster."
    )
}

fn too_big(sent: &Sent) -> String {
    let (frame, message) = (FRAME_BYTES as u64, MESSAGE_BYTES as u64);
    if sent.longest_frame > frame {
        format!(
            "You sent a frame of {} bytes, and a frame may have {} (32 KB). Sent normally, the message is split into frames that fit.",
            grouped(sent.longest_frame),
            grouped(frame)
        )
    } else if sent.longest_message > message {
        format!(
            "You sent a message of {} bytes, and a message may have {} (128 KB) over all its frames.",
            grouped(sent.longest_message),
            grouped(message)
        )
    } else {
        "The gateway calls something too big, but nothing over 32 KB a frame or 128 KB a message was sent from here.".to_owned()
    }
}

/// True for a handshake that is worth another try with a signature: the answer says that it lacks one, or gives no
/// reason.
pub fn may_lack_signature(refusal: &Refusal, signing: Signing) -> bool {
    let is_open = refusal.error_type().is_none_or(|kind| kind == MISSING);
    refusal.status == 403 && signing == Signing::Unsigned && is_open
}

/// The error type of a request without a signature.
const MISSING: &str = "MissingAuthenticationTokenException";

/// Returns the words for what a 403 says of the signature, if it does. SOURCE: the error types of REST APIs, which
/// WebSocket APIs share.
fn by_signature(refusal: &Refusal, signing: Signing) -> Option<&'static str> {
    Some(match (refusal.error_type()?, signing) {
        (MISSING, Signing::Unsigned) => UNSIGNED,
        ("InvalidSignatureException" | "IncompleteSignatureException", Signing::Signed) => {
            "The signature does not fit: the secret key belongs to another access key, this machine's clock is wrong, or something on the way changed the request."
        }
        ("UnrecognizedClientException", Signing::Signed) => {
            "The credentials that signed the handshake are not known there: the access key is gone, of another partition, or its session token is old. A local gateway knows those of its settings and of its environment."
        }
        ("AccessDeniedException", Signing::Signed) if is_of_a_user(refusal) => {
            "The credentials that signed the handshake may not call execute-api:Invoke on $connect of this stage: their policy must allow it."
        }
        _ => return None,
    })
}

/// True for a refusal in IAM's words, which name the user. SOURCE: AWS's articles about 403 on REST APIs: the error
/// type is the same where a Lambda authorizer denies, and its words name nobody.
fn is_of_a_user(refusal: &Refusal) -> bool {
    printable_bytes(&refusal.body).contains("User: arn:")
}

/// The words for a handshake that lacks a signature.
const UNSIGNED: &str =
    "$connect takes signed handshakes only (AWS_IAM), and this one is not signed.";

fn forbidden(handshake: Handshake<'_>, detail: Option<&ApiDetail>) -> String {
    let Handshake { stage, signing } = handshake;
    let Some(detail) = detail.filter(|detail| detail.stages.is_whole()) else {
        return "The stage does not exist or has no deployment, the endpoint is disabled, or an authorizer, IAM or an API key stands before $connect.".to_owned();
    };
    let Some(served) = detail.stage(stage) else {
        let names: Vec<&str> = detail.stages.iter().map(|s| s.name.as_str()).collect();
        return match names.as_slice() {
            [] => format!("The API has no stage \"{stage}\", nor any other one: deploy it first."),
            names => format!(
                "The API has no stage \"{stage}\"; it has {}.",
                names.join(", ")
            ),
        };
    };
    if served.deployment_id.is_none() {
        return format!(
            "Stage \"{stage}\" has no deployment, so it serves nothing: deploy the API to it."
        );
    }
    if detail.api.disable_execute_api_endpoint {
        return "The API's own endpoint is disabled: only its custom domain names answer."
            .to_owned();
    }
    if detail.signed.contains(stage) {
        return match signing {
            Signing::Unsigned => UNSIGNED,
            Signing::Signed => "$connect takes signed handshakes only (AWS_IAM), and the credentials that signed this one are not known there, or may not call it.",
        }.to_owned();
    }
    let connect = detail.routes.iter().find(|route| route.key == "$connect");
    match connect {
        Some(route) if route.authorization_type == "CUSTOM" => "The authorizer of $connect denied it, or its policy does not name this stage's $connect.".to_owned(),
        Some(route) if route.api_key_required => "$connect asks for an API key (header x-api-key) that belongs to a usage plan of this stage.".to_owned(),
        Some(_) => "The stage is there and deployed, and the draft's $connect asks for nothing: its integration answered 403, or what the stage serves differs from the draft.".to_owned(),
        None => "The stage is there and deployed, and the draft has no $connect: what the stage serves may differ from the draft.".to_owned(),
    }
}

fn throttled(stage: &StageName, detail: Option<&ApiDetail>) -> String {
    let settings = detail.and_then(|detail| {
        let stage = detail.stage(stage)?;
        let own = stage.route_settings.get("$connect");
        own.or(stage.default_route_settings.as_ref())
    });
    match settings.map(crate::model::RouteSettings::throttle_text) {
        Some(text) if text == "blocks all traffic" => format!(
            "Throttling of stage \"{stage}\" is set to 0, which blocks all traffic: raise its rate and burst."
        ),
        Some(text) => format!("Too many connections for the throttle of stage \"{stage}\" ({text}). Try again in a moment."),
        None => "Too many new connections or messages: a throttle of the stage or of the account is exhausted. Try again in a moment.".to_owned(),
    }
}

fn connect_failed(detail: Option<&ApiDetail>) -> String {
    let backend = detail.and_then(|detail| {
        let connect = detail.routes.iter().find(|route| route.key == "$connect")?;
        let integration = detail.integration(&connect.integration_id()?)?;
        integration.uri.as_deref()
    });
    match backend {
        Some(uri) => format!(
            "The integration of $connect failed or answered with an error; in the draft it calls {}.",
            printable(uri)
        ),
        None => {
            "The integration of $connect failed, timed out, or answered with an error.".to_owned()
        }
    }
}

fn status_name(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => return None,
    })
}

/// Returns a number with its digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
