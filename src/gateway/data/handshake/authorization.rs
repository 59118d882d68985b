//! Authorization of `$connect`: signatures, authorizers, API keys and required parameters.
//!
//! SOURCE: developer guide, "Control and manage access to WebSocket APIs"; the words for an old signature are reported
//! of AWS, with the message alone in the body. GUESS: all refusals of `AWS_IAM` have that form.

use std::sync::Arc;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::{
    authorizer::{self, Authorized},
    caller::{BroughtKey, Caller, INVOKE, user_arn, why_denied},
};
use crate::gateway::{
    ACCOUNT,
    access::{
        Credential, Keyring, NotAuthorized, Wish,
        sigv4::{Signed, Unsigned},
    },
    clock,
    data::{
        Plane,
        access_log::{AUTHENTICATE, AUTHORIZE},
        gateway_response::{Refusal, ResponseType},
        integration::forwarding,
        message::{
            event::{Event, Handshake, Kind, Parameter},
            plan::RoutePlan,
        },
    },
    store::record::Snapshot,
};

/// The account in the ARN of what a policy does not allow.
const HIDDEN_ACCOUNT: &str = "********0000";

/// Says who a handshake is from, if the route asks, and lets it in.
pub(crate) async fn authorize(
    plane: &Plane,
    snapshot: &Snapshot,
    route: &RoutePlan,
    event: &Event,
) -> Result<Option<Caller>, Refusal> {
    let Kind::Connect(handshake) = &event.kind else {
        return Ok(None);
    };
    let keyring = &plane.keyring;
    let mut caller = Caller::default();
    let mut usage_key = None;
    match route.authorization_type.as_str() {
        "AWS_IAM" => caller.credential = Some(signed(keyring, event, handshake)?),
        "CUSTOM" => {
            let authorized = authorized(plane, route, event, handshake).await?;
            caller.authorizer = Some(Box::new(authorized.context));
            usage_key = authorized.usage_key;
        }
        _ => {}
    }
    if route.api_key_required {
        // SOURCE: developer guide, "WebSocket API selection expressions": these two and no others.
        let brought = match snapshot.api_key_selection_expression.as_str() {
            "$request.header.x-api-key" => handshake.header("x-api-key").next(),
            "$context.authorizer.usageIdentifierKey" => usage_key,
            _ => None,
        };
        caller.api_key = Some(Box::new(api_key(keyring, event, brought.as_deref())?));
    }
    require(route, handshake)?;
    Ok((!caller.is_nobody()).then_some(caller))
}

/// Returns the credential of the handshake's signature, or refuses a signature that may not connect.
fn signed(
    keyring: &Keyring,
    event: &Event,
    handshake: &Handshake,
) -> Result<Arc<Credential>, Refusal> {
    let request = Signed {
        method: &Method::GET,
        path: &handshake.path,
        query: &handshake.query,
        headers: &handshake.headers,
        body: b"",
    };
    let resource = event.resource("$connect");
    let refuse = |reason: &NotAuthorized| {
        tracing::warn!(route = "$connect", %reason, "the handshake is refused");
        denied(reason, &resource)
    };
    let began = Instant::now();
    let known = keyring.authenticate(&request, &event.serving.region, clock::now());
    let known = known.map_err(|reason| refuse(&reason));
    event.attempted(&AUTHENTICATE, began, known.as_ref().err());
    let credential = known?;
    let wish = Wish {
        action: INVOKE,
        resource: &resource,
    };
    let began = Instant::now();
    let may = credential.may(&wish).map_err(|reason| refuse(&reason));
    event.attempted(&AUTHORIZE, began, may.as_ref().err());
    may?;
    Ok(Arc::clone(credential))
}

/// Returns the refusal of a handshake that may not connect by its signature.
///
/// GUESS: the texts are those of REST APIs, and none names the connection, as the text for an old signature was reported.
/// What a policy does not allow is told in the words of `@connections` and the reasons of authorizers, both recorded, with
/// most of the account's digits hidden.
fn denied(reason: &NotAuthorized, resource: &str) -> Refusal {
    let refusal = match reason {
        NotAuthorized::Unsigned(reason) => {
            let response = match reason {
                Unsigned::Missing => ResponseType::MissingAuthenticationToken,
                _ => ResponseType::InvalidSignature,
            };
            Refusal::new(response, unfit(*reason))
        }
        NotAuthorized::UnknownKey(_) | NotAuthorized::Token => Refusal::new(
            ResponseType::InvalidSignature,
            "The security token included in the request is invalid.",
        ),
        NotAuthorized::Denied {
            user,
            action,
            explicitly,
            ..
        } => {
            let (user, why) = (user_arn(user), why_denied(*explicitly));
            let resource = resource.replacen(ACCOUNT, HIDDEN_ACCOUNT, 1);
            let message = format!(
                "User: {user} is not authorized to perform: {action} on resource: {resource} {why}"
            );
            Refusal::new(ResponseType::AccessDenied, message)
        }
    };
    refusal.bare()
}

/// Returns the text for a signature that is not good.
fn unfit(reason: Unsigned) -> String {
    let text = match reason {
        Unsigned::Missing => "Missing Authentication Token",
        Unsigned::Incomplete => "The request signature is incomplete",
        // SOURCE: reported of AWS.
        Unsigned::Expired(age) => {
            let [signed, bound, now] = [age.signed_at, age.now - age.limit, age.now].map(stamp);
            let limit = minutes(age.limit);
            return format!(
                "Signature expired: {signed} is now earlier than {bound} ({now} - {limit}.)"
            );
        }
        // GUESS: as other services of AWS say it.
        Unsigned::Early(age) => {
            let [signed, bound, now] = [age.signed_at, age.now + age.limit, age.now].map(stamp);
            let limit = minutes(age.limit);
            return format!(
                "Signature not yet current: {signed} is still later than {bound} ({now} + {limit}.)"
            );
        }
        Unsigned::Scope => "Credential should be scoped to correct service: 'execute-api'.",
        Unsigned::Host => {
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        }
        Unsigned::Region => "Credential should be scoped to a valid region.",
        // The words are those of S3, which is alone in documenting the limit.
        Unsigned::Validity => {
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
             than 604800 seconds"
        }
        Unsigned::Mismatch => {
            "The request signature we calculated does not match the signature you provided"
        }
    };
    text.to_owned()
}

fn stamp(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Returns a limit in minutes. GUESS: how one is told that has no whole ones.
fn minutes(limit: SignedDuration) -> String {
    let seconds = limit.as_secs();
    match seconds % 60 {
        0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} sec"),
    }
}

/// Asks the route's authorizer.
async fn authorized(
    plane: &Plane,
    route: &RoutePlan,
    event: &Event,
    handshake: &Handshake,
) -> Result<Authorized, Refusal> {
    let Some(authorizer) = &route.authorizer else {
        tracing::warn!(
            route = route.key,
            "the deployment lacks the route's authorizer"
        );
        return Err(authorizer::AuthorizerRefusal::NotAsked(String::new()).in_words());
    };
    let asked = authorizer.ask(event, handshake, &plane.functions).await;
    asked.map_err(|reason| {
        let authorizer = authorizer.name();
        tracing::warn!(authorizer, %reason, "the handshake is refused");
        reason.in_words()
    })
}

/// Returns the API key that the handshake brings, if it is good for this stage.
fn api_key(keyring: &Keyring, event: &Event, brought: Option<&str>) -> Result<BroughtKey, Refusal> {
    let connection = &event.connection;
    let stage = format!("{}/{}", connection.api_id, connection.stage);
    let known = brought.and_then(|value| keyring.api_key(value, &stage));
    let Some(known) = known else {
        tracing::warn!(
            stage,
            "the handshake is refused: it brings {}",
            match brought {
                Some(_) => "an API key that is not in the gateway's settings for this stage",
                None => "no API key",
            }
        );
        return Err(Refusal::new(ResponseType::InvalidApiKey, "Forbidden"));
    };
    Ok(BroughtKey {
        id: known.name.clone(),
        value: known.value.reveal().to_owned(),
    })
}

/// Refuses a handshake that lacks a request parameter which the route requires. GUESS: the answer, which is that of
/// REST APIs.
fn require(route: &RoutePlan, handshake: &Handshake) -> Result<(), Refusal> {
    let missing = |parameter: &Parameter| {
        let is_marked = matches!(parameter, Parameter::Header(name) if forwarding::is_mark(name));
        !is_marked && handshake.values(parameter).is_empty()
    };
    if route.required.iter().any(missing) {
        return Err(Refusal::new(
            ResponseType::BadRequestParameters,
            "Missing required request parameters",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::access::sigv4::Age;

    #[track_caller]
    fn check(reason: fn(Age) -> Unsigned, limit: SignedDuration, now: &str, text: &str) {
        let age = Age {
            signed_at: "2026-11-29T14:00:00Z".parse().unwrap(),
            now: now.parse().unwrap(),
            limit,
        };
        let refusal = denied(&NotAuthorized::Unsigned(reason(age)), "arn");
        assert_eq!(refusal.status.as_u16(), 403);
        assert_eq!(refusal.message, text);
    }

    #[test]
    fn a_signature_of_another_time_is_told_with_the_times() {
        let five = SignedDuration::from_mins(5);
        check(
            Unsigned::Expired,
            five,
            "2026-11-29T14:06:00Z",
            "Signature expired: 20261129T140000Z is now earlier than 20261129T140100Z (20261129T140600Z - 5 min.)",
        );
        check(
            Unsigned::Early,
            five,
            "2026-11-29T13:54:00Z",
            "Signature not yet current: 20261129T140000Z is still later than 20261129T135900Z (20261129T135400Z + 5 min.)",
        );
        check(
            Unsigned::Expired,
            SignedDuration::from_secs(90),
            "2026-11-29T14:01:31Z",
            "Signature expired: 20261129T140000Z is now earlier than 20261129T140001Z (20261129T140131Z - 90 sec.)",
        );
    }
}
