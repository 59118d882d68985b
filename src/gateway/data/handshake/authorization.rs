//! Authorization of `$connect`: signatures, authorizers, API keys and required parameters.
//!
//! SOURCE: developer guide, "Control and manage access to WebSocket APIs"; error types as on REST APIs.

use std::sync::Arc;

use http::Method;
use tokio::time::Instant;

use super::{
    authorizer::{self, Authorized, if_explicit},
    caller::{BroughtKey, Caller, INVOKE, user_arn},
};
use crate::gateway::{
    access::{
        Credential, Keyring, NotAuthorized, Wish,
        sigv4::{Signed, Unsigned},
    },
    clock,
    data::{
        Plane,
        access_log::{AUTHENTICATE, AUTHORIZE},
        gateway_response::{Refusal, ResponseType},
        message::{
            event::{Event, Handshake, Kind, Parameter},
            plan::RoutePlan,
        },
    },
    store::record::Snapshot,
};

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

// GUESS: error types and texts are those of REST APIs.
fn denied(reason: &NotAuthorized, resource: &str) -> Refusal {
    match reason {
        NotAuthorized::Unsigned(reason) => unsigned(*reason),
        NotAuthorized::UnknownKey(_) | NotAuthorized::Token => {
            let message = "The security token included in the request is invalid.";
            Refusal::new(ResponseType::InvalidSignature, message)
                .named("UnrecognizedClientException")
        }
        NotAuthorized::Denied {
            user,
            action,
            explicitly,
            ..
        } => Refusal::new(
            ResponseType::AccessDenied,
            format!(
                "User: {} is not authorized to perform: {action} on resource: {resource}{}",
                user_arn(user),
                if_explicit(*explicitly)
            ),
        ),
    }
}

// GUESS: as above.
fn unsigned(reason: Unsigned) -> Refusal {
    let signature = |message| Refusal::new(ResponseType::InvalidSignature, message);
    match reason {
        Unsigned::Missing => Refusal::new(
            ResponseType::MissingAuthenticationToken,
            "Missing Authentication Token",
        ),
        Unsigned::Incomplete => {
            signature("The request signature is incomplete").named("IncompleteSignatureException")
        }
        Unsigned::Expired => signature("Signature expired"),
        Unsigned::Scope => {
            signature("Credential should be scoped to correct service: 'execute-api'.")
        }
        Unsigned::Host => {
            signature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
        }
        Unsigned::Region => signature("Credential should be scoped to a valid region."),
        // The words are those of S3, which is alone in documenting the limit.
        Unsigned::Validity => signature(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
             than 604800 seconds",
        ),
        Unsigned::Mismatch => signature(
            "The request signature we calculated does not match the signature you provided",
        ),
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
    let missing = |parameter: &Parameter| handshake.values(parameter).is_empty();
    if route.required.iter().any(missing) {
        return Err(Refusal::new(
            ResponseType::BadRequestParameters,
            "Missing required request parameters",
        ));
    }
    Ok(())
}
