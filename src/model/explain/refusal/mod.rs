//! Explanations of refused handshakes, by all that is known: the status, the body, who answers there, what stands before
//! `$connect`, and what the stage serves.
//!
//! The body says most. API Gateway refuses in a form of its own ([`GatewayResponse`]), and names the connection once the
//! stage and its `$connect` are found. What else API Gateway answers is what the integration of `$connect` says, whose
//! status and body it hands on as they are. A header marks both as API Gateway's, and none names the error. SOURCE:
//! recorded on AWS, September 2026.

mod causes;
mod place;

pub use self::place::{Basis, ConnectRoute, Place, Standing};
use super::{Explanation, Server};
use crate::model::{
    Signing, StageName,
    gateway_response::GatewayResponse,
    host,
    link::Refusal,
    text::{printable, printable_bytes},
};

/// A handshake as it was sent, and what is known of the place that it went to.
#[derive(Debug, Clone)]
pub struct Handshake<'a> {
    /// The URL.
    pub url: &'a str,
    /// The signing.
    pub signing: Signing,
    /// The place, where the control plane was asked; none of a URL by itself.
    pub place: Option<Place<'a>>,
}

/// A thing that a handshake lacks, and that the person may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// A signature.
    Signature,
    /// An API key.
    ApiKey,
    /// What the authorizer looks for.
    IdentitySource,
}

/// The one who refused.
enum Answerer {
    /// API Gateway, in a form of its own.
    Gateway(GatewayResponse),
    /// The integration of `$connect`, whose answer API Gateway hands on.
    Integration,
    /// The load balancer of AWS before API Gateway.
    LoadBalancer,
    /// Something before API Gateway, or at least nothing in the answer is API Gateway's, which was asked.
    Between,
    /// Another server, or at least nothing says that it is API Gateway.
    Elsewhere,
}

/// Explains a refused handshake.
pub fn refusal(refusal: &Refusal, handshake: &Handshake<'_>) -> Explanation {
    Explanation {
        title: refused(refusal.status),
        text: reason(refusal, handshake),
    }
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

/// Returns what a handshake seems to lack, so that it is worth another try with it.
pub fn lack(refusal: &Refusal, handshake: &Handshake<'_>) -> Option<Lack> {
    let Answerer::Gateway(response) = answerer(refusal, handshake) else {
        return None;
    };
    let place = handshake.place.as_ref();
    let connect = place.and_then(|place| place.connect.as_ref());
    let is_unsigned = handshake.signing == Signing::Unsigned;
    match (refusal.status, response.message.as_str()) {
        (401, "Unauthorized") => Some(Lack::IdentitySource),
        (403, causes::MISSING_TOKEN) => is_unsigned.then_some(Lack::Signature),
        (403, causes::FORBIDDEN) => match connect {
            Some(connect) if connect.is_signed() => is_unsigned.then_some(Lack::Signature),
            // The stage itself was not found.
            _ if response.connection_id.is_none() => None,
            Some(connect) if !connect.wants_key_of_client() => None,
            _ => Some(Lack::ApiKey),
        },
        _ => None,
    }
}

fn refused(status: u16) -> String {
    match status_name(status) {
        Some(name) => format!("refused: {status} {name}"),
        None => format!("refused: {status}"),
    }
}

fn reason(refusal: &Refusal, handshake: &Handshake<'_>) -> String {
    let answerer = answerer(refusal, handshake);
    if (300..400).contains(&refusal.status) && refusal.status != 304 {
        return moved(refusal, handshake.url, &answerer);
    }
    match answerer {
        Answerer::Gateway(response) => causes::by_gateway(refusal, &response, handshake),
        Answerer::Integration => by_integration(refusal, handshake),
        Answerer::LoadBalancer => "AWS's load balancer refused it before API Gateway saw it, as it does with two Authorization headers or with a request that is no proper HTTP.".to_owned(),
        Answerer::Between => between(refusal.status, handshake.url),
        Answerer::Elsewhere => elsewhere(refusal.status),
    }
}

/// Returns who refused. SOURCE: recorded on AWS, September 2026: each refusal of API Gateway has `x-amz-apigw-id`, by the
/// integration's answer too, and its load balancer calls itself `awselb`, as any load balancer of AWS does.
fn answerer(refusal: &Refusal, handshake: &Handshake<'_>) -> Answerer {
    let is_marked = refusal.header("x-amz-apigw-id").is_some();
    let response = GatewayResponse::in_body(&refusal.body);
    let is_named = response
        .as_ref()
        .is_some_and(|response| response.connection_id.is_some());
    let is_asked = handshake.place.is_some() || host::is_api_of_aws(host::of_url(handshake.url));
    let server = refusal.header("server").unwrap_or_default();
    // Emulators name the error in a header, as REST APIs do.
    let is_typed = refusal.header("x-amzn-errortype").is_some();
    match response {
        _ if !(is_marked || is_named || is_asked) => Answerer::Elsewhere,
        Some(response) if is_named || is_typed => Answerer::Gateway(response),
        // A backend may answer {"message":"…"} too, but hardly in the gateway's very words.
        Some(response) if causes::is_without_ids(refusal.status, &response) => {
            Answerer::Gateway(response)
        }
        _ if is_marked => Answerer::Integration,
        _ if refusal.status == 400 && server.starts_with("awselb") => Answerer::LoadBalancer,
        _ => Answerer::Between,
    }
}

fn by_integration(refusal: &Refusal, handshake: &Handshake<'_>) -> String {
    let status = refusal.status;
    let response = GatewayResponse::in_body(&refusal.body);
    let is_alike = response.is_some_and(|response| causes::is_known(status, &response));
    let why = if is_alike {
        " API Gateway's own answer in these words would name the connection."
    } else {
        ""
    };
    let Some(place) = &handshake.place else {
        return format!(
            "This is no answer of API Gateway's own: the integration of $connect may have answered {status} itself, and the body is what it says.{why}"
        );
    };
    match &place.connect {
        Some(connect) if connect.integration().is_none() => format!(
            "These are the words of an integration of $connect, and {} has none: what the stage serves may differ from it.{why}",
            connect.name()
        ),
        connect => format!(
            "The integration of $connect answered {status} itself, and the body is what it says{}.{why}",
            calls(connect.as_ref())
        ),
    }
}

fn between(status: u16, url: &str) -> String {
    let host = host::of_url(url);
    let or = if host::is_api_of_aws(host) {
        ""
    } else {
        " Or the endpoint is not API Gateway, and its answers are its own."
    };
    format!(
        "Nothing in the answer says that API Gateway gave it: something between here and there, such as a proxy or a firewall, may have answered {status}, and the body is what it says.{or}"
    )
}

/// Returns the end of a sentence about the integration of `$connect`: what it calls, where that is known.
fn calls(connect: Option<&ConnectRoute>) -> String {
    let uri = connect.and_then(|connect| Some((connect, connect.uri()?)));
    uri.map_or_else(String::new, |(connect, uri)| {
        format!("; {} calls {}", connect.name(), backend(uri))
    })
}

/// Returns the backend that a URI names, as a person calls it.
///
/// SOURCE: API reference, integrationUri: …/functions/{arn}/invocations, and the ARN ends in the function's name.
fn backend(uri: &str) -> String {
    let function = uri.strip_suffix("/invocations").unwrap_or(uri);
    let backend = match function.rsplit_once(":function:") {
        Some((_, name)) => format!("function {name}"),
        None => uri.to_owned(),
    };
    printable(&backend).into_owned()
}

fn moved(refusal: &Refusal, url: &str, answerer: &Answerer) -> String {
    let place = match refusal.header("location") {
        Some(location) => format!("to {}", printable(location)),
        None => "and does not say where to".to_owned(),
    };
    let is_elsewhere = matches!(answerer, Answerer::Elsewhere);
    let who = match answerer {
        Answerer::Elsewhere => "The server",
        Answerer::Between | Answerer::LoadBalancer => {
            "Something between here and API Gateway, such as a proxy,"
        }
        Answerer::Gateway(_) | Answerer::Integration => {
            "API Gateway redirects nobody by itself: the integration of $connect"
        }
    };
    let is_for_tls = refusal
        .header("location")
        .is_some_and(|location| location.starts_with("https:") && url.starts_with("ws:"));
    let way_on = if is_elsewhere && is_for_tls {
        " It may want the URL with wss://."
    } else {
        ""
    };
    format!("{who} sends clients on {place}, and WebSocket clients do not follow.{way_on}")
}

/// Returns the words for a server of which nothing says that it is API Gateway.
fn elsewhere(status: u16) -> String {
    let what = match status {
        401 | 407 => "The server wants credentials that it did not get.",
        403 => "The server does not let this handshake in.",
        404 => "The server has nothing under this path.",
        410 => "What this URL named is gone.",
        429 => "The server has had too many requests.",
        502..=504 => "The server, or what stands behind it, is out of order or has too much to do.",
        500..=599 => "The server failed.",
        _ => {
            "The server did not take this for a WebSocket handshake: the URL may lead to something else, or a proxy on the way may drop the Upgrade header."
        }
    };
    format!("{what} Nothing in the answer says that API Gateway gave it.")
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
