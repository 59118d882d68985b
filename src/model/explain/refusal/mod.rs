//! Explanations of refused handshakes.

use super::Explanation;
use crate::model::{
    ApiDetail, Signing, StageName,
    link::Refusal,
    text::{printable, printable_bytes},
};

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

#[cfg(test)]
mod tests;
