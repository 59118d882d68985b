//! The answers to refused handshakes.
//!
//! SOURCE: recorded on AWS, September 2026: their headers, the body with the ids of the connection and the request, and
//! the page of the load balancer.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use super::upgrade;
use crate::gateway::{
    data::{
        connection::frames,
        gateway_response::{Refusal, RefusalForm, ResponseType},
        ids,
        integration::integrate,
        message::event::Event,
    },
    outbound::BackendResponse,
    reply,
};

/// The text for a handshake that leads nowhere.
pub(super) const FORBIDDEN: &str = "Forbidden";

/// The text for a client that comes while the gateway stops.
const UNAVAILABLE: &str = "Service Unavailable";

/// The type of the body of every refused handshake.
///
/// SOURCE: recorded on AWS, September 2026: of one that a function refuses too, whose own type lacked the `charset`.
/// GUESS: whatever its type is.
const REFUSAL_TYPE: &str = "application/json; charset=UTF-8";

/// Headers by which other answers of AWS tell their error and their request. SOURCE: recorded on AWS, September 2026:
/// no refused handshake has them.
const OF_OTHER_ANSWERS: [&str; 2] = ["x-amzn-errortype", "x-amzn-requestid"];

/// The page of the load balancer for a request that it does not let through.
const BAD_REQUEST_PAGE: &str = "<html>\r\n<head><title>400 Bad Request</title></head>\r\n<body>\r\n\
     <center><h1>400 Bad Request</h1></center>\r\n</body>\r\n</html>\r\n";

/// A refused handshake, boxed because it is so much larger than what stands beside it.
pub(super) type RefusalResponse = Box<Response<Full<Bytes>>>;

/// Refuses a handshake that leads to a stage, and tells the access log as well.
pub(super) fn refuse(refusal: &Refusal, event: &Event) -> Response<Full<Bytes>> {
    let Refusal {
        status,
        response,
        message,
        form,
    } = refusal;
    event.refused(*status, *response, Some(message));
    let (api, stage) = (&event.connection.api_id, &event.connection.stage);
    tracing::info!(api, stage, %status, message, "a handshake is refused");
    let (connection_id, request_id) = (&event.connection.id, event.request_id());
    let body = match form {
        RefusalForm::Notice => frames::notice(message, connection_id, request_id),
        RefusalForm::Bare => bare(message),
    };
    refused(*status, body, request_id)
}

/// Refuses a handshake that came while the gateway stops, and tells the access log as well.
pub(super) fn unavailable(event: &Event) -> Response<Full<Bytes>> {
    let refusal = Refusal::new(ResponseType::Default5xx, UNAVAILABLE);
    let status = StatusCode::SERVICE_UNAVAILABLE;
    refuse(&refusal.with_status(status).bare(), event)
}

/// Refuses a handshake whose answer was lost because the gateway stops.
pub(super) fn cut_off() -> Response<Full<Bytes>> {
    turned_away(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
}

/// Refuses a handshake that no stage has heard of.
pub(crate) fn turned_away(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    tracing::info!(%status, message, "a handshake that no stage has heard of is refused");
    refused(status, bare(message), &ids::fresh())
}

/// Refuses a request that leads to no stage.
///
/// GUESS: what is no handshake is told the name of the error, as calls of `@connections` are.
pub(crate) fn led_nowhere(headers: &HeaderMap) -> Response<Full<Bytes>> {
    let status = StatusCode::FORBIDDEN;
    if upgrade::wanted(headers) {
        turned_away(status, FORBIDDEN)
    } else {
        reply::refusal(status, "ForbiddenException", FORBIDDEN)
    }
}

/// Hands on the refusal by the integration: its status and its body as they are.
///
/// SOURCE: recorded on AWS, September 2026. GUESS: that its other headers are handed on.
pub(super) fn relay(reply: BackendResponse, event: &Event) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = refused(status, reply.body, event.request_id());
    let of_refusal = std::mem::replace(response.headers_mut(), reply.headers);
    let headers = response.headers_mut();
    integrate::strip_hop_headers(headers);
    for name in OF_OTHER_ANSWERS {
        headers.remove(name);
    }
    headers.extend(of_refusal);
    response
}

fn bare(message: &str) -> String {
    serde_json::json!({ "message": message }).to_string()
}

fn refused(status: StatusCode, body: impl Into<Bytes>, request_id: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = HeaderValue::from_static(REFUSAL_TYPE);
    headers.insert(header::CONTENT_TYPE, json);
    if let Ok(id) = HeaderValue::try_from(request_id) {
        headers.insert("x-amz-apigw-id", id);
    }
    response
}

/// Refuses a handshake as the load balancer in front of AWS's gateways does.
///
/// SOURCE: recorded on AWS, September 2026: the status, `server` and that it is a page. GUESS: its text, which is that
/// of other load balancers of AWS.
pub(super) fn of_load_balancer() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(BAD_REQUEST_PAGE));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::SERVER, "awselb/2.0"),
        (header::CONTENT_TYPE, "text/html"),
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
