//! The causes that API Gateway's own words tell, a row each.
//!
//! SOURCE: recorded on AWS, September 2026, where a row says nothing else. The words about signatures were recorded of
//! `@connections` and of REST APIs. GUESS: that handshakes get the same.

use std::fmt::Write;

use jiff::{SignedDuration, fmt::rfc2822};

use super::{Basis, Handshake, Standing, calls};
use crate::model::{
    RouteSettings, Signing, gateway_response::GatewayResponse, host, link::Refusal, text::printable,
};

/// The words without a reason.
pub(super) const FORBIDDEN: &str = "Forbidden";

/// The words for a handshake without a signature.
pub(super) const MISSING_TOKEN: &str = "Missing Authentication Token";

/// A cause: the answer that tells it, and its explanation.
struct Cause {
    status: u16,
    says: Says,
    explanation: Told,
}

/// An explanation.
enum Told {
    /// The same whatever else is known.
    Always(&'static str),
    /// By what else is known.
    By(fn(&Case<'_>) -> String),
}

/// The words of an answer.
enum Says {
    Exactly(&'static str),
    Begins(&'static str),
    Holds(&'static str),
}

/// An answer, and the handshake that it refused.
struct Case<'a> {
    refusal: &'a Refusal,
    response: &'a GatewayResponse,
    handshake: &'a Handshake<'a>,
}

const fn told(status: u16, says: Says, words: &'static str) -> Cause {
    Cause {
        status,
        says,
        explanation: Told::Always(words),
    }
}

const fn cause(status: u16, says: Says, explain: fn(&Case<'_>) -> String) -> Cause {
    Cause {
        status,
        says,
        explanation: Told::By(explain),
    }
}

/// The causes, the first that fits first.
const CAUSES: &[Cause] = &[
    // GUESS: as REST APIs.
    told(
        400,
        Says::Begins("Missing required request parameters"),
        "The $connect route requires headers or query parameters that the handshake did not bring; the body names them.",
    ),
    cause(401, Says::Exactly("Unauthorized"), unauthorized),
    cause(403, Says::Exactly(MISSING_TOKEN), unsigned),
    told(
        403,
        Says::Holds("to access this resource with an explicit deny"),
        "The authorizer of $connect denies it: a statement of the policy that its function answered has Effect Deny and matches $connect.",
    ),
    cause(
        403,
        Says::Begins("User is not authorized to access this resource"),
        policy_without_match,
    ),
    told(
        403,
        Says::Begins("User: "),
        "The credentials that signed the handshake may not call execute-api:Invoke on $connect of this stage: their policy must allow it, and no other may deny it.",
    ),
    cause(403, Says::Begins("Signature expired"), clock),
    cause(403, Says::Begins("Signature not yet current"), clock),
    told(
        403,
        Says::Begins("The request signature we calculated does not match"),
        "The signature does not fit: the secret key belongs to another access key, or something on the way changed the request.",
    ),
    told(
        403,
        Says::Begins("The security token included in the request is expired"),
        "The session of the credentials that signed the handshake is over: sign in again.",
    ),
    told(
        403,
        Says::Begins("The security token included in the request is invalid"),
        "The credentials that signed the handshake are not known there: the access key is gone, of another partition, or its session token is old. A local gateway knows those of its settings and of its environment.",
    ),
    told(
        403,
        Says::Begins("Credential should be scoped"),
        "The signature is for another region, service or day: a handshake is signed for execute-api in the API's region.",
    ),
    cause(
        403,
        Says::Begins("The request signature is incomplete"),
        no_signature,
    ),
    cause(403, Says::Holds("Authorization header"), no_signature),
    cause(403, Says::Exactly(FORBIDDEN), forbidden),
    // GUESS: the answer to what is no handshake.
    told(
        426,
        Says::Exactly("Upgrade Required"),
        "The gateway did not see a WebSocket handshake: a proxy on the way may drop the Upgrade header.",
    ),
    // GUESS: as REST APIs.
    told(
        429,
        Says::Exactly("Limit Exceeded"),
        "The quota of the API key's usage plan is used up.",
    ),
    // SOURCE: developer guide, "Protect your WebSocket APIs": 429.
    cause(429, Says::Exactly("Too Many Requests"), throttled),
    told(
        500,
        Says::Exactly(""),
        "The authorizer of $connect failed, or answered what API Gateway does not take: a policyDocument whose statements have Effect Allow or Deny is needed, and principalId and the values in context must be plain: texts, numbers, true or false. Its function's log shows the answer.",
    ),
    cause(500, Says::Exactly("Internal server error"), not_invoked),
    // SOURCE: a captured session.
    cause(502, Says::Exactly("Internal server error"), |case| {
        format!(
            "The function behind $connect threw, or answered no object with a statusCode{}. Its log says more.",
            calls(case.connect())
        )
    }),
    // SOURCE: developer guide, "Gateway response types".
    cause(504, Says::Exactly("Endpoint request timed out"), |case| {
        format!(
            "The integration of $connect did not answer within its timeout, 29 s at most{}.",
            calls(case.connect())
        )
    }),
];

impl Says {
    fn fits(&self, message: &str) -> bool {
        match self {
            Self::Exactly(words) => message == *words,
            Self::Begins(words) => message.starts_with(words),
            Self::Holds(words) => message.contains(words),
        }
    }
}

impl<'a> Case<'a> {
    fn connect(&self) -> Option<&'a super::ConnectRoute> {
        self.handshake.place.as_ref()?.connect.as_ref()
    }
}

/// True for an answer whose words tell a cause.
pub(super) fn is_known(status: u16, response: &GatewayResponse) -> bool {
    find(status, response).is_some()
}

/// Explains an answer of API Gateway's own.
pub(super) fn by_gateway(
    refusal: &Refusal,
    response: &GatewayResponse,
    handshake: &Handshake<'_>,
) -> String {
    let case = Case {
        refusal,
        response,
        handshake,
    };
    let cause = find(refusal.status, response);
    match cause.map(|cause| &cause.explanation) {
        Some(Told::Always(words)) => (*words).to_owned(),
        Some(Told::By(explain)) => explain(&case),
        None => "API Gateway refused it by itself, once the stage and its $connect were found. The body says why.".to_owned(),
    }
}

fn find(status: u16, response: &GatewayResponse) -> Option<&'static Cause> {
    let fits = |cause: &&Cause| cause.status == status && cause.says.fits(&response.message);
    CAUSES.iter().find(fits)
}

fn unauthorized(case: &Case<'_>) -> String {
    let mut text = "The handshake does not bring all that the authorizer of $connect looks for, or the authorizer's function said \"Unauthorized\".".to_owned();
    if let Some(connect) = case.connect() {
        let name = connect.name();
        // Writing to a string cannot fail.
        let _written = match connect.identity_sources() {
            Some(sources) => write!(text, " It looks for {} ({name}).", printable(sources)),
            None if !connect.is_guarded() => write!(
                text,
                " But {name} has no authorizer: what the stage serves may differ."
            ),
            None => Ok(()),
        }
        .is_ok();
    }
    text
}

/// SOURCE: reported of AWS: a Resource that ends in `/*/*` does not match `$connect`, which is one segment.
fn policy_without_match(case: &Case<'_>) -> String {
    let stage = case.handshake.place.as_ref().map(|place| place.stage);
    let stage = stage.map_or("{stage}", |stage| stage.as_str());
    format!(
        "The policy that the authorizer of $connect answered does not allow it: no Resource in it matches …/{stage}/$connect. One that ends in /{stage}/* does, one in /{stage}/*/* does not."
    )
}

fn unsigned(case: &Case<'_>) -> String {
    match case.handshake.signing {
        Signing::Unsigned => {
            "$connect takes signed handshakes only (AWS_IAM), and this one is not signed."
        }
        Signing::Signed => {
            "The handshake was signed, and no signature came: something on the way takes it out."
        }
    }
    .to_owned()
}

fn no_signature(_: &Case<'_>) -> String {
    "$connect takes signed handshakes only (AWS_IAM), and the Authorization header is no signature."
        .to_owned()
}

/// Explains a signature whose time is not the gateway's, by the time in its answer.
fn clock(case: &Case<'_>) -> String {
    let date = case.refusal.header("date").unwrap_or_default();
    let theirs = rfc2822::parse(date).ok().map(|date| date.timestamp());
    let ahead = theirs.map(|theirs| case.refusal.at.duration_since(theirs));
    let limit = SignedDuration::from_mins(1);
    match ahead {
        Some(ahead) if ahead.abs() >= limit => format!(
            "The signature's time is not the gateway's: this machine's clock is {} min {}. Set it.",
            (ahead.abs().as_secs() + 30) / 60,
            if ahead.is_negative() { "slow" } else { "fast" },
        ),
        Some(_) => "The signature was made more than 5 minutes before it was used: sign again.".to_owned(),
        None => "The signature's time is more than 5 minutes off the gateway's: this machine's clock is wrong, or the signature was made long before it was used.".to_owned(),
    }
}

fn forbidden(case: &Case<'_>) -> String {
    let connect = case.connect();
    let place = case.handshake.place.as_ref();
    let is_found = case.response.connection_id.is_some();
    if let Some(nothing) = place
        .and_then(super::Place::nothing_served)
        .filter(|_| !is_found)
    {
        return nothing;
    }
    match connect {
        Some(connect) if connect.is_signed() => return match case.handshake.signing {
            Signing::Unsigned => unsigned(case),
            Signing::Signed => "$connect takes signed handshakes only (AWS_IAM), and the credentials that signed this one are not known there, or may not call it.".to_owned(),
        },
        Some(connect) if connect.wants_key() => {
            return "$connect asks for an API key (header x-api-key) of a usage plan of this stage, and the handshake brought none, or one that is not.".to_owned();
        }
        _ => {}
    }
    match (is_found, connect, place) {
        (true, Some(connect), _) => format!(
            "The stage and its $connect were found, and {} asks neither for an API key nor for a signature{}.",
            connect.name(),
            match connect.basis {
                Basis::Draft => ": what the stage serves may differ",
                Basis::Served => "",
            }
        ),
        (true, None, _) => "The stage and its $connect were found: it may ask for an API key (header x-api-key) of a usage plan of this stage.".to_owned(),
        (false, _, Some(place)) if matches!(place.standing, Standing::Found(_)) => format!(
            "By the control plane, stage \"{}\" is there and deployed: AWS may need up to 90 s to serve a new one, or the integration of $connect answered in these words itself.",
            place.stage
        ),
        (false, _, _) => stage_not_found(case.handshake.url),
    }
}

fn stage_not_found(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let has_stage = path.trim_end_matches('/').contains('/');
    if !has_stage && host::is_api_of_aws(host::of_url(url)) {
        return "The URL names no stage: it must end in one, as in \"/prod\".".to_owned();
    }
    "No stage was found: the one that the URL ends in may not exist or have no deployment, or the API's own endpoint may be disabled.".to_owned()
}

fn throttled(case: &Case<'_>) -> String {
    let Some((stage, settings)) = throttle(case) else {
        return "Too many new connections: a throttle of the stage or of the account is used up for the moment, or is set to 0 and lets nothing in.".to_owned();
    };
    match settings.throttle_text().as_str() {
        "blocks all traffic" => format!(
            "Throttling of stage \"{stage}\" is set to 0, which blocks all traffic: the stage lets nothing in until its rate and burst are raised."
        ),
        text => format!(
            "Too many new connections for the throttle of stage \"{stage}\" ({text}). Try again in a moment."
        ),
    }
}

/// Returns the stage and the settings of it that hold for `$connect`, where they are known.
fn throttle<'a>(case: &Case<'a>) -> Option<(&'a super::StageName, &'a RouteSettings)> {
    let place = case.handshake.place.as_ref()?;
    let Standing::Found(stage) = place.standing else {
        return None;
    };
    let own = stage.route_settings.get("$connect");
    let settings = own.or(stage.default_route_settings.as_ref())?;
    Some((place.stage, settings))
}

fn not_invoked(case: &Case<'_>) -> String {
    let connect = case.connect();
    let what = match connect {
        Some(connect) if !connect.is_guarded() => "the integration of $connect",
        _ => "the function of $connect's authorizer, or its integration",
    };
    format!(
        "API Gateway could not invoke {what}{}. The function's policy must let it (lambda:InvokeFunction for apigateway.amazonaws.com), and a backend must be there.",
        calls(connect)
    )
}
