//! Invoke, as the gateway itself answers it: so that `aws lambda invoke` reaches the functions that run here.
//!
//! SOURCE: Lambda API reference, Invoke.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, request::Parts};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{FunctionName, Functions, Invocation, InvocationResponse, InvokeError, Mode};
use crate::gateway::{access::authorization, query, reply};

const PREFIX: &str = "/2015-03-31/functions/";
const SUFFIX: &str = "/invocations";

/// True for a path of Lambda's API.
pub(crate) fn is_invoke(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Answers a call of Lambda's API; nothing but Invoke is known. The body is none where it is too long.
pub(crate) async fn answer(
    functions: &Functions,
    head: &Parts,
    body: Option<Bytes>,
) -> Response<Full<Bytes>> {
    let query = head.uri.query().unwrap_or_default();
    if !authorization::is_signed(&head.headers, query) {
        return reply::not_signed();
    }
    let function = match find_function(head, query) {
        Ok(function) => function,
        Err(refused) => return *refused,
    };
    let mode = match asked(&head.headers) {
        Ok(Asked::Run(mode)) => mode,
        Ok(Asked::Nothing) => return dry_run(functions, &function),
        Err(message) => return error(StatusCode::BAD_REQUEST, "ValidationException", &message),
    };
    let Some(payload) = body else {
        return failed(&InvokeError::TooLarge);
    };
    let invocation = Invocation {
        function,
        payload,
        mode,
        trace_id: text(&head.headers, "x-amzn-trace-id").map(str::to_owned),
    };
    match functions.invoke(invocation).await {
        Ok(answer) => answered(mode, answer),
        Err(error) => failed(&error),
    }
}

/// Returns the function that a call is for, or the refusal of a call that is for none.
fn find_function(head: &Parts, query: &str) -> Result<FunctionName, Box<Response<Full<Bytes>>>> {
    let path = head.uri.path();
    let named = path
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX));
    let Some(named) = named.filter(|_| head.method == Method::POST) else {
        return Err(Box::new(error(
            StatusCode::NOT_FOUND,
            "UnknownOperationException",
            "The local gateway knows nothing of Lambda but Invoke",
        )));
    };
    function(named, query).ok_or_else(|| {
        Box::new(error(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValueException",
            "The name of the function is not one",
        ))
    })
}

/// The act that a call asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Run(Mode),
    Nothing,
}

/// Reads the act that the headers ask for, or the reason why they cannot.
fn asked(headers: &HeaderMap) -> Result<Asked, String> {
    // SOURCE: the usual words of AWS's services for a value that is none of an enumeration.
    let invalid = |value: &str, member: &str, all: &str| {
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
             Member must satisfy enum value set: [{all}]"
        )
    };
    let wants_log = match text(headers, "x-amz-log-type") {
        None | Some("None") => false,
        Some("Tail") => true,
        Some(other) => return Err(invalid(other, "logType", "None, Tail")),
    };
    match text(headers, "x-amz-invocation-type") {
        // SOURCE: API reference, `LogType`: applies to synchronously invoked functions only.
        Some("Event") => Ok(Asked::Run(Mode::Event)),
        Some("DryRun") => Ok(Asked::Nothing),
        None | Some("RequestResponse") if wants_log => Ok(Asked::Run(Mode::WaitForLog)),
        None | Some("RequestResponse") => Ok(Asked::Run(Mode::Wait)),
        Some(other) => Err(invalid(
            other,
            "invocationType",
            "RequestResponse, Event, DryRun",
        )),
    }
}

/// Says whether the function could be invoked, and does nothing.
fn dry_run(functions: &Functions, function: &FunctionName) -> Response<Full<Bytes>> {
    if functions.knows(function) {
        return reply::json(StatusCode::NO_CONTENT, Bytes::new());
    }
    failed(&InvokeError::NotFound {
        arn: function.arn(),
    })
}

/// Returns the response to an invocation, as its mode has it.
fn answered(mode: Mode, answer: InvocationResponse) -> Response<Full<Bytes>> {
    let status = match mode {
        Mode::Wait | Mode::WaitForLog => StatusCode::OK,
        Mode::Event => StatusCode::ACCEPTED,
    };
    let version = match mode {
        Mode::Wait | Mode::WaitForLog => {
            Some(answer.version.unwrap_or_else(|| "$LATEST".to_owned()))
        }
        Mode::Event => None,
    };
    let mut response = reply::json(status, answer.payload);
    for (name, value) in [
        // SOURCE: what a function knows as its request id is that of the invocation's response.
        ("x-amzn-requestid", answer.request_id),
        ("x-amz-executed-version", version),
        ("x-amz-function-error", answer.function_error),
        (
            "x-amz-log-result",
            answer.log.map(|log| STANDARD.encode(log)),
        ),
    ] {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Returns the function of a path segment and of `Qualifier` in the query.
fn function(segment: &str, query: &str) -> Option<FunctionName> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    let mut function = FunctionName::parse(&decoded)?;
    if let Some(qualifier) = query::value(query, "Qualifier") {
        let qualifier = percent_decode_str(qualifier).decode_utf8().ok()?;
        // Read once more as a whole, so that it is held to the form of qualifiers.
        let whole = format!("{}:{qualifier}", function.name);
        function.qualifier = FunctionName::parse(&whole)?.qualifier;
    }
    Some(function)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn failed(failure: &InvokeError) -> Response<Full<Bytes>> {
    let (status, kind) = match failure {
        InvokeError::NotFound { .. } => (404, "ResourceNotFoundException"),
        InvokeError::Throttled => (429, "TooManyRequestsException"),
        InvokeError::TooLarge => (413, "RequestTooLargeException"),
        InvokeError::EventTooLarge(_) => (413, "RequestEntityTooLargeException"),
        InvokeError::NotJson(_) => (400, "InvalidRequestContentException"),
        InvokeError::Refused { .. } | InvokeError::Unreachable(_) => (502, "ServiceException"),
        InvokeError::Stopped => (503, "ServiceUnavailableException"),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    error(status, kind, &failure.to_string())
}

/// SOURCE: Lambda API reference: the errors of Invoke have a `Type` and a `Message`, of which some are written small.
fn error(status: StatusCode, kind: &'static str, message: &str) -> Response<Full<Bytes>> {
    let blame = if status.is_server_error() {
        "Service"
    } else {
        "User"
    };
    let body = json!({ "Type": blame, "Message": message, "message": message });
    reply::error(status, kind, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(segment: &str, query: &str, key: Option<&str>) {
        let read = function(segment, query).map(|it| it.key());
        assert_eq!(read.as_deref(), key, "{segment}?{query}");
    }

    #[test]
    fn a_function_may_be_named_in_path_and_query() {
        check("chat", "", Some("chat"));
        check("chat%3Alive", "", Some("chat:live"));
        check("chat", "x=1&Qualifier=live", Some("chat:live"));
        check("chat", "Qualifier=%24LATEST", Some("chat:$LATEST"));
        check(
            "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Achat",
            "",
            Some("chat"),
        );
        check("chat", "Qualifier=live&Qualifier=next", Some("chat:live"));
        check("chat", "Qualifier&qualifier=live&x", Some("chat"));
        check("chat", "Qualifier=", None);
        check("chat", "Qualifier=a+b", None);
        check("chat", "Qualifier=%ff", None);
        check("chat", "Qualifier=a:b", None);
        check("%ff", "", None);
        check("a/b", "", None);
    }
}
