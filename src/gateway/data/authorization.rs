//! Who may connect: signatures, authorizers, API keys and required parameters of `$connect`.
//!
//! SOURCE: developer guide, "Control and manage access to WebSocket APIs"; error types as on REST APIs.

use std::sync::Arc;

use http::{Method, StatusCode};

use super::{
    Plane,
    authorizer::{Authorized, Refusal},
    caller::{Caller, INVOKE, user_arn},
    event::{Event, Handshake, Kind},
    plan::RoutePlan,
};
use crate::gateway::{
    authorize::{
        Credential, Keyring, NotAuthorized, Wish,
        sigv4::{Signed, Unsigned},
    },
    clock,
    store::record::Snapshot,
};

/// Why the handshake is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denied {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    /// Nothing where AWS says nothing.
    pub(super) message: Option<String>,
}

impl Denied {
    fn forbidden(kind: &'static str, message: impl Into<String>) -> Denied {
        Denied {
            status: StatusCode::FORBIDDEN,
            kind,
            message: Some(message.into()),
        }
    }
}

/// Says who a handshake is from, if the route asks, and lets it in.
pub(super) async fn authorize(
    plane: &Plane,
    snapshot: &Snapshot,
    route: &RoutePlan,
    event: &Event,
) -> Result<Option<Caller>, Denied> {
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
        caller.api_key = Some(api_key(keyring, event, brought)?);
    }
    require(route, handshake)?;
    Ok((!caller.is_nobody()).then_some(caller))
}

/// Whose signature it is.
fn signed(
    keyring: &Keyring,
    event: &Event,
    handshake: &Handshake,
) -> Result<Arc<Credential>, Denied> {
    let request = Signed {
        method: &Method::GET,
        path: &handshake.path,
        query: &handshake.query,
        headers: &handshake.headers,
        body: b"",
    };
    let resource = event.resource("$connect");
    let wish = Wish {
        action: INVOKE,
        resource: &resource,
    };
    keyring
        .authorize(&request, &wish, clock::now())
        .cloned()
        .map_err(|reason| {
            tracing::warn!(route = "$connect", %reason, "the handshake is refused");
            denied(&reason, &resource)
        })
}

// GUESS: error types and texts are those of REST APIs.
fn denied(reason: &NotAuthorized, resource: &str) -> Denied {
    let (kind, message) = match reason {
        NotAuthorized::Unsigned(Unsigned::Missing) => (
            "MissingAuthenticationTokenException",
            "Missing Authentication Token".to_owned(),
        ),
        NotAuthorized::Unsigned(Unsigned::Incomplete) => (
            "IncompleteSignatureException",
            "The request signature is incomplete".to_owned(),
        ),
        NotAuthorized::Unsigned(reason) => (
            "InvalidSignatureException",
            match reason {
                Unsigned::Expired => "Signature expired",
                Unsigned::Scope => "Credential should be scoped to correct service",
                _ => {
                    "The request signature we calculated does not match the signature you provided"
                }
            }
            .to_owned(),
        ),
        NotAuthorized::UnknownKey(_) | NotAuthorized::Token => (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".to_owned(),
        ),
        NotAuthorized::Denied {
            user,
            action,
            explicitly,
            ..
        } => (
            "AccessDeniedException",
            format!(
                "User: {} is not authorized to perform: {action} on resource: {resource}{}",
                user_arn(user),
                if_explicit(*explicitly)
            ),
        ),
    };
    Denied::forbidden(kind, message)
}

/// Asks the route's authorizer.
async fn authorized(
    plane: &Plane,
    route: &RoutePlan,
    event: &Event,
    handshake: &Handshake,
) -> Result<Authorized, Denied> {
    let Some(authorizer) = &route.authorizer else {
        tracing::warn!(
            route = route.key,
            "the deployment lacks the route's authorizer"
        );
        return Err(refused(&Refusal::Failed(String::new())));
    };
    let asked = authorizer.ask(event, handshake, &plane.functions).await;
    asked.map_err(|reason| {
        let authorizer = authorizer.name();
        tracing::warn!(authorizer, %reason, "the handshake is refused");
        refused(&reason)
    })
}

/// SOURCE: the statuses. GUESS: error types and texts are those of REST APIs, where a failed authorizer has no text.
fn refused(reason: &Refusal) -> Denied {
    match reason {
        Refusal::NoIdentity | Refusal::Unauthorized => Denied {
            status: StatusCode::UNAUTHORIZED,
            kind: "UnauthorizedException",
            message: Some("Unauthorized".to_owned()),
        },
        Refusal::Denied { explicitly, .. } => Denied::forbidden(
            "AccessDeniedException",
            format!(
                "User is not authorized to access this resource{}",
                if_explicit(*explicitly)
            ),
        ),
        Refusal::Failed(_) => Denied {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            kind: "AuthorizerConfigurationException",
            message: None,
        },
    }
}

/// SOURCE: AWS's articles about 403 on REST APIs: a deny that a statement spells out is told from the lack of any allow.
fn if_explicit(explicitly: bool) -> &'static str {
    if explicitly {
        " with an explicit deny"
    } else {
        ""
    }
}

/// The API key that the handshake brings, if it is good for this stage.
fn api_key(keyring: &Keyring, event: &Event, brought: Option<String>) -> Result<String, Denied> {
    let connection = &event.connection;
    let stage = format!("{}/{}", connection.api_id, connection.stage);
    match brought {
        Some(value) if keyring.has_api_key(&value, &stage) => Ok(value),
        brought => {
            tracing::warn!(
                stage,
                "the handshake is refused: it brings {}",
                match brought {
                    Some(_) => "an API key that is not in the gateway's settings for this stage",
                    None => "no API key",
                }
            );
            Err(Denied::forbidden("ForbiddenException", "Forbidden"))
        }
    }
}

/// Whether all request parameters that the route requires are there. GUESS: the answer, which is that of REST APIs.
fn require(route: &RoutePlan, handshake: &Handshake) -> Result<(), Denied> {
    let missing = |name: &String| match name.strip_prefix("route.request.") {
        Some(name) => match name.split_once('.') {
            Some(("header", name)) => handshake.header(name).next().is_none(),
            Some(("querystring", name)) => handshake.query_values(name).next().is_none(),
            _ => false,
        },
        None => false,
    };
    if route.required.iter().any(missing) {
        return Err(Denied {
            status: StatusCode::BAD_REQUEST,
            kind: "BadRequestException",
            message: Some("Missing required request parameters".to_owned()),
        });
    }
    Ok(())
}
