//! The causes that API Gateway's own words tell, a row each.
//!
//! SOURCE: recorded on AWS, September 2026, where a row says nothing else. The words about signatures were recorded of
//! `@connections` and of REST APIs. GUESS: that handshakes get the same.

use jiff::{SignedDuration, fmt::rfc2822};

use super::{Basis, Handshake, Server, Standing, backend, calls};
use crate::model::{
    RouteSettings, Signing, gateway_response::GatewayResponse, host, link::Refusal, text::printable,
};

/// The words without a reason.
pub(super) const FORBIDDEN: &str = "Forbidden";

/// The words for a handshake without a signature.
pub(super) const MISSING_TOKEN: &str = "Missing Authentication Token";

/// The start of the words for a signature that is too old; one that is too new is not yet current.
const EXPIRED: &str = "Signature expired";

/// A cause: the answer that tells it, and its explanation.
struct Cause {
    level: Level,
    status: u16,
    says: Says,
    explanation: Told,
}

/// The level at which API Gateway refuses.
///
/// GUESS: that a signature is refused with the message alone, as `@connections` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Before a stage is looked for, or by the signature: in words that are hardly anybody else's.
    Host,
    /// The stage's: in words that a backend may answer too.
    Stage,
    /// That of `$connect`: the answer names the connection, or it is a backend's.
    Route,
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

const fn told(level: Level, status: u16, says: Says, words: &'static str) -> Cause {
    Cause {
        level,
        status,
        says,
        explanation: Told::Always(words),
    }
}

const fn cause(level: Level, status: u16, says: Says, explain: fn(&Case<'_>) -> String) -> Cause {
    Cause {
        level,
        status,
        says,
        explanation: Told::By(explain),
    }
}

/// The causes, the first that fits first.
const CAUSES: &[Cause] = &[
    // GUESS: as REST APIs.
    told(
        Level::Route,
        400,
        Says::Begins("Missing required request parameters"),
        "The $connect route requires headers or query parameters that the handshake did not bring: its requestParameters say which.",
    ),
    cause(
        Level::Route,
        401,
        Says::Exactly("Unauthorized"),
        unauthorized,
    ),
    cause(Level::Host, 403, Says::Exactly(MISSING_TOKEN), unsigned),
    told(
        Level::Route,
        403,
        Says::Holds("to access this resource with an explicit deny"),
        "The authorizer of $connect denies it: a statement of the policy that its function answered has Effect Deny and matches $connect.",
    ),
    cause(
        Level::Route,
        403,
        Says::Begins("User is not authorized to access this resource"),
        policy_without_match,
    ),
    told(
        Level::Host,
        403,
        Says::Holds("is not authorized to perform: execute-api:"),
        "The credentials that signed the handshake may not call execute-api:Invoke on $connect of this stage: their policy must allow it, and no other may deny it.",
    ),
    cause(Level::Host, 403, Says::Begins(EXPIRED), clock),
    cause(
        Level::Host,
        403,
        Says::Begins("Signature not yet current"),
        clock,
    ),
    told(
        Level::Host,
        403,
        Says::Begins("The request signature we calculated does not match"),
        "The signature does not fit: the secret key belongs to another access key, or something on the way changed the request.",
    ),
    told(
        Level::Host,
        403,
        Says::Begins("The security token included in the request is expired"),
        "The session of the credentials that signed the handshake is over: sign in again.",
    ),
    told(
        Level::Host,
        403,
        Says::Begins("The security token included in the request is invalid"),
        "The credentials that signed the handshake are not known there: the access key is gone, of another partition, or its session token is old. A local gateway knows those of its settings and of its environment.",
    ),
    told(
        Level::Host,
        403,
        Says::Begins("Credential should be scoped"),
        "The signature is for another region, service or day: a handshake is signed for execute-api in the API's region.",
    ),
    cause(
        Level::Host,
        403,
        Says::Begins("The request signature is incomplete"),
        no_signature,
    ),
    cause(
        Level::Host,
        403,
        Says::Begins("Authorization header requires"),
        no_signature,
    ),
    told(
        Level::Host,
        403,
        Says::Begins("X-Amz-Expires must be"),
        "The URL was signed for longer than a week, or for a time that is none: X-Amz-Expires is in seconds.",
    ),
    told(
        Level::Host,
        403,
        Says::Begins("'Host' or ':authority' must be"),
        "The signature does not cover the Host header, which API Gateway asks for: sign with host among the signed headers.",
    ),
    cause(Level::Stage, 403, Says::Exactly(FORBIDDEN), forbidden),
    // GUESS: the next three, which are the local gateway's. A URL may have 4,096 characters.
    told(
        Level::Stage,
        400,
        Says::Exactly("Bad Request"),
        "The gateway did not take this for a proper WebSocket handshake: something on the way may change its headers.",
    ),
    told(
        Level::Host,
        414,
        Says::Exactly("Request-URI Too Long"),
        "The URL is too long: API Gateway takes 4,096 characters, its query included.",
    ),
    told(
        Level::Stage,
        503,
        Says::Exactly("Service Unavailable"),
        "The gateway takes no new connections at the moment, as a local one that is stopping does.",
    ),
    // GUESS: the answer to what is no handshake.
    told(
        Level::Host,
        426,
        Says::Exactly("Upgrade Required"),
        "The gateway did not see a WebSocket handshake: a proxy on the way may drop the Upgrade header.",
    ),
    // GUESS: as REST APIs.
    told(
        Level::Route,
        429,
        Says::Exactly("Limit Exceeded"),
        "The quota of the API key's usage plan is used up.",
    ),
    // SOURCE: developer guide, "Protect your WebSocket APIs": 429.
    cause(
        Level::Stage,
        429,
        Says::Exactly("Too Many Requests"),
        throttled,
    ),
    told(
        Level::Route,
        500,
        Says::Exactly(""),
        "The authorizer of $connect failed, or answered what API Gateway does not take: a policyDocument whose statements have Effect Allow or Deny is needed, and principalId and the values in context must be plain: texts, numbers, true or false. What the function printed is in its log; a local gateway, which takes no Condition either, has the reason in its own.",
    ),
    cause(
        Level::Route,
        500,
        Says::Exactly("Internal server error"),
        not_invoked,
    ),
    // SOURCE: a captured session.
    cause(
        Level::Route,
        502,
        Says::Exactly("Internal server error"),
        |case| {
            format!(
                "The function behind $connect threw, or answered no object with a statusCode{}. Its log says more.",
                calls(case.connect())
            )
        },
    ),
    // SOURCE: developer guide, "Gateway response types".
    cause(
        Level::Route,
        504,
        Says::Exactly("Endpoint request timed out"),
        |case| {
            format!(
                "The integration of $connect did not answer within its timeout, 29 s at most{}.",
                calls(case.connect())
            )
        },
    ),
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

    /// True for words that the integration of `$connect` may have answered: none that serves nothing, or has none.
    fn may_be_of_integration(&self) -> bool {
        let is_bare = self.response.connection_id.is_none();
        let place = self.handshake.place.as_ref();
        let serves = place.is_none_or(|place| place.nothing_served().is_none());
        let calls = self
            .connect()
            .is_none_or(|connect| connect.integration().is_some());
        is_bare && serves && calls
    }
}

/// True for an answer whose words tell a cause.
pub(super) fn is_known(status: u16, response: &GatewayResponse) -> bool {
    find(status, response).is_some()
}

/// True for an answer that API Gateway gives in these words without naming the connection.
pub(super) fn is_without_ids(status: u16, response: &GatewayResponse) -> bool {
    find(status, response).is_some_and(|cause| cause.level != Level::Route)
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
    let Some(cause) = find(refusal.status, response) else {
        return "API Gateway refused it by itself, once the stage and its $connect were found. The body says why.".to_owned();
    };
    let mut text = match &cause.explanation {
        Told::Always(words) => (*words).to_owned(),
        Told::By(explain) => explain(&case),
    };
    if cause.level == Level::Stage && case.may_be_of_integration() {
        text.push_str(" Or the integration of $connect answered in these words itself.");
    }
    text
}

fn find(status: u16, response: &GatewayResponse) -> Option<&'static Cause> {
    let fits = |cause: &&Cause| cause.status == status && cause.says.fits(&response.message);
    CAUSES.iter().find(fits)
}

fn unauthorized(case: &Case<'_>) -> String {
    let sources = match case.connect() {
        Some(connect) => match connect.identity_sources() {
            Some(sources) => format!(" It looks for {} ({}).", printable(sources), connect.name()),
            None if connect.is_guarded() => String::new(),
            None => format!(
                " But {} has no authorizer: what the stage serves may differ.",
                connect.name()
            ),
        },
        None => String::new(),
    };
    format!(
        "The handshake does not bring all that the authorizer of $connect looks for, or the authorizer's function said \"Unauthorized\".{sources}"
    )
}

/// SOURCE: reported of AWS: a Resource that ends in `/*/*` does not match `$connect`, which is one segment.
fn policy_without_match(case: &Case<'_>) -> String {
    let stage = case.handshake.place.as_ref().map(|place| place.stage);
    let stage = stage.map_or("{stage}", |stage| stage.as_str());
    format!(
        "The policy that the authorizer of $connect answered does not allow it: no statement allows the Action execute-api:Invoke on a Resource that matches …/{stage}/$connect. One that ends in /{stage}/* does, one in /{stage}/*/* does not."
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

/// Explains a signature whose time is not the gateway's, by the time in its answer: a clock is the cause only where it is
/// off by about the 5 minutes that are allowed, and on the side that makes a signature too old or too new.
fn clock(case: &Case<'_>) -> String {
    let date = case.refusal.header("date").unwrap_or_default();
    let theirs = rfc2822::parse(date).ok().map(|date| date.timestamp());
    let is_old = case.response.message.starts_with(EXPIRED);
    let Some(theirs) = theirs else {
        return "The signature's time is more than 5 minutes off the gateway's: this machine's clock is wrong, or the signature was made long before it was used.".to_owned();
    };
    let ahead = case.refusal.at.duration_since(theirs);
    let off = if is_old { -ahead } else { ahead };
    // The answer's time has whole seconds, and the handshake took some.
    if off >= SignedDuration::from_secs(5 * 60 - 30) {
        return format!(
            "The signature's time is not the gateway's: this machine's clock is {} min {}. Set it.",
            (off.as_secs() + 30) / 60,
            if is_old { "slow" } else { "fast" },
        );
    }
    if is_old {
        "The signature was made more than 5 minutes before it was used: sign again.".to_owned()
    } else {
        "The signature is dated more than 5 minutes ahead, and not by this machine's clock: sign again.".to_owned()
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
        Some(connect) if connect.wants_key() && !connect.wants_key_of_client() => {
            return "$connect asks for an API key, which this API takes from the answer of the authorizer (usageIdentifierKey) and not from the client: it answered none, or one of no usage plan of this stage.".to_owned();
        }
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
        (true, None, _) => {
            let or = match case.handshake.signing {
                Signing::Unsigned => ", or for a signature (AWS_IAM)",
                Signing::Signed => ", or not let in the credentials that signed the handshake",
            };
            format!(
                "The stage and its $connect were found: it may ask for an API key (header x-api-key) of a usage plan of this stage{or}."
            )
        }
        (false, _, Some(place)) if matches!(place.standing, Standing::Found(_)) => format!(
            "By the control plane, stage \"{}\" is there and deployed: AWS may need up to 90 s to serve a new one.",
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
    match Server::answering_as_api_gateway(url) {
        Server::Stage | Server::Any => "No stage was found: the one that the URL ends in may not exist or have no deployment, or the API's own endpoint may be disabled.",
        Server::Domain => "No stage was found: no API mapping of this domain name may have the URL's path as its key, or the stage that it leads to no deployment. Under a domain name of one's own the URL names no stage.",
    }
    .to_owned()
}

fn throttled(case: &Case<'_>) -> String {
    let Some((whose, settings)) = throttle(case) else {
        return "Too many new connections: a throttle of the stage or of the account is used up for the moment, or is set to 0 and lets nothing in.".to_owned();
    };
    if settings.blocks_all_traffic() {
        return format!(
            "Throttling of {whose} is set to 0, which blocks all traffic: nothing is let in until its rate and burst are raised."
        );
    }
    format!(
        "Too many new connections for the throttle of {whose} ({}). Try again in a moment.",
        settings.throttle_text()
    )
}

/// Returns whose throttle holds for `$connect`, and its settings, where they are known.
///
/// What the route's own settings leave open, the stage's default settings say.
fn throttle(case: &Case<'_>) -> Option<(String, RouteSettings)> {
    let place = case.handshake.place.as_ref()?;
    let Standing::Found(stage) = place.standing else {
        return None;
    };
    let default = stage.default_route_settings.as_ref();
    let of_route = stage.route_settings.get("$connect");
    let own = of_route.or(default)?;
    let rate = own.throttling_rate_limit;
    let burst = own.throttling_burst_limit;
    let settings = RouteSettings {
        throttling_rate_limit: rate.or(default.and_then(|it| it.throttling_rate_limit)),
        throttling_burst_limit: burst.or(default.and_then(|it| it.throttling_burst_limit)),
        ..RouteSettings::default()
    };
    let is_of_route = of_route.is_some_and(|it| {
        it.throttling_rate_limit.is_some() || it.throttling_burst_limit.is_some()
    });
    let route = if is_of_route { "$connect on " } else { "" };
    let whose = format!("{route}stage \"{}\"", place.stage);
    Some((whose, settings))
}

fn not_invoked(case: &Case<'_>) -> String {
    let connect = case.connect();
    let what = match connect {
        Some(connect) if !connect.is_guarded() => "the integration of $connect",
        _ => "the function of $connect's authorizer, or its integration",
    };
    let asked = connect.and_then(|connect| Some((connect, connect.authorizer_uri()?)));
    let asks = asked.map_or_else(String::new, |(connect, uri)| {
        format!(
            "; the authorizer in {} asks {}",
            connect.name(),
            backend(uri)
        )
    });
    format!(
        "API Gateway could not invoke {what}{asks}{}. The function's policy must let it (lambda:InvokeFunction for apigateway.amazonaws.com), and a backend must be there.",
        calls(connect)
    )
}
